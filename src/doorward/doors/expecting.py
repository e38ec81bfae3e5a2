"""Cards that somebody waits for: how a reader enrols one.

A card is offered to the one who has waited longest, and to the next where that one can take none
any more: no card becomes two people's, and none is lost on somebody who has a card by now.
"""

import asyncio
from collections import deque
from uuid import UUID

from doorward.policy.shown import Shown, Take


class Expecting:
    """Who waits for the next unknown card at which of a controller's readers."""

    def __init__(self) -> None:
        self._lines: dict[UUID, _Line] = {}

    async def card(self, reader_id: UUID, timeout: float, take: Take) -> bool:
        """Offers `take` the cards that this reader does not know, one after another.

        False where `timeout` seconds went by before it waited no longer. What `take` raises ends
        the wait; the card is then for the next in line.
        """
        line = self._lines.setdefault(reader_id, _Line())
        line.waiting += 1
        try:
            return await line.wait(asyncio.get_running_loop().time() + timeout, take)
        finally:
            line.waiting -= 1
            if not line.waiting:
                del self._lines[reader_id]

    def unknown(self, reader_id: UUID, shown: Shown) -> None:
        """A reader does not know a card."""
        if line := self._lines.get(reader_id):
            line.put(shown)


class _Line:
    """Who waits at one reader, in the order of their coming, and the cards for the first of them.

    waiting: how many there are.
    """

    def __init__(self) -> None:
        self.waiting = 0
        self._begun = 0
        # Who asks first, gets it first: asyncio's locks are fair.
        self._turn = asyncio.Lock()
        # Each with how many had begun to wait when it came.
        self._cards: deque[tuple[int, Shown]] = deque()
        self._came = asyncio.Event()

    def put(self, shown: Shown) -> None:
        self._cards.append((self._begun, shown))
        self._came.set()

    async def wait(self, deadline: float, take: Take) -> bool:
        self._begun += 1
        place = self._begun
        try:
            async with asyncio.timeout_at(deadline):
                await self._turn.acquire()
        except TimeoutError:
            return False
        try:
            return await self._offer(place, deadline, take)
        finally:
            self._turn.release()

    async def _offer(self, place: int, deadline: float, take: Take) -> bool:
        while (shown := await self._next(place, deadline)) is not None:
            answer = await take(shown)
            if answer != "pass_on":
                self._cards.popleft()
            if answer != "ignore":
                return True
        return False

    async def _next(self, place: int, deadline: float) -> Shown | None:
        try:
            async with asyncio.timeout_at(deadline):
                while (shown := self._first(place)) is None:
                    self._came.clear()
                    await self._came.wait()
                return shown
        except TimeoutError:
            # A card that came in the very moment is not held to the reader again.
            return self._first(place)

    def _first(self, place: int) -> Shown | None:
        while self._cards and self._cards[0][0] < place:
            # It was shown before this one waited; whoever did then is gone.
            self._cards.popleft()
        return self._cards[0][1] if self._cards else None
