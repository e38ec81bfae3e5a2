"""/connected_accounts: what is known of accounts changes, accounts out of reach, and gone."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from doorward.store import client_sessions
from doorward.store.client_sessions import Wanted
from doorward.store.personal import Personal
from tests.api.conftest import Caller, Server
from tests.api.town import System, Town

PATH = "/connected_accounts"
EVER = "2020-01-01T00:00:00Z"


async def get(api: Caller, system: System) -> Any:
    account = {"connected_account_id": system.connected_account_id}
    return (await api(f"{PATH}/get", **account))["connected_account"]


async def events(api: Caller, *event_types: str) -> list[Any]:
    names = [f"connected_account.{each}" for each in event_types]
    found: list[Any] = (await api("/events/list", since=EVER, event_types=names))["events"]
    return found


async def foreign(town: Town, name: str = "West") -> System:
    """A system of somebody else's make."""
    system = await town.system(name)
    await town.database.execute(
        "update connected_account set account_type = 'other_maker' where connected_account_id = $1",
        system.connected_account_id,
    )
    return system


@pytest.mark.parametrize("verb", ["PATCH", "POST"])
async def test_updating(api: Caller, north: System, verb: str) -> None:
    before = await get(api, north)
    changes: dict[str, Any] = {
        "accepted_capabilities": ["lock", "access_control", "lock"],
        "automatically_manage_new_devices": False,
        "custom_metadata": {"floor": "3", "is_open": True, "gone": None},
        "customer_key": "acme",
        "display_name": "Head office",
    }
    account = {"connected_account_id": north.connected_account_id}
    assert await api(f"{PATH}/update", verb, **account) == {}
    assert await get(api, north) == before
    assert await api(f"{PATH}/update", verb, **account, **changes) == {}
    after = await get(api, north)
    assert after == before | changes | {
        "accepted_capabilities": ["lock", "access_control"],
        "custom_metadata": {"floor": "3", "is_open": True},
    }
    # Whatever is not sent stays; metadata is replaced as a whole.
    await api(f"{PATH}/update", verb, **account, custom_metadata={})
    assert await get(api, north) == after | {"custom_metadata": {}}


async def test_each_value_alone(api: Caller, north: System) -> None:
    account = {"connected_account_id": north.connected_account_id}
    alone: tuple[dict[str, Any], ...] = (
        {"accepted_capabilities": []},
        {"automatically_manage_new_devices": False},
        {"custom_metadata": {"a": "b"}},
        {"customer_key": "acme"},
        {"display_name": "Head office"},
    )
    for changes in alone:
        before = await get(api, north)
        await api(f"{PATH}/update", **account, **changes)
        assert await get(api, north) == before | changes


async def test_an_account_stays_with_its_customer(api: Caller, town: Town) -> None:
    system = await town.system("South", customer_key="acme")
    account = {"connected_account_id": system.connected_account_id}
    await api(f"{PATH}/update", **account, customer_key="acme", display_name="Again")
    answer = await api.answer(
        f"{PATH}/update", **account, customer_key="globex", display_name="Other"
    )
    assert answer.status_code == 400
    assert "another customer's" in answer.json()["error"]["message"]
    shown = await get(api, system)
    assert (shown["customer_key"], shown["display_name"]) == ("acme", "Again")


async def test_updates_that_are_refused(api: Caller, north: System) -> None:
    before = await get(api, north)
    account = {"connected_account_id": north.connected_account_id}
    for wrong in (
        {"accepted_capabilities": ["doors"]},
        {"automatically_manage_new_devices": "yes"},
        {"custom_metadata": {"a": "x" * 501}},
        {"custom_metadata": {"a": 1}},
        {"custom_metadata": {f"k{n}": "v" for n in range(51)}},
        {"customer_key": ""},
        {"display_name": ""},
        {"display_name": "x" * 256},
    ):
        assert await api.error(f"{PATH}/update", **account, **wrong) == (400, "invalid_input")
    assert await get(api, north) == before


async def test_searching(api: Caller, town: Town, north: System) -> None:
    await town.system("South", customer_key="globex")
    await town.database.execute(
        "update connected_account set user_identifier = $2::text::jsonb"
        " where connected_account_id = $1",
        north.connected_account_id,
        '{"username": "operator", "email": "ops@acme.test", "phone": "+15555550100"}',
    )
    await foreign(town)
    cases = {
        "operator": ["North account"],
        "OPS@acme": ["North account"],
        "5555501": ["North account"],
        "globex": ["South account"],
        "other_maker": ["West account"],
        "site": ["North account", "South account", "West account"],
        "nobody": [],
    }
    for term, expected in cases.items():
        assert await api.names(f"{PATH}/list", search=term) == expected, term


async def test_out_of_reach_until_a_sync(api: Caller, town: Town, north: System) -> None:
    south = await town.system("South")
    account = {"connected_account_id": north.connected_account_id}
    for _ in range(2):
        assert await api(f"{PATH}/simulate/disconnect", **account) == {}
    [error] = (await get(api, north))["errors"]
    assert error.pop("created_at").endswith("Z")
    assert "sync" in error.pop("message")
    assert error == {
        "error_code": "account_disconnected",
        "is_bridge_error": False,
        "is_connected_account_error": True,
    }
    assert (await get(api, south))["errors"] == []
    [told] = await events(api, "disconnected")
    assert told["connected_account_id"] == str(north.connected_account_id)
    assert [each["error_code"] for each in told["connected_account_errors"]] == [
        "account_disconnected"
    ]
    assert told["connected_account_warnings"] == []
    assert told["connected_account_custom_metadata"] == {"site": "North", "is_main": True}
    for _ in range(2):
        assert await api(f"{PATH}/sync", **account) == {}
    assert (await get(api, north))["errors"] == []
    again = ("connected", "completed_first_sync_after_reconnection")
    assert [event["event_type"] for event in await events(api, *again)] == [
        f"connected_account.{each}" for each in again
    ]


