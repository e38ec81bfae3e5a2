"""What this process commits is at its doors at once, also where the journal cannot be read next."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from doorward.doors.follower import Follower
from doorward.errors import Unavailable
from doorward.policy.facts import NO_KEY, CredentialState, Kind, UserState
from doorward.store.database import Connection
from tests.doors.conftest import Serve, Server, head, until
from tests.doors.slices_of import in_tables, on_disk
from tests.doors.worlds import World

Change = Callable[[World, Connection], Awaitable[None]]


@pytest.fixture
async def server(world: World, serve: Serve) -> Server:
    """A server, and two people who may come in."""
    server = await serve()
    await server.submit(world, world.add(0))
    await server.submit(world, world.add(1))
    return server


@pytest.fixture
def unread(server: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    """It, no controller of which can read the journal from now on: the moment after a commit
    cannot be met from outside.
    """

    async def dead(*_: object, **__: object) -> None:
        raise Unavailable("the database died")

    monkeypatch.setattr("doorward.store.slices.read_tail", dead)
    return server


async def _suspend(world: World, connection: Connection) -> None:
    await world.record(connection, Kind.USER, world.users[0], state=UserState(is_suspended=True))


async def _delete_person(world: World, connection: Connection) -> None:
    await world.record(connection, Kind.USER, world.users[0])


async def _lose_card(world: World, connection: Connection) -> None:
    lost = CredentialState("card", "lost")
    await world.record(connection, Kind.CREDENTIAL, world.credentials[0], world.users[0], lost)


async def _delete_card(world: World, connection: Connection) -> None:
    await world.record(connection, Kind.CREDENTIAL, world.credentials[0], world.users[0])


async def _leave_group(world: World, connection: Connection) -> None:
    await world.record(connection, Kind.MEMBERSHIP, world.groups[0], world.users[0])


REMOVALS = [_suspend, _delete_person, _lose_card, _delete_card, _leave_group]


@pytest.mark.parametrize("remove", REMOVALS)
async def test_every_kind_of_removal_is_refused_before_the_journal_is_read(
    world: World, unread: Server, remove: Change
) -> None:
    assert (await unread.present(world)).outcome == "allow"
    await unread.writer.submit(world.operation(lambda connection: remove(world, connection)))
    assert (await unread.present(world)).outcome == "deny"
    assert (await unread.present(world, card="7-1")).outcome == "allow"


async def test_whatever_is_added_is_there_too_and_on_disk(world: World, unread: Server) -> None:
    revision = await unread.submit(world, world.add(2))
    allowed = await unread.present(world, card="7-2")
    assert (allowed.outcome, allowed.policy_revision) == ("allow", revision)
    await unread.stop()
    key = world.key()
    assert on_disk(unread.data, key) == await in_tables(unread.database, key)


@pytest.mark.parametrize("remove", REMOVALS)
async def test_behind_another_process_only_what_takes_away_is_taken(
    world: World, unread: Server, serve: Serve, remove: Change
) -> None:
    other = await serve("other")
    await other.writer.submit(world.add(2))
    await unread.writer.submit(world.operation(lambda connection: remove(world, connection)))
    await unread.writer.submit(world.operation(lambda c: world.link(c, 0, 1, is_desired=False)))
    await unread.writer.submit(world.operation(lambda c: world.link(c, 0, 1)))
    assert (await unread.present(world)).outcome == "deny"
    assert (await unread.present(world, card="7-1")).outcome == "allow"
    # The link came back after it went; only its end is known, for that cannot open anything.
    assert (await unread.present(world, 1, card="7-1")).outcome == "deny"
    assert (await unread.present(world, card="7-2")).outcome == "deny"


async def test_what_came_in_between_is_caught_up_with(
    world: World, server: Server, serve: Serve
) -> None:
    other = await serve("other")
    for place in (2, 1, 0):
        await other.writer.submit(world.add(2) if place == 2 else world.remove(place))
        await server.writer.submit(world.add(place) if place < 2 else world.remove(2))
    revision = await server.submit(world, world.add(2))
    for card in ("7-0", "7-1", "7-2"):
        allowed = await server.present(world, card=card)
        assert (allowed.outcome, allowed.policy_revision) == ("allow", revision)


async def test_a_hold_by_another_process_comes_before_what_is_committed_after_it(
    world: World, server: Server
) -> None:
    await server.database.execute(
        "update controller set is_held = true where workspace_id = $1", world.workspace_id
    )
    await server.writer.submit(world.remove(0))
    assert (await server.present(world)).outcome == "allow"
    await server.database.execute(
        "update controller set is_held = false where workspace_id = $1", world.workspace_id
    )
    await until(lambda: _is_refused(server, world))


async def _is_refused(server: Server, world: World) -> bool:
    return (await server.present(world)).outcome == "deny"


async def test_more_than_one_look_carries_is_read_from_the_journal(
    world: World, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("doorward.store.committed.CHUNK", 3)

    async def many(connection: Connection) -> None:
        for _ in range(5):
            await world.record(connection, Kind.USER, world.users[2], NO_KEY, UserState())
        await world.record(connection, Kind.MEMBERSHIP, world.groups[0], world.users[0])

    revision = await server.submit(world, world.operation(many))
    refused = await server.present(world)
    assert (refused.outcome, refused.policy_revision) == ("deny", revision)


async def test_a_removal_beside_what_changes_nothing_is_refused(
    world: World, server: Server
) -> None:
    # Submitted at once, they are one batch.
    await asyncio.gather(
        server.writer.submit(world.remove(2)), server.writer.submit(world.remove(0))
    )
    assert (await server.present(world)).outcome == "deny"
    assert (await server.present(world, card="7-1")).outcome == "allow"
    await server.submit(world, world.add(2))
    assert (await server.present(world)).outcome == "deny"
    assert (await server.present(world, card="7-2")).outcome == "allow"


async def _remove_ahead_and_restore(world: World, server: Server, serve: Serve, epoch: int) -> None:
    """The database forgets another process's change, and the removal that followed it here."""
    other = await serve("other")
    at = await head(server.database, world)
    await other.writer.submit(world.add(2))
    await server.writer.submit(world.remove(0))
    assert (await server.present(world)).outcome == "deny"
    for change in (
        "update policy_fact set to_revision = null where to_revision > $1",
        "delete from policy_fact where from_revision > $1",
        "delete from policy_journal where revision > $1",
        (
            "update policy_revision r set epoch = $2, revision = $1, last_hash = j.entry_hash"
            " from policy_journal j where j.revision = $1 and $2 > 0"
        ),
    ):
        await server.database.execute(change, at, *([epoch] if "$2" in change else []))
    await other.stop()


