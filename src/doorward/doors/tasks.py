"""Background work that goes on for as long as its controller runs, whatever happens to it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

_PAUSE: Final = 1.0

_log = logging.getLogger(__name__)


async def keep_going(name: str, work: Callable[[], Awaitable[None]]) -> None:
    """Runs endless work, and begins it again after a pause when it ends by a fault."""
    while True:
        try:
            await work()
        except Exception:  # noqa: BLE001 - a door goes on working, whatever its controller met
            _log.exception("%s: begins again after a fault", name)
        await asyncio.sleep(_PAUSE)


class Tasks:
    """The background work of one owner."""

    def __init__(self) -> None:
        self._tasks: list[asyncio.Task[None]] = []

    def start(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Starts endless work."""
        self._tasks.append(asyncio.create_task(keep_going(name, work), name=name))

    async def stop(self) -> None:
        """Ends all of it."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
