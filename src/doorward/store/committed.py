"""What a transaction of this process has appended to the journal, read before it is committed, for
the doors of the same process: they need not ask for it then.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final
from uuid import UUID

import asyncpg
import msgspec

from doorward.policy.facts import Fact, Kind
from doorward.store.database import Connection
from doorward.store.memberships import CHANGE, ChangeMembership, MembershipResult, arguments
from doorward.store.slices import CHUNK, JOURNALLED, Contact, Entry, Tail, entry_of
from doorward.store.watch import Position

# By controller: whether it is held, the holder of its lease, the lease's generation, its keypads'
# version.
_Contacts = dict[UUID, tuple[bool, str | None, int, int]]

_JOINED: Final = b"{}"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Committed:
    """What one commit appended to a workspace's journal, in order, from its first entry on; of very
    many entries the first CHUNK. `head` and `last_hash` are of the last one.

    contacts: what the server said of the workspace's controllers in the same transaction, so that
    whoever takes an entry also knows of a hold that came before it.
    """

    head: Position
    last_hash: bytes
    entries: Sequence[Entry]
    contacts: _Contacts

    def tail(self, controller_id: UUID) -> Tail | None:
        """It as a controller reads it from the journal; None without such a controller."""
        contact = self.contacts.get(controller_id)
        if contact is None:
            return None
        return Tail(Contact(self.head, self.last_hash, *contact), self.entries)


News = Mapping[UUID, Committed]

# Of the statement's own snapshot: whoever was told of a hold before a change was asked for.
_CONTACTS: Final = (
    "(select jsonb_object_agg(c.controller_id, jsonb_build_array(c.is_held, c.lease_holder,"
    " c.lease_generation, c.keypad_version))::text from controller c"
    " where c.workspace_id = any ({ids}))"
)

_CHANGE: Final = (
    "select status, revision, acs_user_id, acs_system_id, epoch, previous_hash, entry_hash,"  # noqa: S608
    f" case when n = 1 then {_CONTACTS.format(ids='$3')} end from {CHANGE} with ordinality"
    " m (status, revision, acs_user_id, acs_system_id, epoch, previous_hash, entry_hash, n)"
)

_SINCE: Final = f"""
select r.epoch, r.revision as head, r.last_hash,
  {_CONTACTS.format(ids="array[r.workspace_id]")} as contacts, {JOURNALLED}
from policy_revision r
join policy_journal j on j.workspace_id = r.workspace_id
  and j.revision > $2 and j.revision <= $2 + $3
left join acs_credential k on j.kind = 'credential'
  and k.workspace_id = j.workspace_id and k.acs_credential_id = j.key_a
where r.workspace_id = $1
order by j.revision
"""  # noqa: S608


async def change_and_tell(
    connection: Connection, calls: Sequence[ChangeMembership]
) -> tuple[list[MembershipResult], News]:
    """Makes membership changes in one statement, which may be a transaction by itself."""
    rows = await connection.fetch(_CHANGE, *arguments(calls))
    results = [MembershipResult(row[0], row[1], row[2]) for row in rows]
    try:
        return results, dict(_news(calls, rows))
    except Exception:  # noqa: BLE001 - whatever it is, the change is made
        # It may be committed by now: the doors then have it from the journal.
        _log.exception("a commit cannot be handed to the doors")
        return results, {}


def _news(
    calls: Sequence[ChangeMembership], rows: Sequence[asyncpg.Record]
) -> Iterator[tuple[UUID, Committed]]:
    contacts = _decode(rows[0][7])
    changed = [(call, row) for call, row in zip(calls, rows, strict=True) if row[6] is not None]
    changed.sort(key=lambda each: each[0].workspace_id)  # keeps each workspace's order
    for workspace_id, its in groupby(changed, lambda each: each[0].workspace_id):
        own = list(its)
        entries = [_entry(call, row) for call, row in own]
        last = own[-1][1]
        head = Position(last[4], last[1])
        yield workspace_id, Committed(head, last[6], entries, contacts)


def _entry(call: ChangeMembership, row: asyncpg.Record) -> Entry:
    _, revision, acs_user_id, acs_system_id, _, previous_hash, entry_hash, _ = row
    state = _JOINED if call.is_add else None
    fact = Fact(Kind.MEMBERSHIP, call.acs_access_group_id, acs_user_id, revision, state)
    return Entry(acs_system_id, fact, previous_hash, entry_hash)


async def tell(connection: Connection, since: Mapping[UUID, int]) -> News:
    """What this transaction has appended to journals after these revisions, any kind of change."""
    news: dict[UUID, Committed] = {}
    for workspace_id, revision in since.items():
        rows = await connection.fetch(_SINCE, workspace_id, revision, CHUNK)
        if rows:
            first = rows[0]
            news[workspace_id] = Committed(
                Position(first["epoch"], first["head"]),
                first["last_hash"],
                [entry_of(row) for row in rows],
                _decode(first["contacts"]),
            )
    return news


def _decode(contacts: str | None) -> _Contacts:
    return msgspec.json.decode(contacts, type=_Contacts) if contacts else {}
