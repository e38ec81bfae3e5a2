"""Histories of people, groups and codes at a system that misbehaves in between.

Each history ends with the system behaving again; then its own list comes to be what the calls that
were answered say, and nothing else.
"""

import os
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
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
NAMES = st.sampled_from(["Anna", "Berta", "Carla", "Dora"])
GROUPS = st.sampled_from(["staff", "guests"])
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


class Machine(RuleBasedStateMachine):
    """What was answered, by the model; `hotel` is where it happens."""

    hotel: Hotel

    def __init__(self) -> None:
        super().__init__()
        self.people: dict[str, dict[str, Any]] = {}
        self.codes: dict[str, tuple[str, str]] = {}

    @initialize()
    def empty(self) -> None:
        """Nobody is left of the history before."""
        self.hotel.misbehave(**WELL)
        listed = self.hotel.call("/acs/users/list", acs_system_id=self.hotel.salto)
        for user in listed:
            self.hotel.call("/acs/users/delete", acs_user_id=user["acs_user_id"])
        self.hotel.call("/doorward/simulate/forget", acs_system_id=self.hotel.salto)

    @rule(name=NAMES, groups=st.sets(GROUPS))
    def create(self, name: str, groups: set[str]) -> None:
        """A person who is new, in some groups."""
        ids = [self.hotel.group(each) for each in sorted(groups)]
        user = self.hotel.user(name, acs_access_group_ids=ids)
        model = {"full_name": name, "is_suspended": False, "groups": set(ids)}
        self.people[user["acs_user_id"]] = model

    @precondition(lambda self: self.people)
    @rule(data=st.data(), name=NAMES)
    def rename(self, data: st.DataObject, name: str) -> None:
        """Another name."""
        user = self._one(data)
        self.hotel.call("/acs/users/update", acs_user_id=user, full_name=name)
        self.people[user]["full_name"] = name

    @precondition(lambda self: self.people)
    @rule(data=st.data(), is_suspended=st.booleans())
    def suspend(self, data: st.DataObject, is_suspended: bool) -> None:
        """A suspension, or its end."""
        user, verb = self._one(data), "suspend" if is_suspended else "unsuspend"
        self.hotel.call(f"/acs/users/{verb}", acs_user_id=user)
        self.people[user]["is_suspended"] = is_suspended

    @precondition(lambda self: self.people)
    @rule(data=st.data(), group=GROUPS, is_add=st.booleans())
    def member(self, data: st.DataObject, group: str, is_add: bool) -> None:
        """Into a group, or out of it."""
        user, group_id = self._one(data), self.hotel.group(group)
        verb = "add_to" if is_add else "remove_from"
        self.hotel.call(
            f"/acs/users/{verb}_access_group", acs_user_id=user, acs_access_group_id=group_id
        )
        (set.add if is_add else set.discard)(self.people[user]["groups"], group_id)

    @precondition(lambda self: self.people)
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        """A person less, with their codes."""
        user = self._one(data)
        self.hotel.call("/acs/users/delete", acs_user_id=user)
        del self.people[user]
        self.codes = {key: code for key, code in self.codes.items() if code[0] != user}

    @precondition(lambda self: self.people)
    @rule(data=st.data())
    def give_code(self, data: st.DataObject) -> None:
        """A code for somebody."""
        user = self._one(data)
        made = self.hotel.call("/acs/credentials/create", acs_user_id=user, access_method="code")
        self.codes[made["acs_credential_id"]] = (user, made["code"])

    @precondition(lambda self: self.codes)
    @rule(data=st.data())
    def take_code(self, data: st.DataObject) -> None:
        """A code less."""
        code = data.draw(st.sampled_from(sorted(self.codes)))
        self.hotel.call("/acs/credentials/delete", acs_credential_id=code)
        del self.codes[code]

    @rule(faults=FAULTS)
    def fault(self, faults: dict[str, Any]) -> None:
        """The system misbehaves in one more way."""
        self.hotel.misbehave(**faults)

    @rule()
    def heal(self) -> None:
        """The system behaves."""
        self.hotel.misbehave(**WELL)

    @rule()
    def forget(self) -> None:
        """The system has nothing any more."""
        self.hotel.call("/doorward/simulate/forget", acs_system_id=self.hotel.salto)

    @precondition(lambda self: self.people)
    @rule(data=st.data())
    def delete_by_hand(self, data: st.DataObject) -> None:
        """Somebody deletes a person at the system, if they are there."""
        answer = self.hotel.answer(
            "/doorward/simulate/delete_acs_user",
            acs_system_id=self.hotel.salto,
            acs_user_id=self._one(data),
        )
        assert answer.status_code in {200, 404}

    @precondition(lambda self: self.codes)
    @rule(data=st.data())
    def change_by_hand(self, data: st.DataObject) -> None:
        """Somebody changes a code at the system, if it is there."""
        answer = self.hotel.answer(
            "/doorward/simulate/change_code",
            acs_system_id=self.hotel.salto,
            acs_credential_id=data.draw(st.sampled_from(sorted(self.codes))),
            code="000000",
        )
        assert answer.status_code in {200, 404}

    def teardown(self) -> None:
        """The system's own list comes to be what was answered, and nothing stays pending."""
        expected = self._expected()
        self.hotel.until(lambda: self._healed() == expected)
        for user in self.people:
            self.hotel.settled(user)

    def _healed(self) -> dict[Key, Any]:
        # Said again: a try under the last fault may have been on its way.
        self.hotel.misbehave(**WELL)
        groups = {UUID(self.hotel.group(key)) for key in ("staff", "guests")}
        listing = self.hotel.listing()
        return {
            key: _told(key, fields)
            for key, fields in listing.items()
            if key.object_id not in groups
        }

    def _expected(self) -> dict[Key, Any]:
        found: dict[Key, Any] = {}
        for user, its in self.people.items():
            found[Key("user", UUID(user))] = (its["full_name"], its["is_suspended"])
            for group in its["groups"]:
                found[Key("membership", UUID(user), UUID(group))] = ()
        for code, told in self.codes.items():
            found[Key("credential", UUID(code))] = told
        return found

    def _one(self, data: st.DataObject) -> str:
        found: str = data.draw(st.sampled_from(sorted(self.people)))
        return found


_TOLD = {"user": ("full_name", "is_suspended"), "credential": ("acs_user_id", "number")}


def _told(key: Key, fields: Fields) -> tuple[Any, ...]:
    return tuple(fields.get(name) for name in _TOLD.get(key.kind, ()))


def test_histories_end_alike(hotel: Hotel) -> None:
    Machine.hotel = hotel
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=HISTORIES,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
