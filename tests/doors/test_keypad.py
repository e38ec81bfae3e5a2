"""Wrong codes slow a keypad down, whatever is pulled in between, and never a card."""

import asyncio
import json
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import pytest

from doorward.doors.disk import Disk, Observed
from doorward.doors.handing_in import HandIn
from doorward.doors.observations import Observations
from doorward.doors.spool import Happening
from doorward.policy.index import PolicyIndex
from doorward.policy.throttle import FIRST_BLOCK, WRONG_CODES, Attempts
from doorward.resources.decision import Decision
from doorward.store.controllers import ControllerKey, Link
from doorward.store.database import Connection
from doorward.store.keypads import read_keypads
from tests.conftest import MovableClock
from tests.doors.conftest import Serve, Server, until
from tests.doors.worlds import World

RIGHT, WRONG = "9000", "1111"
BLOCKED = "deny_too_many_attempts"


@pytest.fixture
async def server(world: World, serve: Serve) -> Server:
    """A server; person 0 may open both entrances."""
    server = await serve()
    await server.submit(world, world.add())
    return server


async def enter(server: Server, world: World, code: str, entrance: int = 0) -> Decision:
    """Enters a code at an entrance's reader."""
    return await server.doors.present(world.workspace_id, world.entrances[entrance], code=code)


async def guess(server: Server, world: World, times: int = WRONG_CODES) -> None:
    """Enters wrong codes that are all listened to."""
    for _ in range(times):
        assert (await enter(server, world, WRONG)).reason == "deny_unknown_credential"


async def test_wrong_codes_block_codes_for_a_while_and_no_card(
    world: World, server: Server, clock: MovableClock
) -> None:
    await guess(server, world)
    assert (await enter(server, world, RIGHT)).reason == BLOCKED
    assert (await server.present(world)).outcome == "allow"
    assert (await enter(server, world, RIGHT, entrance=1)).outcome == "allow"
    clock.advance(world.workspace_id, timedelta(milliseconds=FIRST_BLOCK))
    assert (await enter(server, world, RIGHT)).outcome == "allow"


async def test_what_is_not_listened_to_makes_it_no_longer(
    world: World, server: Server, clock: MovableClock
) -> None:
    await guess(server, world)
    for _ in range(WRONG_CODES):
        assert (await enter(server, world, WRONG)).reason == BLOCKED
    clock.advance(world.workspace_id, timedelta(milliseconds=FIRST_BLOCK))
    assert (await enter(server, world, RIGHT)).outcome == "allow"


async def test_a_right_code_forgives_nothing(world: World, server: Server) -> None:
    await guess(server, world, WRONG_CODES - 1)
    assert (await enter(server, world, RIGHT)).outcome == "allow"
    await guess(server, world, 1)
    assert (await enter(server, world, RIGHT)).reason == BLOCKED


async def test_somebodys_code_that_opens_nothing_here_is_a_guess_too(
    world: World, server: Server
) -> None:
    for _ in range(WRONG_CODES):
        assert (await enter(server, world, "9001")).reason == "deny_no_access"
    assert (await enter(server, world, RIGHT)).reason == BLOCKED


async def test_guesses_at_once_are_as_many_guesses(world: World, server: Server) -> None:
    answers = await asyncio.gather(*(enter(server, world, WRONG) for _ in range(20)))
    assert Counter(each.reason for each in answers) == {
        "deny_unknown_credential": WRONG_CODES,
        BLOCKED: 20 - WRONG_CODES,
    }


@pytest.mark.parametrize("is_killed", [False, True], ids=["stopped", "killed"])
async def test_it_outlives_the_process_code_by_code(
    world: World, server: Server, serve: Serve, is_killed: bool
) -> None:
    for _ in range(WRONG_CODES - 1):
        await guess(server, world, 1)
        await (server.kill() if is_killed else server.stop())
        server = await serve()
    await guess(server, world, 1)
    assert (await enter(server, world, RIGHT)).reason == BLOCKED
    await server.stop()
    again = await serve()
    assert (await enter(again, world, RIGHT)).reason == BLOCKED


@pytest.fixture
async def handed_in(server: Server, world: World) -> Server:
    """The server; entrance 0's keypad is blocked for the first time, and the server knows."""
    await guess(server, world)
    await known(server, world, blocks=1)
    return server


async def known(server: Server, world: World, blocks: int) -> None:
    """Waits until so many blocks are handed in."""

    async def are_known() -> bool:
        found = await read_keypads(server.doors._links[0], world.key())
        return [each.blocks for each in found.values()] == [blocks]

    await until(are_known)


