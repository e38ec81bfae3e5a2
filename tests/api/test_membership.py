"""Putting people into groups and taking them out, in both spellings, by user and by identity."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from doorward.store.personal import Personal
from tests.api.conftest import Caller, Server
from tests.api.town import System, Town

ADA = Personal("Ada", "ada@example.com", "+491701234567")
ADDING = [("/acs/users/add_to_access_group", "PUT"), ("/acs/access_groups/add_user", "POST")]
REMOVING = [
    ("/acs/users/remove_from_access_group", "DELETE"),
    ("/acs/users/remove_from_access_group", "POST"),
    ("/acs/access_groups/remove_user", "DELETE"),
]


async def members(api: Caller, group: UUID) -> list[str]:
    body = await api("/acs/access_groups/list_users", acs_access_group_id=group)
    return [user["acs_user_id"] for user in body["acs_users"]]


async def journal(town: Town) -> list[dict[str, Any]]:
    rows = await town.database.fetch(
        "select * from policy_journal where workspace_id = $1 order by revision",
        town.workspace_id,
    )
    return [dict(row) for row in rows]


@pytest.mark.parametrize(("path", "verb"), ADDING)
async def test_adding(api: Caller, town: Town, north: System, path: str, verb: str) -> None:
    group, user = await town.group(north, "Staff"), await town.user(north, ADA)
    before = len(await journal(town))
    for _ in range(2):
        assert await api(path, verb, acs_access_group_id=group, acs_user_id=user) == {}
    assert await members(api, group) == [str(user)]
    entry, *more = (await journal(town))[before:]
    assert not more
    assert entry["actor"].startswith("api_key:")
    assert (entry["kind"], entry["key_a"], entry["key_b"]) == ("membership", group, user)


@pytest.mark.parametrize(("path", "verb"), REMOVING)
@pytest.mark.parametrize("by", ["acs_user_id", "user_identity_id"])
async def test_removing(
    api: Caller, town: Town, north: System, path: str, verb: str, by: str
) -> None:
    group, identity = await town.group(north, "Staff"), await town.identity(ADA)
    user = await town.user(north, ADA, identity=identity)
    other = await town.user(north, Personal("Bob"))
    await town.join(group, user)
    await town.join(group, other)
    before = len(await journal(town))
    name = {by: user if by == "acs_user_id" else identity}
    for _ in range(2):
        assert await api(path, verb, acs_access_group_id=group, **name) == {}
    assert await members(api, group) == [str(other)]
    assert len(await journal(town)) == before + 1


async def test_removing_keeps_a_suspension(api: Caller, town: Town, north: System) -> None:
    group = await town.group(north, "Staff")
    user = await town.user(north, ADA, is_suspended=True)
    await town.join(group, user)
    await api("/acs/users/remove_from_access_group", acs_access_group_id=group, acs_user_id=user)
    assert (await api("/acs/users/get", acs_user_id=user))["acs_user"]["is_suspended"] is True


async def test_removing_an_identity_without_a_user_there(
    api: Caller, town: Town, north: System
) -> None:
    group, identity = await town.group(north, "Staff"), await town.identity(ADA)
    await town.user(north, ADA)
    before = await journal(town)
    for path, verb in REMOVING:
        parameters = {"acs_access_group_id": group, "user_identity_id": identity}
        assert await api(path, verb, **parameters) == {}
    assert await journal(town) == before
    assert len((await api("/acs/users/list"))["acs_users"]) == 1
    assert (await api("/acs/users/list", user_identity_id=identity))["acs_users"] == []


@pytest.mark.parametrize(("path", "verb"), [*ADDING, *REMOVING])
async def test_who_or_what_is_not_there(
    api: Caller, town: Town, north: System, path: str, verb: str
) -> None:
    other = Town(town.database, town.keyring)
    there = await other.found()
    their_group, their_user = await other.group(there, "G"), await other.user(there, ADA)
    group, user = await town.group(north, "Staff"), await town.user(north, ADA)
    for group_id, user_id, kind in (
        (uuid4(), user, "acs_access_group_not_found"),
        (group, uuid4(), "acs_user_not_found"),
        (uuid4(), uuid4(), "acs_user_not_found"),
        (their_group, their_user, "acs_user_not_found"),
        (their_group, user, "acs_access_group_not_found"),
        (group, their_user, "acs_user_not_found"),
    ):
        key = {"acs_access_group_id": group_id, "acs_user_id": user_id}
        assert await api.error(path, verb, **key) == (404, kind)


@pytest.mark.parametrize(("path", "verb"), [ADDING[1], *REMOVING])
async def test_an_identity_that_is_not_there(
    api: Caller, town: Town, north: System, path: str, verb: str
) -> None:
    group, identity = await town.group(north, "Staff"), await town.identity(ADA)
    for group_id, identity_id, kind in (
        (group, uuid4(), "user_identity_not_found"),
        (uuid4(), uuid4(), "user_identity_not_found"),
        (uuid4(), identity, "acs_access_group_not_found"),
    ):
        key = {"acs_access_group_id": group_id, "user_identity_id": identity_id}
        assert await api.error(path, verb, **key) == (404, kind)
    assert (await api("/acs/users/list"))["acs_users"] == []


@pytest.mark.parametrize(("path", "verb"), [*ADDING, *REMOVING])
async def test_different_systems(
    api: Caller, town: Town, north: System, path: str, verb: str
) -> None:
    south = await town.system("South")
    group, user = await town.group(south, "Staff"), await town.user(north, ADA)
    key = {"acs_access_group_id": group, "acs_user_id": user}
    assert await api.error(path, verb, **key) == (400, "invalid_input")


@pytest.mark.parametrize(("path", "verb"), [ADDING[1], *REMOVING])
async def test_both_or_neither(
    api: Caller, town: Town, north: System, path: str, verb: str
) -> None:
    group, identity = await town.group(north, "Staff"), await town.identity(ADA)
    user = await town.user(north, ADA, identity=identity)
    for names in ({}, {"acs_user_id": user, "user_identity_id": identity}):
        answer = await api.answer(path, verb, acs_access_group_id=group, **names)
        error = answer.json()["error"]
        assert (answer.status_code, error["type"]) == (400, "invalid_input")
        assert error["validation_errors"]["_errors"] == [error["message"]]
        assert "acs_user_id" in error["message"]
        assert "user_identity_id" in error["message"]


async def join(api: Caller, group: UUID, identity: UUID) -> None:
    key = {"acs_access_group_id": group, "user_identity_id": identity}
    assert await api("/acs/access_groups/add_user", "PUT", **key) == {}


async def test_an_identity_gets_a_user(api: Caller, town: Town, north: System) -> None:
    group, identity = await town.group(north, "Staff"), await town.identity(ADA)
    await town.user(north, Personal("Bob", "bob@example.com"))
    before = len(await journal(town))
    for _ in range(2):
        await join(api, group, identity)
    [user] = (await api("/acs/access_groups/list_users", acs_access_group_id=group))["acs_users"]
    assert user["user_identity_id"] == str(identity)
    assert (user["full_name"], user["email_address"]) == ("Ada", "ada@example.com")
    made, joined = (await journal(town))[before:]
    assert (made["kind"], str(made["key_a"])) == ("user", user["acs_user_id"])
    assert made["personal_hash"]
    assert joined["kind"] == "membership"
    since = (town.now - timedelta(days=1)).isoformat()
    [event] = (await api("/events/list", since=since, event_type="acs_user.created"))["events"]
    assert event["acs_user_id"] == user["acs_user_id"]
    assert event["connected_account_id"] == str(north.connected_account_id)
    assert [*map(str, await _found(api, "ada"))] == [user["acs_user_id"]]


async def _found(api: Caller, term: str) -> list[str]:
    body = await api("/acs/users/list", search=term)
    return [user["acs_user_id"] for user in body["acs_users"]]


async def test_an_identity_with_a_user_there_keeps_it(
    api: Caller, town: Town, north: System
) -> None:
    group, identity = await town.group(north, "Staff"), await town.identity(ADA)
    user = await town.user(north, Personal("A."), identity=identity)
    await town.user(north, ADA)
    await join(api, group, identity)
    assert await members(api, group) == [str(user)]


# Who of a system is the identity ADA: people, each with whether somebody has them already, and
# the one who is linked; None: a new one is made.
LINKS: dict[str, tuple[list[tuple[Personal, bool]], int | None]] = {
    "same e-mail": ([(Personal("x", "ADA@example.com"), False)], 0),
    "same e-mail, other phone": ([(Personal("x", "ada@example.com", "+1"), False)], 0),
    "same phone": ([(Personal("x", None, "+491701234567"), False)], 0),
    "shared phone": ([(Personal("x", "x@example.com", "+491701234567"), False)], None),
    "e-mail before phone": (
        [
            (Personal("x", None, "+491701234567"), False),
            (Personal("y", "ada@example.com", "+1"), False),
        ],
        1,
    ),
    "two with the e-mail": (
        [
            (Personal("x", "ada@example.com"), False),
            (Personal("y", "ada@example.com", "+491701234567"), False),
        ],
        None,
    ),
    "two with the phone": (
        [
            (Personal("x", None, "+491701234567"), False),
            (Personal("y", None, "+491701234567"), False),
        ],
        None,
    ),
    "somebody else's": ([(ADA, True)], None),
    "e-mail is somebody else's, phone is nobody's": (
        [(ADA, True), (Personal("x", None, "+491701234567"), False)],
        1,
    ),
    "nobody like that": ([(Personal("Ada", None, None), False)], None),
}


@pytest.mark.parametrize("case", LINKS)
async def test_linking(api: Caller, town: Town, north: System, case: str) -> None:
    people, expected = LINKS[case]
    south = await town.system("South")
    elsewhere = await town.user(south, ADA)
    users = [
        await town.user(
            north, each, identity=await town.identity(Personal("else")) if is_taken else None
        )
        for each, is_taken in people
    ]
    group, identity = await town.group(north, "Staff"), await town.identity(ADA)
    await join(api, group, identity)
    [member] = await members(api, group)
    if expected is None:
        assert member not in {str(user) for user in [*users, elsewhere]}
    else:
        assert member == str(users[expected])
    shown = (await api("/acs/users/get", acs_user_id=member))["acs_user"]
    assert shown["user_identity_id"] == str(identity)


async def test_an_identity_without_contact_links_nobody(
    api: Caller, town: Town, north: System
) -> None:
    user = await town.user(north, Personal("Ada"))
    group, identity = await town.group(north, "Staff"), await town.identity(Personal("Ada"))
    await join(api, group, identity)
    assert await members(api, group) != [str(user)]


async def test_adding_one_identity_many_times_at_once(
    api: Caller, town: Town, north: System
) -> None:
    groups = [await town.group(north, name) for name in "abcd"]
    identity = await town.identity(ADA)
    await asyncio.gather(*(join(api, group, identity) for group in groups * 3))
    assert len((await api("/acs/users/list"))["acs_users"]) == 1
    assert len({(await members(api, group))[0] for group in groups}) == 1


async def test_a_change_of_another_workspace_is_not_heard_here(server: Server, town: Town) -> None:
    other = Town(town.database, town.keyring)
    there = await other.found()
    group, user = await other.group(there, "G"), await other.user(there, ADA)
    they = await server.caller(other.workspace_id)
    before = await town.database.fetchval(
        "select revision from policy_revision where workspace_id = $1", town.workspace_id
    )
    await they("/acs/access_groups/add_user", acs_access_group_id=group, acs_user_id=user)
    assert before == await town.database.fetchval(
        "select revision from policy_revision where workspace_id = $1", town.workspace_id
    )
