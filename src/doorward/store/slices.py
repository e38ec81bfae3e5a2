"""What a controller needs of the policy: its whole slice at one revision, or what came after.

A slice is every user, group, membership and credential of the controller's access system, and of
entrances, readers and links to entrances those of its own entrances.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import asyncpg

from doorward.policy.facts import Fact, Kind
from doorward.store.controllers import ControllerKey, Link
from doorward.store.database import Connection, Database
from doorward.store.watch import Position

CHUNK: Final = 2_000

# Facts that belong to one entrance, which key_b names.
OF_ENTRANCE: Final = frozenset(
    {Kind.READER, Kind.GROUP_ENTRANCE, Kind.CREDENTIAL_ENTRANCE, Kind.GRANT}
)
_SHARED: Final = frozenset(Kind) - OF_ENTRANCE - {Kind.ENTRANCE}


@dataclass(frozen=True, slots=True)
class Contact:
    """What the server says of a controller in the same look as its policy.

    last_hash: of the journal's newest entry, at `head`. keypad_version: another one tells that more
    is known of its keypads.
    """

    head: Position
    last_hash: bytes
    is_held: bool
    lease_holder: str | None
    lease_generation: int
    keypad_version: int


@dataclass(frozen=True, slots=True)
class Entry:
    """A journal entry: the fact, the access system that it belongs to, its link in the chain."""

    acs_system_id: UUID
    fact: Fact
    previous_hash: bytes
    entry_hash: bytes


@dataclass(frozen=True, slots=True)
class Tail:
    """The journal after a revision, in order, as far as one look goes."""

    contact: Contact
    entries: Sequence[Entry]


_CONTACT: Final = (
    "r.epoch, r.revision as head, r.last_hash, c.is_held, c.lease_holder, c.lease_generation,"
    " c.keypad_version"
)

# Of an entry j, and where it is about a credential, of its row k.
JOURNALLED: Final = (
    "j.revision, j.acs_system_id, j.kind, j.key_a, j.key_b, j.state::text, j.previous_hash,"
    " j.entry_hash, k.lookup"
)

_TAIL: Final = f"""
select {_CONTACT}, {JOURNALLED}
from controller c
join policy_revision r on r.workspace_id = c.workspace_id
left join policy_journal j on j.workspace_id = c.workspace_id
  and j.revision > $3 and j.revision <= $3 + $4
left join acs_credential k on j.kind = 'credential'
  and k.workspace_id = j.workspace_id and k.acs_credential_id = j.key_a
where c.workspace_id = $1 and c.controller_id = $2
order by j.revision
"""  # noqa: S608

_WHOLE: Final = """
select f.from_revision as revision, f.kind, f.key_a, f.key_b, f.state::text, k.lookup
from policy_fact f
left join acs_credential k on f.kind = 'credential'
  and k.workspace_id = f.workspace_id and k.acs_credential_id = f.key_a
where f.workspace_id = $1 and f.acs_system_id = $3 and f.to_revision is null and (
  f.kind = any ($4)
  or (f.kind = 'entrance' and f.key_b = $2)
  or (f.kind = any ($5) and f.key_b in (
    select e.key_a from policy_fact e where e.workspace_id = $1 and e.kind = 'entrance'
      and e.key_b = $2 and e.to_revision is null)))
"""


async def read_tail(
    link: Link, key: ControllerKey, revision: int, *, limit: int = CHUNK
) -> Tail | None:
    """At most `limit` entries after `revision`, every access system's; None without a controller.

    One statement, so one snapshot: whoever sees an entry also sees a hold that came before it.
    """
    rows = await link.fetch(_TAIL, *key[:2], revision, limit)
    if not rows:
        return None
    entries = [entry_of(row) for row in rows if row["revision"]]
    return Tail(_contact(rows[0]), entries)


class Whole:
    """A controller's whole slice at `contact.head`, to be read once while it is open."""

    def __init__(
        self,
        connection: Connection,
        key: ControllerKey,
        contact: Contact,
        connected_account_id: UUID,
    ) -> None:
        self._connection = connection
        self._key = key
        self.contact = contact
        self.connected_account_id = connected_account_id

    async def chunks(self) -> AsyncIterator[list[Fact]]:
        """All facts of the slice, some thousand at a time, in no order."""
        cursor = await self._connection.cursor(
            _WHOLE, *self._key, sorted(_SHARED), sorted(OF_ENTRANCE)
        )
        while rows := await cursor.fetch(CHUNK):
            yield [_fact(row) for row in rows]


@asynccontextmanager
async def read_whole(database: Database, key: ControllerKey) -> AsyncIterator[Whole | None]:
    """Opens the slice of a controller in a snapshot of its own; None without a controller."""
    async with database.transaction(isolation="repeatable_read", is_readonly=True) as connection:
        row = await connection.fetchrow(
            f"select {_CONTACT}, s.connected_account_id from controller c"  # noqa: S608
            " join policy_revision r on r.workspace_id = c.workspace_id"
            " join acs_system s on s.workspace_id = c.workspace_id"
            " and s.acs_system_id = c.acs_system_id"
            " where c.workspace_id = $1 and c.controller_id = $2",
            *key[:2],
        )
        if row is None:
            yield None
        else:
            yield Whole(connection, key, _contact(row), row["connected_account_id"])


def entry_of(row: asyncpg.Record) -> Entry:
    """The entry of a row of JOURNALLED."""
    return Entry(row["acs_system_id"], _fact(row), row["previous_hash"], row["entry_hash"])


def _contact(row: asyncpg.Record) -> Contact:
    return Contact(
        Position(row["epoch"], row["head"]),
        row["last_hash"],
        row["is_held"],
        row["lease_holder"],
        row["lease_generation"],
        row["keypad_version"],
    )


def _fact(row: asyncpg.Record) -> Fact:
    state = row["state"]
    return Fact(
        Kind(row["kind"]),
        row["key_a"],
        row["key_b"],
        row["revision"],
        None if state is None else state.encode(),
        row["lookup"],
    )
