"""PostgreSQL's log, a file in the data folder: opened, kept small, and asked why it ended."""

import os
import re
import shutil
from contextlib import suppress
from pathlib import Path

LONGEST = 4 * 1024 * 1024
"""Bytes after which the log is moved to `postgres.log.1`; one such file is kept."""
_FATAL = re.compile("(?:FATAL|PANIC):  ")


def log_file(data: Path) -> Path:
    """Where the log of the cluster in `data` lies."""
    return data / "postgres.log"


def open_log(log: Path) -> int:
    """A file descriptor that appends to the log."""
    return os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)


def trim_log(log: Path) -> None:
    """Starts the log again if it is long, also under PostgreSQL, which only appends to it."""
    if log.exists() and log.stat().st_size > LONGEST:
        # On a full disk the old part is cut off where it ends; the log must become short.
        with suppress(OSError):
            shutil.copyfile(log, log.with_name(f"{log.name}.1"))
        os.truncate(log, 0)


def reason(log: Path, since: int) -> str:
    """Why PostgreSQL ended, in one line, from what it wrote after byte `since`."""
    with log.open("rb") as stream:
        stream.seek(since)
        lines = stream.read().decode(errors="replace").splitlines()
    if fatal := [line for line in lines if _FATAL.search(line)]:
        return _FATAL.split(fatal[-1])[-1].strip()
    # What the program says before it has read its settings has no severity, and several lines.
    return " ".join(line.strip() for line in lines[-5:]) or "it wrote nothing"
