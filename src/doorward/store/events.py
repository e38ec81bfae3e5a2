"""What happened: kept once, however often it is handed in, and found by time, type and subject."""

from collections.abc import Sequence
from datetime import datetime
from operator import attrgetter
from typing import Final
from uuid import UUID

import msgspec

from doorward.resources.event import Event
from doorward.store import visible
from doorward.store.database import Connection
from doorward.store.select import Select, Source
from doorward.store.sight import Sight

_SELECT = "select v.payload from event v where v.workspace_id = $1"
# Doorward's own types reach only those who ask for them by name.
_NOT_OURS = "v.event_type not like 'doorward.%'"

# In the order of their ids each page of an index is found in one go.
_INSERT: Final = """
insert into event (workspace_id, event_id, event_type, occurred_at, created_at, subject_ids,
  payload)
select $1, x.event_id, x.event_type, x.occurred_at, x.created_at, x.subject_ids::uuid[],
  x.payload::jsonb
from unnest($2::uuid[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::text[], $7::text[])
  as x (event_id, event_type, occurred_at, created_at, subject_ids, payload)
order by x.event_id
on conflict do nothing"""

_IDS: Final = [
    field.name
    for field in msgspec.structs.fields(Event)
    if field.name.endswith("_id") and field.name not in ("event_id", "workspace_id")
]
_ids: Final = attrgetter(*_IDS)


async def insert_events(
    connection: Connection, workspace_id: UUID, events: Sequence[Event]
) -> None:
    """Keeps events; one whose event_id is known already is the same event, handed in again."""
    if events:
        columns = zip(*map(_row, events), strict=True)
        await connection.execute(_INSERT, workspace_id, *columns)


async def get(
    source: Source,
    workspace_id: UUID,
    *,
    event_id: UUID | None = None,
    event_type: str | None = None,
    subject_id: UUID | None = None,
    sight: Sight | None = None,
) -> Event | None:
    """The newest event that matches all of what is given, None where there is none."""
    select = Select(_SELECT, workspace_id)
    select.where_given("v.event_id = {0}", event_id)
    select.where_given("v.event_type = {0}", event_type)
    select.where_given("v.subject_ids @> array[{0}::uuid]", subject_id)
    visible.narrow_events(select, sight)
    rows = await select.fetch(source, "order by v.created_at desc, v.event_id desc limit 1")
    return _event(rows[0]["payload"]) if rows else None


async def list_events(
    source: Source,
    workspace_id: UUID,
    *,
    created_after: datetime | None = None,
    created_before: datetime | None = None,
    event_type: str | None = None,
    event_types: Sequence[str] | None = None,
    event_ids: Sequence[UUID] | None = None,
    subject_ids: Sequence[UUID] = (),
    any_of_subject_ids: Sequence[Sequence[UUID]] = (),
    customer_key: str | None = None,
    sight: Sight | None = None,
    limit: int,
    offset: int = 0,
) -> list[Event]:
    """Events in the order in which the server learnt of them; the bounds are exclusive.

    All of `subject_ids` must be named in an event, and of each list in `any_of_subject_ids` one.
    """
    select = Select(_SELECT, workspace_id)
    select.where_given("v.created_at > {0}", created_after)
    select.where_given("v.created_at < {0}", created_before)
    select.where_given("v.event_id = any ({0}::uuid[])", event_ids)
    if event_type is None and event_types is None:
        select.where(_NOT_OURS)
    select.where_given("v.event_type = {0}", event_type)
    select.where_given("v.event_type = any ({0}::text[])", event_types)
    select.where_given("v.subject_ids @> {0}::uuid[]", subject_ids or None)
    for alternatives in any_of_subject_ids:
        select.where("v.subject_ids && {0}::uuid[]", alternatives)
    select.where_given("v.payload ->> 'customer_key' = {0}", customer_key)
    visible.narrow_events(select, sight)
    tail = f"order by v.created_at, v.event_id limit {limit:d} offset {offset:d}"
    return [_event(row["payload"]) for row in await select.fetch(source, tail)]


def _event(payload: str) -> Event:
    return msgspec.json.decode(payload, type=Event)


def _row(event: Event) -> tuple[object, ...]:
    return (
        event.event_id,
        event.event_type,
        datetime.fromisoformat(event.occurred_at),
        datetime.fromisoformat(event.created_at),
        f"{{{','.join(_subject_ids(event))}}}",
        msgspec.json.encode(event).decode(),
    )


def _subject_ids(event: Event) -> list[str]:
    """Every id that an event names, but its own and its workspace's."""
    return [str(value) for value in _ids(event) if isinstance(value, UUID)]
