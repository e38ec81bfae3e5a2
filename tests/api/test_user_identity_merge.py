"""/user_identities/merge: one person's identities become one, and keep all their names."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from doorward.api.table import ROUTES
from doorward.events import catalogue
from doorward.events.catalogue import Occasion
from doorward.store import client_sessions
from doorward.store.client_sessions import Wanted
from doorward.store.events import insert_events
from doorward.store.personal import Personal
from tests.api.conftest import Caller, Server
from tests.api.test_user_identities import ADA, create, get, journal_length, unmanaged
from tests.api.town import System, Town

MERGE = "/user_identities/merge"


async def merge(api: Caller, primary: object, *others: object) -> None:
    asked = {"user_identity_id": primary, "merged_user_identity_ids": [*others]}
    assert await api(MERGE, **asked) == {}


async def everything(town: Town) -> list[list[tuple[Any, ...]]]:
    """Every row that a merge may touch."""
    tables = ("user_identity", "merged_user_identity", "personal", "acs_user", "client_session")
    return [
        sorted(
            map(
                tuple,
                await town.database.fetch(
                    f"select t::text from {table} t where workspace_id = $1", town.workspace_id
                ),
            )
        )
        for table in tables
    ]


async def test_merging(api: Caller, town: Town, north: System) -> None:
    south = await town.system("South")
    ada, countess = await town.identity(Personal("Ada")), await town.identity(ADA)
    users = [
        await town.user(system, Personal("Ada"), identity=identity)
        for system, identity in ((north, ada), (south, countess))
    ]
    before = await journal_length(town)
    await merge(api, ada, countess)
    merged = await get(api, ada)
    assert merged["acs_user_ids"] == [str(user) for user in users]
    assert merged["merged_user_identity_ids"] == [str(countess)]
    assert merged["merged_user_identity_keys"] == []
    # What it had it keeps, what it lacked it takes.
    assert (merged["full_name"], merged["email_address"], merged["phone_number"]) == (
        "Ada",
        ADA.email_address,
        ADA.phone_number,
    )
    assert await get(api, countess) == merged
    assert await api.names("/user_identities/list") == ["Ada"]
    assert await api.names("/user_identities/list", search="Lovelace") == []
    assert await api.names("/user_identities/list", search="ada@example") == ["Ada"]
    assert await journal_length(town) == before


async def test_merging_by_keys(api: Caller) -> None:
    for key in ("one", "two", "three"):
        await create(api, user_identity_key=key, full_name=key)
    asked = {"user_identity_key": "one", "merged_user_identity_keys": ["two", "three", "two"]}
    await api(MERGE, **asked)
    by_keys = [
        (await api("/user_identities/get", user_identity_key=key))["user_identity"]
        for key in ("one", "two", "three")
    ]
    assert by_keys[0] == by_keys[1] == by_keys[2]
    assert sorted(by_keys[0]["merged_user_identity_keys"]) == ["three", "two"]
    assert by_keys[0]["user_identity_key"] == "one"
    # Nobody else gets a key that names somebody.
    for key in ("one", "two"):
        refusal = await api.error("/user_identities/create", user_identity_key=key)
        assert refusal == (409, "duplicate_user_identity_key")
    one = by_keys[0]["user_identity_id"]
    await api("/user_identities/update", user_identity_id=one, user_identity_key="two")
    assert (await get(api, one))["user_identity_key"] == "two"


async def test_values_are_taken_in_the_order_of_the_identities(api: Caller, town: Town) -> None:
    primary = await town.identity(Personal("P", phone_number="+4915551111"))
    first = await town.identity(Personal("A", "first@example.com"))
    second = await town.identity(Personal("B", "second@example.com", "+4915552222"))
    await merge(api, primary, first, second)
    merged = await get(api, primary)
    assert merged["email_address"] == "first@example.com"
    assert merged["phone_number"] == "+4915551111"
    # The others' are free again.
    assert (await create(api, email_address="second@example.com"))["user_identity_id"]


async def test_a_second_time_changes_nothing(api: Caller, town: Town, north: System) -> None:
    ada, other = await town.identity(Personal("Ada")), await town.identity(ADA)
    await town.user(north, ADA, identity=other)
    await merge(api, ada, other)
    before = await everything(town)
    await merge(api, ada, other)
    await merge(api, other, ada)
    await merge(api, ada, other, other, ada)
    assert await everything(town) == before


async def test_merged_in_turn(api: Caller) -> None:
    """Every name ever had leads to the one who is left."""
    made = [await create(api, user_identity_key=key) for key in ("a", "b", "c", "d")]
    a, b, c, d = [each["user_identity_id"] for each in made]
    await merge(api, b, a)
    # By a's old name it is b that is merged, and c takes it in.
    await merge(api, c, a)
    await merge(api, d, c)
    left = await get(api, d)
    for name in (a, b, c):
        assert await get(api, name) == left
    for key in ("a", "b", "c", "d"):
        assert (await api("/user_identities/get", user_identity_key=key))["user_identity"] == left
    assert left["merged_user_identity_ids"] == [a, b, c]
    assert left["merged_user_identity_keys"] == ["a", "b", "c"]
    await api("/user_identities/delete", user_identity_id=b)
    for name in (a, b, c, d):
        refusal = await api.error("/user_identities/get", user_identity_id=name)
        assert refusal == (404, "user_identity_not_found")
    assert (await create(api, user_identity_key="a"))["user_identity_id"] != a


async def test_two_users_in_one_system_are_not_one_person(
    api: Caller, town: Town, north: System
) -> None:
    south = await town.system("South")
    primary, *others = [await town.identity(Personal(name)) for name in ("A", "B", "C")]
    for system, identity in ((north, others[0]), (north, others[1]), (south, primary)):
        await town.user(system, Personal("User"), identity=identity)
    before = await everything(town)
    answer = await api.answer(
        MERGE, user_identity_id=primary, merged_user_identity_ids=list(others)
    )
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_input")
    assert "North" in answer.json()["error"]["message"]
    assert "South" not in answer.json()["error"]["message"]
    assert await everything(town) == before


async def test_whom_nobody_can_merge(api: Caller, town: Town) -> None:
    ada, theirs = await town.identity(ADA), await unmanaged(town, Personal("Theirs"))
    for primary, other in ((ada, uuid4()), (uuid4(), ada), (ada, theirs), (theirs, ada)):
        asked = {"user_identity_id": primary, "merged_user_identity_ids": [other]}
        assert await api.error(MERGE, **asked) == (404, "user_identity_not_found")
    await create(api, user_identity_key="key")
    for key, other_key in (("key", "nobody"), ("nobody", "key")):
        by_key = {"user_identity_key": key, "merged_user_identity_keys": [other_key]}
        assert await api.error(MERGE, **by_key) == (404, "user_identity_not_found")


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"user_identity_id": str(uuid4())},
        {"merged_user_identity_ids": [str(uuid4())]},
        {"user_identity_id": str(uuid4()), "merged_user_identity_ids": []},
        {"user_identity_id": str(uuid4()), "merged_user_identity_keys": ["a"]},
        {"user_identity_key": "a", "merged_user_identity_ids": [str(uuid4())]},
        {
            "user_identity_id": str(uuid4()),
            "merged_user_identity_ids": [str(uuid4())],
            "merged_user_identity_keys": ["a"],
        },
    ],
)
async def test_names_that_contradict_each_other(api: Caller, asked: dict[str, Any]) -> None:
    assert await api.error(MERGE, **asked) == (400, "invalid_input")


async def test_client_sessions_are_the_primarys(
    api: Caller, server: Server, town: Town, north: System
) -> None:
    """Also that of a token which the server remembers."""
    ada, other = await town.identity(Personal("Ada")), await town.identity(Personal("Other"))
    await town.user(north, Personal("Ada"), identity=ada)
    async with town.database.acquire() as connection:
        session = await client_sessions.create(
            connection, town.keyring, town.workspace_id, Wanted(user_identity_id=other)
        )
    caller = await server.caller(town.workspace_id, session.token)
    assert (await caller("/acs/users/list"))["acs_users"] == []
    await merge(api, ada, other)
    assert await caller.names("/acs/users/list") == ["Ada"]
    asked = {"client_session_id": session.client_session_id}
    shown = (await api("/client_sessions/get", **asked))["client_session"]
    assert shown["user_identity_id"] == str(ada)


@pytest.fixture
async def names(api: Caller, town: Town, north: System) -> list[UUID]:
    """An identity with a user in a system, by its own id and by that of a merged one."""
    ada, other = await town.identity(ADA), await town.identity(Personal("Other"))
    user = await town.user(north, ADA, identity=ada)
    await town.credential(north, user, "1-2")
    event = catalogue.lock_unlocked(
        Occasion(town.workspace_id, town.now, town.now),
        catalogue.AtDoor(
            north.connected_account_id, north.acs_system_id, uuid4(), user_identity_id=other
        ),
        "card",
    )
    async with town.database.acquire() as connection:
        await insert_events(connection, town.workspace_id, [event])
    await merge(api, ada, other)
    return [ada, other]


async def test_lists_take_merged_ids(
    api: Caller, town: Town, north: System, names: list[UUID]
) -> None:
    await api("/client_sessions/create", user_identity_id=names[0])
    group = await town.group(north, "Group")
    await api("/acs/access_groups/add_user", acs_access_group_id=group, user_identity_id=names[1])
    lists = [
        route.path
        for route in ROUTES
        if route.is_list and "user_identity_id" in route.request.__struct_fields__
    ]
    assert {"/acs/users/list", "/client_sessions/list", "/events/list"} < {*lists}
    for path in lists:
        since = {"since": "2000-01-01T00:00:00Z"} if path == "/events/list" else {}
        system = {"acs_system_id": north.acs_system_id}
        needed = system if path == "/acs/users/list_accessible_entrances" else {}
        found = [await api(path, **since, **needed, user_identity_id=name) for name in names]
        assert found[0] == found[1], path
        if not {"unmanaged", "list_accessible_entrances", "list_accessible_devices"} & {
            *path.split("/")
        }:
            assert [] not in found[0].values(), path
    assert await api.names("/user_identities/list", user_identity_ids=names[1:]) == [ADA.full_name]


async def test_calls_by_a_merged_id(
    api: Caller, town: Town, north: System, names: list[UUID]
) -> None:
    """Whatever is done to a merged identity is done to the one that it has become."""
    group, merged = await town.group(north, "Group"), {"user_identity_id": names[1]}
    asked = {"acs_access_group_id": group, **merged}
    user = (await get(api, names[0]))["acs_user_ids"][0]
    in_group = {"acs_user_id": user}
    for path, verb in (("add_user", "POST"), ("add_user", "PUT")):
        await api(f"/acs/access_groups/{path}", verb, **asked)
        assert await api.names("/acs/access_groups/list", **in_group) == ["Group"]
    await api("/acs/users/remove_from_access_group", "DELETE", **asked)
    assert await api.names("/acs/access_groups/list", **in_group) == []
    south = await town.system("South")
    theirs = await town.group(south, "Theirs")
    await api("/acs/access_groups/add_user", acs_access_group_id=theirs, **merged)
    assert len((await get(api, names[0]))["acs_user_ids"]) == 2
    shown = await api("/acs/users/get", acs_system_id=north.acs_system_id, **merged)
    assert shown["acs_user"]["acs_user_id"] == user
    made = (await api("/client_sessions/create", **merged))["client_session"]
    assert made["user_identity_ids"] == [str(names[0])]
    granted = {"client_session_id": made["client_session_id"]}
    await api("/client_sessions/grant_access", **granted, **merged)
    await api("/user_identities/update", full_name="Countess", **merged)
    assert (await get(api, names[0]))["full_name"] == "Countess"


async def test_a_session_sees_what_happened_under_a_merged_name(
    server: Server, town: Town, names: list[UUID]
) -> None:
    async with town.database.acquire() as connection:
        session = await client_sessions.create(
            connection, town.keyring, town.workspace_id, Wanted(user_identity_id=names[0])
        )
    caller = await server.caller(town.workspace_id, session.token)
    body = await caller("/events/list", since="2000-01-01T00:00:00Z")
    assert str(names[1]) in {event.get("user_identity_id") for event in body["events"]}
