"""The rate of one token, on a clock that the test moves."""

from uuid import UUID, uuid4

import pytest

from doorward.errors import ApiError
from doorward.wire.rate import RateLimit

TOKEN = UUID(int=1)


class Clock:
    """Seconds that pass when told to."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def _taken(limit: RateLimit, tries: int, token: UUID = TOKEN) -> int:
    taken = 0
    for _ in range(tries):
        try:
            limit.take(token)
        except ApiError:
            continue
        taken += 1
    return taken


def _retry_after(limit: RateLimit) -> int:
    with pytest.raises(ApiError) as refusal:
        limit.take(TOKEN)
    assert (refusal.value.status, refusal.value.kind) == (429, "rate_limit_exceeded")
    assert refusal.value.retry_after is not None
    return refusal.value.retry_after


@pytest.mark.parametrize("rate", [1, 10, 1000, 33.3])
def test_two_seconds_worth_at_once_then_the_rate(clock: Clock, rate: float) -> None:
    limit = RateLimit(rate, clock)
    assert _taken(limit, 5000) == int(2 * rate)
    clock.now += 1
    assert _taken(limit, 5000) == pytest.approx(rate, abs=1)
    clock.now += 3600
    assert _taken(limit, 5000) == int(2 * rate)


def test_a_refused_call_costs_nothing(clock: Clock) -> None:
    limit = RateLimit(10, clock)
    _taken(limit, 1000)
    clock.now += 0.1
    assert _taken(limit, 1000) == 1


def test_tokens_have_a_bucket_each(clock: Clock) -> None:
    limit = RateLimit(1, clock)
    _taken(limit, 10)
    assert _taken(limit, 10, UUID(int=2)) == 2


def test_retry_after_is_when_a_call_would_be_taken(clock: Clock) -> None:
    limit = RateLimit(0.1, clock)
    assert _taken(limit, 5) == 1
    assert _retry_after(limit) == 10
    clock.now += 9.5
    assert _retry_after(limit) == 1
    clock.now += 0.5
    assert _taken(limit, 5) == 1


def test_zero_is_no_limit(clock: Clock) -> None:
    assert _taken(RateLimit(0, clock), 10_000) == 10_000


def test_quiet_tokens_are_forgotten_and_busy_ones_are_not(clock: Clock) -> None:
    limit = RateLimit(10, clock)
    for _ in range(5000):
        limit.take(uuid4())
        clock.now += 0.05
    _taken(limit, 100)
    for _ in range(1500):
        limit.take(uuid4())
    assert len(limit._full_at) < 2 * 1024 + 1500
    assert _taken(limit, 1) == 0
