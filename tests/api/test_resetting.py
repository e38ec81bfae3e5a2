"""/workspaces/reset_sandbox: a sandbox as its site file declares it, whatever was done."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from doorward.doors.registry import Doors
from doorward.site.apply import apply
from doorward.site.parse import parse_site
from doorward.store import tokens
from doorward.store.database import Database
from doorward.store.secrets import Keyring
from tests.api.conftest import Caller, Server, hear
from tests.api.town import System, Town
from tests.conftest import MovableClock

RESET = "/workspaces/reset_sandbox"
EVER = "2020-01-01T00:00:00Z"
SITE = """
workspace: {{id: {id}, name: Reset, is_sandbox: {is_sandbox}}}
{tokens}
systems:
  office: {{name: Office, time_zone: Europe/Berlin}}
controllers:
  panel: {{name: Panel}}
entrances:
  lab: {{name: Lab, readers: {{outside: {{}}}}}}
  yard: {{name: Yard, readers: {{outside: {{}}}}}}
access_groups:
  staff: {{name: Staff, entrances: [lab]}}
identities:
  jane: {{name: Jane Doe, email: jane@example.com}}
users:
  jane:
    identity: jane
    groups: [staff]
    credentials:
      badge: {{card: 42-10001}}
      code: {{code: "2468101"}}
  omar: {{name: Omar Ali}}
