"""Keys for all phones of a person: a child on each phone, which the system is asked to keep."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from seam.seam import Seam

from doorward.store.external import Key
from tests.running import API_KEY
from tests.sync.conftest import Hotel

EVER = "2020-01-01T00:00:00Z"
PHONE = {"is_multi_phone_sync_credential": True, "access_method": "mobile_key"}
LATER, LAST = "2190-01-01T00:00:00.000Z", "2191-01-01T00:00:00.000Z"


class Guest:
    """Somebody with phones, and what is asked and shown of theirs."""

    def __init__(self, hotel: Hotel) -> None:
        self.hotel = hotel
        made = hotel.call(
            "/user_identities/create", full_name="Nora", user_identity_key=str(uuid4())
        )
        self.identity: str = made["user_identity_id"]

    def phone(self) -> str:
        """One more phone."""
        path = "/phones/simulate/create_sandbox_phone"
        made: dict[str, str] = self.hotel.call(path, user_identity_id=self.identity)
        return made["device_id"]

    def key(self, **more: Any) -> str:
        """One more key for all phones, of the system that goes by keys."""
        made: dict[str, str] = self.hotel.call(
            "/acs/credentials/create",
            acs_system_id=self.hotel.rooms,
            user_identity_id=self.identity,
            **PHONE,
            **more,
        )
        return made["acs_credential_id"]

    def shown(self, key: str) -> dict[str, Any]:
        """A credential as the API shows it."""
        found: dict[str, Any] = self.hotel.call("/acs/credentials/get", acs_credential_id=key)
        return found

    def children(self, parent: str) -> list[dict[str, Any]]:
        """What there is of a key on phones."""
        listed = self.hotel.call("/acs/credentials/list", acs_system_id=self.hotel.rooms)
        return [each for each in listed if each.get("parent_acs_credential_id") == parent]

    def issued(self, parent: str, count: int) -> dict[str, str]:
        """Once so many children are issued and no others there: their ids by their phones."""
        self.hotel.until(
            lambda: (
                len(there := self.children(parent)) == count
                and all(each["is_issued"] for each in there)
            )
        )
        found = {}
        for each in self.children(parent):
            [phone] = self.hotel.call("/phones/list", acs_credential_id=each["acs_credential_id"])
            found[phone["device_id"]] = each["acs_credential_id"]
        return found

    def listed(self, child: str) -> Any:
        """A child on the system's own list."""
        return self.hotel.listing(self.hotel.rooms).get(Key("credential", UUID(child)))

    def until_listed(self, child: str, *, is_there: bool) -> None:
        """Waits until a child is on the system's own list, or is not."""
        self.hotel.until(lambda: (self.listed(child) is not None) == is_there)

    def told(self, key: str) -> list[str]:
        """What has been told of a credential."""
        events = self.hotel.call("/events/list", since=EVER, acs_credential_id=key)
        return [each["event_type"].removeprefix("acs_credential.") for each in events]


@pytest.fixture
def guest(hotel: Hotel) -> Guest:
    return Guest(hotel)


@pytest.fixture
def seam(hotel: Hotel) -> Iterator[Seam]:
    """The official client."""
    with Seam(api_key=API_KEY, endpoint=hotel.server.endpoint) as seam:
        yield seam


def test_with_the_official_client(hotel: Hotel, seam: Seam) -> None:
    nora = seam.user_identities.create(full_name="Nora").user_identity_id
    user = seam.acs.users.create(
        acs_system_id=hotel.rooms, user_identity_id=nora, full_name="Nora"
    ).acs_user_id
    first = seam.phones.simulate.create_sandbox_phone(user_identity_id=nora).device_id
    [room] = seam.acs.entrances.list(acs_system_id=hotel.rooms)
    assert room.can_unlock_with_mobile_key
    parent = seam.acs.credentials.create(
        acs_user_id=user,
        allowed_acs_entrance_ids=[room.acs_entrance_id],
        ends_at=LATER,
        **PHONE,  # type: ignore[arg-type]
    )
    key = parent.acs_credential_id
    assert parent.is_multi_phone_sync_credential
    assert (parent.access_method, parent.display_name, parent.is_issued) == (
        "mobile_key",
        "Mobile key",
        False,
    )
    assert [each["warning_code"] for each in parent.warnings] == ["waiting_to_be_issued"]
    second = seam.phones.simulate.create_sandbox_phone(user_identity_id=nora).device_id

    def others() -> list[Any]:
        return seam.acs.credentials.list(acs_user_id=user, is_multi_phone_sync_credential=False)

    hotel.until(lambda: [each.is_issued for each in others()] == [True, True])
    for child in others():
        assert child.parent_acs_credential_id == key
        assert (child.acs_user_id, child.ends_at) == (user, LATER)
        assert not child.is_multi_phone_sync_credential
        opened = seam.acs.credentials.list_accessible_entrances(
            acs_credential_id=child.acs_credential_id
        )
        assert [each.acs_entrance_id for each in opened] == [room.acs_entrance_id]
    [whole] = seam.acs.credentials.list(acs_user_id=user, is_multi_phone_sync_credential=True)
    assert (whole.acs_credential_id, whole.is_issued) == (key, True)
    on = [each.device_id for each in seam.phones.list(acs_credential_id=key)]
    assert on == [first, second]
    seam.phones.deactivate(device_id=first)
    [left] = others()
    [phone] = seam.phones.list(acs_credential_id=left.acs_credential_id)
    assert phone.device_id == second
    seam.acs.credentials.delete(acs_credential_id=key)
    assert others() == []


