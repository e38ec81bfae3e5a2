"""Codes: how long they must be, how hard they are to guess, and how new ones are chosen. Pure."""

from collections.abc import Callable
from itertools import pairwise
from typing import Final

from doorward.policy.throttle import TRIES_A_DAY

SHORTEST: Final = 4
LONGEST: Final = 9

# A chosen code has at least so many digits: as many as people remember like a date.
_USUAL: Final = 6
# From better odds than one in so many a day on, whoever set the code is warned.
_RARE: Final = 1_000
# A number from 0 to below its argument, each as likely as any other.
Draw = Callable[[int], int]


def is_guessable(length: int, codes: int = 1) -> bool:
    """Whether a guesser who tries all day finds one of so many codes in one of 1,000 days or more.

    length: of the codes, in digits. The tries are those that one keypad leaves a patient guesser
    (doorward.policy.throttle).
    """
    return bool(codes * TRIES_A_DAY * _RARE > 10**length)


def chosen_length() -> int:
    """How many digits a chosen code has: the fewest that nobody needs to be warned of."""
    lengths = range(_USUAL, LONGEST + 1)
    return next((length for length in lengths if not is_guessable(length)), LONGEST)


def choose(draw: Draw, length: int | None = None) -> str:
    """A new code without patterns, any such code as likely as any other.

    length: in digits, for a system that takes no other; `chosen_length` else.
    """
    length = length or chosen_length()
    while has_pattern(code := f"{draw(10**length):0{length}d}"):
        pass
    return code


def has_pattern(code: str) -> bool:
    """Whether a code has a repeat (a digit twice in a row), a run (123, 321) or a pair (1212)."""
    digits = [int(digit) for digit in code]
    steps = [after - before for before, after in pairwise(digits)]
    return 0 in steps or _has_run(steps) or _has_pair(code)


def _has_run(steps: list[int]) -> bool:
    return any(first == second and abs(first) == 1 for first, second in pairwise(steps))


def _has_pair(code: str) -> bool:
    return any(code[at : at + 2] == code[at + 2 : at + 4] for at in range(len(code) - 3))
