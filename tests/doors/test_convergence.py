"""Sixteen writers at the same few people, slow and failing ones among them: the doors end up with
what the tables say, every time.
"""

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import asyncpg
import pytest

from doorward.errors import ApiError, Unavailable
from doorward.store.database import Connection, Database
from doorward.store.memberships import ChangeMembership
from tests.doors.conftest import Serve, Server, head, until
from tests.doors.slices_of import in_tables, on_disk
from tests.doors.worlds import World

WRITERS = 16
CHANGES = 12


class Refused(ApiError):
    """An operation that changes its mind after it has written."""

    def __init__(self) -> None:
        super().__init__(400, "invalid_input", "refused")


# InternalClientError is asyncpg's word for a connection that was cut between two statements.
REFUSALS = (Refused, Unavailable, asyncpg.DivisionByZeroError)


def some_change(world: World, dice: random.Random) -> Any:
    """An addition or a removal: as it is, slow, failing after it has written, or breaking."""
    membership = world.add if dice.random() < 0.5 else world.remove
    change = membership(dice.randrange(3), dice.randrange(len(world.groups)))
    kind = dice.choices(["plain", "slow", "refused", "broken", "other"], [60, 15, 15, 5, 5])[0]
    match kind:
        case "slow":
            return world.operation(_slowly(change, dice.random() * 0.02))
        case "refused":
            return world.operation(_then_refused(change))
        case "broken":
            return world.operation(_broken)
        case "other":
            return world.operation(_relink(world, dice))
        case _:
            return change


def _slowly(change: ChangeMembership, seconds: float) -> Any:
    async def run(connection: Connection) -> None:
        await change.run(connection)
        await connection.execute("select pg_sleep($1)", seconds)

    return run


def _then_refused(change: ChangeMembership) -> Any:
    async def run(connection: Connection) -> None:
        await change.run(connection)
        raise Refused

    return run


async def _broken(connection: Connection) -> None:
    await connection.execute("select 1 / 0")


def _relink(world: World, dice: random.Random) -> Any:
    group, entrance = dice.randrange(len(world.groups)), dice.randrange(2)
    is_desired = dice.random() < 0.7
    return lambda connection: world.link(connection, group, entrance, is_desired=is_desired)


async def write(server: Server, world: World, dice: random.Random) -> None:
    """One client."""
    for _ in range(CHANGES):
        with contextlib.suppress(*REFUSALS):
            await server.writer.submit(some_change(world, dice))
        await asyncio.sleep(dice.random() * 0.005)


async def disturb(server: Server, world: World, dice: random.Random) -> None:
    """Holds controllers and lets them go, and cuts connections, while the clients write."""
    while True:
        controller = dice.choice(world.controllers)
        try:
            await server.doors.hold(world.workspace_id, controller, is_held=True)
            await asyncio.sleep(dice.random() * 0.05)
            await server.doors.hold(world.workspace_id, controller, is_held=False)
            await server.database.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where datname = current_database() and pid <> pg_backend_pid()"
                " and random() < 0.2"
            )
        except Unavailable:
            pass
        await asyncio.sleep(dice.random() * 0.05)


@pytest.mark.parametrize("is_disturbed", [False, True])
async def test_the_slices_end_equal_to_the_tables(
    world: World, serve: Serve, *, is_disturbed: bool
) -> None:
    server = await serve()
    await server.submit(world, world.operation(lambda c: world.make_group(c, 0)))
    await server.stop()
    for seed in range(5):
        await _once(world, await serve(), seed, is_disturbed=is_disturbed)


async def _once(world: World, server: Server, seed: int, *, is_disturbed: bool) -> None:
    dice = random.Random(seed)
    disturbance = asyncio.create_task(
        disturb(server, world, random.Random(seed)) if is_disturbed else asyncio.sleep(0)
    )
    await asyncio.gather(
        *(write(server, world, random.Random(dice.random())) for _ in range(WRITERS))
    )
    disturbance.cancel()
    await asyncio.gather(disturbance, return_exceptions=True)
    await _converged(server, world)
    await server.stop()
    for place in range(2):
        key = world.key(place)
        assert on_disk(server.data, key) == await in_tables(server.database, key)


async def _converged(server: Server, world: World) -> None:
    """Waits until all is confirmed and settled, and compares what is in memory."""
    await _mend(server, world)
    revision = await head(server.database, world)
    assert await server.doors.wait_confirmed(world.workspace_id, revision, 20)
    await until(lambda: _is_settled(server.database))
    for entrance in range(2):
        for user in range(3):
            await _assert_decided_as_in_tables(server, world, user, entrance)


async def _mend(server: Server, world: World) -> None:
    for controller in world.controllers:
        release = partial(server.doors.hold, world.workspace_id, controller, is_held=False)
        await _until_done(release)
    await until(
        lambda: all(server.controller(each).follower.is_connected for each in world.controllers)
    )
    assert all(server.controller(each).follower.lease.is_ours for each in world.controllers)


async def _until_done(attempt: Callable[[], Awaitable[None]]) -> None:
    while True:
        try:
            return await attempt()
        except Unavailable:
            await asyncio.sleep(0.01)


async def _is_settled(database: Database) -> bool:
    return not await database.fetch(
        "select from acs_membership where is_unconfirmed or not is_desired"
        " union all select from access_group_entrance where is_unconfirmed or not is_desired"
    )


async def _assert_decided_as_in_tables(
    server: Server, world: World, user: int, entrance: int
) -> None:
    expected = await server.database.fetchval(
        "select count(*) > 0 from acs_membership m join access_group_entrance o"
        " using (workspace_id, acs_access_group_id)"
        " where m.acs_user_id = $1 and o.acs_entrance_id = $2",
        world.users[user],
        world.entrances[entrance],
    )
    decision = await server.present(world, entrance, card=f"7-{user}")
    assert (decision.outcome == "allow") == expected
