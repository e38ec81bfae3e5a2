"""Doors while PostgreSQL is away: they decide on what they have, and forget nothing."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
import pytest

from doorward.errors import ApiError, Unavailable
from doorward.policy.facts import NO_KEY, Kind, UserState
from doorward.store import slices
from doorward.store.controllers import ControllerKey, Link
from doorward.store.database import Database
from doorward.store.embedded import EmbeddedPostgres
from doorward.store.migrate import migrate
from doorward.store.secrets import Keyring
from doorward.store.slices import Tail
from tests.doors.conftest import Serve, Server, head, until
from tests.doors.test_lease import lapse
from tests.doors.worlds import Operation, World, make_world


@pytest.fixture
async def nowhere(tmp_path: Path) -> AsyncIterator[Database]:
    """A database whose server is not there."""
    dsn = f"postgresql://postgres@/postgres?host={tmp_path}"
    pool = await asyncpg.create_pool(dsn, min_size=0)
    database = Database(dsn, pool)
    yield database
    await database.close()


async def test_a_restart_without_postgresql_decides_as_before(
    world: World, serve: Serve, nowhere: Database
) -> None:
    server = await serve()
    await server.submit(world, world.add(0))
    await server.submit(world, world.add(1))
    revision = await server.submit(world, world.remove(0))
    await server.stop()

    again = await serve(on=nowhere)
    refused = await again.present(world)
    assert (refused.outcome, refused.reason) == ("deny", "deny_no_access")
    assert refused.policy_revision == revision
    assert (await again.present(world, card="7-1")).outcome == "allow"
    with pytest.raises(Unavailable):
        await again.doors.status(world.workspace_id)
    with pytest.raises(Unavailable):
        await again.doors.present(world.workspace_id, uuid4(), card_number="7-0")
    await again.stop()

    back = await serve()

    async def both_are_handed_in() -> bool:
        return bool(await back.database.fetchval("select count(*) = 2 from event"))

    await until(both_are_handed_in)


async def test_after_a_kill_without_postgresql_too(
    world: World, serve: Serve, nowhere: Database
) -> None:
    server = await serve()
    await server.submit(world, world.add())
    await server.kill()
    assert (await (await serve(on=nowhere)).present(world)).outcome == "allow"


async def test_whoever_has_seen_another_holder_does_not_decide_without_postgresql(
    world: World, serve: Serve, nowhere: Database
) -> None:
    first, second = await serve("first"), await serve("second")
    for place in range(2):
        await first.controller(world.controllers[place])._tasks.stop()
    await lapse(first.database, world)
    await until(lambda: second.controller(world.controllers[0]).follower.may_decide)
    await first.controller(world.controllers[0]).follower.lease.renew()
    await first.controller(world.controllers[0]).follower._look()
    await first.stop()
    await second.stop()

    assert (await (await serve("second", nowhere)).present(world)).reason == "deny_no_access"
    with pytest.raises(ApiError) as refused:
        await (await serve("first", nowhere)).present(world)
    assert refused.value.kind == "controller_not_here"


async def test_an_empty_data_folder_knows_no_door(serve: Serve, nowhere: Database) -> None:
    server = await serve(on=nowhere)
    with pytest.raises(Unavailable):
        await server.doors.present(uuid4(), uuid4(), card_number="7-0")


class Outage:
    """A PostgreSQL of the test's own, to be stopped and started."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self.server: EmbeddedPostgres | None = None

    async def end(self) -> None:
        """Starts PostgreSQL."""
        major = int(os.environ.get("DOORWARD_TEST_POSTGRES", "18"))
        self.server = await EmbeddedPostgres.start(self._data, major)

    async def begin(self) -> None:
        """Stops PostgreSQL."""
        server, self.server = self.server, None
        if server is not None:
            await server.stop()


@pytest.fixture
async def outage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Outage]:
    """PostgreSQL, running."""
    outage = Outage(tmp_path_factory.mktemp("postgres"))
    await outage.end()
    yield outage
    await outage.begin()


async def test_an_outage_changes_nothing_at_the_doors(
    outage: Outage, serve: Serve, keyring: Keyring
) -> None:
    assert outage.server is not None
    await migrate(outage.server.dsn)
    database = await Database.open(outage.server.dsn)
    world = await make_world(database, keyring)
    server = await serve(on=database)
    await server.submit(world, world.add(0))
    await server.submit(world, world.add(1))
    await server.submit(world, world.remove(0))
    before = await server.doors.status(world.workspace_id)

    await outage.begin()
    follower = server.controller(world.controllers[0]).follower
    await until(lambda: follower.lease.is_cut_off)
    assert (await server.present(world)).reason == "deny_no_access"
    assert (await server.present(world, card="7-1")).outcome == "allow"
    during = await server.doors.status(world.workspace_id)
    assert [door.display_name for door in during] == [door.display_name for door in before]
    assert not any(door.controller.is_connected for door in during)
    assert not during[0].is_locked
    assert not await server.doors.wait_confirmed(world.workspace_id, 10**6, 0)

    await outage.end()
    await until(lambda: _is_heard(server, world))
    await until(lambda: _count_events(server, 2))
    assert await _removal_is_followed(server, world)
    await server.stop()
    await database.close()


