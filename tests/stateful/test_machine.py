"""A machine that does everything to people, groups, credentials and identities, in any order.

Each acknowledged change is compared: what it answers, what the journal and the events gained (one
entry for each fact that the model says has changed, and no other), what a repetition does, what the
doors decide, and what all reads show. Time moves, the server restarts and crashes, people are
imported, and the site file is applied again in between.
"""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from doorward.testing.hosting import Host
from tests.stateful.credentials import Credentials
from tests.stateful.identities import Identities
from tests.stateful.moments import Moments

pytestmark = pytest.mark.timeout(900)


class Machine(Identities, Credentials, Moments):
    """Everything."""


@pytest.fixture
def machine(doorward_host: Host, tmp_path: Path) -> type[Machine]:
    """The machine, with a host to play its histories on."""
    Machine.host, Machine.folder = doorward_host, tmp_path
    return Machine


@pytest.fixture
def history(machine: type[Machine]) -> Iterator[Machine]:
    """One history that a test plays by itself."""
    played = machine()
    played.begin()
    yield played
    played.teardown()


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


def test_two_equal_codes_of_one_person_clash_where_they_open_nothing(history: Machine) -> None:
    for id_ in history.codes():
        history.delete_credential(_pick(history.model.credentials, id_))
    ada, bo = (_made(history, name) for name in ("Ada", "Bo"))
    history.create_credential(_pick(history.model.people, ada), False, "code", "7391", None, None)
    history.create_credential(_pick(history.model.people, ada), False, "code", "7391", None, None)
    assert len(history.model.of_person(ada)) == 1
    # The same of a code that comes to her from somebody else, and by a change.
    history.create_credential(_pick(history.model.people, bo), False, "code", "7391", None, None)
    [his] = history.model.of_person(bo)
    picks = _pick(history.model.credentials, his), _pick(history.model.people, ada)
    history.assign(*picks, False)
    assert history.model.of_person(bo) == [his]
    history.create_credential(_pick(history.model.people, ada), False, "code", "80426", None, None)
    other = history.model.of_person(ada)[1]
    history.update_code(_pick(history.codes(), other), "7391")
    assert history.model.credentials[other].number == "80426"


def test_the_names_of_what_was_merged_twice_name_what_is_left(history: Machine) -> None:
    for email, key in (("a@machine.test", "key-a"), ("b@machine.test", "key-b")):
        history.create_identity("Ada", email, None, key, False)
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
    history.compare()


def _made(history: Machine, name: str) -> str:
    """Somebody new, who opens nothing."""
    history.create_person(name, None, None, None, None, 0)
    id_ = list(history.model.people)[-1]
    assert not history.model.opened(history.model.people[id_])
    return id_


def _pick(ids: Iterable[str], id_: str) -> int:
    """What picks this one of many."""
    return 4 * list(ids).index(id_)


def test_a_group_comes_back_empty(history: Machine) -> None:
    for _ in range(len(history.model.groups)):
        history.delete_group(0)
    history.apply_again()
    history.crash()
    assert len(history.model.groups) == len(history.declared)
