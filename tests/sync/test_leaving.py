"""What was deleted of a system with its own list is shown as leaving until it is gone there."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.sync.conftest import Hotel
from tests.sync.test_faults import codes, with_code

KINDS = {"user": "acs_user", "credential": "acs_credential", "group": "acs_access_group"}


def answer(hotel: Hotel, kind: str, object_id: str) -> Any:
    """The object as the API shows it, None where it is not found."""
    name = KINDS[kind]
    found = hotel.answer(f"/acs/{name.removeprefix('acs_')}s/get", **{f"{name}_id": object_id})
    if found.status_code == 404:
        return None
    assert found.status_code == 200, found.text
    return found.json()[name]


def listed(hotel: Hotel, kind: str, call: str = "list") -> set[str]:
    """The ids that a list of one kind shows."""
    name = KINDS[kind]
    return {each[f"{name}_id"] for each in hotel.call(f"/acs/{name.removeprefix('acs_')}s/{call}")}


def gone(hotel: Hotel, kind: str, object_id: str) -> Callable[[], bool]:
    """Whether neither the API nor the system has it any more."""
    return lambda: answer(hotel, kind, object_id) is None and hotel.has(kind, object_id) is None


def check_leaving(hotel: Hotel, kind: str, object_id: str) -> None:
    """It is shown as leaving, managed, in the managed list alone, and out of every call's reach."""
    shown = answer(hotel, kind, object_id)
    assert shown["is_managed"]
    assert codes(shown, "warnings")[0] == "being_deleted"
    if kind != "credential":
        assert [each["mutation_code"] for each in shown["pending_mutations"]] == ["deleting"]
    assert object_id in listed(hotel, kind)
    assert object_id not in listed(hotel, kind, "unmanaged/list")
    name = KINDS[kind]
    again = hotel.answer(f"/acs/{name.removeprefix('acs_')}s/delete", **{f"{name}_id": object_id})
    assert (again.status_code, again.json()["error"]["type"]) == (404, f"{name}_not_found")


def test_a_person_leaves_with_their_code(hotel: Hotel) -> None:
    user, code = with_code(hotel, "Ada")
    code_id = code["acs_credential_id"]
    hotel.call(
        "/acs/users/add_to_access_group", acs_user_id=user, acs_access_group_id=hotel.group("staff")
    )
    hotel.settled(user)
    hotel.until(lambda: hotel.has("credential", code_id))
    hotel.misbehave(is_unreachable=True)
    hotel.call("/acs/users/delete", acs_user_id=user)
    check_leaving(hotel, "user", user)
    check_leaving(hotel, "credential", code_id)
    assert answer(hotel, "credential", code_id)["code"] is None
    assert hotel.call("/acs/users/list_accessible_entrances", acs_user_id=user) == []
    for path, more in (
        ("/acs/users/suspend", {}),
        ("/acs/users/add_to_access_group", {"acs_access_group_id": hotel.group("staff")}),
    ):
        assert hotel.answer(path, acs_user_id=user, **more).status_code == 404
    hotel.server.kill()
    hotel.server.start()
    check_leaving(hotel, "user", user)
    hotel.misbehave(is_unreachable=False)
    hotel.until(gone(hotel, "user", user))
    hotel.until(gone(hotel, "credential", code_id))


def test_a_code_and_a_group_leave_alone(hotel: Hotel) -> None:
    user, code = with_code(hotel, "Bo")
    code_id, guests = code["acs_credential_id"], hotel.group("guests")
    hotel.until(lambda: hotel.has("credential", code_id))
    hotel.until(lambda: hotel.has("group", guests) is not None)
    hotel.misbehave(is_unreachable=True)
    hotel.call("/acs/credentials/delete", acs_credential_id=code_id)
    hotel.call("/acs/access_groups/delete", acs_access_group_id=guests)
    check_leaving(hotel, "credential", code_id)
    check_leaving(hotel, "group", guests)
    hotel.misbehave(is_unreachable=False)
    hotel.until(gone(hotel, "credential", code_id))
    hotel.until(gone(hotel, "group", guests))
    assert hotel.settled(user)["warnings"] == []


def test_who_leaves_is_in_nobodys_way(hotel: Hotel) -> None:
    """The identity can be somebody there again, at once."""
    identity = hotel.call(
        "/user_identities/create", full_name="Cy", email_address="cy@leaving.test"
    )
    where = {"user_identity_id": identity["user_identity_id"], "acs_system_id": hotel.salto}
    old = hotel.user("Cy", user_identity_id=where["user_identity_id"])["acs_user_id"]
    hotel.settled(old)
    hotel.misbehave(is_unreachable=True)
    hotel.call("/acs/users/delete", acs_user_id=old)
    new = hotel.user("Cy", user_identity_id=where["user_identity_id"])["acs_user_id"]
    assert hotel.call("/acs/users/get", **where)["acs_user_id"] == new
    check_leaving(hotel, "user", old)
    assert [e["mutation_code"] for e in hotel.shown(new)["pending_mutations"]] == ["creating"]
    hotel.misbehave(is_unreachable=False)
    hotel.until(gone(hotel, "user", old))
    assert hotel.settled(new)["acs_user_id"] == new


def test_a_system_that_does_not_let_go_is_told_of(hotel: Hotel) -> None:
    user = hotel.user("Dee")["acs_user_id"]
    hotel.settled(user)
    hotel.misbehave(refused_acs_user_ids=[user])
    hotel.call("/acs/users/delete", acs_user_id=user)
    hotel.until(lambda: codes(answer(hotel, "user", user)) == ["failed_to_delete_on_acs_system"])
    check_leaving(hotel, "user", user)
    hotel.misbehave(refused_acs_user_ids=[])
    hotel.until(gone(hotel, "user", user))


@pytest.mark.parametrize("is_asked", [False, True])
def test_who_never_came_is_gone_at_once(hotel: Hotel, is_asked: bool) -> None:
    hotel.misbehave(is_unreachable=True)
    user = hotel.user("Eve")["acs_user_id"]
    if is_asked:
        hotel.misbehave(is_unreachable=False, refused_acs_user_ids=[user])
        hotel.until(lambda: codes(hotel.shown(user)) == ["failed_to_create_on_acs_system"])
    hotel.call("/acs/users/delete", acs_user_id=user)
    hotel.until(gone(hotel, "user", user))