@pytest.mark.parametrize("is_file_lost", [False, True], ids=["another server", "a lost file"])
async def test_whoever_decides_next_goes_on_from_what_was_handed_in(
    world: World, handed_in: Server, serve: Serve, clock: MovableClock, is_file_lost: bool
) -> None:
    await handed_in.stop()
    if is_file_lost:
        (handed_in.data / "controllers" / f"{world.controllers[0]}.db").unlink()
    again = await serve("data" if is_file_lost else "other")
    await until(lambda: again.controller(world.controllers[0]).follower.may_decide)
    assert (await enter(again, world, RIGHT)).reason == BLOCKED
    assert (await again.present(world)).outcome == "allow"
    assert (await enter(again, world, RIGHT, 1)).outcome == "allow"
    block = timedelta(milliseconds=FIRST_BLOCK)
    clock.advance(world.workspace_id, block)
    await guess(again, world, 1)
    # The next one is twice as long.
    clock.advance(world.workspace_id, block)
    assert (await enter(again, world, RIGHT)).reason == BLOCKED
    clock.advance(world.workspace_id, block)
    assert (await enter(again, world, RIGHT)).outcome == "allow"


async def test_it_is_known_before_anything_is_decided(
    world: World, handed_in: Server, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = asyncio.Event()

    async def slowly(link: Link, key: ControllerKey) -> dict[UUID, Attempts]:
        await go_on.wait()
        return await read_keypads(link, key)

    monkeypatch.setattr("doorward.store.keypads.read_keypads", slowly)
    other = await serve("other")
    await handed_in.stop()
    controller = other.controller(world.controllers[0])
    await until(lambda: controller.follower.lease.is_ours)
    await until(lambda: controller.follower.slice.position is not None)
    await asyncio.sleep(0.1)
    # A change that this process commits itself is no way around it.
    await other.writer.submit(world.add(1))
    await asyncio.sleep(0.1)
    assert not controller.follower.may_decide
    go_on.set()
    await until(lambda: controller.follower.may_decide)
    assert (await enter(other, world, RIGHT)).reason == BLOCKED


async def test_what_is_handed_in_late_still_counts(
    world: World, server: Server, serve: Serve, clock: MovableClock
) -> None:
    kept: list[Happening] = []

    async def keep(happenings: Sequence[Happening]) -> None:
        kept.extend(happenings)

    server.controller(world.controllers[0])._spool._deliver = keep
    await guess(server, world)
    await until(lambda: len(kept) == WRONG_CODES)
    await server.stop()
    other = await serve("other")
    await until(lambda: other.controller(world.controllers[0]).follower.may_decide)
    assert (await enter(other, world, RIGHT)).outcome == "allow"
    hand_in = HandIn(other.database, other.writer, clock, world.key())
    for _ in range(2):
        await hand_in.deliver(world.connected_account_id, kept)

    async def is_blocked() -> bool:
        return (await enter(other, world, RIGHT)).reason == BLOCKED

    await until(is_blocked)
    disk = other.controller(world.controllers[0])._disk
    assert [each.kind for each in await disk.observed()] == ["keypad"]


async def test_it_outlives_a_whole_new_slice(world: World, server: Server) -> None:
    await guess(server, world)

    async def make(connection: Connection) -> None:
        world.entrances.append(await world.make_entrance(connection, 0))

    await server.submit(world, world.operation(make))
    assert server.controller(world.controllers[0]).has_entrance(world.entrances[2])
    assert (await enter(server, world, RIGHT)).reason == BLOCKED


async def test_it_is_told_as_what_it_is(world: World, server: Server) -> None:
    await guess(server, world)
    await enter(server, world, RIGHT)

    async def are_there() -> bool:
        count: int = await server.database.fetchval("select count(*) from event")
        return count == WRONG_CODES + 1

    await until(are_there)
    payload = await server.database.fetchval(
        "select payload from event order by event_id desc limit 1"
    )
    assert json.loads(payload)["reason"]["reason_code"] == "too_many_attempts"


async def test_what_is_unknown_to_a_slice_is_forgotten_on_disk_too(
    world: World, server: Server
) -> None:
    await guess(server, world)
    controller = server.controller(world.controllers[0])
    disk, index = controller._disk, controller.follower.slice.index
    [here] = await disk.observed()
    gone = Observed("keypad", UUID(int=1), here.body), Observed("uses", UUID(int=2), b"3")
    await disk.spool([], gone)
    observations = Observations(world.controllers[0])
    await observations.load(disk, PolicyIndex())
    assert len(await disk.observed()) == 3  # a slice that is not there yet knows nobody
    assert observations.state(None).uses == {UUID(int=2): 3}
    await Observations(world.controllers[0]).load(disk, index)
    assert await disk.observed() == [here]


async def test_a_refusal_and_its_guess_are_written_together_or_not_at_all(
    world: World, server: Server
) -> None:
    disk: Disk = server.controller(world.controllers[0])._disk
    broken = Observed("keypad", world.entrances[0], None)  # type: ignore[arg-type]
    with pytest.raises(Exception, match="NOT NULL"):
        await disk.spool([b"{}"], [Observed("keypad", world.entrances[0], b"{}"), broken])
    assert await disk.observed() == []
    assert await disk.spooled(10) == []