async def test_what_was_taken_ahead_and_undone_by_a_restore_is_no_more(
    world: World, unread: Server, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _remove_ahead_and_restore(world, unread, serve, epoch=2)
    monkeypatch.undo()
    await until(lambda: _is_allowed(unread, world))


async def test_what_was_taken_ahead_and_is_unknown_to_a_standby_is_no_more(
    world: World, unread: Server, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _remove_ahead_and_restore(world, unread, serve, epoch=1)
    monkeypatch.undo()
    for _ in range(2):
        await unread.submit(world, world.remove(1))
        await unread.submit(world, world.add(1))
    await until(lambda: _is_allowed(unread, world))
    await unread.stop()
    key = world.key()
    assert on_disk(unread.data, key) == await in_tables(unread.database, key)


async def test_what_was_taken_ahead_outlives_a_restart_and_not_a_standby_without_it(
    world: World, unread: Server, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _remove_ahead_and_restore(world, unread, serve, epoch=1)
    await asyncio.sleep(0.2)  # while it is put on disk
    await unread.stop()
    monkeypatch.undo()
    again = await serve()
    for _ in range(2):
        await again.submit(world, world.remove(1))
        await again.submit(world, world.add(1))
    await until(lambda: _is_allowed(again, world))


async def _is_allowed(server: Server, world: World) -> bool:
    return (await server.present(world)).outcome == "allow"


async def test_a_link_that_ends_while_its_entrance_is_away_has_ended_when_it_is_back(
    world: World, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dead(*_: object) -> None:
        raise Unavailable("the database died")

    monkeypatch.setattr("doorward.store.slices.read_whole", dead)

    async def away_and_back(connection: Connection) -> None:
        await world.move_entrance(connection, 0, 1)
        await world.link(connection, 0, 0, is_desired=False)
        await world.move_entrance(connection, 0, 0)

    assert (await server.present(world)).outcome == "allow"
    await server.writer.submit(world.operation(away_and_back))
    assert (await server.present(world)).outcome == "deny"


@pytest.mark.parametrize("where", ["Follower.hand", "Follower._take"])
async def test_a_door_that_cannot_take_a_commit_reads_the_journal(
    world: World, server: Server, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    faults = []

    def broken(*_: object) -> None:
        monkeypatch.undo()
        faults.append(where)
        raise RuntimeError("a bug")

    monkeypatch.setattr(f"doorward.doors.follower.{where}", broken)
    async with asyncio.timeout(10):
        await server.submit(world, world.remove(0))
    assert faults == [where]
    assert (await server.present(world)).outcome == "deny"
    await server.submit(world, world.add(0))
    assert (await server.present(world)).outcome == "allow"


async def test_what_broke_while_it_was_taken_is_taken_again(
    world: World, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        monkeypatch.undo()
        raise RuntimeError("a bug")

    monkeypatch.setattr("doorward.policy.index.PolicyIndex._put", broken)
    async with asyncio.timeout(10):
        await server.submit(world, world.remove(0))
    assert (await server.present(world)).outcome == "deny"


async def test_a_driver_that_raises_is_asked_again_and_holds_nothing_up(
    world: World, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    attached = []

    def broken(*_: object) -> None:
        monkeypatch.undo()
        attached.append("in vain")
        raise RuntimeError("a driver's bug")

    controller = server.controller(world.controllers[0])
    before = len(controller._attached)
    monkeypatch.setattr("doorward.doors.virtual.VirtualDriver.attach", broken)
    reader = world.operation(lambda c: world.make_reader(c, world.entrances[0], "virtual"))
    async with asyncio.timeout(10):
        await server.submit(world, reader)
    await until(lambda: len(controller._attached) == before + 1)
    assert attached == ["in vain"]


async def test_a_door_that_broke_after_it_took_a_commit_is_woken(
    world: World, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Else it looks by itself after a second.
    monkeypatch.setattr("doorward.doors.follower._IDLE", 60)
    server = await serve()
    await server.submit(world, world.add(0))
    take = Follower._take

    def broken(*given: Any) -> None:
        take(*given)
        monkeypatch.setattr(Follower, "_take", take)
        raise RuntimeError("a bug")

    monkeypatch.setattr(Follower, "_take", broken)
    await server.submit(world, world.remove(0))
    assert Follower._take is take
    assert (await server.present(world)).outcome == "deny"
