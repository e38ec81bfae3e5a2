"""How many calls a second one token may make."""

import time
from collections.abc import Callable
from math import ceil
from typing import Final
from uuid import UUID

from doorward.errors import ApiError

# Seconds' worth of calls that a token which was quiet before may make at once.
BURST: Final = 2.0
# So many tokens are kept before those that have been quiet are looked for.
_FEW: Final = 1024


class RateLimit:
    """A bucket for each token, in this process's memory.

    rate: calls a second in the long run, 0 for any number. clock: seconds, never going back.

    Of each bucket only the moment is kept at which it will be full again (the generic cell rate
    algorithm, ITU-T I.371): a call moves it on by 1 / rate, and is refused where that would be more
    than the burst away. A full bucket needs no memory.
    """

    def __init__(self, rate: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._step = 1 / rate if rate > 0 else 0.0
        # A rate below one call in two seconds still allows a call at a time.
        self._burst = max(BURST, self._step)
        self._full_at: dict[UUID, float] = {}
        self._most = _FEW

    def take(self, token_id: UUID) -> None:
        """Counts one call. Raises ApiError 429 `rate_limit_exceeded`, which costs nothing."""
        if not self._step:
            return
        now = self._clock()
        full_at = max(self._full_at.get(token_id, now), now) + self._step
        # Rounding must not refuse the last call of a burst.
        excess = full_at - now - self._burst
        if excess > 1e-6:
            raise _exceeded(excess)
        self._full_at[token_id] = full_at
        if len(self._full_at) > self._most:
            self._forget_full(now)

    def _forget_full(self, now: float) -> None:
        self._full_at = {
            token_id: full_at for token_id, full_at in self._full_at.items() if full_at > now
        }
        # Twice what is needed, so that looking through all costs each call little.
        self._most = max(_FEW, 2 * len(self._full_at))


def _exceeded(seconds: float) -> ApiError:
    return ApiError(
        429,
        "rate_limit_exceeded",
        "This token makes more calls than it may; try again later",
        retry_after=max(1, ceil(seconds)),
    )
