"""The index: whatever the order of the facts, the same policy; nothing comes back by itself."""

from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.policy.buckets import Buckets
from doorward.policy.facts import (
    NO_KEY,
    CredentialState,
    EntranceState,
    Fact,
    GroupState,
    Kind,
    Link,
    ReaderState,
    Window,
    encode_state,
)
from doorward.policy.held import Owned, Sets
from doorward.policy.holders import Holders
from doorward.policy.index import PolicyIndex
from doorward.policy.model import Card, Code, Credential, Entrance, Named, Path, Policy, Reader
from doorward.policy.packed import Links, Numbers
from doorward.policy.rights import Rights

from .worlds import (
    CARD,
    CONTROLLERS,
    CREDENTIAL,
    CREDENTIALS,
    DOOR,
    DOORS,
    ENTRANCE,
    EVERYTHING,
    GROUP,
    GROUPS,
    LOOKUP,
    LOOKUPS,
    MEMBERSHIP,
    NOWHERE,
    READER,
    READERS,
    USER,
    USERS,
    WORKING,
    Said,
    gone,
    index_of,
    linked,
    numbered,
    records,
    said,
)

histories = st.lists(
    st.tuples(st.sampled_from((*EVERYTHING, *WORKING * 20)), st.booleans()).map(
        lambda drawn: drawn[0] if drawn[1] else gone(drawn[0])
    ),
    max_size=25,
)


def contents(index: PolicyIndex) -> dict[str, Any]:
    """Everything an index holds, so that leftovers show as well as what it answers."""
    held = _slots(index)
    rights = index._rights
    held["_rights"]["_groups_of_entrance"] = {
        entrance: sorted(rights._group_numbers.id_of(number) for number in numbers)
        for entrance, numbers in rights._groups_of_entrance
    }
    return held


def _slots(thing: Any) -> dict[str, Any]:
    return {name: _plain(getattr(thing, name)) for name in type(thing).__slots__}


def _plain(value: Any) -> Any:
    match value:
        case Owned() | Sets():
            return value._held
        case Links():
            # Numbers are given in the order of the facts, so they are not compared themselves.
            return linked(value), _plain(value._subjects)[1:]
        case Numbers():
            return {target: value._references[at] for target, at in value._numbers.items()}
        case Buckets():
            return records(value), value._count, len(value._blobs), value._mask
        case Holders() | Rights():
            return _slots(value)
        case _:
            return value


def applied(facts: list[Fact]) -> PolicyIndex:
    index = PolicyIndex()
    for fact in facts:
        index.apply(fact)
    index.advance(max((fact.revision for fact in facts), default=0))
    return index


def is_policy(index: PolicyIndex) -> Policy:
    """The type checker's proof that the ladder can walk on it."""
    return index


@given(histories, st.integers(), st.booleans())
def test_order_and_repetition_do_not_matter(
    said_so_far: list[Said], seed: int, is_complete: bool
) -> None:
    facts = numbered(said_so_far)
    shuffled = facts + facts[::3]
    Random(seed).shuffle(shuffled)
    one, other = PolicyIndex(), PolicyIndex()
    for fact in facts:
        one.apply(fact)
    for fact in shuffled:
        other.apply(fact)
    for index in (one, other) if is_complete else ():
        index.advance(len(facts))
    assert contents(one) == contents(other)


@given(histories, st.data())
def test_old_facts_that_come_again_after_it_was_complete_change_nothing(
    said_so_far: list[Said], data: st.DataObject
) -> None:
    facts = numbered(said_so_far)
    index = applied(facts)
    before = contents(applied(facts))
    for fact in data.draw(st.lists(st.sampled_from(facts), max_size=9)) if facts else ():
        index.apply(fact)
    assert contents(index) == before


@given(histories)
def test_a_removed_fact_leaves_no_trace(said_so_far: list[Said]) -> None:
    removed = [gone(fact) for fact in said_so_far]
    left = contents(index_of((*said_so_far, *removed)))
    assert left.pop("_revision") == 2 * len(said_so_far)
    empty = contents(PolicyIndex())
    assert empty.pop("_revision") == 0
    assert left == empty


