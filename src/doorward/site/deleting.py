"""Deletes what a file no longer declares, with the events that tell of it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final
from uuid import UUID

from doorward.events import catalogue, deletions, phones
from doorward.events.catalogue import Occasion
from doorward.site.kinds import KINDS
from doorward.store import client_sessions
from doorward.store.database import Connection
from doorward.store.events import insert_events
from doorward.store.journal import Change
from doorward.store.people import IDENTITIES
from doorward.store.rows import Ids, column

Delete = Callable[[Connection, Change, Sequence[UUID]], Awaitable[None]]


async def delete(connection: Connection, change: Change, kind: str, ids: Sequence[Ids]) -> None:
    """Takes rows of one kind away, and with them what cannot be without them.

    The caller has locked the journal's counter.
    """
    told = _TOLD.get(kind)
    if told is None:
        await KINDS[kind].rows.delete(connection, change, ids)
    else:
        await told(connection, change, column(ids))


async def _identities(connection: Connection, change: Change, ids: Sequence[UUID]) -> None:
    """Sessions and phones end with their identity; whoever has it as a user stays without it."""
    workspace_id = change.workspace_id
    ended: list[UUID] = []
    for each in ids:
        ended += await client_sessions.delete_of_identity(connection, workspace_id, each)
    await phones.deactivate_phones_of(connection, change, ids)
    await IDENTITIES.delete(connection, change, [(each,) for each in ids])
    deleted = [catalogue.client_session_deleted(_occasion(change), each) for each in ended]
    await insert_events(connection, workspace_id, deleted)


def _occasion(change: Change) -> Occasion:
    return Occasion(change.workspace_id, change.at, change.at)


_TOLD: Final[Mapping[str, Delete]] = {
    "user": deletions.delete_users,
    "credential": deletions.delete_credentials,
    "access_group": deletions.delete_groups,
    "entrance": deletions.delete_entrances,
    "encoder": deletions.delete_encoders,
    "identity": _identities,
}
