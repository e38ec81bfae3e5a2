"""Starts the process behind the plugin (`host`) and asks it for servers."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import Any, Final

from doorward.testing.server import Server

# What has to be free in memory before a run's databases are put there.
_ROOM: Final = 2**30
_END: Final = 60


class HostError(Exception):
    """No server is to be had; the message says why."""


class Host:
    """The process, from the first request for a server on until `stop`."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._folder: Path | None = None
        self._lock = Lock()

    @contextmanager
    def serve(self, site: str | os.PathLike[str] | None = None) -> Iterator[Server]:
        """A server on a database of its own, which holds a site file's site, else the sandbox's.

        Raises HostError, also for a site file that has faults.
        """
        told = self.ask("open", site=None if site is None else str(Path(site).resolve()))
        try:
            yield Server(self.ask, told)
        finally:
            self.ask("close", server=told["server"])

    def ask(self, do: str, **more: Any) -> Any:
        """What the process answers. Raises HostError."""
        with self._lock:
            process = self._started()
            assert process.stdin is not None
            assert process.stdout is not None
            with suppress(BrokenPipeError):
                process.stdin.write(json.dumps({"do": do, **more}) + "\n")
                process.stdin.flush()
            line = process.stdout.readline()
        answer = json.loads(line) if line else {"error": self._last_words()}
        if "error" in answer:
            raise HostError(answer["error"])
        return answer

    def stop(self) -> None:
        """Ends the process, and with it everything that it started."""
        if self._process is not None:
            # Not Popen.communicate: it would wait for servers that hold the pipe.
            assert self._process.stdin is not None
            assert self._process.stdout is not None
            with suppress(BrokenPipeError):
                self._process.stdin.close()
            self._process.wait(_END)
            self._process.stdout.close()
            self._process = None
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def _started(self) -> "subprocess.Popen[str]":
        if self._process is None:
            self._folder = Path(tempfile.mkdtemp(prefix="doorward-testing-", dir=_memory()))
            with (self._folder / "host.log").open("wb") as log:
                self._process = subprocess.Popen(
                    # -P: modules in the folder of the tests are none of the server's.
                    [sys.executable, "-P", "-m", "doorward.testing.host", str(self._folder)],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    text=True,
                    # Ctrl-C is for pytest, which then stops it in order.
                    start_new_session=True,
                )
        return self._process

    def _last_words(self) -> str:
        assert self._folder is not None
        said = (self._folder / "host.log").read_text(errors="replace")
        return f"the process that runs Doorward's servers has ended:\n{said}"


def _memory() -> Path | None:
    """Where files are quickest: what a test's server has on disk need not outlive the machine."""
    shared = Path("/dev/shm")  # noqa: S108
    return shared if shared.is_dir() and shutil.disk_usage(shared).free > _ROOM else None
