"""Lock and light of a door, on a clock that the test moves."""

from datetime import UTC, datetime
from typing import Literal
from uuid import uuid4

import pytest

from doorward.doors.door import REFUSAL_SECONDS, Door, Read
from doorward.policy.model import Decision


class Hand:
    """A monotonic clock moved by hand."""

    now = 100.0

    def __call__(self) -> float:
        """Seconds since whenever."""
        return self.now


def read(outcome: Literal["allow", "deny", "need"], seconds: int = 0) -> Read:
    """A read with this outcome."""
    decision = Decision(outcome, "r", 1, 1, uuid4(), unlock_seconds=seconds)
    return Read(decision, datetime.now(UTC))


@pytest.fixture
def hand() -> Hand:
    """The clock."""
    return Hand()


@pytest.fixture
def door(hand: Hand) -> Door:
    """A door that nobody has come to."""
    return Door(hand)


def test_at_first_it_is_locked_and_dark(door: Door) -> None:
    assert (door.is_locked, door.light, door.last_read) == (True, "off", None)


def test_an_allowed_read_opens_for_its_seconds(door: Door, hand: Hand) -> None:
    door.follow(read("allow", 5))
    hand.now += 4.9
    assert (door.is_locked, door.light) == (False, "green")
    hand.now += 0.1
    assert (door.is_locked, door.light) == (True, "off")


def test_a_second_read_never_shortens_the_first(door: Door, hand: Hand) -> None:
    door.follow(read("allow", 30))
    door.follow(read("allow", 5))
    hand.now += 29
    assert not door.is_locked


def test_a_refusal_shows_red_for_a_moment(door: Door, hand: Hand) -> None:
    refused = read("deny")
    door.follow(refused)
    assert (door.is_locked, door.light, door.last_read) == (True, "red", refused)
    hand.now += REFUSAL_SECONDS
    assert door.light == "off"


def test_a_refusal_leaves_an_open_door_open(door: Door) -> None:
    door.follow(read("allow", 5))
    door.follow(read("deny"))
    assert (door.is_locked, door.light) == (False, "green")


def test_a_question_changes_nothing(door: Door) -> None:
    door.follow(read("need"))
    assert (door.is_locked, door.light) == (True, "off")
