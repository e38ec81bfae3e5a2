"""A controller whose link is cut on purpose, and what waits for it."""

from uuid import uuid4

import pytest

from doorward.errors import ApiError
from doorward.store.database import Database
from tests.doors.conftest import Serve, Server, head, until
from tests.doors.worlds import World


async def unconfirmed(database: Database, world: World) -> list[tuple[bool, int]]:
    """Memberships that wait for the doors: whether desired, and the revision."""
    rows = await database.fetch(
        "select is_desired, revision from acs_membership"
        " where workspace_id = $1 and is_unconfirmed order by revision",
        world.workspace_id,
    )
    return [(row[0], row[1]) for row in rows]


async def settled(database: Database, world: World) -> bool:
    """Whether nothing waits for the doors."""
    return not await unconfirmed(database, world)


async def test_a_hold_shows_as_unconfirmed_and_its_release_settles(
    world: World, serve: Serve
) -> None:
    server, database = await serve(), await _database(serve)
    await server.submit(world, world.add())
    await until(lambda: settled(database, world))

    await server.doors.hold(world.workspace_id, world.controllers[0], is_held=True)
    await server.writer.submit(world.remove())
    revision = await head(database, world)
    assert not await server.doors.wait_confirmed(world.workspace_id, revision, 0.1)
    # The other controller has it; the held one goes on deciding on what it had.
    assert (await server.present(world, 1)).reason == "deny_no_access"
    assert (await server.present(world, 0)).outcome == "allow"
    assert await unconfirmed(database, world) == [(False, revision)]
    doors = await server.doors.status(world.workspace_id)
    assert [(d.controller.is_held, d.controller.is_connected) for d in doors] == [
        (True, False),
        (False, True),
    ]
    assert doors[0].controller.confirmed_revision < revision

    await server.doors.hold(world.workspace_id, world.controllers[0], is_held=False)
    await until(lambda: settled(database, world))
    assert (await server.present(world, 0)).reason == "deny_no_access"
    assert not await database.fetch("select from acs_membership")
    assert await server.doors.wait_confirmed(world.workspace_id, revision, 5)


async def _database(serve: Serve) -> Database:
    return (await serve("observer")).database


async def test_a_held_controller_hands_nothing_in(world: World, serve: Serve) -> None:
    server = await serve()
    await server.doors.hold(world.workspace_id, world.controllers[0], is_held=True)
    await server.present(world, 0)
    await server.present(world, 1)
    await until(lambda: _entrances_with_events(server, world, {world.entrances[1]}))
    await server.doors.hold(world.workspace_id, world.controllers[0], is_held=False)
    await until(lambda: _entrances_with_events(server, world, set(world.entrances)))


async def _entrances_with_events(server: Server, world: World, expected: set[object]) -> bool:
    rows = await server.database.fetch(
        "select payload ->> 'acs_entrance_id' from event where workspace_id = $1",
        world.workspace_id,
    )
    return {row[0] for row in rows} == {str(entrance) for entrance in expected}


async def test_a_hold_outlives_a_restart(world: World, serve: Serve) -> None:
    server = await serve()
    await server.submit(world, world.add())
    await server.doors.hold(world.workspace_id, world.controllers[0], is_held=True)
    await server.writer.submit(world.remove())
    await server.stop()
    again = await serve()
    assert (await again.present(world)).outcome == "allow"
    assert again.controller(world.controllers[0]).follower.is_held
    await again.doors.hold(world.workspace_id, world.controllers[0], is_held=False)
    await until(lambda: settled(again.database, world))
    assert (await again.present(world)).reason == "deny_no_access"


async def test_a_controller_of_another_workspace_cannot_be_held(world: World, serve: Serve) -> None:
    server = await serve()
    with pytest.raises(ApiError) as refused:
        await server.doors.hold(uuid4(), world.controllers[0], is_held=True)
    assert (refused.value.status, refused.value.kind) == (404, "controller_not_found")
