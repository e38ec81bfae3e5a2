"""Moved clocks in the database: what may be set, and how every server hears of it."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest

from doorward.clock import MovableClock
from doorward.store import clock
from doorward.store.database import Database
from doorward.store.watch import Watch
from tests.store.sites import make_site

HOUR = timedelta(hours=1)


@pytest.fixture
async def workspace_id(database: Database) -> UUID:
    """A sandbox workspace."""
    workspace_id = (await make_site(database)).workspace_id
    await database.execute("update workspace set is_sandbox = true")
    return workspace_id


async def test_moves_add_up(database: Database, workspace_id: UUID) -> None:
    moves = (clock.advance_by(database, workspace_id, HOUR) for _ in range(8))
    assert set(await asyncio.gather(*moves)) == {n * HOUR for n in range(1, 9)}
    assert await clock.read_moved(database) == {workspace_id: 8 * HOUR}
    assert (await clock.read_clock(database)).ahead(workspace_id) == 8 * HOUR


async def test_time_never_moves_back(database: Database, workspace_id: UUID) -> None:
    assert await clock.advance_to(database, workspace_id, 2 * HOUR) == 2 * HOUR
    assert await clock.advance_to(database, workspace_id, 2 * HOUR) == 2 * HOUR
    assert await clock.advance_to(database, workspace_id, HOUR) is None
    assert await clock.advance_by(database, workspace_id, -HOUR) is None
    assert await clock.read_moved(database) == {workspace_id: 2 * HOUR}


async def test_no_further_than_a_century(database: Database, workspace_id: UUID) -> None:
    assert await clock.advance_by(database, workspace_id, clock.MOST_AHEAD) == clock.MOST_AHEAD
    assert await clock.advance_by(database, workspace_id, HOUR) is None
    with pytest.raises(asyncpg.CheckViolationError):
        await database.execute("update workspace set clock_ahead = '36526 days'")


async def test_only_in_a_sandbox(database: Database, workspace_id: UUID) -> None:
    assert await clock.advance_by(database, uuid4(), HOUR) is None
    await clock.advance_by(database, workspace_id, HOUR)
    await database.execute("update workspace set is_sandbox = false")
    assert await clock.advance_by(database, workspace_id, HOUR) is None
    assert await clock.read_moved(database) == {}


@pytest.fixture
async def other(database: Database) -> AsyncIterator[MovableClock]:
    """The clock of another server on the same database, which only listens."""
    watch, clock = Watch(database, interval=60), MovableClock()
    watch.on_clocks.append(clock.heard)
    await watch.start()
    async with asyncio.timeout(10):
        while not watch.is_connected:
            await asyncio.sleep(0.005)
    yield clock
    await watch.stop()


async def test_other_servers_hear_at_once(
    database: Database, workspace_id: UUID, other: MovableClock
) -> None:
    await clock.advance_by(database, workspace_id, HOUR)
    # Its own look is a minute away: it was told.
    async with asyncio.timeout(10):
        while other.ahead(workspace_id) != HOUR:
            await asyncio.sleep(0.005)
    async with asyncio.timeout(10):
        await database.execute("update workspace set is_sandbox = false")
        await database.execute("notify doorward")
        while other.ahead(workspace_id):
            await asyncio.sleep(0.005)
