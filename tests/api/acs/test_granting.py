"""/acs/entrances/grant_access: one entrance for one person."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from doorward.doors.registry import Doors
from doorward.store.personal import Personal
from tests.api.acs.test_users_changing import happened, journal
from tests.api.conftest import Caller, hear
from tests.api.town import System, Town

ADA = Personal("Ada", "ada@example.com", "+491701234567")
PATH = "/acs/entrances/grant_access"


async def opens(api: Caller, user: UUID) -> list[str]:
    """What a person can open now."""
    return await api.names("/acs/users/list_accessible_entrances", acs_user_id=user)


async def test_granting(api: Caller, town: Town, north: System, doors: Doors) -> None:
    door, other = await town.entrance(north, "Door"), await town.entrance(north, "Other")
    user, friend = await town.user(north, ADA), await town.user(north, Personal("Bob"))
    card = await town.credential(north, user, "42-10001")
    await town.credential(north, friend, "42-10002")
    await hear(doors, town)
    before = len(await journal(town))
    for _ in range(2):
        assert await api(PATH, acs_entrance_id=door, acs_user_id=user) == {}
    assert (await journal(town))[before:] == [("grant", user, True)]
    assert await opens(api, user) == ["Door"]
    assert await opens(api, friend) == []
    assert await api.names("/acs/entrances/list", acs_credential_id=card) == ["Door"]
    for entrance, number, outcome in (
        (door, "42-10001", "allow"),
        (other, "42-10001", "deny"),
        (door, "42-10002", "deny"),
    ):
        read = {"acs_entrance_id": entrance, "card_number": number}
        assert (await api("/doorward/doors/present", **read))["decision"]["outcome"] == outcome


async def test_a_grant_settles(api: Caller, town: Town, north: System, doors: Doors) -> None:
    door, user = await town.entrance(north, "Door"), await town.user(north, ADA)
    await hear(doors, town)
    await api(PATH, acs_entrance_id=door, acs_user_id=user)
    await api("/acs/users/revoke_access_to_all_entrances", acs_user_id=user)
    await hear(doors, town)
    await api(PATH, acs_entrance_id=door, acs_user_id=user)
    assert await opens(api, user) == ["Door"]


@pytest.mark.parametrize(
    ("is_there", "events"), [(True, []), (False, ["acs_user.created"])], ids=["linked", "made"]
)
async def test_an_identity(
    api: Caller, town: Town, north: System, is_there: bool, events: list[str]
) -> None:
    door, identity = await town.entrance(north, "Door"), await town.identity(ADA)
    user = await town.user(north, ADA) if is_there else None
    for _ in range(2):
        await api(PATH, acs_entrance_id=door, user_identity_id=identity)
    (found,) = (await api("/acs/users/list", user_identity_id=identity))["acs_users"]
    assert user is None or found["acs_user_id"] == str(user)
    assert await opens(api, UUID(found["acs_user_id"])) == ["Door"]
    assert [each["event_type"] for each in await happened(api)] == events


async def test_who_or_what_is_not_there(api: Caller, town: Town, north: System) -> None:
    south = await town.system("South")
    door, theirs = await town.entrance(north, "Door"), await town.entrance(south, "Theirs")
    user, identity = await town.user(north, ADA), await town.identity(Personal("Bob"))
    unmanaged = await town.user(north, ADA)
    await town.database.execute(
        "update acs_user set is_managed = false where acs_user_id = $1", unmanaged
    )
    before = await journal(town)
    cases: list[tuple[dict[str, Any], tuple[int, str]]] = [
        ({"acs_user_id": uuid4()}, (404, "acs_user_not_found")),
        ({"acs_user_id": unmanaged}, (404, "acs_user_not_found")),
        ({"user_identity_id": uuid4()}, (404, "user_identity_not_found")),
        ({"acs_user_id": user, "acs_entrance_id": uuid4()}, (404, "acs_entrance_not_found")),
        (
            {"user_identity_id": identity, "acs_entrance_id": uuid4()},
            (404, "acs_entrance_not_found"),
        ),
        ({"acs_user_id": user, "acs_entrance_id": theirs}, (400, "invalid_input")),
        ({"acs_user_id": user, "user_identity_id": identity}, (400, "invalid_input")),
        ({}, (400, "invalid_input")),
    ]
    for given, error in cases:
        assert await api.error(PATH, **({"acs_entrance_id": door} | given)) == error, given
    assert await journal(town) == before
    assert (await api("/acs/users/list", user_identity_id=identity))["acs_users"] == []


async def test_equal_codes_never_meet(api: Caller, town: Town, north: System) -> None:
    door, other = await town.entrance(north, "Door"), await town.entrance(north, "Other")
    user, friend = await town.user(north, ADA), await town.user(north, Personal("Bob"))
    for each in (user, friend):
        await town.credential(north, each, "4711")
    await api(PATH, acs_entrance_id=door, acs_user_id=user)
    await api(PATH, acs_entrance_id=other, acs_user_id=friend)
    before = await journal(town)
    error = await api.error(PATH, acs_entrance_id=door, acs_user_id=friend)
    assert error == (409, "duplicate_access_code")
    assert await journal(town) == before
    assert await opens(api, friend) == ["Other"]


async def test_who_is_suspended_or_out_of_time_opens_nothing(
    api: Caller, town: Town, north: System
) -> None:
    door = await town.entrance(north, "Door")
    closed = await town.entrance(north, "Closed", is_enabled=False)
    over = (None, town.now)
    for user, expected in (
        (await town.user(north, ADA), ["Door"]),
        (await town.user(north, ADA, is_suspended=True), []),
        (await town.user(north, ADA, span=over), []),
    ):
        for entrance in (door, closed):
            await api(PATH, acs_entrance_id=entrance, acs_user_id=user)
        assert await opens(api, user) == expected
