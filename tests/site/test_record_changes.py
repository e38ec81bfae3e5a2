"""Many changes in one statement leave what as many single ones leave."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from doorward.policy.facts import CredentialState, Kind, Link, UserState
from doorward.store import journal
from doorward.store.database import Database
from doorward.store.journal import Change
from doorward.store.rows import Entry, record_all

W, SYSTEM = UUID(int=1), UUID(int=2)
A, B, C = UUID(int=10), UUID(int=11), UUID(int=12)
CHANGE = Change(W, "tester", datetime(2026, 1, 31, 8, 0, 0, 123456, tzinfo=UTC))
CHANGES = [
    [
        Entry(SYSTEM, Kind.USER, A, state=UserState(), personal_hash=b"hash"),
        Entry(SYSTEM, Kind.MEMBERSHIP, B, A, Link()),
        Entry(SYSTEM, Kind.MEMBERSHIP, C, A, Link()),
        Entry(SYSTEM, Kind.CREDENTIAL, C, A, CredentialState("card")),
    ],
    [Entry(SYSTEM, Kind.MEMBERSHIP, B, A), Entry(SYSTEM, Kind.USER, A, state=UserState(True))],
    [],
    [Entry(SYSTEM, Kind.MEMBERSHIP, B, A, Link())],
]


async def _contents(database: Database) -> list[Any]:
    tables = ("policy_revision", "policy_journal", "policy_fact")
    return [
        sorted(str(tuple(row)) for row in await database.fetch(f"select * from {table}"))
        for table in tables
    ]


async def _make_workspace(database: Database) -> None:
    await database.execute("insert into workspace values ($1, 'w', 'c', true, 'k', now())", W)
    await database.execute("insert into policy_revision (workspace_id) values ($1)", W)


async def _clear(database: Database) -> None:
    for table in ("policy_fact", "policy_journal", "policy_revision", "workspace"):
        await database.execute(f"delete from {table}")


async def test_many_are_as_many_single_ones(database: Database) -> None:
    await _make_workspace(database)
    async with database.acquire() as connection:
        for changes in CHANGES:
            for entry in changes:
                await journal.record(connection, CHANGE, *entry)
        one_by_one = await _contents(database)
        await _clear(database)
        await _make_workspace(database)
        firsts = [await record_all(connection, CHANGE, changes) for changes in CHANGES]
    assert firsts == [1, 5, 0, 7]
    assert await _contents(database) == one_by_one
    assert len(one_by_one[1]) == 7


async def test_a_fact_may_not_be_given_twice(database: Database) -> None:
    await _make_workspace(database)
    entry = Entry(SYSTEM, Kind.MEMBERSHIP, B, A, Link())
    async with database.acquire() as connection:
        with pytest.raises(asyncpg.UniqueViolationError):
            await record_all(connection, CHANGE, [entry, entry])
    assert await database.fetchval("select revision from policy_revision") == 0


async def test_a_workspace_without_a_counter_takes_no_changes(database: Database) -> None:
    async with database.acquire() as connection:
        with pytest.raises(asyncpg.NoDataFoundError):
            await record_all(connection, CHANGE, CHANGES[0])
