"""Histories of identities, people, groups and credentials over systems that misbehave in between.

One system is ours, one goes by groups and one by cards. Time moves, and the server crashes. Each
history ends with the systems behaving again; then the list that each keeps comes to be what the
calls that were answered say, and nothing else, and so does what the API shows of all of them.
"""

import os
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import httpx
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.internal.conjecture import engine
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from doorward.store.external import Fields, Key
from tests.sync.conftest import Hotel

pytestmark = pytest.mark.timeout(600)

HISTORIES = int(os.environ.get("DOORWARD_HISTORIES", "6"))
STEPS = 30
NAMES = st.sampled_from(["Anna", "Berta", "Carla", "Dora"])
SYSTEMS = st.sampled_from(["salto", "rooms", "house"])
ELSEWHERE = ("salto", "rooms")
GROUPS = {"salto": ("staff", "guests"), "rooms": (), "house": ("everybody",)}
METHODS = {"salto": "code", "rooms": "card", "house": "code"}
# Hours from now, far enough from a step's own duration.
STARTS = st.sampled_from([-1, 2, 30])
ENDS = st.sampled_from([None, 31, 50])
PICK = st.integers(0, 1000)
WELL: dict[str, Any] = {
    "code_digits": None,
    "drops_codes": False,
    "is_erring": False,
    "is_lying": False,
    "is_masking": False,
    "is_unreachable": False,
    "lacks_suspension": False,
    "latency_ms": 0,
    "refused_acs_user_ids": [],
    "seats": None,
}
FAULTS = st.sampled_from(
    [
        {"is_unreachable": True},
        {"is_lying": True},
        {"is_erring": True},
        {"is_masking": True},
        {"drops_codes": True},
        {"code_digits": 4},
        {"lacks_suspension": True},
        {"latency_ms": 30},
        {"seats": 1},
    ]
)

Span = tuple[str | None, str | None]


@dataclass(frozen=True)
class Person:
    """Somebody in a system; groups by id, and the ends of the window as they are written."""

    system: str
    full_name: str
    is_suspended: bool = False
    groups: frozenset[str] = frozenset()
    identity: str | None = None
    window: Span = (None, None)


@dataclass(frozen=True)
class Credential:
    """A code or a card of somebody."""

    person: str
    number: str
    entrances: str | None


@dataclass
class Model:
    """What was answered. gone: what was deleted, by kind and id, and the system that had it."""

    people: dict[str, Person] = field(default_factory=dict)
    credentials: dict[str, Credential] = field(default_factory=dict)
    identities: dict[str, str] = field(default_factory=dict)
    gone: dict[tuple[str, str], str] = field(default_factory=dict)

    def users_of(self, identity: str) -> dict[str, str]:
        """The people that an identity is, by system."""
        return {each.system: id_ for id_, each in self.people.items() if each.identity == identity}

    def change(self, person: str, **values: Any) -> None:
        """Gives somebody other values."""
        self.people[person] = replace(self.people[person], **values)

    def delete_credential(self, credential: str) -> None:
        """Takes a credential away."""
        system = self.people[self.credentials.pop(credential).person].system
        self.gone["credential", credential] = system

    def delete_person(self, person: str) -> None:
        """Takes somebody away, with all credentials."""
        for id_ in [id_ for id_, each in self.credentials.items() if each.person == person]:
            self.delete_credential(id_)
        self.gone["user", person] = self.people.pop(person).system


