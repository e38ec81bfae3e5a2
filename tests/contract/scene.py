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
from tests.running import GROUP, OFFICE, USER, RunningServer, command, seed_card

MORE: Final = Path(__file__).with_name("more.yaml")
VISITORS: Final = "0c54c17c-2a8b-4a6b-9d0e-6a0f0c5b7a10"
VERA: Final = "5b4b0a6e-7d5f-4f6a-8a53-4f2d4a3f7c21"
IVO: Final = "9a1f2c3d-4b5e-4f60-8172-8394a5b6c7d8"
UNISSUED: Final = "7f6e5d4c-3b2a-4190-8f7e-6d5c4b3a2910"
UNMANAGED_CARD: Final = "8d9e0f1a-2b3c-4d4e-8f5a-6b7c8d9e0f1b"
ENCODER: Final = "18ad521a-308e-4182-b1a6-2338b46a2763"
FRONT_DOOR: Final = "977eb064-457b-4c30-ac76-81203b2e8799"
HARBOUR: Final = "6a74a969-94ea-4383-b5cf-5e8ec3f7a1d0"
JANE: Final = "33987a4f-caf6-4098-9e15-705df7a36ad6"
UNMANAGED: Final = (
    "2f3e4d5c-6b7a-4899-8a9b-0c1d2e3f4a5b",
    "3e4d5c6b-7a89-4998-9a0b-1c2d3e4f5a6b",
)
UNA: Final = "4d5e6f70-8192-4a3b-8c4d-5e6f708192a3"
TENANTS: Final = "6c7d8e9f-0a1b-4c2d-8e3f-4a5b6c7d8e9f"
DELETED_GROUPS: Final = (
    "1b2c3d4e-5f60-4718-8293-a4b5c6d7e8f9",
    "2c3d4e5f-6071-4829-93a4-b5c6d7e8f90a",
)
FOREIGN: Final = (
    "7d8e9fa0-1b2c-4d3e-8f40-516273849506",
    "8e9fa0b1-2c3d-4e4f-8051-627384950617",
)
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
    unlock = {"acs_entrance_id": entrance, "acs_credential_id": _cloud_key(server)}
    server.call("/acs/entrances/unlock", **unlock).raise_for_status()
    _await_event(server, "action_attempt.unlock_door.succeeded")
    held = server.call("/doorward/simulate/hold_controller", acs_entrance_id=entrance)
    held.raise_for_status()
    server.call("/acs/entrances/unlock", **unlock).raise_for_status()
    _await_event(server, "action_attempt.unlock_door.failed")
    for is_unreachable in (True, False):
        faults = {"acs_system_id": HARBOUR, "is_unreachable": is_unreachable}
        server.call("/doorward/simulate/misbehave", **faults).raise_for_status()
        _await_event(server, "acs_system.disconnected")
    applied = command("apply", str(MORE), "--data", str(server.data))
    assert applied.returncode == 0, applied.stderr
    asyncio.run(_write(server))


