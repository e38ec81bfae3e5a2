"""Momentary commands: kept before a door is asked, ended once, over when their time is.

Their times are real ones, by the database's clock alone. What is pending beyond its end has failed
as soon as somebody writes that down: whoever comes across it does, so that nobody is told of a
failure that an end on its way to the disk could still make a success.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple
from uuid import UUID, uuid4

import asyncpg
import msgspec

from doorward.resources.acs_credential import AcsCredential
from doorward.resources.action_attempt import (
    ActionAttempt,
    ActionError,
    ActionResult,
    ActionType,
    Result,
    ScanResult,
)
from doorward.store import visible
from doorward.store.database import Connection
from doorward.store.secrets import Keyring
from doorward.store.select import After, Select, Source
from doorward.store.sight import Sight

# The official clients wait for 5 seconds and more.
LIFE_SECONDS: Final = 4.0

EXPIRED: Final = ActionError(
    type="action_attempt_expired",
    message="No answer came in time. What was done is not known; it is not asked again.",
)

# A process that stalls between an end and its commit holds the attempt no longer than this.
_PATIENCE: Final = "set local idle_in_transaction_session_timeout = 500"

_SELECT = """
select t.*, t.action_attempt_id id,
  t.status = 'pending' and t.ends_at <= clock_timestamp() is_over
from action_attempt t where t.workspace_id = $1"""
_ORDER = ("t.created_at", "t.action_attempt_id")


@dataclass(frozen=True, slots=True)
class Unlocking:
    """An entrance and a credential that is to open it, as far as they are there.

    access_method: None without such a credential. acs_system_id, external_type: None without such
    an entrance.
    """

    acs_system_id: UUID | None
    access_method: str | None
    is_of_system: bool
    user_identity_id: UUID | None
    external_type: str | None


@dataclass(frozen=True, slots=True)
class Ended:
    """An attempt that has ended just now, with the account that its event names."""

    workspace_id: UUID
    action_attempt_id: UUID
    action_type: ActionType
    is_success: bool
    connected_account_id: UUID | None


class Seen(NamedTuple):
    """An attempt as it was found. is_over: its time is, and nobody has ended it yet."""

    attempt: ActionAttempt
    is_over: bool


async def find_unlocking(
    connection: Connection, workspace_id: UUID, acs_entrance_id: UUID, acs_credential_id: UUID
) -> Unlocking:
    """What is known of an entrance and a credential."""
    row = await connection.fetchrow(_FIND, workspace_id, acs_entrance_id, acs_credential_id)
    assert row is not None
    return Unlocking(**dict(row))


async def create_unlocking(
    connection: Connection,
    workspace_id: UUID,
    acs_entrance_id: UUID,
    acs_credential_id: UUID,
    unlocking: Unlocking,
    actor: str,
) -> ActionAttempt:
    """Keeps a command to unlock, which ends within LIFE_SECONDS."""
    assert unlocking.acs_system_id is not None
    return await create(
        connection,
        workspace_id,
        "UNLOCK_DOOR",
        unlocking.acs_system_id,
        actor,
        acs_entrance_id=acs_entrance_id,
        acs_credential_id=acs_credential_id,
        user_identity_id=unlocking.user_identity_id,
    )


async def create(
    connection: Connection,
    workspace_id: UUID,
    action_type: ActionType,
    acs_system_id: UUID,
    actor: str,
    *,
    acs_entrance_id: UUID | None = None,
    acs_credential_id: UUID | None = None,
    user_identity_id: UUID | None = None,
) -> ActionAttempt:
    """Keeps a command, which ends within LIFE_SECONDS."""
    action_attempt_id = uuid4()
    await connection.execute(
        _CREATE,
        workspace_id,
        action_attempt_id,
        action_type,
        acs_system_id,
        acs_entrance_id,
        acs_credential_id,
        user_identity_id,
        actor,
        LIFE_SECONDS,
    )
    return ActionAttempt(
        action_attempt_id=action_attempt_id,
        action_type=action_type,
        status="pending",
        result=None,
        error=None,
    )


async def hold(connection: Connection, workspace_id: UUID, action_attempt_id: UUID) -> bool:
    """Whether an attempt is under way; if so, nobody else ends it until the transaction is over."""
    is_pending: bool | None = await connection.fetchval(_HOLD, workspace_id, action_attempt_id)
    return bool(is_pending)


async def conclude(
    connection: Connection,
    keyring: Keyring,
    workspace_id: UUID,
    action_attempt_id: UUID,
    outcome: AcsCredential | ScanResult | ActionError,
) -> None:
    """Ends an attempt that the transaction holds; a result is sealed, for it tells a number."""
    body = msgspec.json.encode(outcome)
    error = body.decode() if isinstance(outcome, ActionError) else None
    context = _context(workspace_id, action_attempt_id)
    await connection.execute(
        _CONCLUDE,
        workspace_id,
        action_attempt_id,
        error,
        keyring.seal(body, context) if error is None else None,
    )


async def end(
    connection: Connection,
    workspace_id: UUID,
    action_attempt_id: UUID,
    outcome: ActionResult | ActionError,
) -> Ended | None:
    """Ends an attempt; None where it has ended, or its time has, whatever the outcome was. To be
    committed at once.
    """
    is_success = isinstance(outcome, ActionResult)
    body = msgspec.json.encode(outcome).decode()
    await connection.execute(_PATIENCE)
    row = await connection.fetchrow(
        _END,
        workspace_id,
        action_attempt_id,
        "success" if is_success else "error",
        body if is_success else None,
        None if is_success else body,
    )
    return Ended(**dict(row)) if row else None


async def end_expired(connection: Connection, limit: int) -> list[Ended]:
    """Ends attempts whose time is over, those that another process is not just ending. To be
    committed at once.
    """
    body = msgspec.json.encode(EXPIRED).decode()
    await connection.execute(_PATIENCE)
    return [Ended(**dict(row)) for row in await connection.fetch(_END_EXPIRED, body, limit)]


async def end_expired_of(
    connection: Connection, workspace_id: UUID, action_attempt_ids: Sequence[UUID]
) -> list[Ended]:
    """Does the same with these alone."""
    body = msgspec.json.encode(EXPIRED).decode()
    await connection.execute(_PATIENCE)
    rows = await connection.fetch(_END_EXPIRED_OF, body, workspace_id, action_attempt_ids)
    return [Ended(**dict(row)) for row in rows]


async def get(
    source: Source,
    keyring: Keyring,
    workspace_id: UUID,
    action_attempt_id: UUID,
    *,
    sight: Sight | None = None,
) -> Seen | None:
    """An attempt as it is now, None for an unknown one and for one out of sight."""
    select = Select(_SELECT, workspace_id)
    select.where("t.action_attempt_id = {0}", action_attempt_id)
    visible.narrow_attempts(select, sight)
    row = await select.fetchrow(source)
    return _seen(row, keyring) if row else None


async def list_attempts(
    source: Source,
    keyring: Keyring,
    workspace_id: UUID,
    *,
    action_attempt_ids: Sequence[UUID] | None = None,
    sight: Sight | None = None,
    limit: int,
    after: After | None,
) -> tuple[list[Seen], After | None]:
    """A page of attempts, the oldest first."""
    select = Select(_SELECT, workspace_id)
    select.where_given("t.action_attempt_id = any ({0}::uuid[])", action_attempt_ids)
    visible.narrow_attempts(select, sight)
    rows, next_after = await select.page(source, _ORDER, limit, after)
    return [_seen(row, keyring) for row in rows], next_after


_FIND: Final = """
select e.acs_system_id, c.access_method, c.acs_system_id is not distinct from e.acs_system_id
  is_of_system, u.user_identity_id, s.external_type
