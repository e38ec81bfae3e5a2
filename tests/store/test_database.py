"""Which faults mean that PostgreSQL cannot answer, and which that it was asked wrongly."""

from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import pytest

from doorward.errors import Unavailable
from doorward.store.database import Database


async def test_a_wrong_statement_is_no_outage(database: Database) -> None:
    with pytest.raises(asyncpg.DataError):
        await database.fetch("select $1::int", "x")
    with pytest.raises(asyncpg.InterfaceError, match="argument"):
        await database.fetch("select $1::int", 1, 2)
    many = 32_768
    numbers = ", ".join(f"${number}::int" for number in range(1, many + 1))
    with pytest.raises(asyncpg.InterfaceError):
        await database.fetch(f"select array[{numbers}]", *range(many))
    assert await database.fetchval("select 1") == 1


async def _terminate(database: Database) -> None:
    async with database.transaction() as connection:
        connection.terminate()
        await connection.fetch("select 1")


async def _end_own_backend(database: Database) -> None:
    await database.fetch("select pg_terminate_backend(pg_backend_pid())")


async def _cut_before_it_is_executed(database: Database) -> None:
    async with database.acquire() as connection:
        prepare: Any = asyncpg.Connection._get_statement  # type: ignore[attr-defined]

        async def prepared(*args: Any, **options: Any) -> Any:
            # The answer is here, and whoever waits for it is not awake yet.
            statement = await prepare(*args, **options)
            connection.terminate()
            return statement

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(asyncpg.Connection, "_get_statement", prepared)
            await connection.fetch("select 2")


@pytest.mark.parametrize("lose", [_terminate, _end_own_backend, _cut_before_it_is_executed])
async def test_a_connection_that_is_gone_is_an_outage(
    database: Database, lose: Callable[[Database], Awaitable[None]]
) -> None:
    with pytest.raises(Unavailable):
        await lose(database)
    assert await database.fetchval("select 1") == 1


async def test_a_bug_on_a_connection_is_no_outage(database: Database) -> None:
    nothing: Any = None
    with pytest.raises(AttributeError):
        async with database.acquire():
            nothing.fetch()


async def test_a_pool_that_is_closed_is_an_outage(database: Database) -> None:
    other = await Database.open(database.dsn)
    await other.close()
    with pytest.raises(Unavailable):
        await other.fetch("select 1")
