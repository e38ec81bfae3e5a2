"""The comparison by itself: three forms of a value, order, and whose is what."""

from uuid import UUID, uuid4

from doorward.store.external import MASKED, Asked, Fields, Key
from doorward.sync.reconcile import Comparison, agrees, compare

USER, GROUP = Key("user", uuid4()), Key("group", uuid4())
MEMBER = Key("membership", USER.object_id, GROUP.object_id)
CODE = Key("credential", uuid4())
NEW, OLD = b"new", b"old"


def asked(digest: bytes = NEW, *, is_confirmed: bool = True) -> Asked:
    """What was asked of an object without trouble."""
    return Asked(digest, is_confirmed, 0, 0, is_stuck=False)


def test_masked_counts_as_what_was_asked_last() -> None:
    assert agrees({"number": "1"}, {"number": MASKED}, was_asked=True)
    assert not agrees({"number": "1"}, {"number": MASKED}, was_asked=False)


def test_masked_is_not_absent_and_absent_is_not_masked() -> None:
    assert not agrees({"number": "1"}, {}, was_asked=True)
    assert not agrees({"number": None}, {"number": MASKED}, was_asked=True)
    assert agrees({"number": None}, {}, was_asked=False)


def test_what_needs_another_comes_after_it_and_goes_before_it() -> None:
    keys = [MEMBER, CODE, GROUP, USER]
    made = compare({key: {} for key in keys}, dict.fromkeys(keys, NEW), {}, {})
    assert made.puts == (USER, GROUP, CODE, MEMBER)
    gone = compare({}, {}, dict.fromkeys(keys, asked()), {key: {} for key in keys})
    assert gone.deletes == (MEMBER, CODE, GROUP, USER)


def test_what_nobody_asked_for_is_foreign_and_never_touched() -> None:
    stranger = Key("user", UUID(int=7))
    found = compare({}, {}, {}, {stranger: {"full_name": "Stranger"}})
    assert found == Comparison((), (), (), frozenset(), (), (stranger,))


def test_what_was_there_once_is_lost_and_what_never_was_is_not() -> None:
    wanted: dict[Key, Fields] = {USER: {}, GROUP: {}}
    known = {USER: asked(), GROUP: asked(is_confirmed=False)}
    found = compare(wanted, dict.fromkeys(wanted, NEW), known, {})
    assert (found.puts, found.lost) == ((USER, GROUP), frozenset({USER}))


def test_what_is_neither_desired_nor_there_is_forgotten() -> None:
    assert compare({}, {}, {USER: asked(OLD)}, {}).gone == (USER,)
