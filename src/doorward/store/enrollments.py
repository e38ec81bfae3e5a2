"""Cards that are to be learnt at readers: begun, waited for, ended. All of it in real time."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal
from uuid import UUID, uuid4

import asyncpg
import msgspec

from doorward.resources.enrollment import Enrollment, EnrollmentError
from doorward.resources.values import iso, iso_or_none
from doorward.store.database import Connection
from doorward.store.select import Source

Outcome = Literal["succeeded", "failed", "cancelled", "expired"]

# Each that begins takes so many old ones away: more than one, so that none pile up.
_SWEPT: Final = 16

# Of rows `e` with their controller `c`: whether the process that waits can still write down what
# came of it. After the end it gets a moment to do so.
_HEARD: Final = """e.status = 'waiting' and c.lease_generation = e.lease_generation
  and e.ends_at > clock_timestamp() - interval '5 seconds'"""

_FIND: Final = f"""
select e.*, e.status = 'waiting' and not ({_HEARD}) as is_lost
from credential_enrollment e
join acs_entrance n on n.workspace_id = e.workspace_id and n.acs_entrance_id = e.acs_entrance_id
join controller c on c.workspace_id = n.workspace_id and c.controller_id = n.controller_id
where e.workspace_id = $1 and e.enrollment_id = $2"""  # noqa: S608

# Whoever else begins one of the same card waits here. Apart from _BEGIN, whose statement has a
# snapshot from before the lock was got.
_LOCK: Final = "select pg_advisory_xact_lock(hashtextextended($1, 0))"

_BEGIN: Final = f"""
with old as (
  delete from credential_enrollment where (workspace_id, enrollment_id) in (
    select workspace_id, enrollment_id from credential_enrollment
    where created_at < clock_timestamp() - interval '1 day' order by created_at limit {_SWEPT})
), superseded as (
  update credential_enrollment
  set status = 'cancelled', error = $7::text::jsonb, ended_at = clock_timestamp()
  where workspace_id = $1 and acs_credential_id = $3 and status = 'waiting'
  returning enrollment_id
), begun as (
insert into credential_enrollment (workspace_id, enrollment_id, acs_credential_id,
  acs_entrance_id, reader_id, lease_generation, status, created_at, ends_at)
select $1, $2, $3, $4, $5, c.lease_generation, 'waiting', clock_timestamp(),
  clock_timestamp() + $6 * interval '1 second'
from acs_entrance n
join controller c on c.workspace_id = n.workspace_id and c.controller_id = n.controller_id
where n.workspace_id = $1 and n.acs_entrance_id = $4
  -- Read to its end first: one may wait at a time.
  and (select count(*) from superseded) >= 0
)
select enrollment_id from superseded"""  # noqa: S608

_END: Final = f"""
update credential_enrollment w
set status = $3, error = $4::text::jsonb, ended_at = clock_timestamp()
from credential_enrollment e
join acs_entrance n on n.workspace_id = e.workspace_id and n.acs_entrance_id = e.acs_entrance_id
join controller c on c.workspace_id = n.workspace_id and c.controller_id = n.controller_id
where e.workspace_id = $1 and e.enrollment_id = $2 and {_HEARD}
  and w.workspace_id = $1 and w.enrollment_id = $2 and w.status = 'waiting'
