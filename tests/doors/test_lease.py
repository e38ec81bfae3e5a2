"""Only one process runs a controller, and whoever has lost it stops."""

import asyncio
import time
from uuid import uuid4

import pytest

from doorward.doors.lease import Lease
from doorward.errors import ApiError, Unavailable
from doorward.store import controllers
from doorward.store.controllers import Confirmation, ControllerKey, Link
from doorward.store.database import Database
from doorward.store.watch import Position
from tests.doors.conftest import Serve, Server, until
from tests.doors.slices_of import header_on_disk
from tests.doors.worlds import World


async def lapse(database: Database, world: World) -> None:
    """Lets every lease run out now."""
    await database.execute(
        "update controller set lease_until = clock_timestamp() - interval '1 s'"
        " where workspace_id = $1",
        world.workspace_id,
    )


async def assert_refuses_to_decide(server: Server, world: World) -> None:
    """The server says that it does not run the controller of entrance 0."""
    with pytest.raises(ApiError) as refused:
        await server.present(world)
    assert (refused.value.status, refused.value.kind) == (503, "controller_not_here")


async def test_the_second_of_two_servers_does_not_decide(world: World, serve: Serve) -> None:
    first, second = await serve("first"), await serve("second")
    assert (await first.present(world)).reason == "deny_no_access"
    await assert_refuses_to_decide(second, world)


async def test_of_servers_that_start_together_one_gets_each_controller(
    world: World, serve: Serve
) -> None:
    servers = await asyncio.gather(*(serve(f"data{place}") for place in range(4)))
    for controller in world.controllers:
        running = [s for s in servers if s.controller(controller).follower.lease.is_ours]
        assert len(running) == 1
        deciding = [s for s in servers if s.controller(controller).follower.may_decide]
        assert deciding == running


async def test_a_stopped_server_gives_its_leases_back(world: World, serve: Serve) -> None:
    first, second = await serve("first"), await serve("second")
    await first.stop()
    await until(lambda: second.controller(world.controllers[0]).follower.may_decide)
    assert (await second.present(world)).reason == "deny_no_access"


async def test_a_lease_that_has_lapsed_is_taken_over_and_the_old_holder_stops(
    world: World, serve: Serve
) -> None:
    first, second = await serve("first"), await serve("second")
    await first.submit(world, world.add())
    # The first one is suspended: it neither renews nor follows.
    await first.controller(world.controllers[0])._tasks.stop()
    await lapse(first.database, world)
    old = first.controller(world.controllers[0]).follower
    await until(lambda: second.controller(world.controllers[0]).follower.may_decide)
    assert old.may_decide

    # It wakes up after its lease has run out, and is asked before it has heard of anything.
    old.lease._fresh_until = time.monotonic()
    await assert_refuses_to_decide(first, world)
    assert (await second.present(world)).outcome == "allow"


async def test_a_lease_that_somebody_else_had_meanwhile_is_noticed_when_it_is_ours_again(
    world: World, serve: Serve
) -> None:
    first, second = await serve("first"), await serve("second")
    await first.submit(world, world.add())
    # The first one sleeps while the second one takes over, hears of a removal, and stops.
    await first.controller(world.controllers[0])._tasks.stop()
    await lapse(first.database, world)
    await until(lambda: second.controller(world.controllers[0]).follower.may_decide)
    await second.writer.submit(world.remove())
    await second.stop()

    sleeper = first.controller(world.controllers[0])
    sleeper.follower.lease._fresh_until = time.monotonic()
    await assert_refuses_to_decide(first, world)
    assert sleeper.follower.lease.is_ours
    sleeper.start()
    await until(lambda: sleeper.follower.may_decide)
    assert (await first.present(world)).reason == "deny_no_access"


async def test_a_lease_that_lapsed_untaken_goes_on(world: World, serve: Serve) -> None:
    server = await serve()
    lease = server.controller(world.controllers[0]).follower.lease
    before = lease.generation
    await lapse(server.database, world)
    await lease.renew()
    assert (lease.standing, lease.generation) == ("ours", before)


