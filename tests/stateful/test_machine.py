"""A machine that does everything to people, groups, credentials and identities, in any order.

Each acknowledged change is compared: what it answers, what the journal gained (one entry for each
fact that the model says has changed, with its state, and no other), the events with every id, what
a repetition does, what the doors decide and tell of it, and what reads show, by id, filter, search
and page. What a removal leaves to people and credentials is asked of the server before and after.
There are two access systems. Time moves, keypads are guessed at, the server restarts and crashes,
people are imported, and the site file is applied again, edited and pruned, in between. A history
ends with every read and with the journal's hashes.
"""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.internal.conjecture import engine
from hypothesis.stateful import run_state_machine_as_test

from doorward.api.table import ROUTES
from doorward.testing.hosting import Host
from tests.stateful.credentials import Credentials
from tests.stateful.files import Files
from tests.stateful.identities import Identities
from tests.stateful.model import milliseconds
from tests.stateful.moments import Moments

pytestmark = pytest.mark.timeout(900)


class Machine(Identities, Credentials, Moments, Files):
    """Everything."""


# Rooms of which every call is made or compared.
ROOMS = (
    "/acs/access_groups/",
    "/acs/credentials/",
    "/acs/entrances/",
    "/acs/users/",
    "/action_attempts/",
    "/doorward/credentials/",
    "/events/",
    "/user_identities/",
)
# What picks a system, and no group of it.
OFFICE, ANNEX = 0, 9
# Seconds after which a shorter history that fails as well is looked for no longer.
SHRINKING = 45


