"""How many calls are answered at a time; the rest are turned away before anything is spent."""

import asyncio
from dataclasses import dataclass
from typing import Final

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


@dataclass(slots=True)
class Gate:
    """Counts the calls that are being answered. in_flight: the most of them."""

    in_flight: int
    busy: int = 0

    @property
    def is_shut(self) -> bool:
        """Whether one more call is too many."""
        return self.busy >= self.in_flight

    async def turn_away(self) -> Reply:
        """The answer to one call too many."""
        await asyncio.sleep(PAUSE)
        return OVERLOADED
