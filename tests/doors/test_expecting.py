"""The next card that a reader does not know goes to whoever waits for it."""

import asyncio
from uuid import UUID, uuid4

import pytest

from doorward.errors import ApiError
from doorward.policy.cards import CardNumber, parse_card
from doorward.policy.shown import Answer, Shown
from doorward.store.database import Connection
from tests.doors.conftest import Serve, Server
from tests.doors.worlds import World

Waiting = asyncio.Task[CardNumber | None]


@pytest.fixture
async def server(world: World, serve: Serve) -> Server:
    """A server; person 0 may open both entrances."""
    server = await serve()
    await server.submit(world, world.add())
    return server


async def learn(
    server: Server,
    world: World,
    reader_id: UUID | None = None,
    timeout: float = 10,
    answers: tuple[Answer, ...] = ("done",),
) -> CardNumber | None:
    """Waits at a reader, and gives these answers; the last card that came, None for none."""
    seen: list[Shown] = []

    async def take(shown: Shown) -> Answer:
        seen.append(shown)
        await asyncio.sleep(0)
        return answers[len(seen) - 1]

    where = world.workspace_id, world.entrances[0], reader_id
    if not await server.doors.await_card(*where, timeout, take):
        return None
    return seen[-1].card


async def wait(
    server: Server, world: World, *answers: Answer, reader_id: UUID | None = None
) -> Waiting:
    """Somebody who has begun to wait at a reader."""
    waiting = asyncio.create_task(learn(server, world, reader_id, answers=answers or ("done",)))
    await asyncio.sleep(0.01)
    return waiting


async def test_an_unknown_card_goes_to_who_waits(world: World, server: Server) -> None:
    waiting = await wait(server, world)
    for known in ("7-0", "7-1", "no card at all"):
        await server.present(world, card=known)
    await server.doors.present(world.workspace_id, world.entrances[0], code="1111")
    await server.present(world, 1, card="8-1")
    assert not waiting.done()
    refused = await server.present(world, card="8-2")
    assert refused.reason == "deny_unknown_credential"
    assert await waiting == parse_card("8-2")


async def test_each_card_goes_to_one(world: World, server: Server) -> None:
    first, gone, second = [await wait(server, world) for _ in range(3)]
    gone.cancel()
    await asyncio.gather(gone, return_exceptions=True)
    await asyncio.gather(server.present(world, card="8-1"), server.present(world, card="8-2"))
    assert {await first, await second} == {parse_card("8-1"), parse_card("8-2")}
    await server.present(world, card="8-3")  # nobody waits any more
    assert not server.controller(world.controllers[0]).expecting._lines


async def test_a_card_goes_on_to_the_next_in_line(world: World, server: Server) -> None:
    stale, first, second = [
        await wait(server, world, *answers) for answers in (("pass_on",), ("done",), ("done",))
    ]
    await server.present(world, card="8-1")
    assert [await stale, await first] == [parse_card("8-1")] * 2
    assert not second.done()
    await server.present(world, card="8-2")
    assert await second == parse_card("8-2")


async def test_a_card_that_is_for_nobody(world: World, server: Server) -> None:
    first, second = await wait(server, world, "ignore", "done"), await wait(server, world)
    for card in ("8-1", "8-2", "8-3"):
        await server.present(world, card=card)
    assert [await first, await second] == [parse_card("8-2"), parse_card("8-3")]


async def test_cards_wait_for_who_is_asked(world: World, server: Server) -> None:
    """The next in line gets no card that the one before may pass on to it, out of turn."""
    asked, may_answer = asyncio.Event(), asyncio.Event()

    async def take(_: Shown) -> Answer:
        asked.set()
        await may_answer.wait()
        return "pass_on"

    where = world.workspace_id, world.entrances[0], None
    slow = asyncio.create_task(server.doors.await_card(*where, 0.05, take))
    await asyncio.sleep(0.01)
    first = await wait(server, world)
    await server.present(world, card="8-1")
    await asked.wait()
    await server.present(world, card="8-2")
    too_late = await wait(server, world)
    await asyncio.sleep(0.05)  # whoever is asked is not interrupted when the time is over
    may_answer.set()
    assert await slow
    assert await first == parse_card("8-1")
    second = await wait(server, world)
    await server.present(world, card="8-3")
    # 8-2 was shown before either of the two waited.
    assert await too_late == parse_card("8-3")
    second.cancel()


async def test_nobody_waits_for_ever(world: World, server: Server) -> None:
    assert await learn(server, world, timeout=0.01) is None
    await server.present(world, card="8-1")
    assert await learn(server, world, timeout=0.01) is None
    first = await wait(server, world)
    assert await learn(server, world, timeout=0.01) is None
    await server.present(world, card="8-2")
    assert await first == parse_card("8-2")


async def test_a_reader_is_chosen_by_id(world: World, server: Server) -> None:
    async def second_reader(connection: Connection) -> None:
        await world.make_reader(connection, world.entrances[0], "virtual")

    await server.submit(world, world.operation(second_reader))
    controller = server.controller(world.controllers[0])
    first, second = controller.readers(world.entrances[0])
    waiting = await wait(server, world, reader_id=second.reader_id)
    await server.present(world, card="8-1")  # at the first reader
    assert not waiting.done()
    await server.doors.present(
        world.workspace_id,
        world.entrances[0],
        card_number="01020304",
        reader_id=second.reader_id,
    )
    assert await waiting == CardNumber("csn", "01020304")
    by_default = await wait(server, world)
    await controller.read(first, "card", CardNumber("csn", "01020305"))
    assert await by_default == CardNumber("csn", "01020305")


async def nothing(_: Shown) -> Answer:
    """Never asked."""
    raise AssertionError


async def test_where_nobody_can_wait(world: World, server: Server) -> None:
    w, entrance, elsewhere = world.workspace_id, world.entrances[0], world.entrances[1]
    [theirs] = server.controller(world.controllers[1]).readers(elsewhere)
    for where, reader_id, kind in (
        (uuid4(), None, "acs_entrance_not_found"),
        (entrance, uuid4(), "reader_not_found"),
        (entrance, theirs.reader_id, "reader_not_found"),
    ):
        with pytest.raises(ApiError) as refused:
            await server.doors.await_card(w, where, reader_id, 1, nothing)
        assert (refused.value.status, refused.value.kind) == (404, kind)


async def test_a_card_does_not_cross_a_cut_link(world: World, server: Server) -> None:
    waiting = await wait(server, world)
    for is_held in (True, False):
        await server.doors.hold(world.workspace_id, world.controllers[0], is_held=is_held)
        assert not waiting.done()
        await server.present(world, card="8-1")
    assert await waiting == parse_card("8-1")