class Machine(RuleBasedStateMachine):
    """`hotel` is where it happens."""

    hotel: Hotel
    cards = 0

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.systems = {name: getattr(self.hotel, name) for name in ("salto", "rooms", "house")}

    @initialize()
    def empty(self) -> None:
        """Nobody is left of the history before."""
        self._heal()
        for each in self.hotel.call("/user_identities/list"):
            self.hotel.call("/user_identities/delete", user_identity_id=each["user_identity_id"])
        for user in self.hotel.call("/acs/users/list"):
            # Somebody who is leaving is shown, and cannot be deleted again.
            answer = self.hotel.answer("/acs/users/delete", acs_user_id=user["acs_user_id"])
            assert answer.status_code in {200, 404}
        for name in ELSEWHERE:
            self.forget(name)

    # People.

    @rule(name=NAMES, system=SYSTEMS, pick=PICK)
    def create(self, name: str, system: str, pick: int) -> None:
        """A person who is new, in some groups."""
        groups = [self.hotel.group(each) for each in GROUPS[system][: pick % 3]]
        made = self.hotel.user(
            name, acs_system_id=self.systems[system], acs_access_group_ids=groups
        )
        self.model.people[made["acs_user_id"]] = Person(system, name, groups=frozenset(groups))

    @precondition(lambda self: self.model.people)
    @rule(pick=PICK, name=NAMES)
    def rename(self, pick: int, name: str) -> None:
        """Another name."""
        user = self._person(pick)
        self.hotel.call("/acs/users/update", acs_user_id=user, full_name=name)
        self.model.change(user, full_name=name)

    @precondition(lambda self: self.model.people)
    @rule(pick=PICK, starts=STARTS, ends=ENDS)
    def limit(self, pick: int, starts: int, ends: int | None) -> None:
        """A window, which begins and ends while time moves."""
        user, now = self._person(pick), self._advance(0)
        window = (_iso(now, starts), None if ends is None else _iso(now, ends))
        schedule = {"starts_at": window[0], "ends_at": window[1]}
        self.hotel.call("/acs/users/update", acs_user_id=user, access_schedule=schedule)
        self.model.change(user, window=window)

    @precondition(lambda self: self.model.people)
    @rule(pick=PICK)
    def unlimit(self, pick: int) -> None:
        """No window any more."""
        user = self._person(pick)
        self.hotel.call("/acs/users/update", acs_user_id=user, access_schedule=None)
        self.model.change(user, window=(None, None))

    @precondition(lambda self: self.model.people)
    @rule(pick=PICK, is_suspended=st.booleans())
    def suspend(self, pick: int, is_suspended: bool) -> None:
        """A suspension, or its end; a system that goes by cards has none."""
        user, verb = self._person(pick), "suspend" if is_suspended else "unsuspend"
        answer = self.hotel.answer(f"/acs/users/{verb}", acs_user_id=user)
        if self.model.people[user].system == "rooms":
            assert answer.status_code == 400, answer.text
            return
        assert answer.status_code == 200, answer.text
        self.model.change(user, is_suspended=is_suspended)

    @precondition(lambda self: self._in_groups())
    @rule(pick=PICK, group=PICK, is_add=st.booleans())
    def member(self, pick: int, group: int, is_add: bool) -> None:
        """Into a group, or out of it."""
        user = _some(self._in_groups(), pick)
        group_id = self._group(self.model.people[user].system, group)
        verb = "add_to" if is_add else "remove_from"
        self.hotel.call(
            f"/acs/users/{verb}_access_group", acs_user_id=user, acs_access_group_id=group_id
        )
        self._member(user, group_id, is_add=is_add)

    @precondition(lambda self: self.model.people)
    @rule(pick=PICK)
    def delete(self, pick: int) -> None:
        """A person less, with their credentials."""
        user = self._person(pick)
        self.hotel.call("/acs/users/delete", acs_user_id=user)
        self.model.delete_person(user)

    # Identities.

    @rule(name=NAMES, systems=st.sets(SYSTEMS))
    def create_identity(self, name: str, systems: set[str]) -> None:
        """An identity, which is somebody in some systems at once."""
        ids = [self.systems[each] for each in sorted(systems)]
        made = self.hotel.call("/user_identities/create", full_name=name, acs_system_ids=ids)
        identity = made["user_identity_id"]
        self.model.identities[identity] = name
        for system in sorted(systems):
            self._become(identity, system)

    @precondition(lambda self: self.model.identities)
    @rule(pick=PICK)
    def delete_identity(self, pick: int) -> None:
        """An identity less, with everybody who it is."""
        identity = _some(self.model.identities, pick)
        self.hotel.call("/user_identities/delete", user_identity_id=identity)
        for user in self.model.users_of(identity).values():
            self.model.delete_person(user)
        del self.model.identities[identity]

    @precondition(lambda self: self.model.identities and self.model.people)
    @rule(pick=PICK, person=PICK)
    def link(self, pick: int, person: int) -> None:
        """Somebody becomes an identity's, unless it is somebody else in that system."""
        identity, user = _some(self.model.identities, pick), self._person(person)
        its, theirs = self.model.users_of(identity), self.model.people[user]
        is_possible = theirs.identity == identity or (
            theirs.identity is None and theirs.system not in its
        )
        named = {"user_identity_id": identity, "acs_user_id": user}
        _check(self.hotel.answer("/user_identities/add_acs_user", **named), is_possible)
        if is_possible:
            self.model.change(user, identity=identity)

    @precondition(lambda self: self._linked())
    @rule(pick=PICK)
    def unlink(self, pick: int) -> None:
        """Somebody is no identity's any more, and stays."""
        user = _some(self._linked(), pick)
        named = {"user_identity_id": self.model.people[user].identity, "acs_user_id": user}
        self.hotel.call("/user_identities/remove_acs_user", **named)
        self.model.change(user, identity=None)

    @precondition(lambda self: len(self.model.identities) > 1)
    @rule(pick=PICK, other=PICK)
    def merge(self, pick: int, other: int) -> None:
        """Two become one, unless both are somebody in one system."""
        left = _some(self.model.identities, pick)
        merged = _some([each for each in self.model.identities if each != left], other)
        users = self.model.users_of(merged)
        is_possible = not self.model.users_of(left).keys() & users.keys()
        named = {"user_identity_id": left, "merged_user_identity_ids": [merged]}
        _check(self.hotel.answer("/user_identities/merge", **named), is_possible)
        if is_possible:
            del self.model.identities[merged]
            for user in users.values():
                self.model.change(user, identity=left)

    @precondition(lambda self: self.model.identities)
    @rule(pick=PICK, system=st.sampled_from(["salto", "house"]), group=PICK)
    def join(self, pick: int, system: str, group: int) -> None:
        """An identity into a group of a system, where it may have been nobody."""
        identity, group_id = _some(self.model.identities, pick), self._group(system, group)
        named = {"user_identity_id": identity, "acs_access_group_id": group_id}
        self.hotel.call("/acs/access_groups/add_user", **named)
        self._become(identity, system)
        self._member(self.model.users_of(identity)[system], group_id, is_add=True)

    # Credentials.

    @precondition(lambda self: self.model.people)
    @rule(pick=PICK)
    def give(self, pick: int) -> None:
        """A code or a card for somebody."""
        user = self._person(pick)
        system = self.model.people[user].system
        room = str(self.hotel.site.entrances["room-1"].acs_entrance_id)
        own = room if system == "rooms" else None
        made = self.hotel.call(
            "/acs/credentials/create",
            acs_user_id=user,
            access_method=METHODS[system],
            **({"allowed_acs_entrance_ids": [own]} if own else {}),
        )
        id_, number = made["acs_credential_id"], made.get("code")
        if METHODS[system] == "card":
            Machine.cards += 1
            number = f"42-{Machine.cards}"
            named = {"acs_credential_id": id_, "card_number": number}
            self.hotel.call("/doorward/credentials/set_card_number", **named)
        self.model.credentials[id_] = Credential(user, str(number), own)

    @precondition(lambda self: self.model.credentials)
    @rule(pick=PICK)
    def take(self, pick: int) -> None:
        """A credential less."""
        credential = _some(self.model.credentials, pick)
        self.hotel.call("/acs/credentials/delete", acs_credential_id=credential)
        self.model.delete_credential(credential)

    # Time, faults and crashes.

    @rule(hours=st.sampled_from([1, 3, 40]))
    def advance(self, hours: int) -> None:
        """Windows begin and end."""
        self._advance(hours)

    @rule(system=st.sampled_from(ELSEWHERE), faults=FAULTS)
    def fault(self, system: str, faults: dict[str, Any]) -> None:
        """A system misbehaves in one more way."""
        self.hotel.misbehave(self.systems[system], **faults)

    @rule(system=st.sampled_from(ELSEWHERE))
    def heal(self, system: str) -> None:
        """A system behaves."""
        self.hotel.misbehave(self.systems[system], **WELL)

    @rule(system=st.sampled_from(ELSEWHERE))
    def forget(self, system: str) -> None:
        """A system has nothing any more."""
        self.hotel.call("/doorward/simulate/forget", acs_system_id=self.systems[system])

    @rule()
    def crash(self) -> None:
        """The server ends in the middle of whatever it does."""
        self.hotel.server.kill()
        self.hotel.server.start()

    @precondition(lambda self: self.model.people)
    @rule(pick=PICK, system=st.sampled_from(ELSEWHERE))
    def delete_by_hand(self, pick: int, system: str) -> None:
        """Somebody deletes a person at the system, if they are there."""
        named = {"acs_system_id": self.systems[system], "acs_user_id": self._person(pick)}
        answer = self.hotel.answer("/doorward/simulate/delete_acs_user", **named)
        assert answer.status_code in {200, 404}

    @precondition(lambda self: self.model.credentials)
    @rule(pick=PICK)
    def change_by_hand(self, pick: int) -> None:
        """Somebody changes a code at the system, if it is there."""
        answer = self.hotel.answer(
            "/doorward/simulate/change_code",
            acs_system_id=self.hotel.salto,
            acs_credential_id=_some(self.model.credentials, pick),
            code="000000",
        )
        assert answer.status_code in {200, 404}

    @rule()
    def look(self) -> None:
        """Whatever a call took away is gone, or its system has still to let go of it."""
        for (kind, id_), system in self.model.gone.items():
            shown = self._shown(kind, id_)
            assert shown is None or (system in ELSEWHERE and _is_leaving(shown)), shown

    # The end.

    def _is_as_expected(self, name: str) -> bool:
        return self._healed(name) == self._expected(name)

    def teardown(self) -> None:
        """Each system's list, and what is shown, come to be what was answered."""
        for name in ELSEWHERE:
            self.hotel.until(partial(self._is_as_expected, name))
        for user, its in self.model.people.items():
            shown = self.hotel.settled(user) if its.system in ELSEWHERE else self.hotel.shown(user)
            assert _of_shown(shown) == _of_person(its, self.systems), shown
        # What leaves may be shown for a round longer than it is on its system's list.
        self.hotel.until(lambda: not any(self._shown(*each) for each in self.model.gone))
        self._check_lists()

    def _check_lists(self) -> None:
        listed = {each["acs_user_id"] for each in self.hotel.call("/acs/users/list")}
        assert listed == self.model.people.keys()
        identities = {e["user_identity_id"] for e in self.hotel.call("/user_identities/list")}
        assert identities == self.model.identities.keys()
        for group in ("staff", "guests", "everybody"):
            id_ = self.hotel.group(group)
            members = self.hotel.call("/acs/access_groups/list_users", acs_access_group_id=id_)
            expected = {user for user, its in self.model.people.items() if id_ in its.groups}
            assert {each["acs_user_id"] for each in members} == expected

    def _heal(self) -> None:
        for name in ELSEWHERE:
            self.heal(name)

    def _healed(self, system: str) -> dict[Key, Any]:
        # Said again: a try under the last fault may have been on its way.
        self._heal()
        groups = {UUID(self.hotel.group(key)) for key in ("staff", "guests")}
        listing = self.hotel.listing(self.systems[system])
        return {k: _told(k, fields) for k, fields in listing.items() if k.object_id not in groups}

    def _expected(self, system: str) -> dict[Key, Any]:
        found: dict[Key, Any] = {}
        there = {id_: its for id_, its in self.model.people.items() if its.system == system}
        for user, its in there.items():
            found[Key("user", UUID(user))] = (its.full_name, its.is_suspended, *its.window)
            for group in its.groups:
                found[Key("membership", UUID(user), UUID(group))] = ()
        for id_, each in self.model.credentials.items():
            if each.person in there:
                told = (each.person, METHODS[system], each.number, each.entrances)
                found[Key("credential", UUID(id_))] = told
        return found

    # What rules are made of.

    def _person(self, pick: int) -> str:
        return _some(self.model.people, pick)

    def _linked(self) -> list[str]:
        return [id_ for id_, each in self.model.people.items() if each.identity]

    def _in_groups(self) -> list[str]:
        return [id_ for id_, each in self.model.people.items() if GROUPS[each.system]]

    def _group(self, system: str, pick: int) -> str:
        return self.hotel.group(_some(GROUPS[system], pick))

    def _member(self, user: str, group: str, *, is_add: bool) -> None:
        groups = self.model.people[user].groups
        self.model.change(user, groups=groups | {group} if is_add else groups - {group})

    def _become(self, identity: str, system: str) -> None:
        if system in self.model.users_of(identity):
            return
        named = {"user_identity_id": identity, "acs_system_id": self.systems[system]}
        made = self.hotel.call("/acs/users/get", **named)["acs_user_id"]
        assert made not in self.model.people
        name = self.model.identities[identity]
        self.model.people[made] = Person(system, name, identity=identity)

    def _advance(self, hours: int) -> datetime:
        told = self.hotel.call("/doorward/simulate/advance_time", seconds=hours * 3600)
        return datetime.fromisoformat(told["now"])

    def _shown(self, kind: str, id_: str) -> dict[str, Any] | None:
        answer = self.hotel.answer(f"/acs/{kind}s/get", **{f"acs_{kind}_id": id_})
        if answer.status_code == 404:
            return None
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()[f"acs_{kind}"]
        return found


