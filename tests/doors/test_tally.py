"""The doors in numbers: who hears the server, how far behind they are, and what waits on disk."""

from pathlib import Path

from doorward.doors.disk import Disk
from doorward.doors.tally import Tally
from tests.doors.conftest import Serve, Server, head, until
from tests.doors.worlds import World


def states(**counts: int) -> dict[str, int]:
    return {"connected": 0, "cut_off": 0, "held": 0, "standby": 0} | counts


def is_at_rest(server: Server) -> bool:
    found = server.doors.tally()
    return found == Tally(states(connected=2), revision_lag=0, events_spooled=0)


async def test_doors_that_follow_are_not_behind(world: World, serve: Serve) -> None:
    server = await serve()
    await server.submit(world, world.add())
    await until(lambda: is_at_rest(server))


async def test_a_held_controller_falls_behind_and_keeps_what_it_sees(
    world: World, serve: Serve
) -> None:
    server = await serve()
    await server.submit(world, world.add())
    await until(lambda: is_at_rest(server))
    before = await head(server.database, world)
    await server.doors.hold(world.workspace_id, world.controllers[0], is_held=True)
    await server.writer.submit(world.remove())
    behind = await head(server.database, world) - before
    assert behind > 0
    for _ in range(3):
        await server.present(world)
    await until(lambda: server.doors.tally().revision_lag == behind)
    found = server.doors.tally()
    assert found.controllers == states(connected=1, held=1)
    assert found.events_spooled == 3
    await server.doors.hold(world.workspace_id, world.controllers[0], is_held=False)
    await until(lambda: is_at_rest(server))


async def test_controllers_that_another_server_runs_stand_by(world: World, serve: Serve) -> None:
    first = await serve("first")
    second = await serve("second")
    await first.submit(world, world.add())
    await until(lambda: second.doors.tally().controllers == states(standby=2))
    assert second.doors.tally().revision_lag == 0
    await until(lambda: is_at_rest(first))


async def test_a_controller_that_does_not_hear_the_database_is_cut_off(
    world: World, serve: Serve
) -> None:
    server = await serve()
    await until(lambda: is_at_rest(server))
    for controller_id in world.controllers:
        controller = server.controller(controller_id)
        await controller._tasks.stop()
        controller.follower.lease.is_cut_off = True
    assert server.doors.tally().controllers == states(cut_off=2)


async def test_the_spool_knows_its_length(tmp_path: Path) -> None:
    disk = await Disk.open(tmp_path / "a.db")
    await disk.spool([b"1", b"2", b"3"])
    assert disk.spool_length == 3
    [(first, _)] = await disk.spooled(1)
    await disk.unspool(first)
    await disk.unspool(first)
    assert disk.spool_length == 2
    await disk.close()
    again = await Disk.open(tmp_path / "a.db")
    assert again.spool_length == 2
    await again.close()
