"""One run of the PostgreSQL server program on a prepared cluster."""

import asyncio
import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from doorward.errors import StartError
from doorward.store.embedded.binaries import Binaries
from doorward.store.embedded.cluster import ENVIRONMENT, cluster_folder
from doorward.store.embedded.identity import Identity
from doorward.store.embedded.log import log_file, open_log, reason, trim_log
from doorward.store.embedded.processes import PidFile, end, mark
from doorward.store.embedded.settings import server_arguments

# Seconds. The replay after a crash is bounded by max_wal_size to a fraction of the deadline.
_DEADLINE = 120.0
_READY_STEP = 0.005
_WATCH_STEP = 0.1


@dataclass(frozen=True, slots=True)
class Installation:
    """What is run, as whom, and where."""

    data: Path
    binaries: Binaries
    identity: Identity
    socket_folder: Path

    def command(self) -> tuple[str, ...]:
        """The whole command line of the server."""
        cluster = cluster_folder(self.data)
        arguments = server_arguments(cluster, self.socket_folder, mark(cluster))
        return (*self.identity.server, str(self.binaries.postgres), *arguments)


class Server:
    """A server process, started by us; one run of it."""

    def __init__(self, child: subprocess.Popen[bytes]) -> None:
        self._child = child
        self._started_at = time.monotonic()

    @classmethod
    async def launch(cls, installation: Installation) -> Self:
        """Starts it and waits until it takes connections.

        Raises:
            StartError: it ended, or is not ready after two minutes. Nothing of it runs then.
            OSError: a program or the log cannot be opened.
        """
        log = log_file(installation.data)
        trim_log(log)
        child, since = _spawn(installation.command(), log)
        server = cls(child)
        try:
            await server._wait_ready(cluster_folder(installation.data), log, since)
        except BaseException:
            await server.end()
            raise
        return server

    @property
    def pid(self) -> int:
        """The process id."""
        return self._child.pid

    @property
    def age(self) -> float:
        """Seconds since it was started."""
        return time.monotonic() - self._started_at

    async def wait_exit(self) -> int:
        """Waits until it ends: its exit code, negative if a signal ended it."""
        # Asking, because watching a child is bound to one event loop and differs between loops.
        while True:
            code = self._child.poll()
            if code is not None:
                return code
            await asyncio.sleep(_WATCH_STEP)

    async def end(self) -> None:
        """Stops it, cleanly if it lets us; nothing if it has ended."""
        await end(self.pid, self._is_alive)

    def _is_alive(self) -> bool:
        return self._child.poll() is None

    async def _wait_ready(self, cluster: Path, log: Path, since: int) -> None:
        while self._is_alive():
            found = PidFile.read(cluster)
            if found and found.pid == self.pid and found.is_ready:
                return
            if self.age > _DEADLINE:
                raise StartError(f"PostgreSQL is not ready after {_DEADLINE:.0f} s; see {log}")
            await asyncio.sleep(_READY_STEP)
        raise StartError(f"PostgreSQL did not start: {reason(log, since)}; its log is {log}")


def _spawn(command: tuple[str, ...], log: Path) -> tuple[subprocess.Popen[bytes], int]:
    """The process, and where in the log what it writes begins."""
    output = open_log(log)
    try:
        since = os.fstat(output).st_size
        child = subprocess.Popen(
            command,
            env=ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    finally:
        os.close(output)
    return child, since