def _cloud_key(server: RunningServer) -> str:
    asked = {"acs_user_id": USER, "access_method": "cloud_key"}
    made = server.call("/acs/credentials/create", **asked).raise_for_status().json()
    acs_credential_id: str = made["acs_credential"]["acs_credential_id"]
    return acs_credential_id


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
            "update acs_user set is_managed = false where acs_user_id = $1", UNA
        )
        await connection.execute(
            "update acs_access_group set is_managed = false where acs_access_group_id = $1", TENANTS
        )
        await connection.execute(
            "update acs_credential set issued_at = null, acs_user_id = null"
            " where acs_credential_id = $1",
            UNISSUED,
        )
        await connection.execute(
            "insert into acs_credential (workspace_id, acs_credential_id, acs_system_id,"
            " acs_user_id, access_method, display_name, starts_at, ends_at, created_at, is_managed)"
            " select workspace_id, $1, acs_system_id, acs_user_id, 'card', 'Theirs', now(),"
            " now() + interval '1 day', now(), false from acs_user where acs_user_id = $2",
            UNMANAGED_CARD,
            VERA,
        )
        await connection.execute(
            "insert into user_identity (workspace_id, user_identity_id, is_managed, created_at)"
            " select workspace_id, i, false, now() from workspace, unnest($1::uuid[]) i"
            " where is_sandbox",
            UNMANAGED,
        )
        await connection.execute(
            "insert into merged_user_identity select workspace_id, gen_random_uuid(),"
            " user_identity_id, 'old', now() from user_identity where user_identity_id = $1",
            UNMANAGED[0],
        )
        await connection.execute(
            "update connected_account set customer_key = 'office', custom_metadata = $1::jsonb,"
            " user_identifier = $2::jsonb where account_type = 'doorward_system'",
            '{"floor": "3", "is_main": true}',
            '{"email": "office@example.com"}',
        )
        await connection.executemany(
            "insert into connected_account (workspace_id, connected_account_id, account_type,"
            " account_type_display_name, display_name, customer_key, created_at)"
            " select workspace_id, $1, 'other_maker', 'Other', 'Theirs', 'office', now()"
            " from workspace where is_sandbox",
            [(each,) for each in FOREIGN],
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
    yield from _phones(client)
    yield from _accounts()
    yield from _identities(client)
    yield from _people(client)
    yield from _groups()
    yield from _reads(client)
    yield from _encoders(client)
    yield from _attempts(client)
    yield from _credentials(client)
    yield "/acs/users/add_to_access_group", membership
    yield "/acs/access_groups/remove_user", membership
    yield "/acs/access_groups/add_user", membership
    yield "/doorward/doors/present", {"acs_entrance_id": FRONT_DOOR, "card_number": "42-10001"}
    yield "/doorward/doors/list", {}
    yield "/doorward/decisions/explain", {"acs_user_id": USER, "acs_entrance_id": FRONT_DOOR}
    yield "/doorward/simulate/hold_controller", {"acs_entrance_id": FRONT_DOOR}
    yield "/doorward/simulate/advance_time", {"seconds": 60}
    yield from _faults(client)
    yield "/workspaces/reset_sandbox", {}


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


def _accounts() -> Iterator[tuple[str, dict[str, Any]]]:
    path = "/connected_accounts"
    first, second = ({"connected_account_id": each} for each in FOREIGN)
    yield f"{path}/update", {**first, "custom_metadata": {"floor": "4", "is_main": False}}
    yield f"{path}/simulate/disconnect", first
    yield f"{path}/get", first
    yield f"{path}/sync", first
    yield f"DELETE {path}/delete", first
    yield f"POST {path}/delete", second


def _phones(client: httpx.Client) -> Iterator[tuple[str, dict[str, Any]]]:
    for system in ("ios", "android"):
        metadata = {"operating_system": system}
        create = "/phones/simulate/create_sandbox_phone"
        yield create, {"user_identity_id": JANE, "phone_metadata": metadata}
    yield "/phones/list", {"owner_user_identity_id": JANE}
    listed = client.get("/phones/list").json()["phones"]
    first, second = ({"device_id": phone["device_id"]} for phone in listed)
    yield "/phones/get", first
    key = {"access_method": "mobile_key", "is_multi_phone_sync_credential": True}
    jane = {"user_identity_id": JANE, "acs_system_id": HARBOUR}
    yield "/acs/credentials/create", {**jane, **key}
    yield "/acs/credentials/list", {"user_identity_id": JANE}
    yield "DELETE /phones/deactivate", first
    yield "POST /phones/deactivate", second


def _people(client: httpx.Client) -> Iterator[tuple[str, dict[str, Any]]]:
    path, schedule = "/acs/users", {"starts_at": EVER, "ends_at": "2090-01-01T00:00:00Z"}
    new = {"acs_system_id": OFFICE, "email_address": "n@example.com", "phone_number": "+4930123456"}
    names = ("Nora New", "Noah New")
    for name in names:
        yield f"{path}/create", new | {"full_name": name}
    made = [
        {
            "acs_user_id": client.get(f"{path}/list", params={"search": name}).json()["acs_users"][
                0
            ]["acs_user_id"]
        }
        for name in names
    ]
    yield f"{path}/update", {**made[0], "full_name": "Nora Newer", "access_schedule": schedule}
    for call in ("suspend", "unsuspend", "suspend", "revoke_access_to_all_entrances"):
        yield f"{path}/{call}", made[0]
    yield "/acs/entrances/grant_access", {**made[0], "acs_entrance_id": FRONT_DOOR}
    yield f"{path}/get", made[0]
    for verb, user in zip(("DELETE", "POST"), made, strict=True):
        yield f"{verb} {path}/delete", user
    yield f"{path}/unmanaged/get", {"acs_user_id": UNA}
    yield f"{path}/unmanaged/list", {"limit": 1}


def _groups() -> Iterator[tuple[str, dict[str, Any]]]:
    path = "/acs/access_groups"
    yield f"{path}/unmanaged/get", {"acs_access_group_id": TENANTS}
    yield f"{path}/unmanaged/list", {}
    for verb, group in zip(("DELETE", "POST"), DELETED_GROUPS, strict=True):
        yield f"{verb} {path}/delete", {"acs_access_group_id": group}


def _identities(client: httpx.Client) -> Iterator[tuple[str, dict[str, Any]]]:
    path, jane = "/user_identities", {"user_identity_id": JANE}
    for name in ("get", "list_acs_systems", "list_acs_users", "list_accessible_entrances"):
        yield f"{path}/{name}", jane
    yield f"{path}/list_accessible_devices", jane
    user = jane | {"acs_user_id": USER}
    for name in ("remove_acs_user", "add_acs_user"):
        yield f"{path}/{name}", user
    yield f"{path}/create", {"email_address": "new@example.com", "user_identity_key": "new"}
    made = client.get(f"{path}/get", params={"user_identity_key": "new"}).json()["user_identity"]
    yield f"{path}/merge", {**jane, "merged_user_identity_ids": [made["user_identity_id"]]}
    yield f"{path}/update", {**jane, "full_name": "Jane Roe", "user_identity_key": "jane"}
    yield f"{path}/list", {}
    yield f"{path}/unmanaged/get", {"user_identity_id": UNMANAGED[0]}
    yield f"{path}/unmanaged/list", {}
    for verb, there in zip(("PATCH", "POST"), UNMANAGED, strict=True):
        identity = {"user_identity_id": there}
        yield f"{verb} {path}/unmanaged/update", {**identity, "is_managed": True}
    for verb, there in zip(("DELETE", "POST"), UNMANAGED, strict=True):
        yield f"{verb} {path}/delete", {"user_identity_id": there}


def _credentials(client: httpx.Client) -> Iterator[tuple[str, dict[str, Any]]]:
    path, theirs = "/acs/credentials", {"acs_user_id": VERA}
    yield f"{path}/unmanaged/get", {"acs_credential_id": UNMANAGED_CARD}
    yield f"{path}/unmanaged/list", {}
    yield "/acs/entrances/list_credentials_with_access", {"acs_entrance_id": FRONT_DOOR}
    for method in ("card", "code"):
        yield f"{path}/create", {"access_method": method, **theirs}
    listed = client.get(f"{path}/list", params=theirs).json()["acs_credentials"]
    card, code = ({"acs_credential_id": each["acs_credential_id"]} for each in listed[-2:])
    yield f"{path}/list_accessible_entrances", code
    yield f"{path}/update", {**code, "code": "7392816", "ends_at": "2090-01-01T00:00:00Z"}
    yield f"{path}/unassign", {**code, **theirs}
    yield f"{path}/assign", {**code, **theirs}
    yield f"DELETE {path}/delete", code
    yield from _own_calls(client, card)
    yield f"POST {path}/delete", card


def _own_calls(client: httpx.Client, card: dict[str, str]) -> Iterator[tuple[str, dict[str, Any]]]:
    path = "/doorward/credentials"
    yield f"{path}/enroll", {**card, "acs_entrance_id": FRONT_DOOR}
    begun = client.post(f"{path}/enroll", json={**card, "acs_entrance_id": FRONT_DOOR}).json()
    enrollment = {"enrollment_id": begun["enrollment"]["enrollment_id"]}
    yield f"{path}/cancel_enrollment", enrollment
    yield f"{path}/get_enrollment", enrollment
    yield f"{path}/set_state", {**card, "state": "lost", "reason": "left in a taxi"}
    yield f"{path}/set_use_limit", {**card, "use_limit": 3}
    yield f"{path}/set_card_number", {**card, "card_number": "42-4242"}
    yield f"{path}/get", card


def _faults(client: httpx.Client) -> Iterator[tuple[str, dict[str, Any]]]:
    path, where = "/doorward/simulate", {"acs_system_id": HARBOUR}
    for name in ("Hand", "Other hand"):
        yield f"{path}/create_acs_user", {**where, "full_name": name, "code": "482915"}
    people = _made_by_hand(client, "user")
    card = _made_by_hand(client, "credential")[0]["acs_credential_id"]
    yield f"{path}/change_code", {**where, "acs_credential_id": card, "code": "482916"}
    for verb, person in zip(("DELETE", "POST"), people, strict=True):
        gone = {**where, "acs_user_id": person["acs_user_id"]}
        yield f"{verb} {path}/delete_acs_user", gone
    yield f"{path}/misbehave", {**where, "is_lying": True}
    yield f"{path}/forget", where


def _made_by_hand(client: httpx.Client, kind: str) -> list[dict[str, Any]]:
    """Both, once the server has seen them."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        answer = client.get(f"/acs/{kind}s/unmanaged/list", params={"acs_system_id": HARBOUR})
        found: list[dict[str, Any]] = answer.json()[f"acs_{kind}s"]
        if len(found) == 2:
            return found
        assert time.monotonic() < deadline, f"no {kind} was seen"
        time.sleep(0.02)


def _encoders(client: httpx.Client) -> Iterator[tuple[str, dict[str, Any]]]:
    path, desk = "/acs/encoders", {"acs_encoder_id": ENCODER}
    yield f"{path}/get", desk
    yield f"{path}/list", {"acs_system_id": OFFICE}
    for action in ("encode", "scan"):
        for end in ("fail", "succeed"):
            yield f"{path}/simulate/next_credential_{action}_will_{end}", desk
    made = client.post(
        "/acs/credentials/create", json={"access_method": "card", "acs_user_id": VERA}
    ).json()["acs_credential"]
    card = {"acs_credential_id": made["acs_credential_id"]}
    yield f"{path}/encode_credential", {**desk, **card}
    yield f"{path}/scan_credential", desk
    yield f"{path}/scan_to_assign_credential", {**desk, "acs_user_id": VERA}
    _await_attempts(client)
    yield "/events/get", {"event_type": "acs_encoder.added"}


def _await_attempts(client: httpx.Client) -> None:
    """Waits until no attempt is pending, so that their results are seen."""
    deadline = time.monotonic() + _PATIENCE
    while any(
        each["status"] == "pending"
        for each in client.get("/action_attempts/list").json()["action_attempts"]
    ):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _attempts(client: httpx.Client) -> Iterator[tuple[str, dict[str, Any]]]:
    listed = client.get("/acs/credentials/list", params={"acs_user_id": USER}).json()
    key = next(c for c in listed["acs_credentials"] if c["access_method"] == "cloud_key")
    cloud_key = {"acs_credential_id": key["acs_credential_id"]}
    yield "/acs/entrances/unlock", {"acs_entrance_id": FRONT_DOOR, **cloud_key}
    yield "/action_attempts/list", {}
    for attempt in client.get("/action_attempts/list").json()["action_attempts"]:
        yield "/action_attempts/get", {"action_attempt_id": attempt["action_attempt_id"]}


def _reads(client: httpx.Client) -> Iterator[tuple[str, dict[str, Any]]]:
    yield "/workspaces/get", {}
    yield "/workspaces/list", {}
    yield "/connected_accounts/list", {}
    accounts = client.get("/connected_accounts/list").json()["connected_accounts"]
    native = next(each for each in accounts if each["account_type"] == "doorward_system")
    account = {"connected_account_id": native["connected_account_id"]}
    yield "/connected_accounts/get", account
    yield "/acs/systems/get", {"acs_system_id": OFFICE}
    yield "/acs/systems/list", account
    office = {"acs_system_id": OFFICE}
    yield "/acs/systems/list_compatible_credential_manager_acs_systems", office
    yield "/acs/systems/report_devices", office
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
    attempts = ("action_attempt.unlock_door.succeeded", "action_attempt.unlock_door.failed")
    doors = ("lock.unlocked", "lock.access_denied", "acs_system.disconnected")
    for event_type in (*doors, *attempts):
        yield "/events/get", {"event_type": event_type}
