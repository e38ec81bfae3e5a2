"""Removing anything never widens access."""

from random import Random, randrange

from doorward.policy.decide import decide
from doorward.policy.facts import Kind
from doorward.policy.model import Request

from .worlds import (
    Said,
    door_state,
    gone,
    history,
    index_of,
    instant,
    request,
)

CASES = 4_000


def as_the_store_has_it(facts: list[Said]) -> list[Said]:
    """One owner for each thing, and one credential for each number, as constraints hold them.

    Of two that share a number neither opens while both would, so there removing one does widen.
    """
    owners: dict[tuple[Kind, object], object] = {}
    holders: dict[bytes, object] = {}
    kept = []
    for fact in facts:
        has_owner = fact.kind in (Kind.ENTRANCE, Kind.CREDENTIAL)
        if has_owner and owners.setdefault((fact.kind, fact.key_a), fact.key_b) != fact.key_b:
            continue
        if fact.lookup and holders.setdefault(fact.lookup, fact.key_a) != fact.key_a:
            continue
        kept.append(fact)
    return kept


def removals(facts: list[Said]) -> list[Said]:
    return [gone(fact) for fact in dict.fromkeys(facts) if fact.state is not None]


def test_removing_anything_never_widens_access() -> None:
    seed = randrange(1 << 40)
    narrowed: set[Kind] = set()
    # A reader is no right of anybody's; everything else that is removed closes some door.
    rights = set(Kind) - {Kind.READER}
    for case in range(20 * CASES):
        if case >= CASES and narrowed == rights:
            break
        random = Random(seed + case)
        facts = as_the_store_has_it(history(random))
        asked, state, at = request(random), door_state(random), instant(random)
        before = decide(index_of(facts), state, asked, at)
        for removal in removals(facts):
            after = decide(index_of([*facts, removal]), state, asked, at)
            assert before.outcome == "allow" or after.outcome != "allow", (seed + case, removal)
            if before.outcome != after.outcome:
                narrowed.add(removal.kind)
    assert narrowed == rights


def test_a_second_factor_never_helps_the_first() -> None:
    seed = randrange(1 << 40)
    for case in range(CASES):
        random = Random(seed + case)
        index, asked, at = index_of(history(random)), request(random), instant(random)
        first = Request(asked.acs_entrance_id, asked.origin, asked.factors[:1])
        state = door_state(random)
        assert decide(index, state, asked, at) == decide(index, state, first, at)
