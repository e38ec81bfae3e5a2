"""What processes take of the machine, from /proc (Linux): CPU time, and memory."""

import contextlib
import os
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def seconds(pid: int) -> float:
    """CPU seconds of a process, its living descendants, and the dead ones it has waited for."""
    total = 0.0
    for one in (pid, *_descendants(pid)):
        try:
            fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        # utime, stime, cutime, cstime: fields 14 to 17 of proc(5), the first here being field 3.
        total += sum(map(int, fields[11:15])) / _TICKS
    return total


def megabytes(pid: int, *, with_children: bool = False) -> float:
    """Memory of a process that no other could use meanwhile: what is resident, of what it shares
    its share. with_children: of all that it has started as well, as PostgreSQL's sessions.
    """
    total = 0
    for one in (pid, *(_descendants(pid) if with_children else ())):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            rollup = Path(f"/proc/{one}/smaps_rollup").read_text()
            total += int(rollup.partition("\nPss:")[2].split()[0])
    return total / 1024


def _descendants(pid: int) -> list[int]:
    children: list[int] = []
    # A process may end while it is looked at.
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            children += map(int, (task / "children").read_text().split())
    return children + [deeper for child in children for deeper in _descendants(child)]
