"""All controllers that this process runs, and what the rest of the server asks of doors."""

import asyncio
import contextlib
import logging
import sqlite3
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final
from uuid import UUID

from doorward.clock import Clock
from doorward.doors import status
from doorward.doors.asking import Asking
from doorward.doors.controller import Controller, Equipment
from doorward.doors.disk import DiskLocked
from doorward.doors.drivers import Driver, installed_drivers
from doorward.doors.follower import Uplink
from doorward.doors.reporter import Reporter
from doorward.doors.tally import Tally, tally
from doorward.doors.tasks import Tasks
from doorward.doors.waiting import Waiting
from doorward.errors import Unavailable, not_found
from doorward.resources.door import Door
from doorward.store import controllers
from doorward.store.committed import Committed
from doorward.store.controllers import ControllerKey, Link
from doorward.store.database import Database
from doorward.store.secrets import Keyring
from doorward.store.settling import unsettled_workspaces
from doorward.store.watch import Position, Watch
from doorward.store.writer import Commit, Writer

# How often controllers are looked for that were declared since.
_DISCOVERY: Final = 0.5
# A start waits this long for PostgreSQL, then decides on what is on disk.
_START: Final = 2.0
# How often rows are settled that no confirmation settles: nobody is concerned any more.
_SWEEP: Final = 5.0
# How often the rows of controllers that other processes run are looked at while somebody waits.
_POLL: Final = 0.005

# Named by their controllers' ids; whatever else lies there is left alone.
_FILES: Final = "????????-????-????-????-????????????.db"

_log = logging.getLogger(__name__)