def test_what_was_removed_does_not_come_back_by_a_late_fact() -> None:
    for is_complete in (False, True):
        index = PolicyIndex()
        index.apply(Fact(*gone(MEMBERSHIP)[:3], 9, None))
        if is_complete:
            index.advance(9)
        index.apply(Fact(*MEMBERSHIP[:3], 8, MEMBERSHIP.state))
        assert linked(index._rights._groups_of_user) == {}
        index.apply(Fact(*MEMBERSHIP[:3], 10, MEMBERSHIP.state))
        assert linked(index._rights._groups_of_user) == {USER: {GROUP}}


@given(histories, st.integers(), st.integers(0, 25))
def test_a_whole_is_what_its_facts_were_one_by_one(
    said_so_far: list[Said], seed: int, revision: int
) -> None:
    facts = numbered(said_so_far)
    newest = {(fact.kind, fact.key_a, fact.key_b): fact for fact in facts}
    whole = [fact for fact in newest.values() if fact.state is not None or fact.revision > revision]
    Random(seed).shuffle(whole)
    loaded = PolicyIndex()
    loaded.load(whole, revision)
    loaded.advance(revision)
    one_by_one = PolicyIndex()
    for fact in facts:
        one_by_one.apply(fact)
    one_by_one.advance(revision)
    assert contents(loaded) == contents(one_by_one)


def test_what_is_ahead_of_a_whole_is_not_undone_by_what_the_journal_has_before_it() -> None:
    index = PolicyIndex()
    index.load([Fact(*MEMBERSHIP[:3], 9, None)], revision=5)
    index.advance(5)
    index.apply(Fact(*MEMBERSHIP[:3], 7, MEMBERSHIP.state))
    assert linked(index._rights._groups_of_user) == {}


def test_only_facts_newer_than_the_whole_are_remembered_by_revision() -> None:
    index = PolicyIndex()
    for fact in numbered((*WORKING, gone(CARD), gone(MEMBERSHIP))):
        index.apply(fact)
    index.advance(len(WORKING) + 1)
    assert contents(index)["_newer"] == {(Kind.MEMBERSHIP, GROUP.int, USER.int): len(WORKING) + 2}
    index.advance(3)
    assert index.revision == len(WORKING) + 1


def test_a_foreign_state_is_refused_and_changes_nothing() -> None:
    index = index_of(WORKING)
    before = contents(index_of(WORKING))
    with pytest.raises(msgspec.ValidationError):
        index.apply(Fact(Kind.USER, USER, NO_KEY, 99, b'{"is_suspended": "perhaps"}'))
    assert contents(index) == before


def credential(number: int, user: int, lookup: bytes | None) -> Said:
    owner = USERS[user]
    return said(Kind.CREDENTIAL, CREDENTIALS[number], owner, CredentialState("card"), lookup)


def found(index: PolicyIndex, lookup: bytes) -> list[tuple[Any, Any]]:
    both = index.credentials(Card(lookup)), index.credentials(Code(lookup))
    assert both[0] == both[1]
    return [(one.acs_credential_id, one.acs_user_id) for one in both[0]]


def test_a_number_that_changes_is_found_under_the_new_one_alone() -> None:
    index = index_of((credential(0, 0, LOOKUPS[0]), credential(0, 0, LOOKUPS[1])))
    assert found(index, LOOKUPS[0]) == []
    assert found(index, LOOKUPS[1]) == [(CREDENTIALS[0], USERS[0])]


@pytest.mark.parametrize("last", [credential(0, 0, None), gone(credential(0, 0, None))])
def test_a_number_that_is_taken_away_is_found_no_more(last: Said) -> None:
    index = index_of((credential(0, 0, LOOKUP), last))
    assert found(index, LOOKUP) == []


def test_two_credentials_with_one_number_are_both_shown() -> None:
    index = index_of((credential(1, 1, LOOKUP), credential(0, 0, LOOKUP)))
    assert found(index, LOOKUP) == [(CREDENTIALS[0], USERS[0]), (CREDENTIALS[1], USERS[1])]
    index.apply(Fact(*gone(credential(0, 0, None))[:3], 3, None))
    assert found(index, LOOKUP) == [(CREDENTIALS[1], USERS[1])]