async def _is_heard(server: Server, world: World) -> bool:
    try:
        revision = await head(server.database, world)
    except Unavailable:
        return False
    return await server.doors.wait_confirmed(world.workspace_id, revision, 0)


async def _count_events(server: Server, expected: int) -> bool:
    return bool(await server.database.fetchval("select count(*) = $1 from event", expected))


async def _removal_is_followed(server: Server, world: World) -> bool:
    await server.submit(world, world.remove(1))
    return (await server.present(world, card="7-1")).reason == "deny_no_access"


async def test_a_removal_holds_though_the_database_dies_before_the_journal_is_read(
    world: World, serve: Serve, nowhere: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = await serve()
    await server.submit(world, world.add(0))
    await server.submit(world, world.add(1))

    # The moment between commit and tail cannot be met from outside: the tail fails from now on.
    async def dead(*_: object, **__: object) -> None:
        raise Unavailable("the database died")

    monkeypatch.setattr("doorward.store.slices.read_tail", dead)
    await server.writer.submit(world.remove(0))
    assert (await server.present(world)).reason == "deny_no_access"
    assert (await server.present(world, card="7-1")).outcome == "allow"
    follower = server.controller(world.controllers[0]).follower

    async def is_on_disk() -> bool:
        facts = [fact async for part in follower._disk.facts() for fact in part]
        members = {fact.key_b for fact in facts if fact.kind == "membership"}
        return members == {world.users[1]}

    await until(is_on_disk)
    await server.kill()
    monkeypatch.undo()
    again = await serve(on=nowhere)
    assert (await again.present(world)).reason == "deny_no_access"
    assert (await again.present(world, card="7-1")).outcome == "allow"
    await again.stop()
    back = await serve()
    assert (await back.present(world)).reason == "deny_no_access"
    await back.submit(world, world.add(0))
    assert (await back.present(world)).outcome == "allow"


async def test_a_held_controller_hears_of_no_removal(world: World, serve: Serve) -> None:
    server = await serve()
    await server.submit(world, world.add())
    for controller_id in world.controllers:
        await server.doors.hold(world.workspace_id, controller_id, is_held=True)
    await server.writer.submit(world.remove())
    assert (await server.present(world)).outcome == "allow"


def suspension(world: World, *, is_suspended: bool) -> Operation:
    """Suspends the first person, or no longer."""
    state = UserState(is_suspended)
    return world.operation(lambda c: world.record(c, Kind.USER, world.users[0], NO_KEY, state))


async def test_what_is_refused_ahead_stays_refused_while_older_changes_reach_the_disk(
    world: World, serve: Serve, nowhere: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, other = await serve(), await serve("other")
    at = await server.submit(world, world.add(0))
    read, follower = slices.read_tail, server.controller(world.controllers[0]).follower
    may_read, has_read = asyncio.Event(), set[UUID]()

    async def one_entry(link: Link, key: ControllerKey, revision: int) -> Tail | None:
        await (asyncio.Event() if key.controller_id in has_read else may_read).wait()
        has_read.add(key.controller_id)
        return await read(link, key, revision, limit=1)

    monkeypatch.setattr(slices, "read_tail", one_entry)
    await other.writer.submit(suspension(world, is_suspended=False))
    await server.writer.submit(suspension(world, is_suspended=True))
    assert (await server.present(world)).reason == "deny_suspended"
    may_read.set()
    await until(lambda: follower._header.position == (1, at + 1))
    await server.kill()
    again = await serve(on=nowhere)
    assert (await again.present(world)).reason == "deny_suspended"


async def test_what_is_refused_while_the_whole_slice_is_fetched_reaches_the_disk_with_it(
    world: World, serve: Serve, nowhere: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = await serve()
    await server.submit(world, world.add(0))
    follower = server.controller(world.controllers[0]).follower
    begin = follower._disk.begin_replacement

    async def begin_and_suspend() -> None:
        await begin()
        await server.writer.submit(suspension(world, is_suspended=True))

    async def silence(*_: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(slices, "read_tail", silence)
    monkeypatch.setattr(follower._disk, "begin_replacement", begin_and_suspend)
    follower._is_whole_due = True
    follower.wake()
    await until(lambda: not follower._is_whole_due)
    await server.kill()
    again = await serve(on=nowhere)
    assert (await again.present(world)).reason == "deny_suspended"
