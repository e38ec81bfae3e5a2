"""Which users are an identity's: found, made, given, taken away, and deleted with it."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from doorward.doors.registry import Doors
from doorward.store import client_sessions
from doorward.store.client_sessions import Wanted
from doorward.store.personal import Personal
from tests.api.conftest import Caller, Server, hear
from tests.api.test_user_identities import ADA, CREATE, create, get, journal_length, unmanaged
from tests.api.town import System, Town

ADD, REMOVE = "/user_identities/add_acs_user", "/user_identities/remove_acs_user"
DELETE = "/user_identities/delete"
VALUES = {"full_name": ADA.full_name, "email_address": ADA.email_address}
EVER = "2000-01-01T00:00:00Z"


async def event_types(api: Caller, **about: Any) -> list[str]:
    body = await api("/events/list", since=EVER, **about)
    return [event["event_type"] for event in body["events"]]


async def owner(api: Caller, user: object) -> str | None:
    shown = (await api("/acs/users/get", acs_user_id=user))["acs_user"]
    identity: str | None = shown.get("user_identity_id")
    return identity


async def test_a_new_identity_is_known_in_systems(api: Caller, town: Town, north: System) -> None:
    """In each as whoever has its e-mail address or phone number, else as somebody new."""
    south, west = await town.system("South"), await town.system("West")
    by_email = await town.user(north, Personal("A. L.", "ADA@example.com"))
    by_phone = await town.user(south, Personal("Ada", None, ADA.phone_number))
    before = await journal_length(town)
    systems = [south.acs_system_id, north.acs_system_id, west.acs_system_id, south.acs_system_id]
    made = await create(api, **VALUES, phone_number=ADA.phone_number, acs_system_ids=systems)
    first, second, new = made["acs_user_ids"]
    assert [first, second] == [str(by_email), str(by_phone)]
    user = (await api("/acs/users/get", acs_user_id=new))["acs_user"]
    assert user["acs_system_id"] == str(west.acs_system_id)
    assert {name: user[name] for name in VALUES} == VALUES
    assert await event_types(api, acs_user_id=new) == ["acs_user.created"]
    # Only the new one is a change of policy.
    assert await journal_length(town) == before + 1


async def test_a_new_identity_in_a_system_that_is_not_there(
    api: Caller, town: Town, north: System
) -> None:
    elsewhere = Town(town.database, town.keyring)
    for unknown in (uuid4(), (await elsewhere.found()).acs_system_id):
        asked = VALUES | {"acs_system_ids": [north.acs_system_id, unknown]}
        assert await api.error(CREATE, **asked) == (404, "acs_system_not_found")
    assert (await api("/user_identities/list"))["user_identities"] == []
    assert (await api("/acs/users/list"))["acs_users"] == []


@pytest.mark.parametrize("verb", ["PUT", "POST"])
@pytest.mark.parametrize("by", ["user_identity_id", "user_identity_key"])
async def test_giving_an_identity_a_user(
    api: Caller, town: Town, north: System, verb: str, by: str
) -> None:
    made = await create(api, user_identity_key="ada")
    user, before = await town.user(north, Personal("Ada")), await journal_length(town)
    for _ in range(2):
        assert await api(ADD, verb, acs_user_id=user, **{by: made[by]}) == {}
    assert await owner(api, user) == made["user_identity_id"]
    # Who may open what is as it was.
    assert await journal_length(town) == before
    assert await event_types(api) == []


async def test_an_unknown_key_makes_an_identity_of_a_user(
    api: Caller, town: Town, north: System
) -> None:
    user = await town.user(north, ADA)
    for _ in range(2):
        assert await api(ADD, "PUT", acs_user_id=user, user_identity_key="ada") == {}
    identity = (await api("/user_identities/get", user_identity_key="ada"))["user_identity"]
    assert {name: identity[name] for name in VALUES} == VALUES
    assert identity["phone_number"] == ADA.phone_number
    assert identity["acs_user_ids"] == [str(user)]
    assert len((await api("/user_identities/list"))["user_identities"]) == 1


async def test_an_identity_of_a_user_whose_address_is_anothers(
    api: Caller, town: Town, north: System
) -> None:
    await create(api, **VALUES)
    user = await town.user(north, ADA)
    asked = {"acs_user_id": user, "user_identity_key": "ada"}
    assert await api.error(ADD, "PUT", **asked) == (409, "duplicate_email_address")
    assert await owner(api, user) is None


async def test_who_cannot_be_given(api: Caller, town: Town, north: System) -> None:
    ada, bob = await town.identity(ADA), await town.identity(Personal("Bob"))
    user = await town.user(north, ADA, identity=ada)
    free, foreign = [await town.user(north, Personal("Free")) for _ in range(2)]
    await town.database.execute(
        "update acs_user set is_managed = false where acs_user_id = $1", foreign
    )
    for user_id, identity, refusal in (
        (user, bob, (400, "invalid_input")),  # somebody else's
        (free, ada, (400, "invalid_input")),  # has one in this system
        (uuid4(), ada, (404, "acs_user_not_found")),
        (foreign, bob, (404, "acs_user_not_found")),
        (free, uuid4(), (404, "user_identity_not_found")),
        (free, await unmanaged(town, Personal("Cleo")), (404, "user_identity_not_found")),
    ):
        asked = {"acs_user_id": user_id, "user_identity_id": identity}
        assert await api.error(ADD, "PUT", **asked) == refusal
    assert await api.error(ADD, "PUT", acs_user_id=free) == (400, "invalid_input")
    empty = {"acs_user_id": free, "user_identity_key": ""}
    assert await api.error(ADD, "PUT", **empty) == (400, "invalid_input")
    assert (await owner(api, user), await owner(api, free)) == (str(ada), None)


@pytest.mark.parametrize("verb", ["DELETE", "POST"])
async def test_taking_a_user_from_an_identity(
    api: Caller, town: Town, north: System, verb: str
) -> None:
    ada, bob = await town.identity(ADA), await town.identity(Personal("Bob"))
    door = await town.entrance(north, "Door")
    user = await town.user(north, ADA, identity=ada)
    await town.credential(north, user, "1-2", door)
    before = await journal_length(town)
    # Not bob's, so that nothing changes.
    assert await api(REMOVE, verb, acs_user_id=user, user_identity_id=bob) == {}
    assert await owner(api, user) == str(ada)
    for _ in range(2):
        assert await api(REMOVE, verb, acs_user_id=user, user_identity_id=ada) == {}
    assert await owner(api, user) is None
    assert (await get(api, ada))["acs_user_ids"] == []
    assert await api.names("/acs/users/list_accessible_entrances", acs_user_id=user) == ["Door"]
    assert await journal_length(town) == before
    for user_id, identity, kind in (
        (uuid4(), ada, "acs_user_not_found"),
        (user, uuid4(), "user_identity_not_found"),
    ):
        asked = {"acs_user_id": user_id, "user_identity_id": identity}
        assert await api.error(REMOVE, verb, **asked) == (404, kind)


async def test_a_user_that_another_system_manages_is_left_alone(
    api: Caller, town: Town, north: System
) -> None:
    """It is neither linked, nor is somebody else made beside it, nor deleted with its identity."""
    lookalike = await town.user(north, ADA)
    ada = await town.identity(Personal("Ada"))
    theirs = await town.user(await town.system("South"), Personal("Ada"), identity=ada)
    for each in (lookalike, theirs):
        await town.database.execute(
            "update acs_user set is_managed = false where acs_user_id = $1", each
        )
    made = await create(api, **VALUES, acs_system_ids=[north.acs_system_id])
    assert made["acs_user_ids"] != [str(lookalike)]
    south = await town.database.fetchval(
        "select acs_system_id from acs_user where acs_user_id = $1", theirs
    )
    group = await town.group(System(acs_system_id=south), "Group")
    refusal = await api.error(
        "/acs/access_groups/add_user", acs_access_group_id=group, user_identity_id=ada
    )
    assert refusal[0] in {400, 404}
    await api(DELETE, user_identity_id=ada)
    row = await town.database.fetchrow("select * from acs_user where acs_user_id = $1", theirs)
    assert row is not None
    assert row["user_identity_id"] is None


@pytest.mark.parametrize("verb", ["DELETE", "POST"])
async def test_deleting_an_identity(
    api: Caller, server: Server, town: Town, north: System, doors: Doors, verb: str
) -> None:
    """Everything that was the person's goes with it, each with its event, and no door opens."""
    south = await town.system("South")
    door, entry = await town.entrance(north, "Door"), await town.entrance(south, "Entry")
    ada, bob = await town.identity(ADA), await town.identity(Personal("Bob"))
    user = await town.user(north, ADA, identity=ada)
    other = await town.user(south, ADA, identity=ada)
    card = await town.credential(north, user, "1-2", door)
    await town.credential(south, other, "1-3", is_issued=False)
    await town.join(await town.group(south, "Group", entry), other)
    bystander = await town.user(north, Personal("Bob"), identity=bob)
    await town.credential(north, bystander, "1-4", door)
    async with town.database.acquire() as connection:
        where = (connection, town.keyring, town.workspace_id)
        session = await client_sessions.create(*where, Wanted(user_identity_id=ada))
        await client_sessions.create(*where, Wanted(user_identity_id=bob))
    own = await server.caller(town.workspace_id, session.token)
    assert (await own.answer("/user_identities/list")).status_code == 200
    await hear(doors, town)
    assert (await doors.present(town.workspace_id, door, card_number="1-2")).outcome == "allow"

    assert await api(DELETE, verb, user_identity_id=ada) == {}

    assert (await own.answer("/user_identities/list")).status_code == 401
    decision = await doors.present(town.workspace_id, door, card_number="1-2")
    assert decision.reason == "deny_unknown_credential"
    assert (await doors.present(town.workspace_id, door, card_number="1-4")).outcome == "allow"
    told = [each for each in await event_types(api) if each.endswith(("deleted", "invalidated"))]
    assert sorted(told) == [
        "acs_credential.deleted",
        "acs_credential.deleted",
        "acs_credential.invalidated",
        "acs_user.deleted",
        "acs_user.deleted",
        "client_session.deleted",
    ]
    assert "acs_credential.invalidated" in await event_types(api, acs_credential_id=card)
    assert await api.names("/user_identities/list") == ["Bob"]
    assert await api.names("/acs/users/list") == ["Bob"]
    assert len((await api("/client_sessions/list"))["client_sessions"]) == 1
    left = await town.database.fetchval(
        "select count(*) from personal where workspace_id = $1", town.workspace_id
    )
    assert left == 2
    refusal = await api.error(DELETE, verb, user_identity_id=ada)
    assert refusal == (404, "user_identity_not_found")


async def test_what_was_deleted_with_an_identity_stays_deleted(
    api: Caller, town: Town, north: System
) -> None:
    """Whoever is made with the same values afterwards is somebody new, who may open nothing."""
    door = await town.entrance(north, "Door")
    ada = await town.identity(ADA)
    user = await town.user(north, ADA, identity=ada)
    await town.join(await town.group(north, "Group", door), user)
    await api(DELETE, user_identity_id=ada)
    values = VALUES | {"phone_number": ADA.phone_number}
    made = await create(api, **values, acs_system_ids=[north.acs_system_id])
    assert made["user_identity_id"] != str(ada)
    assert made["acs_user_ids"] != [str(user)]
    assert (
        await api.names(
            "/user_identities/list_accessible_entrances",
            user_identity_id=UUID(made["user_identity_id"]),
        )
        == []
    )


async def test_times_are_the_workspaces(
    api: Caller, server: Server, town: Town, clock: Any
) -> None:
    now = server.services.clock.now(town.workspace_id)
    clock.advance(town.workspace_id, timedelta(days=400))
    made = await create(api)
    assert made["created_at"] > (now + timedelta(days=399)).isoformat()
