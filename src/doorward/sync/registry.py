"""All systems with lists of their own, each reconciled by a task of its own."""

import asyncio
import contextlib
import time
from typing import Final
from uuid import UUID

from doorward.clock import Clock
from doorward.errors import Unavailable
from doorward.resources.provider import PROVIDERS
from doorward.store import external
from doorward.store.database import Database
from doorward.store.external import Listed, Where
from doorward.store.secrets import Keyring
from doorward.store.watch import Position, Watch
from doorward.store.writer import Commit, Writer
from doorward.sync.simulated import SimulatedDriver
from doorward.sync.system import System

# Seconds between looks for new systems, while anything changes at all.
_DISCOVERY: Final = 1.0


class Systems:
    """The systems that this process knows. Without any it waits for changes, and does nothing."""

    def __init__(
        self, database: Database, watch: Watch, writer: Writer, keyring: Keyring, clock: Clock
    ) -> None:
        self._database = database
        self._watch = watch
        self._writer = writer
        self._keyring = keyring
        self._clock = clock
        self._systems: dict[Where, System] = {}
        self._tasks: dict[Where, asyncio.Task[None]] = {}
        self._seen: dict[UUID, Position | None] = {}
        self._watching: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Starts reconciling."""
        with contextlib.suppress(Unavailable):
            await self.discover()
        self._writer.on_commit.append(self._committed)
        self._watching = asyncio.create_task(self._watch_on(), name="systems")

    async def stop(self) -> None:
        """Stops; whatever a system has not confirmed is asked again after the next start."""
        with contextlib.suppress(ValueError):
            self._writer.on_commit.remove(self._committed)
        tasks = [*self._tasks.values(), *filter(None, [self._watching])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._tasks.clear()
        self._systems.clear()

    def wake(self, workspace_id: UUID) -> None:
        """Says that something may have changed at a workspace's systems."""
        for where, system in self._systems.items():
            if where.workspace_id == workspace_id:
                system.wake()

    async def discover(self) -> None:
        """Begins with systems that are new, ends with those that are gone. Raises Unavailable."""
        listed = {each.where: each for each in await external.list_systems(self._database)}
        for where in self._systems.keys() - listed.keys():
            self._tasks.pop(where).cancel()
            del self._systems[where]
        for where in listed.keys() - self._systems.keys():
            self._begin(listed[where])

    def _begin(self, listed: Listed) -> None:
        where, provider = listed.where, PROVIDERS[listed.external_type]
        driver = SimulatedDriver(self._database, self._keyring, where, provider)
        system = System(self._database, self._keyring, where, provider, driver, self._clock)
        self._systems[where] = system
        name = f"system {where.acs_system_id}"
        self._tasks[where] = asyncio.create_task(system.run(), name=name)

    def _committed(self, commit: Commit) -> None:
        for workspace_id in commit.workspace_ids:
            self.wake(workspace_id)

    async def _watch_on(self) -> None:
        discovered_at = time.monotonic()
        while True:
            await self._watch.changed()
            self._wake_where_news()
            await asyncio.sleep(max(0.0, discovered_at + _DISCOVERY - time.monotonic()))
            discovered_at = time.monotonic()
            with contextlib.suppress(Unavailable):
                await self.discover()
            self._wake_where_news()

    def _wake_where_news(self) -> None:
        for where, system in self._systems.items():
            position = self._watch.position(where.workspace_id)
            if self._seen.get(where.acs_system_id) != position:
                self._seen[where.acs_system_id] = position
                system.wake()
