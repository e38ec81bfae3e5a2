"""A PostgreSQL that takes connections and says nothing, or takes none of ours for a while."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator

import asyncpg
import pytest

from doorward.errors import Unavailable
from doorward.store.database import Database
from doorward.store.embedded.sockets import PORT
from doorward.store.embedded.sockets import USER as POSTGRES_USER
from doorward.store.watch import Watch
from tests.faults.proxy import Proxy


@pytest.fixture
def proxy(postgres: str) -> Iterator[Proxy]:
    """A proxy before the tests' PostgreSQL."""
    socket = postgres.partition("host=")[2].partition("&")[0]
    with Proxy(f"{socket}/.s.PGSQL.{PORT}").running() as proxy:
        yield proxy


async def _pooled(database: Database) -> None:
    await database.fetchval("select 1")


async def _own(database: Database) -> None:
    await (await database.connect()).close()


@pytest.mark.parametrize("ask", [_pooled, _own], ids=["pooled", "own"])
async def test_silence_ends_the_wait_for_a_connection(
    dsn: str, proxy: Proxy, ask: Callable[[Database], Coroutine[None, None, None]]
) -> None:
    name = dsn.partition("?")[0].rpartition("/")[2]
    database = await Database.open(f"postgresql://{POSTGRES_USER}@127.0.0.1:{proxy.port}/{name}")
    proxy.drops_answers = True
    await database._pool.expire_connections()
    asking = [asyncio.create_task(ask(database)) for _ in range(20)]
    await asyncio.sleep(0.2)
    assert not any(each.done() for each in asking)
    await database.fell_silent()
    # Less than connecting may take otherwise.
    async with asyncio.timeout(3):
        answers = await asyncio.gather(*asking, return_exceptions=True)
    assert {type(each) for each in answers} == {Unavailable}
    proxy.heal()
    database.is_silent = False
    await ask(database)
    await database.close()


async def _until(watch: Watch, *, is_connected: bool) -> None:
    async with asyncio.timeout(20):
        while watch.is_connected != is_connected:
            await watch.changed()


async def test_the_watch_outlives_a_refusal_that_is_no_fault(
    postgres: str, database: Database
) -> None:
    name = await database.fetchval("select current_database()")
    administrator = await asyncpg.connect(postgres)
    watch = Watch(database)
    await watch.start()
    await _until(watch, is_connected=True)
    await administrator.execute(f"alter database {name} allow_connections false")
    await administrator.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1", name
    )
    await _until(watch, is_connected=False)
    # Some refusals.
    await asyncio.sleep(0.3)
    await administrator.execute(f"alter database {name} allow_connections true")
    await _until(watch, is_connected=True)
    await watch.stop()
    await administrator.close()