def test_a_card_that_passes_to_somebody_else_may_be_told_in_either_order() -> None:
    mine, theirs = credential(0, 0, LOOKUP), credential(0, 1, LOOKUP)
    for order in ((mine, gone(mine), theirs), (mine, theirs, gone(mine))):
        index = index_of(order)
        assert found(index, LOOKUP) == [(CREDENTIALS[0], USERS[1])]
        assert index.credentials(Named(CREDENTIALS[0])) == list(index.credentials(Card(LOOKUP)))


def test_no_number_finds_nothing() -> None:
    index = index_of((credential(0, 0, None),))
    assert index.credentials(Card(None)) == ()
    assert index.credentials(Named(CREDENTIALS[0])) == [
        Credential(CREDENTIALS[0], USERS[0], CredentialState("card"))
    ]
    assert index.credentials(Named(NOWHERE)) == []


def test_an_unassigned_credential_has_no_user() -> None:
    index = index_of((said(Kind.CREDENTIAL, CREDENTIAL, NO_KEY, CredentialState("card"), LOOKUP),))
    assert found(index, LOOKUP) == [(CREDENTIAL, None)]


@pytest.mark.parametrize("other", [b"", b"on", b"one\0", b"one".ljust(32, b"\0"), b"one" * 11])
def test_a_number_is_found_by_all_of_its_hash(other: bytes) -> None:
    index = index_of((credential(0, 0, LOOKUP),))
    assert found(index, other) == []
    if len(other) <= 32:
        index = index_of((credential(0, 0, LOOKUP), credential(1, 1, other)))
        assert found(index, other) == [(CREDENTIALS[1], USERS[1])]
    assert found(index, LOOKUP) == [(CREDENTIALS[0], USERS[0])]


def test_no_hash_is_that_of_a_credential_without_a_number() -> None:
    nothing = CredentialState("cloud_key")
    index = index_of((said(Kind.CREDENTIAL, NO_KEY, NO_KEY, nothing, None), credential(0, 0, None)))
    assert found(index, b"") == found(index, bytes(32)) == found(index, CREDENTIALS[0].bytes) == []


def test_a_hash_that_cannot_be_one_is_refused() -> None:
    with pytest.raises(ValueError, match="33 bytes"):
        index_of((credential(0, 0, b"one" * 11),))


def test_paths_are_those_of_groups_of_grants_and_of_the_credential_itself() -> None:
    window = Window(5, 6)
    index = index_of(
        (
            *WORKING,
            said(Kind.GROUP, GROUPS[1], NO_KEY, GroupState(window)),
            said(Kind.GROUP_ENTRANCE, GROUPS[1], DOOR, Link()),
            said(Kind.MEMBERSHIP, GROUPS[1], USER, Link()),
            said(Kind.MEMBERSHIP, GROUPS[2], USER, Link()),
            said(Kind.CREDENTIAL_ENTRANCE, CREDENTIAL, DOOR, Link()),
            said(Kind.GRANT, USER, DOOR, Link()),
            said(Kind.GRANT, USERS[2], DOORS[1], Link()),
        )
    )
    by_grant = {Path("grant", USER, Window())}
    by_group = {Path("access_group", GROUP, Window()), Path("access_group", GROUPS[1], window)}
    by_card = {Path("credential", CREDENTIAL, Window())}
    assert set(index.paths(USER, CREDENTIAL, DOOR)) == by_group | by_card | by_grant
    assert set(index.paths(USERS[1], CREDENTIAL, DOOR)) == by_card
    assert set(index.paths(USER, CREDENTIALS[1], DOOR)) == by_group | by_grant
    assert set(index.paths(USER, CREDENTIAL, DOORS[1])) == set()
    assert set(index.paths(USERS[2], CREDENTIAL, DOORS[1])) == {Path("grant", USERS[2], Window())}


