"""Codes that are chosen are hard to guess, and whoever sets one that is not is warned."""

from collections import Counter
from random import Random

import pytest

from doorward.policy import codes
from doorward.policy.throttle import TRIES_A_DAY


@pytest.mark.parametrize(
    ("code", "has_pattern"),
    [
        ("739281", False),
        ("7392816", False),
        ("4884", True),  # repeat
        ("123908", True),  # run up
        ("907654", True),  # run down
        ("901738", False),  # nine is not followed by zero
        ("829274", False),
        ("282874", True),  # pair
        ("732828", True),  # pair at the end
        ("728328", False),  # not side by side
        ("0000", True),
    ],
)
def test_patterns(code: str, has_pattern: bool) -> None:
    assert codes.has_pattern(code) is has_pattern


@pytest.mark.parametrize("length", range(codes.SHORTEST, codes.LONGEST + 1))
@pytest.mark.parametrize("count", [1, 3, 500])
def test_odds(length: int, count: int) -> None:
    """Guessable is whatever is found with a chance of more than 1 in 1,000 a day."""
    assert codes.is_guessable(length, count) is (count * TRIES_A_DAY / 10**length > 1 / 1000)


def test_a_chosen_code_needs_no_warning_and_a_shorter_one_would() -> None:
    length = codes.chosen_length()
    assert not codes.is_guessable(length)
    assert length == 6 or codes.is_guessable(length - 1)


def test_chosen_codes_have_no_patterns_and_lean_nowhere() -> None:
    random = Random(5)
    chosen = [codes.choose(random.randrange) for _ in range(20_000)]
    assert not any(map(codes.has_pattern, chosen))
    assert {len(code) for code in chosen} == {codes.chosen_length()}
    first = Counter(code[0] for code in chosen)
    assert set(first) == set("0123456789")
    assert max(first.values()) < 1.3 * min(first.values())


def test_every_draw_counts() -> None:
    """A code is what was drawn, with its leading zeros; what has a pattern is drawn anew."""
    length = codes.chosen_length()
    wanted = "0739281465"[:length]
    draws = iter([0, int("1" * length), int(wanted)])
    assert codes.choose(lambda below: next(draws) % below) == wanted
