"""What changed about a person or group and the doors have still to confirm, as replies show it.

Memberships and links carry this in rows of their own; what is noted here is the rest: a suspension,
a schedule, a credential given to somebody or taken away.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

import asyncpg
import msgspec

from doorward.policy.facts import NO_KEY
from doorward.resources.pending_mutation import (
    UpdatingAccessSchedule,
    UpdatingCredentialAssignment,
    UpdatingSubject,
    UpdatingSuspensionState,
    UpdatingUserInformation,
)
from doorward.resources.values import iso, iso_or_none
from doorward.store import pending
from doorward.store.access import Window
from doorward.store.database import Connection
from doorward.store.journal import Change
from doorward.store.personal import Personal

What = Literal[
    "suspension",
    "access_schedule",
    "credential",
    "user_information",
]

# Names are nothing that our doors know.
_OF_LISTS: Final = frozenset({"user_information"})

# What the doors may still go by is the oldest state that one of them has not left behind. A change
# back to it leaves the one in between as what they may have heard.
_NOTE: Final = f"""
insert into pending_change as n (workspace_id, subject_id, what, object_id, acs_system_id, revision,
  changed_at, before, after)
select $1, $2, $3, $4, $5, r.revision, $6, $7::text::jsonb, $8::text::jsonb
from policy_revision r where r.workspace_id = $1 {{condition}}
on conflict (workspace_id, subject_id, what, object_id) do update
set revision = excluded.revision, changed_at = excluded.changed_at, after = excluded.after,
  before = case when n.before <> excluded.after and {pending.CHANGE} then n.before
    else excluded.before end"""  # noqa: S608

# Of systems with lists of their own alone: our doors know no names.
_ELSEWHERE: Final = (
    "and exists (select from external_system x where x.workspace_id = $1 and x.acs_system_id = $5)"
)

_UNCONFIRMED: Final = "The doors have still to confirm that"
_MUTATIONS: Final[Mapping[What, tuple[type[UpdatingSubject], str]]] = {
    "suspension": (
        UpdatingSuspensionState,
        f"{_UNCONFIRMED} the user was suspended, or is no longer.",
    ),
    "access_schedule": (UpdatingAccessSchedule, f"{_UNCONFIRMED} the access schedule has changed."),
    "credential": (
        UpdatingCredentialAssignment,
        f"{_UNCONFIRMED} the user was given the credential, or lost it.",
    ),
    "user_information": (
        UpdatingUserInformation,
        "The access system has still to confirm the user's name or addresses.",
    ),
}


async def note_suspension(
    connection: Connection,
    change: Change,
    acs_system_id: UUID,
    acs_user_id: UUID,
    *,
    is_suspended: bool,
) -> None:
    """Notes that a person was suspended or is no longer, after the journal has it."""
    before, after = {"is_suspended": not is_suspended}, {"is_suspended": is_suspended}
    await note(connection, change, acs_system_id, acs_user_id, "suspension", before, after)


async def note_schedule(
    connection: Connection,
    change: Change,
    acs_system_id: UUID,
    subject_id: UUID,
    before: Window,
    after: Window,
) -> None:
    """Notes that a person or group has another window."""
    spans = (_span(*before), _span(*after))
    await note(connection, change, acs_system_id, subject_id, "access_schedule", *spans)


async def note_information(
    connection: Connection,
    change: Change,
    acs_system_id: UUID,
    acs_user_id: UUID,
    before: Personal,
    after: Personal,
) -> None:
    """Notes that a person is called otherwise, where the system keeps a list of its own."""
    sides = asdict(before), asdict(after)
    await note(connection, change, acs_system_id, acs_user_id, "user_information", *sides)


async def note_assignment(
    connection: Connection,
    change: Change,
    acs_system_id: UUID,
    acs_user_id: UUID,
    acs_credential_id: UUID,
    *,
    is_given: bool,
) -> None:
    """Notes that a person was given a credential, or that it was taken away."""
    there: dict[str, Any] = {"acs_credential_id": str(acs_credential_id)}
    none: dict[str, Any] = {"acs_credential_id": None}
    sides = (none, there) if is_given else (there, none)
    await note(
        connection, change, acs_system_id, acs_user_id, "credential", *sides, acs_credential_id
    )


async def note(
    connection: Connection,
    change: Change,
    acs_system_id: UUID,
    subject_id: UUID,
    what: What,
    before: dict[str, Any],
    after: dict[str, Any],
    object_id: UUID = NO_KEY,
) -> None:
    """Notes a change of a subject as pending until every controller of its system has confirmed it.

    To be called after the change's last journal entry, in the same transaction: it is pending on
    the journal's newest revision. object_id: what tells several pending changes of one kind apart.
    before, after: what the mutation shows as `from` and `to`.
    """
    condition = _ELSEWHERE if what in _OF_LISTS else ""
    await connection.execute(
        _NOTE.format(condition=condition),
        change.workspace_id,
        subject_id,
        what,
        object_id,
        acs_system_id,
        change.at,
        msgspec.json.encode(before).decode(),
        msgspec.json.encode(after).decode(),
    )


async def forget(connection: Connection, workspace_id: UUID, subject_ids: Sequence[UUID]) -> None:
    """Drops what was noted of subjects that are no more."""
    await connection.execute(
        "delete from pending_change where workspace_id = $1 and subject_id = any ($2::uuid[])",
        workspace_id,
        list(subject_ids),
    )


def noted(workspace_id: str, subject_id: str) -> str:
    """A lateral subquery of what is pending of a subject, in arrays side by side; null for nothing.

    workspace_id, subject_id: columns of the row that it is about. `mutations` reads it.
    """
    return f"""(
  select array_agg(n.what order by n.revision, n.object_id) noted,
    array_agg(n.changed_at order by n.revision, n.object_id) noted_at,
    array_agg(n.before order by n.revision, n.object_id) noted_before,
    array_agg(n.after order by n.revision, n.object_id) noted_after
  from pending_change n
  where n.workspace_id = {workspace_id} and n.subject_id = {subject_id} and {pending.CHANGE}
)"""  # noqa: S608


def mutations(row: asyncpg.Record) -> Iterator[UpdatingSubject]:
    """What a row with the columns of `noted` has pending, the oldest change first."""
    if row["noted"] is None:
        return
    columns = (row[name] for name in ("noted", "noted_at", "noted_before", "noted_after"))
    for what, changed_at, before, after in zip(*columns, strict=True):
        mutation, message = _MUTATIONS[what]
        sides = {"from": msgspec.json.decode(before), "to": msgspec.json.decode(after)}
        head = {"created_at": iso(changed_at), "message": message}
        yield msgspec.convert(head | sides, mutation)


def _span(starts_at: datetime | None, ends_at: datetime | None) -> dict[str, str | None]:
    return {"starts_at": iso_or_none(starts_at), "ends_at": iso_or_none(ends_at)}
