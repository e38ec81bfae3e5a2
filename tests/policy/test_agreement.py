"""The fast decision and the readable one, held against each other on made-up worlds.

A world is told fact by fact, and asked in between, so that the fast form is changed in place while
the readable one starts from the pile each time. How a world begins is what a controller can go
through: facts one after the other, a whole slice as after a restart, or a slice and then the end of
the journal. DOORWARD_TEST_SEED repeats a run.
"""

import os
from collections import Counter
from collections.abc import Iterator
from random import Random, randrange

from doorward.policy.decide import decide, ladder
from doorward.policy.facts import Fact, Kind
from doorward.policy.index import PolicyIndex
from doorward.policy.model import Decision

from .reference import World, what_holds
from .worlds import NOWHERE, any_fact, door_state, history, index_of, instant, numbered, request

WORLDS, ASKED = 20_000, 5
# Of them so many are the same in every run; that they reach every rung is no matter of luck.
ALWAYS_THE_SAME = 4_000

# What is heard twice in a world of which nothing is told.
NEVER = Fact(Kind.GRANT, NOWHERE, NOWHERE, 0, None)

REASONS = {
    "allow",
    "allow_unlocked",
    "deny_unknown_entrance",
    "deny_entrance_disabled",
    "deny_too_many_attempts",
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


def first_seed() -> int:
    seed = int(os.environ.get("DOORWARD_TEST_SEED", randrange(1 << 40)))
    print(f"DOORWARD_TEST_SEED={seed}")  # shown with a failure
    return seed


def heard(random: Random, facts: list[Fact]) -> PolicyIndex:
    """Facts in any order, some of them twice."""
    index = PolicyIndex()
    _hear(random, index, facts)
    index.advance(len(facts))
    return index


def loaded(random: Random, facts: list[Fact]) -> PolicyIndex:
    """The facts that hold, as a controller has them on disk, in any order and in two parts."""
    index = PolicyIndex()
    _load(random, index, facts, len(facts))
    index.advance(len(facts))
    return index


def resumed(random: Random, facts: list[Fact]) -> PolicyIndex:
    """A slice as of some revision that has some later facts already; then those that it lacks, in
    any order, with some that it has and some old ones in between.
    """
    index = PolicyIndex()
    revision = random.randrange(len(facts) + 1)
    ahead = random.randrange(revision, len(facts) + 1)
    whole = _load(random, index, facts[:ahead], revision)
    index.advance(revision)
    lacking = [fact for fact in facts[revision:] if fact not in whole]
    _hear(random, index, lacking + random.choices(facts or [NEVER], k=3))
    index.advance(len(facts))
    return index


def _load(random: Random, index: PolicyIndex, facts: list[Fact], revision: int) -> list[Fact]:
    whole = what_holds(facts)
    random.shuffle(whole)
    half = len(whole) // 2
    for part in (whole[:half], whole[half:]):
        index.load(part, revision)
    return whole


def _hear(random: Random, index: PolicyIndex, facts: list[Fact]) -> None:
    for fact in random.sample(facts, len(facts)) + random.choices(facts or [NEVER], k=2):
        index.apply(fact)


# Of four worlds two begin with a slice from disk alone, one with a mixture.
BEGINNINGS = (heard, loaded, resumed, loaded)


def told(random: Random, seed: int) -> Iterator[tuple[list[Fact], PolicyIndex]]:
    """What a controller has heard when it is asked, and what it has made of it.

    After its beginning the world moves, a fact at a time, and now and then an old fact is heard
    again.
    """
    facts = numbered(history(random))
    index = BEGINNINGS[seed % len(BEGINNINGS)](random, facts)
    yield facts, index
    while True:
        facts.append(Fact(*(new := any_fact(random))[:3], len(facts) + 1, *new[3:]))
        for fact in (facts[-1], random.choice(facts)):
            index.apply(fact)
        index.advance(len(facts))
        yield facts, index


def agreed(seed: int) -> Iterator[Decision]:
    """Asks the world of a seed and holds the two answers against each other."""
    random = Random(seed)
    for _, (facts, index) in zip(range(ASKED), told(random, seed), strict=False):
        asked, state, at = request(random), door_state(random), instant(random)
        fast = decide(index, state, asked, at)
        slow = World(facts, len(facts), at, state).decide(asked)
        assert fast == slow, (seed, facts, asked, state, at)
        yield fast


def test_the_fast_decision_is_the_readable_one() -> None:
    decisions = [each for seed in range(ALWAYS_THE_SAME) for each in agreed(seed)]
    reasons, causes = (Counter(each) for each in zip(*map(why, decisions), strict=True))
    assert set(reasons) == REASONS
    assert all(causes[cause] >= 20 for cause in ("ambiguous", "used_up", "stolen", "unknown_user"))
    assert reasons["allow"] > len(decisions) // 40
    start = first_seed()
    for seed in range(start, start + WORLDS - ALWAYS_THE_SAME):
        decisions += agreed(seed)
    assert len(decisions) == 100_000


def why(decision: Decision) -> tuple[str, str | None]:
    return decision.reason, decision.cause


def test_the_ladder_shows_the_decision() -> None:
    seed = first_seed()
    for case in range(2_000):
        random = Random(seed + case)
        index = index_of(history(random))
        asked, state, at = request(random), door_state(random), instant(random)
        decision = decide(index, state, asked, at)
        rungs = ladder(index, state, asked, at)
        verdicts = [(rung.rule < decision.rule, rung.verdict) for rung in rungs]
        decisive = next(rung for rung in rungs if rung.verdict == "decides")
        assert [rung.rule for rung in rungs] == [1, 3, 5, 6, 7, 8, 9, 10, 11, 16]
        assert (decisive.rule, decisive.reason, decisive.detail) == (
            decision.rule,
            decision.reason,
            decision.cause,
        )
        assert all((verdict == "passed") == is_lower for is_lower, verdict in verdicts)
        assert sum(verdict == "decides" for _, verdict in verdicts) == 1
