"""Whoever tries tokens that do not exist leaves the pool to the others."""

import asyncio

import asyncpg

from doorward.store import tokens
from doorward.store.database import Database
from doorward.store.token_cache import TokenCache
from doorward.store.watch import Watch


async def test_unknown_tokens_take_a_few_connections_only(database: Database) -> None:
    cache = TokenCache(database, Watch(database), honours_published=True, console_key=bytes(32))
    lock = await asyncpg.connect(database.dsn)
    try:
        async with lock.transaction():
            await lock.execute("lock table token in access exclusive mode")
            texts = [tokens.mint("api_key", is_sandbox=True) for _ in range(50)]
            looking = [asyncio.create_task(cache.find(text)) for text in texts]
            async with asyncio.timeout(10):
                # More than the pool has connections, were they not held back.
                for _ in range(20):
                    assert await database.fetchval("select 1") == 1
        assert await asyncio.gather(*looking) == [None] * 50
    finally:
        await lock.close()
