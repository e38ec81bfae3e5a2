"""Taking away of a sandbox workspace whatever calls can make or change, for a reset."""

from typing import Final
from uuid import UUID, uuid4

import msgspec

from doorward.resources.action_attempt import ActionAttempt, ActionError, ActionResult
from doorward.store import journal, leaving, pending_changes
from doorward.store.database import Connection
from doorward.store.journal import Change
from doorward.store.people import CREDENTIALS, IDENTITIES, USERS
from doorward.store.rows import column
from doorward.store.select import Source

# What is no policy, and what nothing else refers to any more, in this order.
_ERASED: Final = (
    *("phone", "client_session", "action_attempt", "idempotent_answer", "event", "untold_fact"),
    *("acs_encoder_scenario", "external_object", "simulated_object"),
)


async def clear(connection: Connection, change: Change) -> None:
    """Takes away people and credentials, each with its journal entry, and all that happened.

    The caller has the transaction. Structure stays, for the file to be brought to; so do tokens,
    controllers with what is on their disks, and the journal.
    """
    workspace_id = change.workspace_id
    await journal.lock(connection, workspace_id)
    systems = await _ids(connection, workspace_id, "acs_system", "acs_system_id")
    users = await USERS.read_by(connection, workspace_id, "acs_system_id", systems)
    await USERS.erase(connection, change, "acs_system_id", systems)
    await CREDENTIALS.erase(connection, change, "acs_system_id", systems)
    await leaving.forget_of_systems(connection, workspace_id, systems)
    await pending_changes.forget(connection, workspace_id, column(row.ids for row in users))
    for table in _ERASED:
        await connection.execute(
            f"delete from {table} where workspace_id = $1",  # noqa: S608
            workspace_id,
        )
    identities = await _ids(connection, workspace_id, "user_identity", "user_identity_id")
    await IDENTITIES.delete(connection, change, [(each,) for each in identities])
    for statement in _AS_NEW:
        await connection.execute(statement, workspace_id)


async def held_controllers(source: Source, workspace_id: UUID) -> list[UUID]:
    """The controllers that were cut off from the server on demand."""
    rows = await source.fetch(
        "select controller_id from controller where workspace_id = $1 and is_held"
        " order by controller_id",
        workspace_id,
    )
    return [row["controller_id"] for row in rows]


async def keep_attempt(
    connection: Connection, change: Change, error: ActionError | None = None
) -> ActionAttempt:
    """Keeps what became of a reset, which has ended as soon as it is kept."""
    attempt = ActionAttempt(
        action_attempt_id=uuid4(),
        action_type="RESET_SANDBOX_WORKSPACE",
        status="success" if error is None else "error",
        result=ActionResult() if error is None else None,
        error=error,
    )
    await connection.execute(
        "insert into action_attempt (workspace_id, action_attempt_id, action_type, status, result,"
        " error, actor, created_at, ends_at)"
        " values ($1, $2, $3, $4, $5::text::jsonb, $6::text::jsonb, $7, clock_timestamp(),"
        " clock_timestamp())",
        change.workspace_id,
        attempt.action_attempt_id,
        attempt.action_type,
        attempt.status,
        "{}" if error is None else None,
        None if error is None else msgspec.json.encode(error).decode(),
        change.actor,
    )
    return attempt


# What calls can change of structure, as it begins. An account is called as its system.
_AS_NEW: Final = (
    """
update connected_account a set accepted_capabilities = '{access_control}',
  automatically_manage_new_devices = true, custom_metadata = '{}', customer_key = null,
  user_identifier = '{}', disconnected_at = null,
  display_name = coalesce((select s.name from acs_system s where s.workspace_id = a.workspace_id
    and s.connected_account_id = a.connected_account_id limit 1), a.display_name)
where a.workspace_id = $1""",
    "update acs_encoder set acs_credential_id = null where workspace_id = $1",
    "update simulated_system set latency_ms = 0, faults = '{}' where workspace_id = $1",
    (
        "update external_system set failures = 0, next_try_at = null, error_code = null,"
        " error_since = null, crowded_since = null where workspace_id = $1"
    ),
)


async def _ids(source: Source, workspace_id: UUID, table: str, key: str) -> list[UUID]:
    rows = await source.fetch(
        f"select {key} from {table} where workspace_id = $1",  # noqa: S608
        workspace_id,
    )
    return [row[0] for row in rows]
