"""The embedded PostgreSQL of one data folder: starting, watching, restarting and stopping it."""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import ParamSpec, Self, TypeVar

from doorward.errors import StartError
from doorward.store.embedded.binaries import DEFAULT_MAJOR, find_binaries
from doorward.store.embedded.cluster import check_cluster, cluster_folder, prepare_cluster
from doorward.store.embedded.data import explained, make_data_folder
from doorward.store.embedded.identity import RootMode, find_identity
from doorward.store.embedded.lock import DataLock
from doorward.store.embedded.log import log_file, trim_log
from doorward.store.embedded.processes import take_over
from doorward.store.embedded.reach import reachable
from doorward.store.embedded.server import Installation, Server
from doorward.store.embedded.sockets import (
    dsn,
    make_socket_folder,
    remove_socket_folder,
    socket_folder,
)

_P = ParamSpec("_P")
_T = TypeVar("_T")
_logger = logging.getLogger(__name__)

# Seconds.
_HOUSEKEEPING_STEP = 60.0
_FIRST_DELAY = 0.1
_LONGEST_DELAY = 10.0
# A server that has lived this long did not die of what ended the one before.
_STEADY = 30.0


class EmbeddedPostgres:
    """A running PostgreSQL, and the lock on its data folder.

    As an async context manager it is stopped at the end. It runs in a session of its own: Ctrl-C
    reaches Doorward alone, which stops it when nothing needs it any more. If Doorward is killed,
    it runs on, and the next start ends it and starts anew.
    """

    def __init__(self, installation: Installation, server: Server, lock: DataLock) -> None:
        self._installation = installation
        self._server = server
        self._lock = lock
        self._delay = _FIRST_DELAY
        self._stopping = asyncio.Event()

    @classmethod
    async def start(
        cls, data: Path, major: int = DEFAULT_MAJOR, *, root_mode: RootMode | None = None
    ) -> Self:
        """Starts PostgreSQL `major` (16 or 18) on `data`, which is made if need be.

        `root_mode` forces one of the ways in which root runs it.

        Raises:
            StartError: it cannot be started, or another server has the folder.
        """
        folder = await _in_thread(make_data_folder, data)
        with explained(folder):
            lock = await DataLock.acquire(folder, "server")
        return await cls.start_locked(folder, lock, major, root_mode=root_mode)

    @classmethod
    async def start_locked(
        cls,
        data: Path,
        lock: DataLock,
        major: int = DEFAULT_MAJOR,
        *,
        root_mode: RootMode | None = None,
    ) -> Self:
        """As `start`, on the folder whose `lock` one holds; frees it at the end or if it fails."""
        try:
            with explained(data):
                installation = await _install(data, major, root_mode)
                return cls(installation, await _launch(installation), lock)
        except BaseException:
            lock.release()
            raise

    @property
    def dsn(self) -> str:
        """The address for asyncpg; stays the same when PostgreSQL is restarted."""
        return dsn(self._installation.socket_folder)

    @property
    def pid(self) -> int:
        """The process id of the server that was started last."""
        return self._server.pid

    @property
    def log(self) -> Path:
        """The file that PostgreSQL writes its log to."""
        return log_file(self._installation.data)

    async def wait_exit(self) -> int:
        """Waits until PostgreSQL ends: its exit code, negative if a signal ended it."""
        return await self._server.wait_exit()

    async def supervise(self) -> None:
        """Starts PostgreSQL again whenever it dies, ever later if it goes on dying; until `stop`.

        Whoever uses the database connects again to the same address.
        """
        while not self._stopping.is_set():
            try:
                async with asyncio.timeout(_HOUSEKEEPING_STEP):
                    code = await self.wait_exit()
            except TimeoutError:
                trim_log(self.log)
                continue
            if not self._stopping.is_set():
                _logger.error("PostgreSQL ended (exit code %d); starting it again", code)
                await self._revive()

    async def stop(self) -> None:
        """Stops PostgreSQL cleanly and frees the data folder; a second time is harmless."""
        self._stopping.set()
        try:
            await self._server.end()
        finally:
            remove_socket_folder(self._installation.socket_folder)
            self._lock.release()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.stop()

    async def _revive(self) -> None:
        if self._server.age > _STEADY:
            self._delay = _FIRST_DELAY
        while not self._stopping.is_set():
            await asyncio.sleep(self._delay)
            self._delay = min(2 * self._delay, _LONGEST_DELAY)
            try:
                await self._launch_again()
            except (StartError, OSError) as error:
                _logger.error("PostgreSQL cannot be started yet: %s", error)  # noqa: TRY400
            else:
                return

    async def _launch_again(self) -> None:
        await take_over(cluster_folder(self._installation.data))
        if self._stopping.is_set():
            return
        self._server = await _launch(self._installation)
        if self._stopping.is_set():
            await self._server.end()


async def _install(data: Path, major: int, root_mode: RootMode | None) -> Installation:
    binaries = find_binaries(major)
    identity = await _in_thread(find_identity, root_mode)
    binaries = await _in_thread(reachable, binaries, identity)
    await _in_thread(check_cluster, data, binaries, identity)
    # Before the files change owner, which they must not do under a server left behind.
    await take_over(cluster_folder(data))
    await _in_thread(prepare_cluster, data, binaries, identity)
    return Installation(data, binaries, identity, socket_folder(data))


async def _launch(installation: Installation) -> Server:
    make_socket_folder(installation.socket_folder)
    try:
        return await Server.launch(installation)
    except BaseException:
        remove_socket_folder(installation.socket_folder)
        raise


async def _in_thread(work: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
    """Runs `work` in a thread, and to its end even if the caller is cancelled meanwhile."""
    task = asyncio.create_task(asyncio.to_thread(work, *args, **kwargs))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.gather(task, return_exceptions=True)
        raise