async def test_a_sync_of_what_is_in_reach_changes_nothing(api: Caller, north: System) -> None:
    before = await get(api, north)
    await api(f"{PATH}/sync", connected_account_id=north.connected_account_id)
    assert await get(api, north) == before
    assert await events(api, "connected", "completed_first_sync_after_reconnection") == []


async def test_simulated_in_sandboxes_alone(server: Server, town: Town) -> None:
    system = await town.found(is_sandbox=False)
    caller = await server.caller(town.workspace_id)
    error = await caller.error(
        f"{PATH}/simulate/disconnect", connected_account_id=system.connected_account_id
    )
    assert error == (400, "workspace_not_sandbox")
    assert (await get(caller, system))["errors"] == []


async def test_accounts_that_are_not_there(api: Caller, town: Town) -> None:
    other = Town(town.database, town.keyring)
    there = await other.found()
    for path in ("update", "sync", "delete", "simulate/disconnect"):
        for wrong in (there.connected_account_id, uuid4()):
            error = await api.error(f"{PATH}/{path}", connected_account_id=wrong)
            assert error == (404, "connected_account_not_found"), path


async def test_a_native_systems_account_goes_with_its_system(api: Caller, north: System) -> None:
    for verb in ("DELETE", "POST"):
        answer = await api.answer(
            f"{PATH}/delete", verb, connected_account_id=north.connected_account_id
        )
        assert (answer.status_code, answer.json()["error"]["type"]) == (400, "not_supported")
        assert "site file" in answer.json()["error"]["message"]
    await get(api, north)


@pytest.mark.parametrize("parameters", [{}, {"sync": True}])
async def test_deleting(api: Caller, town: Town, north: System, parameters: Any) -> None:
    west = await foreign(town)
    mine = await settled(town, north)
    theirs = await settled(town, west)
    account = {"connected_account_id": west.connected_account_id}
    assert await api(f"{PATH}/delete", "DELETE", **account, **parameters) == {}
    assert await api.error(f"{PATH}/get", **account) == (404, "connected_account_not_found")
    assert await api.error("/acs/systems/get", acs_system_id=west.acs_system_id) == (
        404,
        "acs_system_not_found",
    )
    for path, (name, asked) in theirs.items():
        assert (await api.error(path, **{name: asked}))[0] == 404, path
    for path, (name, asked) in mine.items():
        await api(path, **{name: asked})
    told = (await api("/events/list", since=EVER, connected_account_id=account.popitem()[1]))[
        "events"
    ]
    types = [event["event_type"] for event in told]
    assert sorted(types) == [
        "acs_access_group.deleted",
        "acs_credential.deleted",
        "acs_credential.invalidated",
        "acs_entrance.removed",
        "acs_user.deleted",
        "connected_account.deleted",
    ]
    [deleted] = [each for each in told if each["event_type"] == "connected_account.deleted"]
    assert deleted["connected_account_type"] == "other_maker"
    # Whatever could open a door there is gone from what doors are told.
    left = await town.database.fetch(
        "select kind from policy_fact where acs_system_id = $1 and to_revision is null"
        " and kind <> 'reader'",  # the town keeps no rows of these
        west.acs_system_id,
    )
    assert [row["kind"] for row in left] == []


async def settled(town: Town, system: System) -> dict[str, tuple[str, UUID]]:
    """Somebody with a card and a group at a door, as calls ask for each."""
    door = await town.entrance(system, "Door")
    group = await town.group(system, "Staff", door)
    user = await town.user(system, Personal("Jane Doe"))
    await town.join(group, user)
    card = await town.credential(system, user, "42-12345", door)
    return {
        "/acs/entrances/get": ("acs_entrance_id", door),
        "/acs/access_groups/get": ("acs_access_group_id", group),
        "/acs/users/get": ("acs_user_id", user),
        "/acs/credentials/get": ("acs_credential_id", card),
    }


async def test_a_customer_changes_the_own_accounts_alone(
    api: Caller, server: Server, town: Town, north: System
) -> None:
    south, west = await town.system("South", customer_key="acme"), await foreign(town)
    await api(f"{PATH}/update", connected_account_id=west.connected_account_id, customer_key="acme")
    async with town.database.acquire() as connection:
        wanted = Wanted(customer_key="acme")
        made = await client_sessions.create(connection, town.keyring, town.workspace_id, wanted)
    customer = await server.caller(town.workspace_id, made.token)
    for path in ("delete", "simulate/disconnect"):
        error = await customer.error(
            f"{PATH}/{path}", connected_account_id=north.connected_account_id
        )
        assert error == (404, "connected_account_not_found")
    await customer(f"{PATH}/simulate/disconnect", connected_account_id=south.connected_account_id)
    await customer(f"{PATH}/delete", connected_account_id=west.connected_account_id)
    left = (await api(f"{PATH}/list"))["connected_accounts"]
    assert [len(account["errors"]) for account in left] == [0, 1]
    [deleted] = await events(api, "deleted")
    assert deleted["customer_key"] == "acme"