class Doors(Asking):
    """The controllers of this process.

    data: the data folder, in which `controllers/` holds their files. drivers: those that are
    installed, unless others are given.
    """

    def __init__(
        self,
        database: Database,
        watch: Watch,
        writer: Writer,
        keyring: Keyring,
        clock: Clock,
        data: Path,
        drivers: Mapping[str, Driver] | None = None,
    ) -> None:
        super().__init__(database)
        self._watch = watch
        self._writer = writer
        self._folder = data / "controllers"
        self._links = Link(database), Link(database)
        self._reporter = Reporter(*self._links, self._heard)
        uplink = Uplink(database, self._links[0], self._reporter)
        drivers = installed_drivers() if drivers is None else drivers
        self._equipment = Equipment(uplink, writer, keyring, clock, drivers)
        self._controllers: dict[UUID, Controller] = {}
        self._by_workspace: defaultdict[UUID, list[Controller]] = defaultdict(list)
        self._discovered = asyncio.Event()
        self._elsewhere: set[UUID] = set()
        self._waiting = Waiting(self._running)
        self._status = status.StatusBoard(database)
        self._tasks = Tasks()

    async def start(self) -> None:
        """Runs the controllers, first those on disk, so that they decide without PostgreSQL too."""
        self._tasks.start("doors: confirmations", self._reporter.report_on)
        self._tasks.start("doors: settling", self._reporter.settle_on)
        for path in sorted(self._folder.glob(_FILES)):
            await self._run(path)
        self._writer.on_commit.append(self._committed)
        self._tasks.start("doors: watch", self._watch_on)
        self._tasks.start("doors: discovery", self._discover_on)
        self._tasks.start("doors: sweep", self._sweep_on)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_START):
                await self._all_ready()
        # So that doors can be shown, and found by name, should PostgreSQL go away next.
        for workspace_id in list(self._by_workspace):
            with contextlib.suppress(Unavailable):
                await self.status(workspace_id)

    async def stop(self) -> None:
        """Stops all controllers; what happened and was not handed in stays on their disks."""
        with contextlib.suppress(ValueError):
            self._writer.on_commit.remove(self._committed)
        await self._tasks.stop()
        await asyncio.gather(*(each.stop() for each in self._controllers.values()))
        self._controllers.clear()
        self._by_workspace.clear()
        for link in self._links:
            await link.close()

    def tally(self) -> Tally:
        """The controllers in numbers, from what is in memory alone."""
        return tally(self._controllers.values(), self._watch)

    async def discover(self) -> None:
        """Runs every controller of the database that nobody else runs. Raises `Unavailable`."""
        rows = await controllers.list_controllers(self._database)
        for row in rows:
            if row.key.controller_id not in self._controllers:
                await self._run(self._folder / f"{row.key.controller_id}.db", row.key)
        self._elsewhere = {row.key.workspace_id for row in rows if self._is_elsewhere(row.key)}

    async def status(self, workspace_id: UUID) -> list[Door]:
        """Every door of a workspace. While PostgreSQL is away, as far as it was listed before."""
        return await self._status.doors(workspace_id, self._controllers)

    async def hold(self, workspace_id: UUID, controller_id: UUID, *, is_held: bool) -> None:
        """Cuts a controller's link to the server, or mends it, wherever the controller runs.

        Raises ApiError 404 for a controller unknown in this workspace, and `Unavailable`.
        """
        if not await controllers.set_held(
            self._database, workspace_id, controller_id, is_held=is_held
        ):
            raise not_found("controller")
        if controller := self._controllers.get(controller_id):
            controller.follower.is_held = is_held
            controller.server_is_back()

    async def wait_confirmed(self, workspace_id: UUID, revision: int, timeout: float) -> bool:
        """Waits at most `timeout` seconds until all connected controllers of a workspace have
        confirmed a revision; answers whether all have, the disconnected ones too.
        """
        known = self._watch.position(workspace_id)
        position = Position(known.epoch if known else 1, revision)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self._waiting.wait(workspace_id, position)
                if workspace_id in self._elsewhere:
                    return await self._wait_elsewhere(workspace_id, position)
        return workspace_id not in self._elsewhere and self._waiting.is_confirmed(
            workspace_id, position
        )

    async def _wait_elsewhere(self, workspace_id: UUID, position: Position) -> bool:
        while True:
            any_behind, connected_behind = await controllers.is_behind(
                self._database, workspace_id, position
            )
            if not connected_behind:
                return not any_behind
            await asyncio.sleep(_POLL)

    async def _run(self, path: Path, key: ControllerKey | None = None) -> None:
        try:
            controller = await Controller.open(self._equipment, path, key)
        except DiskLocked:
            return
        except (OSError, sqlite3.Error) as trouble:
            _log.error("%s cannot be used: %s", path, trouble)
            return
        if controller is not None:
            self._controllers[controller.key.controller_id] = controller
            self._by_workspace[controller.key.workspace_id].append(controller)
            controller.start()

    async def _all_ready(self) -> None:
        await self._discovered.wait()
        for controller in list(self._controllers.values()):
            await controller.follower.ready.wait()

    def _running(self, workspace_id: UUID) -> Sequence[Controller]:
        return self._by_workspace.get(workspace_id, ())

    def _is_elsewhere(self, key: ControllerKey) -> bool:
        controller = self._controllers.get(key.controller_id)
        return controller is None or controller.follower.lease.standing == "other"

    def _heard(self, controller_id: UUID, position: Position) -> None:
        if controller := self._controllers.get(controller_id):
            controller.follower.heard(position)
            self._waiting.look(controller.key.workspace_id)

    def _committed(self, commit: Commit) -> None:
        for workspace_id in commit.workspace_ids:
            for controller in self._running(workspace_id):
                committed = commit.facts.get(workspace_id)
                if committed is not None:
                    _hand(controller, committed)

    async def _watch_on(self) -> None:
        was_connected = self._watch.is_connected
        while True:
            await self._watch.changed()
            is_back = self._watch.is_connected and not was_connected
            was_connected = self._watch.is_connected
            for controller in self._controllers.values():
                if is_back:
                    controller.server_is_back()
                elif self._is_news(controller):
                    controller.follower.wake()

    def _is_news(self, controller: Controller) -> bool:
        known = self._watch.position(controller.key.workspace_id)
        here = controller.follower.slice.position
        # A look that began before a commit of this process is behind what it was handed.
        return known is not None and (here is None or known > here)

    async def _discover_on(self) -> None:
        while True:
            with contextlib.suppress(Unavailable):
                await self.discover()
            self._discovered.set()
            await asyncio.sleep(_DISCOVERY)

    async def _sweep_on(self) -> None:
        while True:
            with contextlib.suppress(Unavailable):
                self._reporter.settle(await unsettled_workspaces(self._database))
            await asyncio.sleep(_SWEEP)


def _hand(controller: Controller, committed: Committed) -> None:
    try:
        controller.follower.hand(committed)
    except Exception:  # noqa: BLE001 - a door's bug must not end the writer
        # One door's fault is no other's. It has confirmed nothing, and reads the journal itself.
        _log.exception("controller %s: a commit was not taken", controller.key.controller_id)
        controller.follower.wake()
