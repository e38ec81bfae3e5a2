"""Facts of which the journal is told after the commit that made what they are about.

Telling it of very many would keep every other change waiting. What is untold is on disk with the
rows that it is about, and is told in parts: by whoever wrote it or, where that has died, by a
server.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from doorward.store.database import Connection
from doorward.store.journal import Change
from doorward.store.links import Membership
from doorward.store.rows import Facts, moments
from doorward.store.select import Source

# What a membership has for a revision that no controller ever confirms.
_NEVER: Final = 2**63 - 1

_FACT: Final = (
    "workspace_id",
    "actor",
    "recorded_at",
    "acs_system_id",
    "kind",
    "key_a",
    "key_b",
    "state",
    "personal_hash",
)
_MEMBERSHIP: Final = (
    "workspace_id",
    "acs_access_group_id",
    "acs_user_id",
    "is_desired",
    "is_unconfirmed",
    "revision",
    "changed_at",
    "created_at",
)


async def write_facts(connection: Connection, change: Change, facts: Facts) -> None:
    """Writes facts to tell of; in the transaction that writes the rows. `tell` is to follow."""
    head = (change.workspace_id, change.actor, change.at)
    records = [(*head, *fact) for fact in zip(*facts, strict=True)]
    await connection.copy_records_to_table("untold_fact", records=records, columns=_FACT)


async def write_memberships(
    connection: Connection, change: Change, rows: Sequence[Membership]
) -> None:
    """Makes memberships of people who are new in this transaction."""
    records = [
        (change.workspace_id, *row.ids, True, True, _NEVER, change.at, moment)
        for row, moment in sorted(zip(rows, moments(change), strict=False), key=_in_index)
    ]
    await connection.copy_records_to_table("acs_membership", records=records, columns=_MEMBERSHIP)


def _in_index(pair: tuple[Membership, datetime]) -> tuple[bytes, bytes]:
    group, user = pair[0].ids
    return group.bytes, user.bytes


async def tell(source: Source, workspace_id: UUID, most: int) -> int:
    """Tells the journal of so many untold facts of a workspace; a transaction by itself.

    Answers how many are done, 0 where none is left.
    """
    done: int = await source.fetchval("select tell_facts($1, $2)", workspace_id, most)
    return done


async def is_untold(source: Source, workspace_id: UUID) -> bool:
    """Whether anything that was committed is still to be told of."""
    found: bool = await source.fetchval(
        "select exists (select from untold_fact where workspace_id = $1)", workspace_id
    )
    return found


async def next_places(source: Source) -> dict[UUID, int]:
    """The place of the next untold fact of each workspace that has one."""
    rows = await source.fetch(
        "select w.workspace_id, u.place from workspace w, lateral (select u.place"
        " from untold_fact u where u.workspace_id = w.workspace_id order by u.place limit 1) u"
    )
    return {row["workspace_id"]: row["place"] for row in rows}