async def test_an_older_generation_is_a_restore_and_nobody_elses_turn(
    world: World, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def dead(*_: object, **__: object) -> None:
        raise Unavailable("the database died")

    server = await serve()
    await server.submit(world, world.add())
    monkeypatch.setattr("doorward.store.slices.read_tail", dead)
    await server.database.execute(
        "update controller set lease_generation = lease_generation - 2,"
        " lease_until = now() - interval '1 day' where workspace_id = $1",
        world.workspace_id,
    )
    follower = server.controller(world.controllers[0]).follower
    await follower.lease.renew()
    assert follower.lease.standing == "ours"
    assert follower.may_decide
    assert (await server.present(world)).outcome == "allow"


async def test_after_a_kill_the_same_data_folder_takes_its_lease_at_once(
    world: World, serve: Serve
) -> None:
    first = await serve()
    generation = first.controller(world.controllers[0]).follower.lease.generation
    await first.kill()
    second = await serve()
    lease = second.controller(world.controllers[0]).follower.lease
    assert (lease.standing, lease.generation) == ("ours", generation + 1)
    assert (await second.present(world)).reason == "deny_no_access"


async def test_two_servers_on_one_data_folder_share_no_controller(
    world: World, serve: Serve
) -> None:
    first, second = await serve(), await serve()
    assert set(first.doors._controllers) == set(world.controllers)
    assert not second.doors._controllers
    await assert_refuses_to_decide(second, world)
    await first.stop()
    await until(lambda: len(second.doors._controllers) == 2)
    assert (await second.present(world)).reason == "deny_no_access"


async def test_whoever_takes_over_catches_up_before_deciding(world: World, serve: Serve) -> None:
    first = await serve("first")
    await first.submit(world, world.add())
    await first.stop()
    second = await serve("second")
    await second.submit(world, world.remove())
    await second.stop()
    again = await serve("first")
    assert (await again.present(world)).reason == "deny_no_access"


async def test_a_loser_notes_on_disk_that_its_slice_does_not_count(
    world: World, serve: Serve
) -> None:
    first, second = await serve("first"), await serve("second")
    for place in range(2):
        await first.controller(world.controllers[place])._tasks.stop()
    await lapse(first.database, world)
    await until(lambda: second.controller(world.controllers[0]).follower.may_decide)
    follower = first.controller(world.controllers[0]).follower
    await follower.lease.renew()
    await follower._look()
    await first.stop()
    await second.stop()
    assert not header_on_disk(first.data, world.key()).is_ours
    assert header_on_disk(second.data, world.key()).is_ours


@pytest.fixture
async def link(database: Database) -> Link:
    """A link of the test's own."""
    return Link(database)


async def test_neither_an_old_generation_nor_a_held_controller_is_heard(
    database: Database, world: World, link: Link
) -> None:
    key = world.key()
    old = await controllers.claim(link, key, "old", 0, is_first=True)
    await lapse(database, world)
    new = await controllers.claim(link, key, "new", 0, is_first=True)
    assert (old.standing, new.standing) == ("ours", "ours")
    assert new.generation == old.generation + 1
    assert (await controllers.claim(link, key, "old", old.generation, is_first=False)).standing == (
        "other"
    )

    position = Position(1, 3)
    late = Confirmation(key, "old", old.generation, position)
    stale = Confirmation(key, "new", old.generation, position)
    right = Confirmation(key, "new", new.generation, position)
    assert await controllers.confirm(link, [late]) == set()
    assert await controllers.confirm(link, [stale]) == set()
    assert await controllers.confirm(link, [right]) == {key.controller_id}
    await controllers.set_held(database, key.workspace_id, key.controller_id, is_held=True)
    assert await controllers.confirm(link, [right]) == set()
    await link.close()


async def test_a_retired_controller_stops(world: World, link: Link) -> None:
    gone = ControllerKey(world.workspace_id, uuid4(), world.acs_system_id)
    changes: list[str] = []
    lease = Lease(link, gone, "holder", lambda: changes.append(lease.standing))
    await lease.renew()
    assert changes == ["retired"]
    await link.close()


async def test_many_claims_at_once_give_one_lease(database: Database, world: World) -> None:
    links = [Link(database) for _ in range(8)]
    claims = await asyncio.gather(
        *(
            controllers.claim(link, world.key(), f"holder {place}", 0, is_first=True)
            for place, link in enumerate(links)
        )
    )
    assert [claim.standing for claim in claims].count("ours") == 1
    for link in links:
        await link.close()