"""
TOKENS = "tokens: {{key: {{kind: api_key, text: {key}, scopes: [doors]}}}}"
CARD, NEW_CARD = {"card_number": "42-10001"}, {"card_number": "42-777"}


class Sandbox:
    """A workspace that a site file was applied to, and somebody who calls with a key of it."""

    def __init__(self, town: Town, clock: MovableClock) -> None:
        self.town = town
        self.clock = clock
        self.key = tokens.mint("api_key", is_sandbox=True)

    async def apply(self, *, is_sandbox: bool = True, text: str = SITE) -> None:
        filled = text.format(
            id=self.town.workspace_id,
            tokens=TOKENS.format(key=self.key) if is_sandbox else "",
            is_sandbox=str(is_sandbox).lower(),
        )
        site = parse_site("site.yaml", filled.encode())
        await apply(self.town.database, self.town.keyring, site, clock=self.clock)

    async def published(self, server: Server) -> Caller:
        """Somebody on this machine with the key that the file publishes."""
        caller = await server.caller(self.town.workspace_id, self.key)
        caller.client.base_url = "http://localhost"
        return caller


@pytest.fixture
async def sandbox(database: Database, keyring: Keyring, clock: MovableClock) -> Sandbox:
    made = Sandbox(Town(database, keyring), clock)
    await made.apply()
    return made


@pytest.fixture
async def api(server: Server, sandbox: Sandbox) -> Caller:
    return await server.caller(sandbox.town.workspace_id)


async def listed(api: Caller, path: str, **filters: Any) -> list[Any]:
    body = await api(path, **filters)
    return next(value for key, value in body.items() if key not in {"ok", "pagination"})


async def found(api: Caller, path: str, name: str) -> Any:
    """What a list shows under a name."""
    every = await listed(api, path)
    return next(each for each in every if name in (each.get("display_name"), each.get("name")))


LISTS: Final = (
    *("/acs/systems/list", "/acs/entrances/list", "/acs/access_groups/list", "/acs/users/list"),
    *("/acs/credentials/list", "/user_identities/list", "/connected_accounts/list"),
    *("/client_sessions/list", "/phones/list", "/acs/users/unmanaged/list"),
)
# What a row made anew has of its own; here no controller runs that would confirm.
OWN: Final = {"created_at", "issued_at", "pending_mutations"}


async def everything(api: Caller) -> dict[str, Any]:
    """What the API shows of the workspace, but for when it was made."""
    shown = {path: [_timeless(each) for each in await listed(api, path)] for path in LISTS}
    for user in shown["/acs/users/list"]:
        asked = {"acs_user_id": user["acs_user_id"]}
        path = "/acs/users/list_accessible_entrances"
        opened = await listed(api, path, **asked)
        shown[f"{path} {asked}"] = sorted(each["acs_entrance_id"] for each in opened)
    return {path: sorted(rows, key=str) for path, rows in shown.items()}


def _timeless(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in OWN}


async def event_types(api: Caller) -> list[str]:
    return sorted(each["event_type"] for each in await listed(api, "/events/list", since=EVER))


async def disturb(api: Caller) -> None:
    """Changes whatever calls can change."""
    jane = (await found(api, "/acs/users/list", "Jane Doe"))["acs_user_id"]
    omar = (await found(api, "/acs/users/list", "Omar Ali"))["acs_user_id"]
    identity = (await found(api, "/user_identities/list", "Jane Doe"))["user_identity_id"]
    group = (await found(api, "/acs/access_groups/list", "Staff"))["acs_access_group_id"]
    system = (await found(api, "/acs/systems/list", "Office"))["acs_system_id"]
    account = (await listed(api, "/connected_accounts/list"))[0]["connected_account_id"]
    yard = (await found(api, "/acs/entrances/list", "Yard"))["acs_entrance_id"]
    credentials = await listed(api, "/acs/credentials/list")
    asked: list[tuple[str, dict[str, Any]]] = [
        (
            "/acs/users/remove_from_access_group",
            {"acs_access_group_id": group, "acs_user_id": jane},
        ),
        ("/acs/users/add_to_access_group", {"acs_access_group_id": group, "acs_user_id": omar}),
        ("/acs/entrances/grant_access", {"acs_user_id": jane, "acs_entrance_id": yard}),
        ("/acs/users/update", {"acs_user_id": jane, "full_name": "Jane Roe"}),
        ("/acs/users/suspend", {"acs_user_id": jane}),
        ("/acs/users/create", {"acs_system_id": system, "full_name": "Nora New"}),
        ("/user_identities/update", {"user_identity_id": identity, "user_identity_key": "jane"}),
        ("/user_identities/create", {"full_name": "Nobody"}),
        ("/phones/simulate/create_sandbox_phone", {"user_identity_id": identity}),
        ("/client_sessions/create", {"user_identity_id": identity}),
        (
            "/acs/credentials/delete",
            {"acs_credential_id": credentials[0]["acs_credential_id"]},
        ),
        (
            "/doorward/credentials/set_state",
            {"acs_credential_id": credentials[1]["acs_credential_id"], "state": "lost"},
        ),
        ("/acs/credentials/create", {"acs_user_id": omar, "access_method": "cloud_key"}),
        (
            "/connected_accounts/update",
            {
                "connected_account_id": account,
                "display_name": "Ours",
                "customer_key": "acme",
                "custom_metadata": {"a": "b"},
                "automatically_manage_new_devices": False,
                "accepted_capabilities": ["lock"],
            },
        ),
        ("/connected_accounts/simulate/disconnect", {"connected_account_id": account}),
    ]
    for path, parameters in asked:
        await api(path, **parameters)


async def test_everything_is_as_the_file_declares_it(api: Caller) -> None:
    before, told = await everything(api), await event_types(api)
    await disturb(api)
    disturbed = await everything(api)
    assert {path for path in LISTS if disturbed[path] == before[path]} == {
        *("/acs/entrances/list", "/acs/access_groups/list", "/acs/users/unmanaged/list"),
    }
    attempt = (await api(RESET))["action_attempt"]
    assert attempt == {
        "action_attempt_id": attempt["action_attempt_id"],
        "action_type": "RESET_SANDBOX_WORKSPACE",
        "status": "success",
        "result": {},
        "error": None,
    }
    assert await everything(api) == before
    assert await event_types(api) == told
    [kept] = await listed(api, "/action_attempts/list")
    assert kept == attempt
    got = await api("/action_attempts/get", action_attempt_id=attempt["action_attempt_id"])
    assert got["action_attempt"] == attempt


async def test_a_reset_of_what_is_as_declared_changes_nothing_that_is_shown(api: Caller) -> None:
    before, told = await everything(api), await event_types(api)
    for _ in range(2):
        assert (await api(RESET))["action_attempt"]["status"] == "success"
    assert (await everything(api), await event_types(api)) == (before, told)


async def test_doors_refuse_what_was_and_follow_anew(
    api: Caller, doors: Doors, sandbox: Sandbox
) -> None:
    await hear(doors, sandbox.town)
    lab = (await found(api, "/acs/entrances/list", "Lab"))["acs_entrance_id"]
    omar = (await found(api, "/acs/users/list", "Omar Ali"))["acs_user_id"]
    jane = (await found(api, "/acs/users/list", "Jane Doe"))["acs_user_id"]
    made = await api("/acs/credentials/create", acs_user_id=omar, access_method="card")
    card = made["acs_credential"]["acs_credential_id"]
    await api("/doorward/credentials/set_card_number", acs_credential_id=card, **NEW_CARD)
    await api("/acs/entrances/grant_access", acs_user_id=omar, acs_entrance_id=lab)
    await api("/acs/users/suspend", acs_user_id=jane)
    assert await decided(api, lab, NEW_CARD) == "allow"
    assert await decided(api, lab, CARD) == "deny_suspended"

    await api("/doorward/simulate/hold_controller", acs_entrance_id=lab)
    await api(RESET)
    await hear(doors, sandbox.town)
    assert await decided(api, lab, NEW_CARD) == "deny_unknown_credential"
    assert await decided(api, lab, CARD) == "allow"
    [held] = {
        door["controller"]["is_held"] for door in (await api("/doorward/doors/list"))["doors"]
    }
    assert held is False
    await api("/acs/users/suspend", acs_user_id=jane)
    assert await decided(api, lab, CARD) == "deny_suspended"


async def decided(api: Caller, entrance: str, card: dict[str, str]) -> str:
    decision = (await api("/doorward/doors/present", acs_entrance_id=entrance, **card))["decision"]
    reason: str = decision["outcome"] if decision["outcome"] == "allow" else decision["reason"]
    return reason


async def test_tokens_keep_working_and_sessions_end(
    api: Caller, server: Server, sandbox: Sandbox
) -> None:
    published = await sandbox.published(server)
    made = (await api("/client_sessions/create", user_identifier_key="jane"))["client_session"]
    session = await server.caller(sandbox.town.workspace_id, made["token"])
    for caller in (session, published):
        await caller("/workspaces/get")
    await api(RESET)
    for caller in (api, published):
        await caller("/workspaces/get")
    assert (await session.error("/workspaces/get"))[0] == 401


async def test_a_published_token_that_was_revoked_stays_so(
    api: Caller, server: Server, sandbox: Sandbox
) -> None:
    await (await sandbox.published(server))("/workspaces/get")
    await sandbox.town.database.execute(
        "update token set revoked_at = now() where workspace_id = $1 and is_published",
        sandbox.town.workspace_id,
    )
    await api(RESET)
    published = await sandbox.published(server)
    assert (await published.error("/workspaces/get"))[0] == 401


async def test_the_last_file_counts(api: Caller, sandbox: Sandbox) -> None:
    await sandbox.apply(text=SITE.replace("Omar Ali", "Omar New").replace("omar:", "omar2:"))
    await api("/acs/users/create", acs_system_id=await _system(api), full_name="Nora New")
    await api(RESET)
    users = await listed(api, "/acs/users/list")
    # The first file's person is no longer declared.
    assert sorted(user["display_name"] for user in users) == ["Jane Doe", "Omar New"]


async def _system(api: Caller) -> str:
    system: str = (await found(api, "/acs/systems/list", "Office"))["acs_system_id"]
    return system


async def test_the_journal_tells_of_it(api: Caller, sandbox: Sandbox) -> None:
    count = "select count(*) from policy_journal where workspace_id = $1"
    where = (count, sandbox.town.workspace_id)
    before = await sandbox.town.database.fetchval(*where)
    await api(RESET)
    # Taken away and made again: two people with a membership and two credentials.
    assert await sandbox.town.database.fetchval(*where) - before == 2 * (2 + 1 + 2)


async def test_time_goes_on(api: Caller, server: Server, sandbox: Sandbox) -> None:
    """Doors remember wrong codes and uses by it, so that it moves forward alone."""
    await api("/doorward/simulate/advance_time", seconds=3600)
    await api(RESET)
    now = server.services.clock.now(sandbox.town.workspace_id)
    assert now - datetime.now(UTC) > timedelta(minutes=59)


async def test_a_file_that_is_not_kept(server: Server, town: Town, north: System) -> None:
    """The town was made by no file."""
    caller = await server.caller(town.workspace_id)
    group = await town.group(north, "Staff")
    attempt = (await caller(RESET))["action_attempt"]
    assert (attempt["status"], attempt["result"]) == ("error", None)
    assert attempt["error"]["type"] == "site_file_unusable"
    assert "apply it once more" in attempt["error"]["message"]
    await caller("/acs/access_groups/get", acs_access_group_id=group)
    assert await listed(caller, "/action_attempts/list") == [attempt]


async def test_sandboxes_alone(server: Server, sandbox: Sandbox) -> None:
    await sandbox.apply(is_sandbox=False)
    caller = await server.caller(sandbox.town.workspace_id)
    assert await caller.error(RESET) == (400, "workspace_not_sandbox")
    # What it was made of is not kept either: there are names and numbers in it.
    kept = "select count(*) from site_file where workspace_id = $1"
    assert await sandbox.town.database.fetchval(kept, sandbox.town.workspace_id) == 0


async def test_another_workspace_stays_as_it_is(
    api: Caller, database: Database, keyring: Keyring, clock: MovableClock, server: Server
) -> None:
    other = Sandbox(Town(database, keyring), clock)
    await other.apply()
    there = await server.caller(other.town.workspace_id)
    await disturb(there)
    before = await everything(there)
    await api(RESET)
    assert await everything(there) == before


# Every table of a workspace, and what becomes of its rows.
CLEARED: Final = {
    *("acs_credential", "acs_membership", "acs_user", "action_attempt", "client_session"),
    *("credential_enrollment", "credential_entrance", "event", "idempotent_answer"),
    *("merged_user_identity", "pending_change", "personal", "phone", "user_entrance"),
    *("acs_encoder_scenario", "external_object", "simulated_object", "untold_fact"),
    "user_identity",
}
BROUGHT_TO_THE_FILE: Final = {
    *("access_group_entrance", "acs_access_group", "acs_entrance", "acs_system"),
    *("connected_account", "controller", "reader", "site_object", "workspace"),
    *("acs_encoder", "external_system", "simulated_system"),
}
LEFT: Final = {
    *("credential_name", "keypad", "policy_fact", "policy_journal", "policy_revision"),
    *("site_file", "token", "acs_user_tally"),
}


async def test_nobody_forgets_a_table(database: Database) -> None:
    rows = await database.fetch(
        "select table_name from information_schema.columns"
        " where table_schema = 'public' and column_name = 'workspace_id'"
    )
    tables = {row["table_name"] for row in rows}
    assert tables - CLEARED - BROUGHT_TO_THE_FILE - LEFT == set()
    assert (CLEARED | BROUGHT_TO_THE_FILE | LEFT) - tables == set()
