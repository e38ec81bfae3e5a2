"""What this process commits is at its doors at once, also where the journal cannot be read next."""

from collections.abc import Awaitable, Callable

import pytest

from doorward.errors import Unavailable
from doorward.policy.facts import NO_KEY, CredentialState, Kind, UserState
from doorward.store.database import Connection
from tests.doors.conftest import Serve, Server, until
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