def test_groups_are_not_mistaken_for_each_other_in_whatever_order_links_come_and_go() -> None:
    groups = [said(Kind.GROUP, group, NO_KEY, GroupState()) for group in GROUPS]
    opens = [said(Kind.GROUP_ENTRANCE, group, DOOR, Link()) for group in GROUPS]
    member = [said(Kind.MEMBERSHIP, group, USER, Link()) for group in GROUPS]
    index = index_of((*groups, opens[0], member[1]))
    assert list(index.paths(USER, CREDENTIAL, DOOR)) == []
    again = (opens[0], opens[0], gone(opens[0]), gone(opens[0]), opens[2], member[0])
    index = index_of((*groups, *again, gone(member[0]), member[1]))
    assert list(index.paths(USER, CREDENTIAL, DOOR)) == []
    index = index_of((*groups, *again, member[2]))
    assert list(index.paths(USER, CREDENTIAL, DOOR)) == [Path("access_group", GROUPS[2], Window())]


def test_entrances_and_readers_are_listed() -> None:
    reader = said(Kind.READER, READERS[1], DOOR, ReaderState("virtual", "exit"))
    index = index_of((*WORKING, reader))
    assert list(index.entrances()) == [Entrance(DOOR, CONTROLLERS[0], EntranceState(7))]
    assert index.entrance(DOOR) == EntranceState(7)
    assert index.entrance(NOWHERE) is None
    one = Reader(READER, DOOR, ReaderState())
    other = Reader(READERS[1], DOOR, ReaderState("virtual", "exit"))
    assert (index.reader(READER), index.reader(NOWHERE)) == (one, None)
    assert index.readers(DOOR) == [one, other]
    assert index.readers(NOWHERE) == []


def test_a_reader_that_moves_stands_at_the_new_entrance_alone() -> None:
    here = said(Kind.READER, READER, DOOR, ReaderState())
    there = said(Kind.READER, READER, DOORS[1], ReaderState())
    for order in ((here, there, gone(here)), (here, gone(here), there)):
        index = index_of(order)
        assert (index.readers(DOOR), len(index.readers(DOORS[1]))) == ([], 1)
    halfway = index_of((here, there))
    assert (halfway.reader(READER), halfway.readers(DOOR)) == (None, [])


def test_an_entrance_that_is_half_moved_is_unknown() -> None:
    there = said(Kind.ENTRANCE, DOOR, CONTROLLERS[1], EntranceState(7))
    assert index_of((ENTRANCE, there)).entrance(DOOR) is None
    assert index_of((ENTRANCE, there, gone(ENTRANCE))).entrance(DOOR) == EntranceState(7)


def test_every_kind_of_fact_is_held() -> None:
    for fact in WORKING:
        assert contents(index_of((fact,))) != contents(index_of((gone(fact),))), fact.kind
    assert {fact.kind for fact in EVERYTHING} == set(Kind)


def test_states_read_what_they_wrote() -> None:
    assert encode_state(EntranceState()) == b"{}"
    assert index_of((CARD,)).credentials(Named(CREDENTIAL))[0].declared == CredentialState("card")


def test_codes_are_counted_where_they_open() -> None:
    def code(at: int, user: int, length: int | None) -> Said:
        state = CredentialState("code", code_length=length)
        return said(Kind.CREDENTIAL, CREDENTIALS[at], USERS[user], state, LOOKUPS[at % 3])

    facts = (
        *(fact for fact in WORKING if fact is not CARD),
        code(0, 0, 4),
        code(1, 0, 6),
        code(2, 1, 6),
        code(3, 2, None),
        said(Kind.GRANT, USERS[1], DOORS[1], Link()),
        said(Kind.GRANT, USERS[2], DOOR, Link()),
        said(Kind.CREDENTIAL_ENTRANCE, CREDENTIALS[1], DOORS[1], Link()),
    )
    counted = [code for some in index_of(facts).codes() for code in some]
    assert sorted(counted, key=repr) == sorted(
        [(4, {DOOR}), (6, {DOOR, DOORS[1]}), (6, {DOORS[1]})], key=repr
    )
    without_group = index_of(
        (*facts, gone(said(Kind.GRANT, USERS[1], DOORS[1])), gone(said(Kind.GROUP, GROUP)))
    )
    counted = [code for some in without_group.codes() for code in some]
    assert sorted(map(len, (doors for _, doors in counted))) == [0, 0, 1]
