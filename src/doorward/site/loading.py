"""What long loads have in common: how far they are, and what else runs meanwhile."""

import asyncio
import gc
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager

# Is told how much of the work is done, and how much there is, in no unit of its own.
Progress = Callable[[int, int], None]


def silent(_done: int, _total: int) -> None:
    """Tells nobody."""


@contextmanager
def pauses() -> Iterator[None]:
    """Lets the collector rest: of 20,000 people's rows none is garbage before all are in.

    A third of the time of a load went into looking for some.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


class OneBehind:
    """Runs one thing while the next one is being made ready."""

    def __init__(self) -> None:
        self._running: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "OneBehind":
        return self

    async def __aexit__(self, *raised: object) -> None:
        if self._running is None:
            return
        if raised[0] is not None:
            self._running.cancel()
            await asyncio.wait([self._running])
        else:
            await self._running

    async def start(self, work: Coroutine[None, None, None]) -> None:
        """Starts something once what was started before has ended. Raises what that raised."""
        before, self._running = self._running, None
        if before is not None:
            try:
                await before
            except BaseException:
                work.close()
                raise
        self._running = asyncio.create_task(work)
        await asyncio.sleep(0)
