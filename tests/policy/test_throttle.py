"""The keypad's throttle: when it blocks, for how long, and what a guesser gets out of it."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.policy.decide import decide
from doorward.policy.model import Card, Code, DoorState, Named, Origin, Request
from doorward.policy.throttle import (
    FIRST_BLOCK,
    LONGEST_BLOCK,
    QUIET,
    TRIES_A_DAY,
    WINDOW,
    WRONG_CODES,
    Attempts,
    after_wrong,
    is_wrong_code,
    stricter,
)

from .worlds import DOOR, INSTANT, LOOKUP, MEMBERSHIP, NOW, WORKING, gone, index_of

SECOND, MINUTE, DAY = 1_000, 60_000, 24 * 60 * 60_000


def after(*instants: int) -> Attempts:
    attempts = Attempts()
    for instant in instants:
        attempts = after_wrong(attempts, instant)
    return attempts


def test_the_fifth_wrong_code_in_five_minutes_blocks_for_ten_seconds() -> None:
    assert after(0, 1, 2, 3).blocked_until is None
    assert after(0, 1, 2, 3, 5 * MINUTE - 1).blocked_until == 5 * MINUTE - 1 + 10 * SECOND


def test_wrong_codes_that_lie_further_apart_never_block() -> None:
    assert after(*(at * 5 * MINUTE // 4 for at in range(500))).blocked_until is None


def test_each_further_block_is_twice_as_long_up_to_a_quarter_of_an_hour() -> None:
    attempts, now, lengths = after(0, 0, 0, 0), 0, []
    for _ in range(12):
        while (attempts := after_wrong(attempts, now)).blocked_until in (None, now):
            pass
        assert attempts.blocked_until is not None
        lengths.append((attempts.blocked_until - now) // SECOND)
        now = attempts.blocked_until
    assert lengths == [10, 20, 40, 80, 160, 320, 640, 900, 900, 900, 900, 900]


@pytest.mark.parametrize(("pause", "length"), [(QUIET - 1, 20), (QUIET, 10)])
def test_only_real_quiet_makes_the_next_block_the_first_again(pause: int, length: int) -> None:
    attempts = after(0, 0, 0, 0, 0)
    for _ in range(5):
        attempts = after_wrong(attempts, pause)
    assert attempts.blocked_until == pause + length * SECOND


def test_to_sit_out_the_longest_block_is_no_quiet() -> None:
    assert QUIET > LONGEST_BLOCK + WINDOW


def test_it_outlives_a_restart() -> None:
    attempts = after(0, 1, 2, 3, 4, 20_000)
    assert msgspec.json.decode(msgspec.json.encode(attempts), type=Attempts) == attempts


@given(st.lists(st.integers(0, 20 * MINUTE), min_size=1, max_size=60))
def test_it_remembers_little_and_blocks_within_its_bounds(pauses: list[int]) -> None:
    attempts, now = Attempts(), 0
    for pause in pauses:
        now = max(now + pause, attempts.blocked_until or 0)
        before, attempts = attempts, after_wrong(attempts, now)
        assert len(attempts.wrong_at) <= WRONG_CODES
        if attempts.blocks != before.blocks and attempts.blocked_until != before.blocked_until:
            assert attempts.blocked_until is not None
            assert FIRST_BLOCK <= attempts.blocked_until - now <= LONGEST_BLOCK


class Keypad:
    """The rule as one would tell it, with everything that ever happened in mind."""

    def __init__(self) -> None:
        self.wrong_at: list[int] = []
        self.blocked_at: list[int] = []

    def wrong(self, now: int) -> int | None:
        """How long the keypad is blocked after a wrong code, None where it is not."""
        if self.wrong_at and now - self.wrong_at[-1] >= 60 * MINUTE:
            self.blocked_at.clear()
        self.wrong_at.append(now)
        if sum(at > now - 5 * MINUTE for at in self.wrong_at) < 5:
            return None
        self.blocked_at.append(now)
        return int(min(10 * SECOND * 2 ** (len(self.blocked_at) - 1), 15 * MINUTE))


pauses = st.sampled_from(
    (0, SECOND, 74 * SECOND, 75 * SECOND, 5 * MINUTE, 16 * MINUTE, 59 * MINUTE)
)


@given(st.lists(pauses | st.integers(0, 61 * MINUTE), max_size=80))
def test_it_blocks_as_the_rule_is_told(pauses_between: list[int]) -> None:
    keypad, attempts, now = Keypad(), Attempts(), 0
    for pause in pauses_between:
        now = max(now + pause, attempts.blocked_until or 0)
        length, attempts = keypad.wrong(now), after_wrong(attempts, now)
        blocked = attempts.blocked_until is not None and attempts.blocked_until > now
        assert blocked == (length is not None)
        assert length is None or attempts.blocked_until == now + length


def worth_trying(attempts: Attempts) -> Iterator[int]:
    """When a guesser may as well make the next try: at once, so that it just does not block, or
    after quiet. Any other instant only makes later tries later.
    """
    if not attempts.wrong_at:
        yield 0
        return
    at_once = max(attempts.blocked_until or 0, attempts.wrong_at[-1])
    yield at_once
    if len(attempts.wrong_at) >= WRONG_CODES - 1:
        yield max(at_once, attempts.wrong_at[1 - WRONG_CODES] + WINDOW)
    yield max(at_once, attempts.wrong_at[-1] + QUIET)


def essence(attempts: Attempts) -> tuple[object, ...]:
    """What of a keypad's memory makes a difference, without the time of the day."""
    last = attempts.wrong_at[-1]
    ages = tuple(min(last - at, WINDOW) for at in attempts.wrong_at[1 - WRONG_CODES :])
    return ages, min(attempts.blocks, 7), max(0, (attempts.blocked_until or 0) - last)


