"""`python -m tests.faults.stalling`: `doorward` on a disk that stalls for as long as it is told to.

Told by the files STALLED_BEFORE and STALLED_AFTER in the data folder: before a write of
what happened, or between it and its answer.
"""

import asyncio
import sys
from pathlib import Path
from typing import Any, Final

from doorward.cli import main
from doorward.doors.disk import Disk

STALLED_BEFORE: Final = "stalled_before"
STALLED_AFTER: Final = "stalled_after"

_write = Disk.spool


async def _spool(self: Disk, *more: Any) -> list[int]:
    data = self.path.parents[1]
    await _gone(data / STALLED_BEFORE)
    sequences = await _write(self, *more)
    await _gone(data / STALLED_AFTER)
    return sequences


async def _gone(file: Path) -> None:
    while file.exists():  # noqa: ASYNC240 - what else runs meanwhile is none of the test's
        await asyncio.sleep(0.01)


if __name__ == "__main__":
    Disk.spool = _spool  # type: ignore[assignment, method-assign]
    sys.exit(main())
