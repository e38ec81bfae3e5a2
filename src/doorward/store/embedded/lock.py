"""Who may use a data folder: one Doorward process at a time, held by a lock on a file in it."""

import asyncio
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

from doorward.errors import StartError

if sys.platform != "win32":
    import fcntl

Role = Literal["server", "command"]

_NAME = "doorward.lock"
_STEP = 0.02
# How long a start waits for a command (`doorward apply`, `doorward token`) that has the folder.
COMMAND_PATIENCE = 20.0


@dataclass(frozen=True, slots=True)
class Holder:
    """The process that wrote itself into the lock file last."""

    pid: int
    role: Role

    @classmethod
    def read(cls, descriptor: int) -> Self | None:
        """Reads the lock file; None if nobody has written into it yet."""
        pid, _, role = os.pread(descriptor, 64, 0).decode(errors="replace").strip().partition(" ")
        if not pid.isdigit():
            return None
        return cls(int(pid), "server" if role.strip() == "server" else "command")

    @property
    def is_server(self) -> bool:
        """Whether this is a Doorward server that is still there, and not a command."""
        return self.role == "server" and _exists(self.pid)


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except ProcessLookupError:
        return False
    return True


class DataLock:
    """The lock of one data folder; the kernel frees it when the process ends, however it ends."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @classmethod
    def take(cls, data: Path, role: Role) -> Self | Holder | None:
        """The lock, or else its holder; None if the holder is not known yet.

        Raises:
            OSError: the lock file cannot be opened or made.
        """
        descriptor = os.open(data / _NAME, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            if _locked(descriptor, fcntl.LOCK_EX):
                # Of one length, so that it replaces what a killed holder wrote in one step.
                os.pwrite(descriptor, f"{os.getpid():<10} {role:<8}\n".encode(), 0)
                return cls(os.dup(descriptor))
            return Holder.read(descriptor)
        finally:
            os.close(descriptor)

    @classmethod
    async def acquire(cls, data: Path, role: Role, patience: float = COMMAND_PATIENCE) -> Self:
        """The lock, after waiting up to `patience` seconds for commands; never for a server.

        Raises:
            StartError: a server has the folder, or commands do for too long.
            OSError: the lock file cannot be opened or made.
        """
        deadline = time.monotonic() + patience
        while True:
            found = cls.take(data, role)
            if isinstance(found, cls):
                return found
            holder = found if isinstance(found, Holder) else None
            if (holder and holder.is_server) or time.monotonic() > deadline:
                raise in_use(data, holder)
            await asyncio.sleep(_STEP)

    def release(self) -> None:
        """Frees the folder; a second time is harmless."""
        if self._descriptor >= 0:
            # Whoever looks whether the folder is free has the lock meanwhile, and must not be
            # taken for a holder that has gone.
            os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
        self._descriptor = -1


def _locked(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def serving(data: Path) -> Holder | None:
    """The Doorward server that has `data` now, if one has.

    Raises:
        PermissionError: the folder is another user's.
    """
    try:
        descriptor = os.open(data / _NAME, os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return None
    try:
        is_free = _locked(descriptor, fcntl.LOCK_SH)
        holder = None if is_free else Holder.read(descriptor)
    finally:
        os.close(descriptor)
    return holder if holder and holder.is_server else None


def in_use(data: Path, holder: Holder | None) -> StartError:
    """The error for a folder that somebody else has."""
    who = f" (pid {holder.pid})" if holder else ""
    return StartError(
        f"data folder {data} is in use by another Doorward server{who}; "
        "stop it or choose another with --data"
    )
