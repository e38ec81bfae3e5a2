"""Histories of phones, keys for all phones and whose they are, at a system that misbehaves.

After each there is of every key one child for every phone of its owner and none beside, and the
system comes to have these and no other credentials.
"""

import os
from typing import Any

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

from tests.sync.conftest import Hotel
from tests.sync.test_phone_keys import PHONE

pytestmark = pytest.mark.timeout(600)

HISTORIES = int(os.environ.get("DOORWARD_HISTORIES", "6"))
FAULTS = st.sampled_from([{"is_unreachable": True}, {"is_lying": True}, {"is_erring": True}])
WELL: dict[str, Any] = {"is_unreachable": False, "is_lying": False, "is_erring": False}


def _staying(shown: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those that were not deleted; who was, is shown until the system has let go."""
    leaving = "being_deleted"
    return [e for e in shown if leaving not in [w["warning_code"] for w in e["warnings"]]]


class Machine(RuleBasedStateMachine):
    """What was answered, by the model: owners of phones, users' identities, owners of keys."""

    hotel: Hotel

    def __init__(self) -> None:
        super().__init__()
        self.phones: dict[str, str] = {}
        self.identities: dict[str, str | None] = {}
        self.keys: dict[str, str | None] = {}
        self.persons: list[str] = []

    @initialize()
    def begin(self) -> None:
        """Nobody is left of the history before; two people, each an identity."""
        self.hotel.misbehave(self.hotel.rooms, **WELL)
        for path, key in (
            ("/user_identities/", "user_identity_id"),
            ("/acs/users/", "acs_user_id"),
        ):
            for each in _staying(self.hotel.call(f"{path}list")):
                self.hotel.call(f"{path}delete", **{key: each[key]})
        for each in self._credentials():
            if not each.get("parent_acs_credential_id"):
                self._call("delete", acs_credential_id=each["acs_credential_id"])
        for _ in range(2):
            identity = self.hotel.call("/user_identities/create")["user_identity_id"]
            user = self.hotel.user(acs_system_id=self.hotel.rooms, user_identity_id=identity)
            self.identities[user["acs_user_id"]] = identity
            self.persons.append(identity)

    @rule(data=st.data())
    def get_phone(self, data: st.DataObject) -> None:
        """One more phone of somebody."""
        owner = data.draw(st.sampled_from(self.persons))
        path = "/phones/simulate/create_sandbox_phone"
        self.phones[self.hotel.call(path, user_identity_id=owner)["device_id"]] = owner

    @precondition(lambda self: self.phones)
    @rule(data=st.data())
    def lose_phone(self, data: st.DataObject) -> None:
        """One less."""
        phone = data.draw(st.sampled_from(sorted(self.phones)))
        self.hotel.call("/phones/deactivate", device_id=phone)
        del self.phones[phone]

    @rule(data=st.data())
    def make_key(self, data: st.DataObject) -> None:
        """A key of somebody who is an identity's; nobody else gets one."""
        user = self._user(data)
        answer = self.hotel.answer("/acs/credentials/create", acs_user_id=user, **PHONE)
        assert (answer.status_code == 200) == (self.identities[user] is not None)
        if answer.status_code == 200:
            self.keys[answer.json()["acs_credential"]["acs_credential_id"]] = user

    @precondition(lambda self: self.keys)
    @rule(data=st.data())
    def delete_key(self, data: st.DataObject) -> None:
        """A key less."""
        key = self._key(data)
        self._call("delete", acs_credential_id=key)
        del self.keys[key]

    @precondition(lambda self: self.keys)
    @rule(data=st.data())
    def hand_over(self, data: st.DataObject) -> None:
        """A key for somebody else, or for nobody."""
        key, user = self._key(data), self._user(data)
        owner = self.keys[key]
        if owner == user:
            self._call("unassign", acs_credential_id=key, acs_user_id=user)
            self.keys[key] = None
            return
        asked = {"acs_credential_id": key, "acs_user_id": user}
        answer = self.hotel.answer("/acs/credentials/assign", **asked)
        assert (answer.status_code == 200) == (self.identities[user] is not None)
        if answer.status_code == 200:
            self.keys[key] = user

    @rule(data=st.data())
    def link(self, data: st.DataObject) -> None:
        """Somebody is an identity's no longer, or one's who has nobody."""
        user = self._user(data)
        identity = self.identities[user]
        free = sorted({*self.persons} - {*self.identities.values()})
        verb = "remove_acs_user" if identity else "add_acs_user"
        named = identity or data.draw(st.sampled_from(free))
        self.hotel.call(f"/user_identities/{verb}", acs_user_id=user, user_identity_id=named)
        self.identities[user] = None if identity else named

    @precondition(lambda self: None in self.identities.values())
    @rule()
    def merge(self) -> None:
        """An identity with nobody becomes another one, with its phones; somebody new comes."""
        free = sorted({*self.persons} - {*self.identities.values()})
        other = next(each for each in self.persons if each != free[0])
        self.hotel.call(
            "/user_identities/merge", user_identity_id=other, merged_user_identity_ids=[free[0]]
        )
        self.phones = {
            phone: other if owner == free[0] else owner for phone, owner in self.phones.items()
        }
        self.persons.remove(free[0])
        self.persons.append(self.hotel.call("/user_identities/create")["user_identity_id"])

    @rule(faults=st.one_of(FAULTS, st.just(WELL)))
    def fault(self, faults: dict[str, Any]) -> None:
        """The system misbehaves in one more way, or behaves."""
        self.hotel.misbehave(self.hotel.rooms, **faults)

    @rule()
    def forget(self) -> None:
        """The system has nothing any more."""
        self.hotel.call("/doorward/simulate/forget", acs_system_id=self.hotel.rooms)

    def teardown(self) -> None:
        """Children are keys times phones, and the system's own credentials are the children."""
        expected = {
            (key, phone)
            for key, user in self.keys.items()
            for phone, owner in self.phones.items()
            if user is not None and self.identities[user] == owner
        }
        there = {
            each["acs_credential_id"]: each["parent_acs_credential_id"]
            for each in self._credentials()
            if each.get("parent_acs_credential_id")
        }
        assert len(there) == len(expected)
        self.hotel.until(lambda: self._listed(there) == expected)
        self.hotel.until(lambda: self._unissued(there) == [])

    def _listed(self, parents: dict[str, str]) -> set[tuple[str, Any]]:
        """Of which key each credential of the system is, and on which phone."""
        # Said again: a try under the last fault may have been on its way.
        self.hotel.misbehave(self.hotel.rooms, **WELL)
        return {
            (parents.get(str(key.object_id), ""), fields["device_id"])
            for key, fields in self.hotel.listing(self.hotel.rooms).items()
            if key.kind == "credential"
        }

    def _unissued(self, there: dict[str, str]) -> list[dict[str, Any]]:
        return [
            each
            for each in self._credentials()
            if each["acs_credential_id"] in {*there, *there.values()} and not each["is_issued"]
        ]

    def _credentials(self) -> list[dict[str, Any]]:
        listed: list[dict[str, Any]] = self.hotel.call(
            "/acs/credentials/list", acs_system_id=self.hotel.rooms
        )
        return _staying(listed)

    def _call(self, verb: str, **asked: Any) -> None:
        self.hotel.call(f"/acs/credentials/{verb}", **asked)

    def _user(self, data: st.DataObject) -> str:
        user: str = data.draw(st.sampled_from(sorted(self.identities)))
        return user

    def _key(self, data: st.DataObject) -> str:
        key: str = data.draw(st.sampled_from(sorted(self.keys)))
        return key


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
