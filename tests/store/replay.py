"""The journal as the only source: what the tables must say if nothing was lost or invented."""

from typing import Any
from uuid import UUID

from doorward.store.database import Connection, Database

Source = Database | Connection
Key = tuple[str, UUID, UUID]
State = dict[Key, str]


async def facts_now(database: Source, workspace_id: UUID) -> State:
    """The facts that hold now, as the temporal table has them."""
    rows = await database.fetch(
        "select kind, key_a, key_b, state::text from policy_fact"
        " where workspace_id = $1 and to_revision is null",
        workspace_id,
    )
    return {(r[0], r[1], r[2]): r[3] for r in rows}


async def facts_at(database: Source, workspace_id: UUID, revision: int) -> State:
    """The facts that held at a revision."""
    rows = await database.fetch(
        "select kind, key_a, key_b, state::text from policy_fact where workspace_id = $1"
        " and from_revision <= $2 and (to_revision is null or to_revision > $2)",
        workspace_id,
        revision,
    )
    return {(r[0], r[1], r[2]): r[3] for r in rows}


async def entries(database: Source, workspace_id: UUID) -> list[Any]:
    """The journal in order."""
    return list(
        await database.fetch(
            "select revision, kind, key_a, key_b, state::text as state, previous_hash, entry_hash"
            " from policy_journal where workspace_id = $1 order by revision",
            workspace_id,
        )
    )


def replayed(start: State, tail: list[Any]) -> State:
    """A state with journal entries applied to it."""
    state = dict(start)
    for entry in tail:
        key = (entry["kind"], entry["key_a"], entry["key_b"])
        if entry["state"] is None:
            state.pop(key, None)
        else:
            state[key] = entry["state"]
    return state


async def memberships(database: Source, workspace_id: UUID) -> set[Key]:
    """The desired memberships as the API's table has them, in the form of facts."""
    rows = await database.fetch(
        "select acs_access_group_id, acs_user_id from acs_membership"
        " where workspace_id = $1 and is_desired",
        workspace_id,
    )
    return {("membership", r[0], r[1]) for r in rows}


async def _broken_links(database: Source, workspace_id: UUID) -> list[int]:
    """The entries whose hash does not cover the entry before, who, when, what and to what."""
    rows = await database.fetch(
        "select revision from policy_journal where workspace_id = $1 and entry_hash <> sha256("
        " previous_hash || coalesce(personal_hash, '') || convert_to(concat_ws('|', workspace_id,"
        " epoch, revision, extract(epoch from recorded_at), actor, acs_system_id, kind, key_a,"
        " key_b, coalesce(state::text, '-')), 'UTF8'))",
        workspace_id,
    )
    return [row[0] for row in rows]


async def check_journal(database: Source, workspace_id: UUID) -> list[Any]:
    """Asserts that the journal is dense, chained, and replays to the tables from every point."""
    journal = await entries(database, workspace_id)
    assert [e["revision"] for e in journal] == list(range(1, len(journal) + 1))
    assert [e["previous_hash"] for e in journal] == [
        b"",
        *(e["entry_hash"] for e in journal[:-1]),
    ]
    assert await _broken_links(database, workspace_id) == []
    now = await facts_now(database, workspace_id)
    for point in {0, 1, len(journal) // 3, len(journal) // 2, max(0, len(journal) - 1)}:
        then = await facts_at(database, workspace_id, point)
        assert replayed(then, journal[point:]) == now
    assert {key for key in now if key[0] == "membership"} == await memberships(
        database, workspace_id
    )
    return journal
