"""A door unlocked from afar decides as one at which somebody stands, in time or not at all."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID, uuid4

import pytest

from doorward.doors.disk import Disk
from doorward.errors import ApiError, TooLate
from doorward.policy.facts import CredentialState, Kind, Link
from doorward.resources.decision import Decision
from doorward.store.database import Connection
from tests.doors.conftest import Serve, Server, until
from tests.doors.worlds import World


@pytest.fixture
async def server(world: World, serve: Serve) -> Server:  # noqa: ARG001 - made before
    """A server."""
    return await serve()


@pytest.fixture
async def key(world: World, server: Server) -> UUID:
    """A cloud key of person 0, who may open both entrances."""
    key = uuid4()

    async def make(connection: Connection) -> None:
        state = CredentialState("cloud_key")
        await world.record(connection, Kind.CREDENTIAL, key, world.users[0], state)

    await server.submit(world, world.operation(make))
    await server.submit(world, world.add())
    return key


async def unlock(server: Server, world: World, key: UUID, seconds: float = 10) -> Decision:
    """Asks entrance 0 to open within some seconds."""
    return await server.doors.unlock(
        world.workspace_id, world.entrances[0], key, deadline=time.time() + seconds
    )


def is_locked(server: Server, world: World) -> bool:
    """Whether entrance 0 is."""
    return server.controller(world.controllers[0]).door(world.entrances[0]).is_locked


async def test_the_ladder_decides(world: World, server: Server, key: UUID) -> None:
    allowed = await unlock(server, world, key)
    assert (allowed.outcome, allowed.acs_user_id) == ("allow", world.users[0])
    assert not is_locked(server, world)
    await server.submit(world, world.remove())
    assert (await unlock(server, world, key)).reason == "deny_no_access"
    assert (await unlock(server, world, uuid4())).reason == "deny_unknown_credential"
    # A card opens for whoever holds it to the reader.
    assert (await unlock(server, world, world.credentials[0])).outcome == "deny"


async def test_it_is_told_as_remote(world: World, server: Server, key: UUID) -> None:
    await unlock(server, world, key)

    async def is_told() -> bool:
        methods = await server.database.fetch("select payload ->> 'method' from event")
        return [row[0] for row in methods] == ["remote"]

    await until(is_told)


async def test_no_wrong_guesses_are_in_the_way(world: World, server: Server, key: UUID) -> None:
    for _ in range(10):
        await server.doors.present(world.workspace_id, world.entrances[0], code="1111")
    assert (await unlock(server, world, key)).outcome == "allow"


async def test_after_the_deadline_nothing_is_asked(world: World, server: Server, key: UUID) -> None:
    with pytest.raises(TooLate):
        await unlock(server, world, key, seconds=-0.001)
    assert is_locked(server, world)
    assert server.controller(world.controllers[0]).events_spooled == 0


def slow_down(monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Lets the next write of a controller's disk take until it is told to go on."""
    write, go_on = Disk.spool, asyncio.Event()

    async def slow(self: Disk, *more: Any) -> list[int]:
        monkeypatch.setattr(Disk, "spool", write)
        sequences = await write(self, *more)
        await go_on.wait()
        return sequences

    monkeypatch.setattr(Disk, "spool", slow)
    return go_on


async def test_a_slow_disk_opens_nothing_late_and_tells_of_nothing(
    world: World, server: Server, key: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    await server.submit(world, world.operation(limited(world, key, 1)))
    go_on = slow_down(monkeypatch)
    late = asyncio.create_task(unlock(server, world, key, seconds=0.05))
    await asyncio.sleep(0.06)
    go_on.set()
    with pytest.raises(TooLate):
        await late
    assert is_locked(server, world)
    # Its use is given back: the only one is still there.
    assert (await unlock(server, world, key)).outcome == "allow"
    await until(lambda: server.controller(world.controllers[0]).events_spooled == 0)
    assert await told(server) == ["lock.unlocked"]


@pytest.mark.parametrize("is_late", [False, True])
async def test_whoever_gives_up_changes_neither_the_door_nor_what_is_told(
    world: World, server: Server, key: UUID, monkeypatch: pytest.MonkeyPatch, is_late: bool
) -> None:
    go_on = slow_down(monkeypatch)
    waiting = asyncio.create_task(unlock(server, world, key, seconds=0.05 if is_late else 10))
    await asyncio.sleep(0.06)
    waiting.cancel()
    go_on.set()
    controller = server.controller(world.controllers[0])
    await controller._spool.finish()
    await until(lambda: controller.events_spooled == 0)
    assert is_locked(server, world) is is_late
    assert await told(server) == ([] if is_late else ["lock.unlocked"])


async def told(server: Server) -> list[str]:
    """The types of all events."""
    rows = await server.database.fetch("select event_type from event order by event_id")
    return [row[0] for row in rows]


def limited(world: World, key: UUID, limit: int) -> Callable[[Connection], Awaitable[None]]:
    """Gives the cloud key a limit."""

    async def run(connection: Connection) -> None:
        state = CredentialState("cloud_key", use_limit=limit)
        await world.record(connection, Kind.CREDENTIAL, key, world.users[0], state)

    return run


async def test_a_cut_link_carries_no_command(world: World, server: Server, key: UUID) -> None:
    await server.doors.hold(world.workspace_id, world.controllers[0], is_held=True)
    with pytest.raises(ApiError) as refused:
        await unlock(server, world, key)
    assert (refused.value.status, refused.value.kind) == (503, "controller_not_here")
    await server.doors.hold(world.workspace_id, world.controllers[0], is_held=False)
    assert is_locked(server, world)


async def test_a_grant_of_its_own_is_enough(world: World, server: Server, key: UUID) -> None:
    await server.submit(world, world.remove())

    async def own(connection: Connection) -> None:
        entrance = world.entrances[0]
        await world.record(connection, Kind.CREDENTIAL_ENTRANCE, key, entrance, Link())

    await server.submit(world, world.operation(own))
    assert (await unlock(server, world, key)).outcome == "allow"
