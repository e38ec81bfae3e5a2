"""Long transactions, and whoever waits for them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from uuid import UUID, uuid4

import pytest

from doorward.errors import StartError
from doorward.store import journal
from doorward.store.database import Connection, Database
from doorward.store.giving_way import giving_way

LONG = "select pg_sleep(60)"
Work = Callable[[Connection, asyncio.Event], Awaitable[None]]


@pytest.fixture
async def workspace_id(database: Database) -> UUID:
    """A workspace with a counter."""
    workspace_id = uuid4()
    await database.execute(
        "insert into workspace (workspace_id, name, company_name, is_sandbox, publishable_key,"
        " created_at) values ($1, 'Works', 'Works', true, 'seam_pk_test', now())",
        workspace_id,
    )
    await database.execute("insert into policy_revision (workspace_id) values ($1)", workspace_id)
    return workspace_id


@pytest.fixture
async def connection(database: Database) -> AsyncIterator[Connection]:
    """A connection for the long transaction."""
    connection = await database.connect()
    yield connection
    await connection.close()


async def _asleep(connection: Connection, _passed: asyncio.Event) -> None:
    await connection.execute(LONG)


async def _idle(connection: Connection, passed: asyncio.Event) -> None:
    """Does something else than talking to the database."""
    await passed.wait()
    await connection.execute("select 1")


@pytest.mark.parametrize("work", [_asleep, _idle])
async def test_whoever_waits_is_let_in(
    database: Database, connection: Connection, workspace_id: UUID, work: Work
) -> None:
    locked, passed = asyncio.Event(), asyncio.Event()

    async def load() -> None:
        async with giving_way(database, connection, patience=0.2), connection.transaction():
            await journal.lock(connection, workspace_id)
            locked.set()
            await work(connection, passed)

    loading = asyncio.create_task(load())
    await locked.wait()
    async with database.transaction() as other:
        assert await journal.lock(other, workspace_id) == {workspace_id: 0}
    passed.set()
    with pytest.raises(StartError, match="wait too long"):
        await loading


async def test_a_transaction_that_nobody_waits_for_takes_its_time(
    database: Database, connection: Connection, workspace_id: UUID
) -> None:
    async with giving_way(database, connection, patience=0), connection.transaction():
        await journal.lock(connection, workspace_id)
        await connection.execute("select pg_sleep(0.5)")
        await connection.execute("update workspace set name = 'Mill'")
    assert await database.fetchval("select name from workspace") == "Mill"