returning true"""  # noqa: S608

_END_OF: Final = """
update credential_enrollment
set status = 'cancelled', error = $3::text::jsonb, ended_at = clock_timestamp()
where workspace_id = $1 and acs_credential_id = $2 and status = 'waiting'"""

_IS_NEWS: Final = """
select exists (
  select from acs_credential e
  join acs_credential c on c.workspace_id = e.workspace_id
    and c.acs_system_id = e.acs_system_id and c.lookup = $3 and c.access_method = 'card'
  join policy_fact f on f.workspace_id = c.workspace_id and f.kind = 'credential'
    and f.key_a = c.acs_credential_id and f.to_revision is null
  where e.workspace_id = $1 and e.acs_credential_id = $2 and f.from_revision > $4)"""

_LOST: Final = EnrollmentError(
    type="enrollment_interrupted", message="The server that waited for the card was stopped"
)
_SUPERSEDED: Final = EnrollmentError(
    type="enrollment_superseded", message="Another enrolment of the same card was begun"
)
_NUMBERED: Final = EnrollmentError(
    type="enrollment_superseded", message="The card was given its number otherwise"
)


@dataclass(frozen=True, slots=True)
class Asked:
    """Which card is to be learnt where, within how many seconds; reader_id None: at the first."""

    acs_credential_id: UUID
    acs_entrance_id: UUID
    reader_id: UUID | None
    timeout: float


@dataclass(frozen=True, slots=True)
class Begun:
    """An enrolment that waits from now on, and those of the same card that do no longer."""

    enrollment_id: UUID
    superseded: Sequence[UUID]


async def begin(connection: Connection, workspace_id: UUID, asked: Asked) -> Begun:
    """Writes an enrolment down, and cancels what waits for the same card."""
    enrollment_id = uuid4()
    await connection.execute(_LOCK, f"credential_enrollment {asked.acs_credential_id}")
    rows = await connection.fetch(
        _BEGIN,
        workspace_id,
        enrollment_id,
        asked.acs_credential_id,
        asked.acs_entrance_id,
        asked.reader_id,
        asked.timeout,
        msgspec.json.encode(_SUPERSEDED).decode(),
    )
    return Begun(enrollment_id, [row["enrollment_id"] for row in rows])


async def end_of(connection: Connection, workspace_id: UUID, acs_credential_id: UUID) -> None:
    """Cancels what waits for a card that has its number now."""
    error = msgspec.json.encode(_NUMBERED).decode()
    await connection.execute(_END_OF, workspace_id, acs_credential_id, error)


async def is_news(
    connection: Connection, workspace_id: UUID, acs_credential_id: UUID, lookup: bytes, since: int
) -> bool:
    """Whether a card is another credential's, of the same system, by a change after `since`.

    lookup: the card's keyed hash. since: the revision up to which a reader did not know the card.
    """
    found: bool = await connection.fetchval(
        _IS_NEWS, workspace_id, acs_credential_id, lookup, since
    )
    return found


async def get(source: Source, workspace_id: UUID, enrollment_id: UUID) -> Enrollment | None:
    """An enrolment, None for an unknown id."""
    row = await source.fetchrow(_FIND, workspace_id, enrollment_id)
    return _enrollment(row) if row else None


async def end(
    source: Source,
    workspace_id: UUID,
    enrollment_id: UUID,
    outcome: Outcome,
    error: EnrollmentError | None = None,
) -> bool:
    """Ends an enrolment; False where it has ended already, which stays as it is."""
    encoded = None if error is None else msgspec.json.encode(error).decode()
    ended = await source.fetchval(_END, workspace_id, enrollment_id, outcome, encoded)
    return bool(ended)


async def has_reader(
    source: Source, workspace_id: UUID, acs_entrance_id: UUID, reader_id: UUID
) -> bool:
    """Whether a reader stands at an entrance."""
    found: bool = await source.fetchval(
        "select exists (select from reader"
        " where workspace_id = $1 and reader_id = $2 and acs_entrance_id = $3)",
        workspace_id,
        reader_id,
        acs_entrance_id,
    )
    return found


def _enrollment(row: asyncpg.Record) -> Enrollment:
    error = row["error"] and msgspec.json.decode(row["error"], type=EnrollmentError)
    return Enrollment(
        enrollment_id=row["enrollment_id"],
        acs_credential_id=row["acs_credential_id"],
        acs_entrance_id=row["acs_entrance_id"],
        reader_id=row["reader_id"],
        status="cancelled" if row["is_lost"] else row["status"],
        error=_LOST if row["is_lost"] else error,
        created_at=iso(row["created_at"]),
        ends_at=iso(row["ends_at"]),
        ended_at=iso_or_none(row["ended_at"]),
    )
