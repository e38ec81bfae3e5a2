"""The policy journal: one entry for each change of who may open what (see the first migration)."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import msgspec

from doorward.policy.facts import NO_KEY, Kind, encode_state
from doorward.store.database import Connection


@dataclass(frozen=True, slots=True)
class Change:
    """Who asked for a change of which workspace, and when by the workspace's clock."""

    workspace_id: UUID
    actor: str
    at: datetime


async def record(
    connection: Connection,
    change: Change,
    acs_system_id: UUID,
    kind: Kind,
    key_a: UUID,
    key_b: UUID = NO_KEY,
    state: msgspec.Struct | None = None,
    personal_hash: bytes | None = None,
) -> int:
    """Appends one change of a fact; without a state the fact is gone. Answers its revision."""
    revision: int = await connection.fetchval(
        "select record_change($1, $2, $3, $4, $5, $6::text::jsonb, $7, $8, $9)",
        change.workspace_id,
        acs_system_id,
        kind.value,
        key_a,
        key_b,
        None if state is None else encode_state(state).decode(),
        change.actor,
        change.at,
        personal_hash,
    )
    return revision


async def revision(connection: Connection, workspace_id: UUID) -> int:
    """The newest revision of a workspace's journal, as this transaction sees it."""
    newest: int = await connection.fetchval(
        "select revision from policy_revision where workspace_id = $1", workspace_id
    )
    return newest


async def has_added(connection: Connection, workspace_id: UUID, since: int) -> bool:
    """Whether anything after a revision made or changed a fact, and did not only take one away."""
    found: bool = await connection.fetchval(
        "select exists (select from policy_journal"
        " where workspace_id = $1 and revision > $2 and state is not null)",
        workspace_id,
        since,
    )
    return found


async def lock(connection: Connection, *workspace_ids: UUID) -> dict[UUID, int]:
    """Locks the counters of these workspaces, in sorted order, before anything else is locked.

    Answers their revisions; an unknown workspace has none.
    """
    rows = await connection.fetch(
        "select workspace_id, revision from policy_revision where workspace_id = any ($1)"
        " order by workspace_id for update",
        list(workspace_ids),
    )
    return {row["workspace_id"]: row["revision"] for row in rows}
