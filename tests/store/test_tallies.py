"""How many people a system has: as many as a count would find, whoever makes and deletes them."""

import asyncio
import random
from uuid import UUID

import asyncpg
import pytest

from doorward.resources.acs_system import AcsSystem
from doorward.store import systems
from doorward.store.database import Database
from doorward.store.personal import Personal
from doorward.store.secrets import Keyring
from tests.api.town import System, Town


@pytest.fixture
async def town(database: Database, keyring: Keyring) -> Town:
    return Town(database, keyring)


async def _told(town: Town, system: System) -> int:
    found = await systems.get(town.database, town.workspace_id, system.acs_system_id)
    assert isinstance(found, AcsSystem)
    assert isinstance(found.acs_user_count, int)
    return found.acs_user_count


async def test_counts_follow_people(town: Town) -> None:
    north = await town.found()
    south = await town.system("South")
    assert await _told(town, north) == 0
    users = [await town.user(north, Personal(f"Person {n}")) for n in range(5)]
    await town.user(south, Personal("Somebody"))
    assert (await _told(town, north), await _told(town, south)) == (5, 1)
    await town.database.execute("delete from acs_user where acs_user_id = any ($1)", users[:3])
    assert (await _told(town, north), await _told(town, south)) == (2, 1)


async def test_nobody_waits_and_nobody_is_counted_twice(town: Town, dsn: str) -> None:
    north = await town.found()
    chance = random.Random(5)

    async def make(count: int) -> None:
        connection = await asyncpg.connect(dsn)
        try:
            for _ in range(count):
                async with connection.transaction():
                    # A count that others would wait for ends this by its time limit.
                    await connection.execute("set local lock_timeout = '1s'")
                    await connection.execute(
                        "insert into acs_user (workspace_id, acs_user_id, acs_system_id,"
                        " created_at) select $1, gen_random_uuid(), $2, now()"
                        " from generate_series(1, $3)",
                        town.workspace_id,
                        north.acs_system_id,
                        chance.randint(1, 3),
                    )
                    await asyncio.sleep(0)
        finally:
            await connection.close()

    await asyncio.gather(*(make(20) for _ in range(4)))
    counted = await town.database.fetchval("select count(*) from acs_user")
    assert await _told(town, north) == counted
    rows = await _rows(town, north.acs_system_id)
    assert rows < counted


async def _rows(town: Town, acs_system_id: UUID) -> int:
    rows: int = await town.database.fetchval(
        "select count(*) from acs_user_tally where acs_system_id = $1", acs_system_id
    )
    return rows
