"""What is refused ahead of its turn: of one's own system, until its turn or a restore."""

from uuid import UUID, uuid4

from doorward.doors.ahead import Ahead
from doorward.doors.slice import Slice
from doorward.policy.facts import NO_KEY, Fact, Kind, UserState, encode_state
from doorward.store.controllers import ControllerKey
from doorward.store.slices import Contact, Entry, Tail
from doorward.store.watch import Position

KEY = ControllerKey(uuid4(), uuid4(), uuid4())
SUSPENDED = encode_state(UserState(is_suspended=True))


def suspended(revision: int, epoch: int = 1, system: UUID = KEY.acs_system_id) -> Tail:
    """A tail that suspends somebody."""
    fact = Fact(Kind.USER, uuid4(), NO_KEY, revision, SUSPENDED)
    contact = Contact(Position(epoch, revision), b"", False, None, 0, 0)
    return Tail(contact, [Entry(system, fact, b"", fact.key_a.bytes)])


def test_another_systems_people_are_none_of_its_own() -> None:
    ahead, kept = Ahead(), Slice(KEY)
    theirs, own = suspended(5, system=uuid4()), suspended(6)
    for tail in (theirs, own):
        ahead.take(kept, tail)
    assert ahead.facts == [own.entries[0].fact]
    assert kept.index.user(theirs.entries[0].fact.key_a) is None
    assert kept.index.user(own.entries[0].fact.key_a) is not None


def test_it_is_remembered_until_its_turn() -> None:
    ahead, tail = Ahead(), suspended(6)
    ahead.take(Slice(KEY), tail)
    assert not ahead.drop_overtaken(Position(1, 5), suspended(5).entries)
    assert ahead.facts == [tail.entries[0].fact]
    assert not ahead.drop_overtaken(Position(1, 6), tail.entries)
    assert ahead.facts == []


def test_it_is_told_when_its_turn_was_another_changes() -> None:
    ahead = Ahead()
    ahead.take(Slice(KEY), suspended(6))
    assert ahead.drop_overtaken(Position(1, 7), [*suspended(6).entries, *suspended(7).entries])
    assert ahead.facts == []


def test_what_a_restore_has_undone_is_forgotten() -> None:
    ahead = Ahead()
    ahead.take(Slice(KEY), suspended(6))
    ahead.drop_overtaken(Position(2, 3))
    assert ahead.facts == []
    ahead.take(Slice(KEY), suspended(8))
    since = suspended(4, epoch=2)
    ahead.take(Slice(KEY), since)
    ahead.drop_overtaken(Position(1, 9))
    assert ahead.facts == [since.entries[0].fact]