def test_the_system_has_a_key_for_each_phone_and_none_for_all(guest: Guest) -> None:
    phones = [guest.phone(), guest.phone()]
    parent = guest.key(ends_at=LATER)
    children = guest.issued(parent, 2)
    assert children.keys() == set(phones)
    for phone, child in children.items():
        its = guest.listed(child)
        assert (its["access_method"], its["device_id"]) == ("mobile_key", phone)
        assert guest.told(child) == ["issued"]
    assert guest.listed(parent) is None
    assert guest.told(parent) == ["issued"]


def test_a_child_is_issued_when_the_system_has_it(hotel: Hotel, guest: Guest) -> None:
    hotel.misbehave(hotel.rooms, is_lying=True)
    guest.phone()
    parent = guest.key()
    [child] = guest.children(parent)
    key, user = child["acs_credential_id"], child["acs_user_id"]
    hotel.until(lambda: hotel.shown(user)["pending_mutations"])
    assert [each["warning_code"] for each in child["warnings"]] == ["waiting_to_be_issued"]
    assert (guest.told(key), guest.shown(parent)["is_issued"]) == ([], False)
    hotel.misbehave(hotel.rooms, is_lying=False)
    guest.issued(parent, 1)
    assert guest.listed(key)
    assert guest.told(key) == ["issued"]


def test_phones_come_and_go(hotel: Hotel, guest: Guest) -> None:
    parent = guest.key()
    assert guest.children(parent) == []
    first = guest.phone()
    old = guest.issued(parent, 1)[first]
    second = guest.phone()
    guest.issued(parent, 2)
    hotel.call("/phones/deactivate", device_id=first)
    assert guest.issued(parent, 1).keys() == {second}
    assert guest.told(old) == ["issued", "invalidated", "deleted"]
    hotel.until(lambda: guest.listed(old) is None)


def test_what_becomes_of_a_key_becomes_of_its_children(hotel: Hotel, guest: Guest) -> None:
    phone = guest.phone()
    parent = guest.key(ends_at=LATER)
    child = guest.issued(parent, 1)[phone]
    hotel.call("/acs/credentials/update", acs_credential_id=parent, ends_at=LAST)
    assert guest.shown(child)["ends_at"] == LAST
    hotel.until(lambda: guest.listed(child)["ends_at"] == LAST)
    for state, told in (("lost", "invalidated"), ("active", "reissued")):
        asked = {"acs_credential_id": parent, "state": state, "reason": "a bag"}
        hotel.call("/doorward/credentials/set_state", **asked)
        its = hotel.call("/doorward/credentials/get", acs_credential_id=child)
        assert (its["state"], its["state_reason"]) == (state, "a bag")
        assert guest.told(child)[-1] == told
        guest.until_listed(child, is_there=state == "active")
    user = guest.shown(parent)["acs_user_id"]
    hotel.call("/acs/credentials/unassign", acs_credential_id=parent, acs_user_id=user)
    assert guest.children(parent) == []
    assert guest.told(child)[-2:] == ["invalidated", "deleted"]
    other = Guest(hotel)
    theirs = other.phone()
    hotel.call("/acs/credentials/assign", acs_credential_id=parent, user_identity_id=other.identity)
    assert guest.issued(parent, 1).keys() == {theirs}


