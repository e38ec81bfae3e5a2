"""A running sandbox brought into a state in which its answers show every field that they can have.

What no call and no site file can bring about yet is written into the tables.
"""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import httpx

from doorward.api.table import ROUTES
from doorward.wire.route import Route
from tests.running import GROUP, USER, RunningServer, command, seed_card

MORE: Final = Path(__file__).with_name("more.yaml")
VISITORS: Final = "0c54c17c-2a8b-4a6b-9d0e-6a0f0c5b7a10"
VERA: Final = "5b4b0a6e-7d5f-4f6a-8a53-4f2d4a3f7c21"
IVO: Final = "9a1f2c3d-4b5e-4f60-8172-8394a5b6c7d8"
UNISSUED: Final = "7f6e5d4c-3b2a-4190-8f7e-6d5c4b3a2910"
FRONT_DOOR: Final = "977eb064-457b-4c30-ac76-81203b2e8799"
OFFICE: Final = "72a95f5e-d842-412a-9ed4-d7484aa1d712"
JANE: Final = "33987a4f-caf6-4098-9e15-705df7a36ad6"
EVER: Final = "2020-01-01T00:00:00Z"

_ROUTES: Final = {route.path: route for route in ROUTES}
_PATIENCE: Final = 20


class Reply(NamedTuple):
    """What one call was answered, a success."""

    route: Route
    verb: str
    body: Any


def set_the_scene(server: RunningServer) -> None:
    """Events at doors, a controller that hears nothing, windows, changes that wait."""
    entrance, card = seed_card(server)
    server.present(entrance, card)
    server.present(entrance, "42-65000")
    _await_event(server, "lock.unlocked")
    _await_event(server, "lock.access_denied")
    held = server.call("/doorward/simulate/hold_controller", acs_entrance_id=entrance)
    held.raise_for_status()
    applied = command("apply", str(MORE), "--data", str(server.data))
    assert applied.returncode == 0, applied.stderr
    asyncio.run(_write(server))


def _await_event(server: RunningServer, event_type: str) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not server.call("/events/list", since=EVER, event_type=event_type).json()["events"]:
        assert time.monotonic() < deadline, f"no {event_type}"
        time.sleep(0.02)


async def _write(server: RunningServer) -> None:
    connection = await server.connect()
    try:
        await connection.execute(
            "update acs_user set is_suspended = true where acs_user_id = $1", IVO
        )
        await connection.execute(
            "update acs_credential set issued_at = null, acs_user_id = null"
            " where acs_credential_id = $1",
            UNISSUED,
        )
        await connection.execute(
            "update connected_account set customer_key = 'office', custom_metadata = $1::jsonb,"
            " user_identifier = $2::jsonb",
            '{"floor": "3", "is_main": true}',
            '{"email": "office@example.com"}',
        )
    finally:
        await connection.close()


def replies(server: RunningServer) -> Iterator[Reply]:
    """Every call of the route table, with each of its verbs, some of them asked several things."""
    with server.client() as client:
        for call, parameters in _calls(client):
            verbs, _, path = call.rpartition(" ")
            route = _ROUTES[path]
            for verb in verbs.split() or route.verbs:
                answer = _ask(client, verb, path, parameters)
                assert answer.status_code == 200, (verb, path, answer.text)
                yield Reply(route, verb, answer.json())


def _ask(client: httpx.Client, verb: str, path: str, parameters: dict[str, Any]) -> httpx.Response:
    if verb in {"GET", "DELETE"}:
        return client.request(verb, path, params=parameters)
    return client.request(verb, path, json=parameters)


def _calls(client: httpx.Client) -> Iterator[tuple[str, dict[str, Any]]]:
    group = {"acs_access_group_id": GROUP}
    membership = {**group, "acs_user_id": USER}
    yield "/acs/users/remove_from_access_group", membership
    yield from _sessions(client)
    yield from _reads(client)
    yield "/acs/users/add_to_access_group", membership
    yield "/acs/access_groups/remove_user", membership
    yield "/acs/access_groups/add_user", membership
    yield "/doorward/doors/present", {"acs_entrance_id": FRONT_DOOR, "card_number": "42-10001"}
    yield "/doorward/doors/list", {}
    yield "/doorward/decisions/explain", {"acs_user_id": USER, "acs_entrance_id": FRONT_DOOR}
    yield "/doorward/simulate/hold_controller", {"acs_entrance_id": FRONT_DOOR}


def _sessions(client: httpx.Client) -> Iterator[tuple[str, dict[str, Any]]]:
    everything = {"customer_key": "office", "user_identity_id": JANE}
    yield "/client_sessions/get_or_create", {}
    for parameters in ({}, everything):
        yield "/client_sessions/create", parameters
    yield "/client_sessions/list", {}
    listed = client.get("/client_sessions/list").json()["client_sessions"]
    session = {"client_session_id": listed[-1]["client_session_id"]}
    yield "/client_sessions/get", session
    yield "/client_sessions/grant_access", session
    yield "/client_sessions/revoke", session
    for verb in ("DELETE", "POST"):
        session = {"client_session_id": listed.pop()["client_session_id"]}
        yield f"{verb} /client_sessions/delete", session


def _reads(client: httpx.Client) -> Iterator[tuple[str, dict[str, Any]]]:
    yield "/workspaces/get", {}
    yield "/workspaces/list", {}
    yield "/connected_accounts/list", {}
    accounts = client.get("/connected_accounts/list").json()["connected_accounts"]
    account = {"connected_account_id": accounts[0]["connected_account_id"]}
    yield "/connected_accounts/get", account
    yield "/acs/systems/get", {"acs_system_id": OFFICE}
    yield "/acs/systems/list", account
    yield "/acs/entrances/get", {"acs_entrance_id": FRONT_DOOR}
    yield "/acs/entrances/list", {"limit": 2}
    yield "/acs/users/list", {"limit": 3}
    for acs_user_id in (USER, VERA, IVO):
        yield "/acs/users/get", {"acs_user_id": acs_user_id}
        yield "/acs/users/list_accessible_entrances", {"acs_user_id": acs_user_id}
        yield "/acs/access_groups/list", {"acs_user_id": acs_user_id}
        yield "/acs/credentials/list", {"acs_user_id": acs_user_id}
    yield "/acs/credentials/get", {"acs_credential_id": UNISSUED}
    for acs_access_group_id in (GROUP, VISITORS):
        group = {"acs_access_group_id": acs_access_group_id}
        yield "/acs/access_groups/get", group
        yield "/acs/access_groups/list_users", group
        yield "/acs/access_groups/list_accessible_entrances", group
    yield "/events/list", {"since": EVER}
    for event_type in ("lock.unlocked", "lock.access_denied"):
        yield "/events/get", {"event_type": event_type}