def _some(ids: Any, pick: int) -> str:
    listed = list(ids)
    return str(listed[pick % len(listed)])


def _iso(now: datetime, hours: int) -> str:
    at = (now + timedelta(hours=hours)).isoformat(timespec="milliseconds")
    return at.replace("+00:00", "Z")


def _check(answer: httpx.Response, is_possible: bool) -> None:
    assert (answer.status_code == 200) == is_possible, answer.text
    assert answer.status_code < 500, answer.text


def _is_leaving(shown: dict[str, Any]) -> bool:
    codes = {each["mutation_code"] for each in shown.get("pending_mutations") or []}
    warnings = {each["warning_code"] for each in shown["warnings"]}
    return bool("deleting" in codes or "being_deleted" in warnings)


def _of_shown(shown: dict[str, Any]) -> tuple[Any, ...]:
    schedule = shown.get("access_schedule") or {"starts_at": None, "ends_at": None}
    return (
        shown["acs_system_id"],
        shown["full_name"],
        shown["is_suspended"],
        shown.get("user_identity_id"),
        schedule["starts_at"],
        schedule["ends_at"],
    )


def _of_person(person: Person, systems: dict[str, str]) -> tuple[Any, ...]:
    values = person.full_name, person.is_suspended, person.identity
    return (systems[person.system], *values, *person.window)


_TOLD = {
    "user": ("full_name", "is_suspended", "starts_at", "ends_at"),
    "credential": ("acs_user_id", "access_method", "number", "entrances"),
}


def _told(key: Key, fields: Fields) -> tuple[Any, ...]:
    return tuple(fields.get(name) for name in _TOLD.get(key.kind, ()))


@pytest.mark.timeout(600)
def test_histories_end_alike(hotel: Hotel, monkeypatch: pytest.MonkeyPatch) -> None:
    # A shorter history that fails as well is looked for no longer than this, in seconds.
    monkeypatch.setattr(engine, "MAX_SHRINKING_SECONDS", 45)
    Machine.hotel = hotel
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=HISTORIES,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
