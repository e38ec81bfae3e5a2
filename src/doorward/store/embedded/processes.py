"""Which processes run on a cluster, and ending those that a killed Doorward left behind."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Self

from doorward.store.embedded.sockets import remove_socket_folder

# Above every pid that Linux (4194304) or macOS (99998) gives to a process.
_NOBODY = 2**31 - 1
_HAS_PROC = sys.platform == "linux"
_STEP = 0.005
# Seconds for a fast shutdown, which writes what is not yet in the data files. Without it the next
# start takes longer, which for a server left behind is the better bargain.
_PATIENCE = 30.0
_ORPHANS_PATIENCE = 3.0
# After an immediate shutdown PostgreSQL gives its own processes five seconds.
_HARDER = ((signal.SIGQUIT, 6.0), (signal.SIGKILL, 5.0))


@dataclass(frozen=True, slots=True)
class PidFile:
    """What PostgreSQL says of itself in `postmaster.pid`."""

    pid: int
    socket_folder: Path
    is_ready: bool

    @classmethod
    def read(cls, cluster: Path) -> Self | None:
        """Reads the file of `cluster`; None if there is none, or only the beginning of one."""
        try:
            lines = (cluster / "postmaster.pid").read_text(errors="surrogateescape").splitlines()
        except FileNotFoundError:
            return None
        if len(lines) < 5 or not lines[0].isdigit():
            return None
        return cls(int(lines[0]), Path(lines[4]), lines[-1].strip() == "ready")


def mark(cluster: Path) -> str:
    """The word in the command line of every process of `cluster`, by which they are known.

    Made of the folder's identity, not its name: it stays when the folder is renamed, and a copy
    has another. The setting `cluster_name` puts it there.
    """
    found = cluster.stat()
    return f"doorward-{found.st_dev:x}-{found.st_ino:x}"


def running_postmaster(cluster: Path) -> PidFile | None:
    """The PostgreSQL server that runs on `cluster` now, whoever started it."""
    found = PidFile.read(cluster)
    return found if found and _is_running_server(found.pid, mark(cluster)) else None


async def take_over(cluster: Path) -> None:
    """Ends everything that an earlier Doorward left running on `cluster`.

    A server left behind is ended and not adopted: its sessions may still be at work for a client
    that is gone, and would commit after the new Doorward has read the state.
    """
    try:
        word = mark(cluster)
    except FileNotFoundError:
        return
    running = running_postmaster(cluster)
    for pid in _found(_is_server, word):
        await end(pid, partial(_is_running_server, pid, word), _ORPHANS_PATIENCE)
    if running:
        # Not where the socket goes now, if the folder was renamed or the temp dir is another.
        remove_socket_folder(running.socket_folder)
    for pid in _found(_is_child, word):
        _signal(pid, signal.SIGKILL)
    await _gone(lambda: bool(_found(_is_child, word)), _ORPHANS_PATIENCE)
    _disarm(cluster)


async def end(pid: int, is_alive: Callable[[], bool], patience: float = _PATIENCE) -> None:
    """Ends the server `pid` by a fast shutdown, and harder if that takes `patience` seconds."""
    for number, seconds in ((signal.SIGINT, patience), *_HARDER):
        if is_alive():
            _signal(pid, number)
        if await _gone(is_alive, seconds):
            return


async def _gone(is_alive: Callable[[], bool], patience: float) -> bool:
    deadline = time.monotonic() + patience
    while is_alive():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(_STEP)
    return True


def _disarm(cluster: Path) -> None:
    """Puts a pid that nobody has into a `postmaster.pid` left behind.

    PostgreSQL refuses to start while any process has the pid in the file, and pids are used again.
    The rest of the file stays, because PostgreSQL finds by it what still uses the shared memory.
    A file without a pid says nothing, and PostgreSQL refuses to start over it.
    """
    path = cluster / "postmaster.pid"
    with suppress(FileNotFoundError):
        pid, _, rest = path.read_bytes().partition(b"\n")
        if not pid.strip().isdigit():
            path.unlink()
            return
        replacement = cluster / "postmaster.pid.new"
        replacement.write_bytes(b"%d\n" % _NOBODY + rest)
        replacement.replace(path)


def _signal(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def _is_server(command: str, word: str) -> bool:
    return "/postgres -D " in command and f" cluster_name={word} " in f"{command} "


def _is_running_server(pid: int, word: str) -> bool:
    return _is_server(_command(pid), word)


def _is_child(command: str, word: str) -> bool:
    return command.startswith(f"postgres: {word}: ")


def _found(is_wanted: Callable[[str, str], bool], word: str) -> list[int]:
    return [pid for pid, command in _commands() if is_wanted(command, word)]


def _command(pid: int) -> str:
    """The command line of `pid`; empty if there is no such process, or it has ended."""
    if _HAS_PROC:
        return _linux_command(Path("/proc", str(pid)))
    return dict(_ps("-p", str(pid))).get(pid, "")


def _commands() -> Iterator[tuple[int, str]]:
    if not _HAS_PROC:
        return _ps("-ax")
    folders = (path for path in Path("/proc").iterdir() if path.name.isdigit())
    return ((int(folder.name), _linux_command(folder)) for folder in folders)


def _linux_command(folder: Path) -> str:
    try:
        words = (folder / "cmdline").read_bytes()
    except OSError:
        return ""
    return os.fsdecode(words.replace(b"\0", b" ").strip())


def _ps(*which: str) -> Iterator[tuple[int, str]]:
    listing = subprocess.run(
        ("ps", *which, "-ww", "-o", "pid=,command="), capture_output=True, text=True, check=False
    )
    for line in listing.stdout.splitlines():
        pid, _, command = line.strip().partition(" ")
        yield int(pid), command.strip()
