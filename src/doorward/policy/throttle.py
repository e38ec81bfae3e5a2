"""How a keypad slows down whoever guesses: after wrong codes it listens to none for a while."""

from collections import Counter
from itertools import pairwise
from typing import Final

import msgspec

from doorward.policy.model import Decision, Origin

# All in milliseconds. Five wrong codes within the window block the keypad, longer each time.
WRONG_CODES: Final = 5
WINDOW: Final = 5 * 60_000
FIRST_BLOCK: Final = 10_000
LONGEST_BLOCK: Final = 15 * 60_000

# Without a wrong code for this long, the next block is the first again. Longer than the longest
# block, so that sitting one out is no quiet; and a guesser who keeps quiet for it gives up more
# tries (four in each window) than the short blocks that it buys back are worth.
QUIET: Final = 60 * 60_000

# The most that a patient guesser gets at one keypad in 24 hours: four in each window, and seven
# more where short blocks leave time for them.
TRIES_A_DAY: Final = 1159

# Codes are looked up from this rung on; what an earlier one refuses says nothing about the code.
_FIRST_RUNG_OF_CODES: Final = 7


class Attempts(msgspec.Struct, frozen=True):
    """What one keypad remembers: its last wrong codes, and the blocks that they have led to.

    wrong_at: of the last wrong codes, oldest first, at most `WRONG_CODES`. blocks: how many there
    have been without a quiet time between. blocked_until: when codes are listened to again. All
    instants are in milliseconds since 1970.
    """

    wrong_at: tuple[int, ...] = ()
    blocks: int = 0
    blocked_until: int | None = None


def is_wrong_code(origin: Origin, decision: Decision) -> bool:
    """Whether a decision counts against the keypad.

    Also a code that is somebody's but does not open here counts: a keypad that forgave it would
    tell a guesser that it is a code at all.
    """
    refused = decision.outcome == "deny" and decision.rule >= _FIRST_RUNG_OF_CODES
    return origin == "code" and refused


def after_wrong(attempts: Attempts, now: int) -> Attempts:
    """What the keypad remembers after a wrong code at `now`.

    A right code changes nothing: whoever has one could guess between two uses of it.
    """
    wrong_at = (*attempts.wrong_at, now)[-WRONG_CODES:]
    blocks = 0 if _was_quiet(attempts, now) else attempts.blocks
    if len(wrong_at) < WRONG_CODES or now - wrong_at[0] >= WINDOW:
        return Attempts(wrong_at, blocks, attempts.blocked_until)
    return Attempts(wrong_at, blocks + 1, now + _block(blocks))


def stricter(one: Attempts, other: Attempts) -> Attempts:
    """What a keypad remembers of which two processes have counted: neither forgives what the other
    holds against it. Of the same counts, one taken earlier, it is the later one.
    """
    older, newer = sorted((one, other), key=lambda each: each.wrong_at[-1:])
    # Codes at the same instant are as many codes.
    both = Counter(older.wrong_at) | Counter(newer.wrong_at)
    last = older.wrong_at[-1:]
    since = (*last, *(at for at in newer.wrong_at if (at,) > last))
    was_quiet = any(later - earlier >= QUIET for earlier, later in pairwise(since))
    return Attempts(
        tuple(sorted(both.elements())[-WRONG_CODES:]),
        newer.blocks if was_quiet else max(older.blocks, newer.blocks),
        max((each for each in (one.blocked_until, other.blocked_until) if each), default=None),
    )


def _was_quiet(attempts: Attempts, now: int) -> bool:
    return bool(attempts.wrong_at) and now - attempts.wrong_at[-1] >= QUIET


def _block(blocks: int) -> int:
    """How long a block lasts after that many others."""
    longest = LONGEST_BLOCK // FIRST_BLOCK
    return min(FIRST_BLOCK << min(blocks, longest.bit_length()), LONGEST_BLOCK)
