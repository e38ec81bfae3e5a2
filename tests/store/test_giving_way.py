"""Long transactions, and whoever waits for them."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest

from doorward.errors import StartError
from doorward.store import journal
from doorward.store.database import Connection, Database
from doorward.store.giving_way import giving_way

LONG = "select pg_sleep(60)"


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


async def _load(
    database: Database, connection: Connection, workspace_id: UUID, locked: asyncio.Event
) -> None:
    async with giving_way(database, connection, patience=0.2), connection.transaction():
        await journal.lock(connection, workspace_id)
        locked.set()
        await connection.execute(LONG)


async def test_whoever_waits_is_let_in(
    database: Database, connection: Connection, workspace_id: UUID
) -> None:
    locked = asyncio.Event()
    load = asyncio.create_task(_load(database, connection, workspace_id, locked))
    await locked.wait()
    async with database.transaction() as other:
        assert await journal.lock(other, workspace_id) == {workspace_id: 0}
    with pytest.raises(StartError, match="wait too long"):
        await load
    assert await connection.fetchval("select 1") == 1


async def test_a_transaction_that_nobody_waits_for_takes_its_time(
    database: Database, connection: Connection, workspace_id: UUID
) -> None:
    async with giving_way(database, connection, patience=0), connection.transaction():
        await journal.lock(connection, workspace_id)
        await connection.execute("select pg_sleep(0.5)")
        await connection.execute("update workspace set name = 'Mill'")
    assert await database.fetchval("select name from workspace") == "Mill"
