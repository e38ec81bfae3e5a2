"""Wrong codes slow a keypad down, whatever is pulled in between, and never a card."""

import asyncio
import json
from collections import Counter
from datetime import timedelta
from uuid import UUID

import pytest

from doorward.doors.disk import Disk, Observed
from doorward.doors.observations import Observations
from doorward.policy.index import PolicyIndex
from doorward.policy.throttle import FIRST_BLOCK, WRONG_CODES
from doorward.resources.decision import Decision
from doorward.store.database import Connection
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