from (select $1::uuid workspace_id, $2::uuid acs_entrance_id, $3::uuid acs_credential_id) q
left join acs_entrance e
  on e.workspace_id = q.workspace_id and e.acs_entrance_id = q.acs_entrance_id
left join acs_system s
  on s.workspace_id = q.workspace_id and s.acs_system_id = e.acs_system_id
left join acs_credential c
  on c.workspace_id = q.workspace_id and c.acs_credential_id = q.acs_credential_id and c.is_managed
left join acs_user u on u.workspace_id = q.workspace_id and u.acs_user_id = c.acs_user_id
"""

_CREATE: Final = """
insert into action_attempt (workspace_id, action_attempt_id, action_type, status, acs_system_id,
  acs_entrance_id, acs_credential_id, user_identity_id, actor, created_at, ends_at)
values ($1, $2, $3, 'pending', $4, $5, $6, $7, $8, clock_timestamp(),
  clock_timestamp() + $9 * interval '1 second')
"""

_HOLD: Final = """
select true from action_attempt
where workspace_id = $1 and action_attempt_id = $2 and status = 'pending'
  and ends_at > clock_timestamp()
for update"""

_CONCLUDE: Final = """
update action_attempt set status = case when $3::text is null then 'success' else 'error' end,
  result = case when $3::text is null then '{}'::jsonb end, error = $3::text::jsonb, sealed = $4
where workspace_id = $1 and action_attempt_id = $2"""

_ENDED: Final = """
returning t.workspace_id, t.action_attempt_id, t.action_type, t.status = 'success' is_success,
  (select s.connected_account_id from acs_system s where s.workspace_id = t.workspace_id
    and s.acs_system_id = t.acs_system_id) connected_account_id
"""

_END: Final = f"""
update action_attempt t set status = $3, result = $4::text::jsonb, error = $5::text::jsonb
where t.workspace_id = $1 and t.action_attempt_id = $2 and t.status = 'pending'
  and t.ends_at > clock_timestamp()
{_ENDED}"""  # noqa: S608

# A row that is locked is being ended: it is left to whoever does.
_LATE: Final = f"""
update action_attempt t set status = 'error', error = $1::text::jsonb
from (
  select workspace_id, action_attempt_id from action_attempt
  where status = 'pending' and ends_at <= clock_timestamp() {{which}} for update skip locked
) l where (t.workspace_id, t.action_attempt_id) = (l.workspace_id, l.action_attempt_id)
{_ENDED}"""  # noqa: S608
_END_EXPIRED: Final = _LATE.format(which="order by ends_at limit $2")
_END_EXPIRED_OF: Final = _LATE.format(
    which="and workspace_id = $2 and action_attempt_id = any ($3::uuid[])"
)


def _seen(row: asyncpg.Record, keyring: Keyring) -> Seen:
    error = None if row["error"] is None else msgspec.json.decode(row["error"], type=ActionError)
    attempt = ActionAttempt(
        action_attempt_id=row["action_attempt_id"],
        action_type=row["action_type"],
        status=row["status"],
        result=_result(row, keyring),
        error=error,
    )
    return Seen(attempt, row["is_over"])


def _result(row: asyncpg.Record, keyring: Keyring) -> Result | None:
    if row["result"] is None:
        return None
    if row["sealed"] is None:
        return msgspec.json.decode(row["result"], type=ActionResult)
    body = keyring.open(row["sealed"], _context(row["workspace_id"], row["action_attempt_id"]))
    # Told as it was written: it is for the caller, and nobody here looks into it.
    return msgspec.Raw(body)


def _context(workspace_id: UUID, action_attempt_id: UUID) -> bytes:
    return b"action_attempt" + workspace_id.bytes + action_attempt_id.bytes
