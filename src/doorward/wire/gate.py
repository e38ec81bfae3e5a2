"""How many calls are answered at a time; the rest are turned away before anything is spent."""

from asyncio import sleep
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from uuid import UUID

from doorward.errors import ApiError
from doorward.wire.errors import refused
from doorward.wire.reply import Reply

# Made once, because it is needed most where there is no time.
OVERLOADED: Final[Reply] = refused(
    ApiError(
        503,
        "overloaded",
        "The server answers as many calls as it can carry; try again",
        retry_after=1,
    )
)


# Seconds before a call that is turned away hears of it. Whoever asks again at once over an open
# connection would otherwise take the time of those who are let in, whose answers from PostgreSQL
# wait behind hundreds of refusals: bench/overload.py saw 0.07 of the capacity answered without the
# pause, and 0.5 with it.
PAUSE: Final = 0.5


class Crowded(Exception):
    """There is no room for one call more, or none for one more of this token."""


class Gate:
    """Counts those who are in. most: how many there may be; of one token, half as many.

    So no token can shut out all others, whatever its calls wait for.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._most_of_one = (most + 1) // 2
        self._of: Counter[UUID] = Counter()
        self.busy = 0

    @property
    def is_shut(self) -> bool:
        """Whether one more is too many."""
        return self.busy >= self._most

    @contextmanager
    def room(self, token_id: UUID) -> Iterator[None]:
        """Lets one call in for as long as it takes. Raises Crowded."""
        if self.is_shut or self._of[token_id] >= self._most_of_one:
            raise Crowded
        self.busy += 1
        self._of[token_id] += 1
        try:
            yield
        finally:
            self.busy -= 1
            self._of[token_id] -= 1
            if not self._of[token_id]:
                del self._of[token_id]


async def turn_away() -> Reply:
    """The answer to one call too many."""
    await pause()
    return OVERLOADED


async def pause() -> None:
    """Lets time go by before a refusal that would else be asked for again at once."""
    await sleep(PAUSE)
