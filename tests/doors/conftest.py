"""Fixtures of the doors' tests: a world, and servers' halves that run its controllers."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

import pytest

from doorward.doors.controller import Controller
from doorward.doors.registry import Doors
from doorward.doors.virtual import VirtualDriver
from doorward.resources.decision import Decision
from doorward.store.database import Database
from doorward.store.secrets import Keyring
from doorward.store.watch import Watch
from doorward.store.writer import Operation, Writer
from tests.conftest import MovableClock
from tests.doors.worlds import World, make_world


class Server:
    """What one server process has of the doors, its writer and watch included."""

    def __init__(
        self, database: Database, keyring: Keyring, clock: MovableClock, data: Path
    ) -> None:
        self.database = database
        self.data = data
        self.writer = Writer(database)
        self.watch = Watch(database)
        drivers = {"virtual": VirtualDriver()}
        self.doors = Doors(database, self.watch, self.writer, keyring, clock, data, drivers)

    async def start(self) -> None:
        """Starts everything."""
        await self.writer.start()
        await self.watch.start()
        await self.doors.start()

    async def stop(self) -> None:
        """Stops everything but the database."""
        await self.doors.stop()
        await self.watch.stop()
        await self.writer.stop()

    async def kill(self) -> None:
        """Ends it as SIGKILL would, as far as others can tell: no lease is given back."""
        for controller in self.doors._controllers.values():
            controller.follower.lease.standing = "unknown"
        await self.stop()

    def controller(self, controller_id: UUID) -> Controller:
        """A controller that this server has the file of."""
        return self.doors._controllers[controller_id]

    async def submit(self, world: World, operation: Operation[Any]) -> int:
        """Makes a change, waits until every connected door has it; answers the revision then."""
        await self.writer.submit(operation)
        position = await head(self.database, world)
        assert await self.doors.wait_confirmed(world.workspace_id, position, 10)
        return position

    async def present(self, world: World, entrance: int = 0, card: str = "7-0") -> Decision:
        """Holds a card to an entrance's reader."""
        return await self.doors.present(
            world.workspace_id, world.entrances[entrance], card_number=card
        )


class Serve(Protocol):
    """Starts a server on a data folder of that name; it stops at the end of the test."""

    def __call__(self, data: str = "data", on: Database | None = None) -> Awaitable[Server]:
        """Starts it."""


@pytest.fixture
async def world(database: Database, keyring: Keyring) -> World:
    """A world that only this test uses."""
    return await make_world(database, keyring)


@pytest.fixture
async def serve(
    database: Database, keyring: Keyring, clock: MovableClock, tmp_path: Path
) -> AsyncIterator[Serve]:
    """Starts servers; each data folder is a machine of its own."""
    async with AsyncExitStack() as stack:

        async def start(data: str = "data", on: Database | None = None) -> Server:
            server = Server(on or database, keyring, clock, tmp_path / data)
            stack.push_async_callback(server.stop)
            await server.start()
            return server

        yield start


async def head(database: Database, world: World) -> int:
    """The newest revision of a world's journal."""
    revision: int = await database.fetchval(
        "select revision from policy_revision where workspace_id = $1", world.workspace_id
    )
    return revision


async def until(condition: Callable[[], Any], seconds: float = 10) -> None:
    """Waits until a condition holds, which may be a coroutine function."""
    async with asyncio.timeout(seconds):
        while True:
            found = condition()
            if await found if asyncio.iscoroutine(found) else found:
                return
            await asyncio.sleep(0.005)
