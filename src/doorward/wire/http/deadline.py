"""A connection's one clock: what is under way ends when it runs out."""

import asyncio
import math
from collections.abc import Callable


class Deadline:
    """Calls when the time that was set last has passed.

    Its timer is only ever moved forward: a later deadline waits for the earlier timer to ask, so
    that requests which are answered at once set none.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> None:
        self._loop = loop
        self._call = call
        self._due = self._armed_for = math.inf
        self._timer: asyncio.TimerHandle | None = None

    def wait(self, seconds: float) -> None:
        """Calls after so many seconds, in place of what was set before."""
        self._due = self._loop.time() + seconds
        if self._due < self._armed_for:
            self._arm()

    def stop(self) -> None:
        """Calls no more until the next `wait`."""
        self._due = math.inf

    def close(self) -> None:
        """Leaves nothing behind in the event loop."""
        self._due = math.inf
        if self._timer is not None:
            self._timer.cancel()

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._armed_for = self._due
        self._timer = self._loop.call_at(self._due, self._ask)

    def _ask(self) -> None:
        self._timer, self._armed_for = None, math.inf
        if self._loop.time() >= self._due:
            self._due = math.inf
            self._call()
        elif self._due < math.inf:
            self._arm()