def test_nobody_gets_more_tries_a_day_however_clever() -> None:
    """Every way of spacing tries, as far as it matters; of two that come to the same, the earlier.

    Tries are made one by one for as long as any way of making them has room for another in the
    same day, so what is counted is the most that there can be.
    """
    ways: dict[tuple[object, ...], Attempts] = {(): Attempts()}
    tries = 0
    while ways:
        further: dict[tuple[object, ...], Attempts] = {}
        for attempts in ways.values():
            for now in worth_trying(attempts):
                made = after_wrong(attempts, now)
                known = further.get(essence(made)) if now < DAY else made
                if known is None or known.wrong_at[-1] > now:
                    further[essence(made)] = made
        ways = further
        tries += bool(ways)
    assert tries == TRIES_A_DAY


ASKED_WITH: list[tuple[Origin, Card | Code | Named]] = [
    ("card", Card(LOOKUP)),
    ("remote", Named(WORKING[-1].key_a)),
    ("code", Code(LOOKUP)),
]


@pytest.mark.parametrize(("origin", "factor"), ASKED_WITH)
def test_a_block_stops_codes_alone(origin: Origin, factor: Card | Code | Named) -> None:
    index, blocked = index_of(WORKING), DoorState(codes_blocked_until=NOW + 1)
    request = Request(DOOR, origin, (factor,))
    decision = decide(index, blocked, request, INSTANT)
    assert (decision.rule == 5) == (origin == "code")
    later = decide(index, blocked, request, INSTANT + timedelta(milliseconds=1))
    assert later.rule != 5


def test_what_counts_as_a_wrong_code() -> None:
    known, unknown = Request(DOOR, "code", (Code(LOOKUP),)), Request(DOOR, "code", (Code(b"no"),))
    works, removed = index_of(WORKING), index_of((*WORKING, gone(MEMBERSHIP)))
    usual, blocked = DoorState(), DoorState(codes_blocked_until=NOW + 1)
    for index, state, request, is_wrong in (
        (works, usual, known, False),
        (works, usual, unknown, True),
        (removed, usual, known, True),
        (works, blocked, unknown, False),
        (works, DoorState("operator"), unknown, False),
        (index_of(()), usual, unknown, False),
    ):
        decision = decide(index, state, request, INSTANT)
        assert is_wrong_code("code", decision) == is_wrong, decision
        assert not is_wrong_code("card", decision)


INSTANTS = st.lists(st.integers(0, 3 * QUIET), max_size=12).map(sorted)


@given(INSTANTS, INSTANTS)
def test_neither_of_two_counts_forgives_what_the_other_holds(
    some: list[int], others: list[int]
) -> None:
    one, other = after(*some), after(*others)
    both = stricter(one, other)
    assert both == stricter(other, one)
    assert stricter(both, one) == stricter(both, other) == stricter(both, both) == both
    ends = [each.blocked_until for each in (one, other) if each.blocked_until is not None]
    assert both.blocked_until == max(ends, default=None)
    last = max([*some, *others], default=0)
    assert after_wrong(both, last).wrong_at == tuple(
        sorted([*(Counter(one.wrong_at) | Counter(other.wrong_at)).elements(), last])[-WRONG_CODES:]
    )


@given(INSTANTS, st.integers(0, 12))
def test_of_one_history_the_later_count_is_what_counts(instants: list[int], place: int) -> None:
    later = after(*instants)
    assert stricter(after(*instants[:place]), later) == later


def test_blocks_go_on_at_the_next_who_counts_until_it_was_quiet() -> None:
    one = after(*range(5), *range(10 * SECOND + 4, 10 * SECOND + 5))
    assert one.blocks == 2
    assert stricter(one, after(11 * SECOND)).blocks == 2
    assert stricter(one, after(*(11 * SECOND + QUIET + at for at in range(5)))).blocks == 1