@pytest.fixture
def machine(doorward_host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> type[Machine]:
    """The machine, with a host to play its histories on."""
    monkeypatch.setattr(engine, "MAX_SHRINKING_SECONDS", SHRINKING)
    Machine.host, Machine.folder = doorward_host, tmp_path
    return Machine


@pytest.fixture
def history(machine: type[Machine]) -> Iterator[Machine]:
    """One history that a test plays by itself."""
    played = machine()
    try:
        played.begin()
        yield played
    finally:
        played.close()


def test_the_site_is_as_the_model_says(machine: type[Machine]) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=int(os.environ.get("DOORWARD_HISTORIES", "12")),
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_whoever_loses_all_entrances_loses_those_of_each_credential(history: Machine) -> None:
    having = {c.person for c in history.model.credentials.values() if c.entrances}
    having -= {None}
    assert having
    for id_ in having:
        history.revoke_all(_pick(_office(history), str(id_)), False)
        assert not history.model.opened(history.model.people[str(id_)])
    history.end()


def test_two_equal_codes_of_one_person_clash_where_they_open_nothing(history: Machine) -> None:
    for id_ in history.codes():
        history.delete_credential(_pick(history.model.credentials, id_))
    ada, bo = (_made(history, name) for name in ("Ada", "Bo"))
    history.create_credential(_pick(_office(history), ada), False, "code", "7391", None, None)
    history.create_credential(_pick(_office(history), ada), False, "code", "7391", None, None)
    assert len(history.model.of_person(ada)) == 1
    # The same of a code that comes to her from somebody else, and by a change.
    history.create_credential(_pick(_office(history), bo), False, "code", "7391", None, None)
    [his] = history.model.of_person(bo)
    picks = _pick(history.model.credentials, his), _pick(_office(history), ada)
    history.assign(*picks, False)
    assert history.model.of_person(bo) == [his]
    history.create_credential(_pick(_office(history), ada), False, "code", "80426", None, None)
    other = history.model.of_person(ada)[1]
    history.update_code(_pick(history.codes(), other), "7391")
    assert history.model.credentials[other].number == "80426"
    history.end()


def test_the_names_of_what_was_merged_twice_name_what_is_left(history: Machine) -> None:
    for email, key in (("a@machine.test", "key-a"), ("b@machine.test", "key-b")):
        history.create_identity("Ada", email, None, key, 0)
    oldest, *_, a, b = history.model.identities
    names = [oldest, a, b]
    history.merge_by_key("key-b", "key-a")
    places = [_pick([*history.model.merged_ids, *history.model.identities], i) for i in (oldest, b)]
    history.merge(*places)
    assert [history.model.identity_of(name) for name in names] == [oldest] * 3
    history.merge_by_key("key-a", "key-b")
    somebody = _pick(history.model.people, _made(history, "Bo"))
    history.link_by_key("key-a", somebody)
    for pick, _ in enumerate(history.model.merged_ids):
        history.suspend(4 * pick, True)
        history.unsuspend(4 * pick, True)
        history.join(4 * pick, True, 0, True)
        history.grant(4 * pick, True, 0)
        history.unlink(4 * pick, somebody, False)
    history.end()


def test_who_was_two_people_in_two_systems_is_one_in_both(history: Machine) -> None:
    for name, key, system in (("Ada", "key-a", OFFICE), ("Bo", "key-b", ANNEX)):
        history.link_by_key(key, _pick(history.model.people, _made(history, name, system)))
    history.merge_by_key("key-a", "key-b")
    one = history.model.called("key-b")
    both = [each.system for each in history.model.people.values() if each.identity == one]
    assert both == [history.office, history.annex]
    history.end()


def _made(history: Machine, name: str, system: int = OFFICE) -> str:
    """Somebody new, who opens nothing."""
    history.create_person(name, None, None, None, None, system)
    id_ = list(history.model.people)[-1]
    assert not history.model.opened(history.model.people[id_])
    return id_


def _pick(ids: Iterable[str], id_: str) -> int:
    """What picks this one of many."""
    return 4 * list(ids).index(id_)


def _office(history: Machine) -> list[str]:
    """Everybody of the office."""
    return [i for i, p in history.model.people.items() if p.system == history.office]


def test_a_group_comes_back_empty(history: Machine) -> None:
    count = len(history.model.groups)
    for _ in range(count):
        history.delete_group(0)
    history.apply_again()
    history.crash()
    assert len(history.model.groups) == count
    history.end()


def test_what_is_pruned_may_be_declared_again(history: Machine) -> None:
    sam = history.site.server.site.users["sam"]
    lena = history.site.server.site.users["lena"]
    for name, visitors, has_sam, is_pruning in (
        ("Lena F.", True, False, False),
        ("Lena F.", True, False, True),
        ("Helena Fischer", False, True, False),
        ("Helena Fischer", False, True, True),
    ):
        history.apply_edited(name, visitors, has_sam, is_pruning)
        assert (sam in history.model.people) is not (is_pruning and not has_sam)
        assert history.model.people[lena].full_name == name
    # Removed by hand, neither comes back.
    history.delete_person(_pick(_office(history), sam), False)
    history.apply_edited("Lena F.", True, True, False)
    group = list(history.model.groups)[-1]
    place = _pick(sorted(history.model.people[lena].groups), group)
    history.leave(_pick(_office(history), lena), False, place, True)
    history.apply_again()
    assert sam not in history.model.people
    assert group in history.model.groups
    assert group not in history.model.people[lena].groups
    history.end()


def test_a_keypad_stays_deaf_over_a_restart(history: Machine) -> None:
    door = next(iter(history.model.entrances))
    keypad = history.keypads[door]
    for block, again in ((10, history.restart), (20, history.crash), (40, history.look)):
        history.wait_for_keypad(door)
        for wrong in range(5):
            history.show("code", f"555{wrong}", door)
            if keypad.is_deaf(milliseconds(history.site.now())):
                break
        assert keypad.deaf_until == keypad.wrong[-1] + block * 1000
        again()
    for _ in range(6):
        history.wait_for_keypad(door)
        history.guess(0, "7391", 5)
    assert keypad.deaf_until == keypad.wrong[-1] + 15 * 60_000
    history.advance(3)
    history.guess(0, "7391", 6)
    assert keypad.deaf_until == keypad.wrong[-1] + 10_000
    history.end()


def test_every_call_is_named() -> None:
    named = "".join(file.read_text() for file in Path(__file__).parent.glob("*.py"))
    missing = [
        route.path
        for route in ROUTES
        if route.path.startswith(ROOMS) and f'"{route.path}"' not in named
    ]
    assert missing == []
