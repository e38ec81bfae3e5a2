"""What a process remembers of tokens, and when it forgets, though nobody announces a change."""

import asyncio
from typing import Any
from uuid import UUID

import asyncpg

from doorward.store import tokens
from doorward.store.database import Database
from doorward.store.token_cache import TokenCache
from doorward.store.watch import Watch
from tests.store.sites import make_site


async def _token(database: Database) -> tuple[str, UUID]:
    site = await make_site(database)
    secret = tokens.mint("api_key", is_sandbox=True)
    token_id = await tokens.create(
        database, secret, kind="api_key", workspace_id=site.workspace_id, name="till"
    )
    return secret, token_id


def _cache(database: Database, watch: Watch) -> TokenCache:
    return TokenCache(database, watch, honours_published=True, console_key=bytes(32))


async def _started(database: Database) -> Watch:
    watch = Watch(database)
    await watch.start()
    while watch.token_generation < 0:
        await watch.changed()
    return watch


async def _revoke_unannounced(connection: "asyncpg.Connection[asyncpg.Record]", what: UUID) -> None:
    """As by a process that was killed, or a network that failed, before it could say so."""
    # Without the trigger, which notifies.
    await connection.execute("set session_replication_role = replica")
    async with connection.transaction():
        await connection.execute("update token set revoked_at = now() where token_id = $1", what)
        await connection.execute("update token_generation set generation = generation + 1")


class Late(Database):
    """A database whose answers arrive when the test lets them."""

    def __init__(self, database: Database) -> None:
        super().__init__(database.dsn, database._pool)
        self.has_answered = asyncio.Event()
        self.may_arrive = asyncio.Event()

    async def fetchrow(self, query: str, *args: Any) -> "asyncpg.Record | None":
        row = await super().fetchrow(query, *args)
        self.has_answered.set()
        await self.may_arrive.wait()
        return row


async def test_a_token_revoked_during_its_own_look_up_is_not_kept(database: Database) -> None:
    secret, token_id = await _token(database)
    watch, late = await _started(database), Late(database)
    cache = _cache(late, watch)
    first = asyncio.create_task(cache.find(secret))
    await late.has_answered.wait()
    before = watch.token_generation
    await tokens.revoke(database, token_id)
    async with asyncio.timeout(10):
        while watch.token_generation == before:
            await watch.changed()
    late.may_arrive.set()
    # It was valid when it was looked up.
    assert await first is not None
    assert await cache.find(secret) is None
    await watch.stop()


async def test_a_change_through_this_process_counts_at_once(database: Database) -> None:
    secret, token_id = await _token(database)
    cache = _cache(database, Watch(database))
    # For the second time with the generation that the cache has asked for, and asks for no more
    # during the next quarter of a second.
    assert [await cache.find(secret) is not None for _ in range(2)] == [True, True]
    await tokens.revoke(database, token_id)
    database.tokens_changed()
    assert await cache.find(secret) is None


async def test_the_watch_finds_what_nobody_announced(database: Database) -> None:
    _, token_id = await _token(database)
    watch = await _started(database)
    connection = await asyncpg.connect(database.dsn)
    before = watch.token_generation
    await _revoke_unannounced(connection, token_id)
    # Eight looks.
    async with asyncio.timeout(2):
        while watch.token_generation == before:
            await watch.changed()
    await connection.close()
    await watch.stop()


async def test_where_the_watch_does_not_look_the_cache_asks(database: Database) -> None:
    secret, token_id = await _token(database)
    cache = _cache(database, Watch(database))
    found = await cache.find(secret)
    assert found is not None
    connection = await asyncpg.connect(database.dsn)
    await _revoke_unannounced(connection, token_id)
    async with asyncio.timeout(2):
        while await cache.find(secret) is not None:
            await asyncio.sleep(0.01)
    await connection.close()


async def test_while_nobody_can_be_asked_what_is_known_counts(database: Database) -> None:
    secret, _ = await _token(database)
    cache = _cache(database, Watch(database))
    assert [await cache.find(secret) is not None for _ in range(2)] == [True, True]
    await database.fell_silent()
    # Until the answer of before holds no more.
    await asyncio.sleep(0.3)
    async with asyncio.timeout(4):
        assert await cache.find(secret) is not None


async def test_a_look_that_hangs_is_one_for_all_and_holds_nobody_up(database: Database) -> None:
    secret, _ = await _token(database)
    cache = _cache(database, Watch(database))
    assert [await cache.find(secret) is not None for _ in range(2)] == [True, True]
    lock = await asyncpg.connect(database.dsn)
    async with lock.transaction():
        await lock.execute("lock table token_generation in access exclusive mode")
        # Until the answer of before holds no more.
        await asyncio.sleep(0.3)
        finding = [asyncio.create_task(cache.find(secret)) for _ in range(100)]
        await asyncio.sleep(0.1)
        waiting = "select count(*) from pg_stat_activity where wait_event_type = 'Lock'"
        assert await lock.fetchval(waiting + " and datname = current_database()") == 1
        async with asyncio.timeout(4):
            found = await asyncio.gather(*finding)
    assert None not in found
    await lock.close()
