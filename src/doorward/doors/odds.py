"""How likely who tries codes at an entrance all day is to find one, where that is too likely.

Whoever gives out codes sees each alone (doorward.policy.codes warns of short ones); how many there
are at an entrance, and at how many keypads they can be tried, is known here.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from typing import Final
from uuid import UUID

from doorward.policy.codes import is_guessable
from doorward.policy.index import PolicyIndex
from doorward.policy.throttle import TRIES_A_DAY

# The codes are counted anew when policy has changed, so seldom that it takes 1 % of a core at most.
_REST: Final = 1.0
_SHARE: Final = 100


class Odds:
    """The odds at the entrances of one controller. policy: gives its slice as it is now."""

    def __init__(self, policy: Callable[[], PolicyIndex]) -> None:
        self._policy = policy
        self._one_in: dict[UUID, int] = {}

    def one_in(self, acs_entrance_id: UUID) -> int | None:
        """One in how many days a code is found, None where it is one in 1,000 or rarer."""
        return self._one_in.get(acs_entrance_id)

    async def keep(self) -> None:
        """Follows the policy for as long as the controller runs."""
        counted: tuple[PolicyIndex, int] | None = None
        while True:
            policy = self._policy()
            began = time.monotonic()
            if counted != (policy, policy.revision):
                counted = policy, policy.revision
                self._one_in = await _all(policy)
            await asyncio.sleep(max(_REST, _SHARE * (time.monotonic() - began)))


async def _all(policy: PolicyIndex) -> dict[UUID, int]:
    lengths = await _lengths(policy)
    found: dict[UUID, int] = {}
    for entrance_id in [each.acs_entrance_id for each in policy.entrances()]:
        keypads = len(policy.readers(entrance_id))
        one_in = _one_in(lengths.get(entrance_id, Counter()), keypads)
        if one_in is not None:
            found[entrance_id] = one_in
    return found


async def _lengths(policy: PolicyIndex) -> dict[UUID, Counter[int]]:
    """How many codes of each length may open each entrance."""
    lengths: dict[UUID, Counter[int]] = {}
    for some in policy.codes():
        for length, entrance_ids in some:
            for entrance_id in entrance_ids:
                lengths.setdefault(entrance_id, Counter())[length] += 1
        await asyncio.sleep(0)
    return lengths


def _one_in(lengths: Counter[int], keypads: int) -> int | None:
    """A guesser tries codes of one length, the one that pays best, at every keypad."""
    days = [
        max(1, 10**length // (codes * keypads * TRIES_A_DAY))
        for length, codes in lengths.items()
        if is_guessable(length, codes * keypads)
    ]
    return min(days, default=None)