def test_a_key_takes_its_children_along(hotel: Hotel, guest: Guest) -> None:
    phone = guest.phone()
    parent, kept = guest.key(), guest.key()
    child = guest.issued(parent, 1)[phone]
    hotel.call("/acs/credentials/delete", acs_credential_id=parent)
    assert guest.children(parent) == []
    assert guest.told(parent)[-1:] == ["deleted"]
    assert guest.told(child) == ["issued", "invalidated", "deleted"]
    hotel.until(lambda: guest.listed(child) is None)
    guest.issued(kept, 1)
    hotel.call("/user_identities/delete", user_identity_id=guest.identity)
    assert guest.children(kept) == []


def test_whose_the_phones_are_follows_the_identity(hotel: Hotel, guest: Guest) -> None:
    phone, parent = guest.phone(), guest.key()
    old = guest.issued(parent, 1)[phone]
    user = guest.shown(parent)["acs_user_id"]
    whose = {"user_identity_id": guest.identity, "acs_user_id": user}
    hotel.call("/user_identities/remove_acs_user", **whose)
    assert guest.children(parent) == []
    hotel.call("/user_identities/add_acs_user", **whose)
    again = guest.issued(parent, 1)
    assert again.keys() == {phone}
    assert old not in again.values()
    other = Guest(hotel)
    theirs = other.phone()
    hotel.call(
        "/user_identities/merge",
        user_identity_id=guest.identity,
        merged_user_identity_ids=[other.identity],
    )
    assert guest.issued(parent, 2).keys() == {phone, theirs}


def test_somebody_who_is_recognised_has_the_key_on_the_phones(hotel: Hotel) -> None:
    email = f"{uuid4()}@example.com"
    user = hotel.user("Nora", acs_system_id=hotel.rooms, email_address=email)["acs_user_id"]
    guest = Guest(hotel)
    whose = {"user_identity_id": guest.identity, "acs_user_id": user}
    hotel.call("/user_identities/add_acs_user", **whose)
    parent = guest.key()
    hotel.call("/user_identities/remove_acs_user", **whose)
    hotel.call("/user_identities/update", user_identity_id=guest.identity, email_address=email)
    phone = guest.phone()
    assert guest.children(parent) == []
    # A call that names the identity in the system links it to who has its address.
    hotel.call(
        "/acs/credentials/create",
        acs_system_id=hotel.rooms,
        user_identity_id=guest.identity,
        access_method="card",
    )
    assert guest.issued(parent, 1).keys() == {phone}


def test_what_is_refused(hotel: Hotel, guest: Guest) -> None:
    guest.phone()
    parent = guest.key()
    [child] = [each["acs_credential_id"] for each in guest.children(parent)]
    user, nobody = guest.shown(parent)["acs_user_id"], hotel.user(acs_system_id=hotel.rooms)
    house = hotel.user(acs_system_id=hotel.house)["acs_user_id"]
    create = "/acs/credentials/create"
    wrong: list[tuple[str, dict[str, Any], str]] = [
        (create, {"acs_user_id": user, "access_method": "mobile_key"}, "every phone"),
        (create, {"acs_user_id": user, **PHONE, "access_method": "card"}, "must be false"),
        (create, {"acs_user_id": house, **PHONE}, "Doorward has no credentials"),
        (create, {"acs_user_id": nobody["acs_user_id"], **PHONE}, "user identities"),
        (
            create,
            {"acs_user_id": user, **PHONE, "credential_manager_acs_system_id": hotel.salto},
            "credential_manager_acs_system_id",
        ),
        (
            "/acs/credentials/assign",
            {"acs_credential_id": parent, "acs_user_id": nobody["acs_user_id"]},
            "user identities",
        ),
        ("/acs/credentials/update", {"acs_credential_id": child, "ends_at": LATER}, parent),
        ("/acs/credentials/delete", {"acs_credential_id": child}, parent),
        ("/acs/credentials/assign", {"acs_credential_id": child, "acs_user_id": user}, parent),
        ("/acs/credentials/unassign", {"acs_credential_id": child, "acs_user_id": user}, parent),
        (
            "/doorward/credentials/set_state",
            {"acs_credential_id": child, "state": "lost"},
            parent,
        ),
        (
            "/doorward/credentials/set_use_limit",
            {"acs_credential_id": child, "use_limit": 1},
            parent,
        ),
        (
            "/doorward/credentials/set_card_number",
            {"acs_credential_id": parent, "card_number": "42-1"},
            "access method 'card'",
        ),
    ]
    for path, asked, says in wrong:
        answer = hotel.answer(path, **asked)
        assert answer.status_code == 400, (path, asked, answer.text)
        assert says in answer.json()["error"]["message"], (path, asked, answer.text)
    assert [each["acs_credential_id"] for each in guest.children(parent)] == [child]
