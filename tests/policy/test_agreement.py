"""The fast decision and the readable one, held against each other on made-up worlds."""

from collections import Counter
from random import Random, randrange

from doorward.policy.decide import decide, ladder

from .reference import World
from .worlds import door_state, history, index_of, instant, numbered, request

CASES = 100_000

REASONS = {
    "allow",
    "allow_unlocked",
    "deny_unknown_entrance",
    "deny_entrance_disabled",
    "deny_unknown_credential",
    "deny_credential_not_issued",
    "deny_credential_unassigned",
    "deny_credential_not_yet_valid",
    "deny_credential_expired",
    "deny_credential_disabled",
    "deny_credential_lost",
    "deny_suspended",
    "deny_not_yet_active",
    "deny_expired",
    "deny_no_access",
    "deny_outside_schedule",
}


def test_the_fast_decision_is_the_readable_one() -> None:
    seed = randrange(1 << 40)
    reasons: Counter[str] = Counter()
    causes: Counter[str | None] = Counter()
    for case in range(CASES):
        random = Random(seed + case)
        facts = history(random)
        asked, state, at = request(random), door_state(random), instant(random)
        fast = decide(index_of(facts), state, asked, at)
        slow = World(numbered(facts), len(facts), at).decide(state, asked)
        assert fast == slow, (seed + case, facts, asked, state, at)
        reasons[fast.reason] += 1
        causes[fast.cause] += 1
    assert set(reasons) == REASONS
    assert causes["ambiguous"]
    assert reasons["allow"] > CASES // 20


def test_the_ladder_shows_the_decision() -> None:
    seed = randrange(1 << 40)
    for case in range(2_000):
        random = Random(seed + case)
        index = index_of(history(random))
        asked, state, at = request(random), door_state(random), instant(random)
        decision = decide(index, state, asked, at)
        rungs = ladder(index, state, asked, at)
        verdicts = [(rung.rule < decision.rule, rung.verdict) for rung in rungs]
        decisive = next(rung for rung in rungs if rung.verdict == "decides")
        assert [rung.rule for rung in rungs] == [1, 3, 6, 7, 8, 9, 10, 11, 16]
        assert (decisive.rule, decisive.reason, decisive.detail) == (
            decision.rule,
            decision.reason,
            decision.cause,
        )
        assert all((verdict == "passed") == is_lower for is_lower, verdict in verdicts)
        assert sum(verdict == "decides" for _, verdict in verdicts) == 1
