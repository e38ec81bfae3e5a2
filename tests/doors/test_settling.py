"""Which rows wait for which controllers."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from doorward.store.controllers import Link
from doorward.store.database import Connection, Database
from doorward.store.settling import settle, unsettled_workspaces
from tests.doors.worlds import World


@pytest.fixture
async def link(database: Database) -> AsyncIterator[Link]:
    """A link of the test's own."""
    link = Link(database)
    yield link
    await link.close()


async def change(database: Database, *operations: object) -> None:
    """Makes changes one after another."""
    for operation in operations:
        async with database.acquire() as connection, connection.transaction():
            await operation.run(connection)  # type: ignore[attr-defined]


async def confirm(
    database: Database, world: World, controller: int, revision: int | None = None
) -> None:
    """A controller has everything, or what a revision holds."""
    await database.execute(
        "update controller c set confirmed_epoch = r.epoch,"
        " confirmed_revision = coalesce($2, r.revision)"
        " from policy_revision r where r.workspace_id = c.workspace_id and c.controller_id = $1",
        world.controllers[controller],
        revision,
    )


async def waiting(database: Database) -> set[str]:
    """The tables with rows that wait, those of tombstones in brackets."""
    rows = await database.fetch(
        "select 'membership', is_desired from acs_membership where is_unconfirmed"
        " union select 'link', is_desired from access_group_entrance where is_unconfirmed"
    )
    return {row[0] if row[1] else f"({row[0]})" for row in rows}


async def test_a_row_waits_for_every_controller_that_is_concerned(
    database: Database, world: World, link: Link
) -> None:
    await change(database, world.add())
    await confirm(database, world, 0)
    await settle(link, world.workspace_id)
    assert await waiting(database) == {"membership", "link"}
    assert await unsettled_workspaces(database) == [world.workspace_id]
    await confirm(database, world, 1)
    await settle(link, world.workspace_id)
    assert await waiting(database) == set()
    assert await unsettled_workspaces(database) == []


async def test_only_the_tombstone_of_a_removal_disappears(
    database: Database, world: World, link: Link
) -> None:
    await change(database, world.add(0), world.add(1))
    await change(database, world.remove(0))
    await _confirm_all(database, world)
    await settle(link, world.workspace_id)
    rows = await database.fetch("select acs_user_id, is_unconfirmed from acs_membership")
    assert [tuple(row) for row in rows] == [(world.users[1], False)]


async def _confirm_all(database: Database, world: World) -> None:
    for controller in range(2):
        await confirm(database, world, controller)


async def test_a_controller_that_the_group_does_not_lead_to_is_not_concerned(
    database: Database, world: World, link: Link
) -> None:
    await change(database, world.operation(lambda c: world.make_group(c, 1)))
    await change(database, world.add(group=1))
    await confirm(database, world, 1)
    await settle(link, world.workspace_id)
    # The first group's link to entrance 0 still waits for controller 0.
    assert await waiting(database) == {"link"}


async def test_nobody_concerned_is_confirmed_at_once(
    database: Database, world: World, link: Link
) -> None:
    await _confirm_all(database, world)
    await change(database, world.operation(world.make_group))
    await settle(link, world.workspace_id)
    await change(database, world.add(group=1))
    await settle(link, world.workspace_id)
    assert await waiting(database) == set()


async def test_a_link_taken_away_still_concerns_who_has_not_heard_of_it(
    database: Database, world: World, link: Link
) -> None:
    await change(database, world.add())
    await _confirm_all(database, world)
    await settle(link, world.workspace_id)
    await change(
        database,
        world.operation(lambda c: world.link(c, 0, 0, is_desired=False)),
        world.remove(),
    )
    await confirm(database, world, 1)
    await settle(link, world.workspace_id)
    assert await waiting(database) == {"(link)", "(membership)"}
    await confirm(database, world, 0)
    await settle(link, world.workspace_id)
    assert await waiting(database) == set()


async def test_an_entrance_taken_away_still_concerns_who_has_not_heard_of_it(
    database: Database, world: World, link: Link
) -> None:
    await change(database, world.add())
    await _confirm_all(database, world)
    await settle(link, world.workspace_id)
    await change(database, world.operation(lambda c: world.move_entrance(c, 0, 1)), world.remove())
    await confirm(database, world, 1)
    await settle(link, world.workspace_id)
    assert await waiting(database) == {"(membership)"}
    await confirm(database, world, 0)
    await settle(link, world.workspace_id)
    assert await waiting(database) == set()


async def test_after_a_restore_nothing_counts_as_confirmed(
    database: Database, world: World, link: Link
) -> None:
    await _confirm_all(database, world)
    await database.execute("update policy_revision set epoch = 2")
    await change(database, world.add())
    await settle(link, world.workspace_id)
    assert await waiting(database) == {"membership", "link"}
    await _confirm_all(database, world)
    await settle(link, world.workspace_id)
    assert await waiting(database) == set()


async def test_a_row_that_somebody_holds_is_left_and_not_waited_for(
    database: Database, world: World, link: Link
) -> None:
    await change(database, world.add(0), world.add(1))
    await _confirm_all(database, world)
    async with database.acquire() as connection, connection.transaction():
        await _lock_membership_of(connection, world, 0)
        async with asyncio.timeout(5):
            await settle(link, world.workspace_id)
        rows = await database.fetch("select acs_user_id from acs_membership where is_unconfirmed")
        assert [row[0] for row in rows] == [world.users[0]]
    await settle(link, world.workspace_id)
    assert await waiting(database) == set()


async def _lock_membership_of(connection: Connection, world: World, user: int) -> None:
    await connection.execute(
        "select from acs_membership where acs_user_id = $1 for update", world.users[user]
    )
