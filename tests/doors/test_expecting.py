"""The next card that a reader does not know goes to whoever waits for it."""

import asyncio
from uuid import UUID, uuid4

import pytest

from doorward.errors import ApiError
from doorward.policy.cards import CardNumber, parse_card
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


async def wait(
    server: Server, world: World, *, entrance: int = 0, reader_id: UUID | None = None
) -> Waiting:
    """Somebody who has begun to wait at a reader."""
    waiting = asyncio.create_task(
        server.doors.await_card(world.workspace_id, world.entrances[entrance], reader_id, 10)
    )
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
    assert not server.controller(world.controllers[0]).expecting._waiting


async def test_nobody_waits_for_ever(world: World, server: Server) -> None:
    await_card = server.doors.await_card
    assert await await_card(world.workspace_id, world.entrances[0], None, 0.01) is None
    await server.present(world, card="8-1")
    assert await await_card(world.workspace_id, world.entrances[0], None, 0.01) is None


async def test_a_reader_is_chosen_by_id(world: World, server: Server) -> None:
    async def second_reader(connection: Connection) -> None:
        await world.make_reader(connection, world.entrances[0], "virtual")

    await server.submit(world, world.operation(second_reader))
    controller = server.controller(world.controllers[0])
    first, second = controller.readers(world.entrances[0])
    waiting = await wait(server, world, reader_id=second.reader_id)
    await server.present(world, card="8-1")  # at the first reader
    assert not waiting.done()
    await controller.read(second, "card", CardNumber("csn", "01020304"))
    assert await waiting == CardNumber("csn", "01020304")
    by_default = await wait(server, world)
    await controller.read(first, "card", CardNumber("csn", "01020305"))
    assert await by_default == CardNumber("csn", "01020305")


async def test_where_nobody_can_wait(world: World, server: Server) -> None:
    w, entrance, elsewhere = world.workspace_id, world.entrances[0], world.entrances[1]
    [theirs] = server.controller(world.controllers[1]).readers(elsewhere)
    for where, reader_id, kind in (
        (uuid4(), None, "acs_entrance_not_found"),
        (entrance, uuid4(), "reader_not_found"),
        (entrance, theirs.reader_id, "reader_not_found"),
    ):
        with pytest.raises(ApiError) as refused:
            await server.doors.await_card(w, where, reader_id, 1)
        assert (refused.value.status, refused.value.kind) == (404, kind)


async def test_a_card_does_not_cross_a_cut_link(world: World, server: Server) -> None:
    waiting = await wait(server, world)
    for is_held in (True, False):
        await server.doors.hold(world.workspace_id, world.controllers[0], is_held=is_held)
        assert not waiting.done()
        await server.present(world, card="8-1")
    assert await waiting == parse_card("8-1")
