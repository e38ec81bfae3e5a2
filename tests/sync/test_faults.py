"""Systems that misbehave: what is desired comes to be, the trouble is shown, and it goes again."""

from typing import Any

import pytest

from doorward.sync.system import crowded
from tests.sync.conftest import Hotel


def codes(found: dict[str, Any], what: str = "errors") -> list[str]:
    """The codes of the errors or warnings of an answer."""
    return [each[f"{what[:-1]}_code"] for each in found[what]]


def with_code(hotel: Hotel, name: str) -> tuple[str, dict[str, Any]]:
    """A person whom the system has, and their code, of which nothing is known yet."""
    user = hotel.user(name)["acs_user_id"]
    hotel.settled(user)
    code = hotel.call("/acs/credentials/create", acs_user_id=user, access_method="code")
    return user, code


def credential(hotel: Hotel, acs_credential_id: str) -> dict[str, Any]:
    """A credential as the API shows it."""
    found: dict[str, Any] = hotel.call("/acs/credentials/get", acs_credential_id=acs_credential_id)
    return found


def events(hotel: Hotel, *event_types: str, **filters: str) -> list[dict[str, Any]]:
    """What /events/list tells of some types, the oldest first."""
    found: list[dict[str, Any]] = hotel.call(
        "/events/list", since="2020-01-01T00:00:00Z", event_types=event_types, **filters
    )
    return found


@pytest.mark.parametrize(
    ("system", "code"),
    [("salto", "provider_service_unavailable"), ("rooms", "visionline_instance_unreachable")],
)
def test_a_system_out_of_reach_is_told_of_once_each_way(
    hotel: Hotel, system: str, code: str
) -> None:
    where = {"acs_system_id": getattr(hotel, system)}

    def told() -> list[str]:
        ours = events(hotel, "acs_system.connected", "acs_system.disconnected", **where)
        return [each["event_type"] for each in ours]

    before = told()
    assert before[-1] == "acs_system.connected"
    hotel.misbehave(where["acs_system_id"], is_unreachable=True)
    hotel.until(lambda: codes(hotel.system(where["acs_system_id"])) == [code])
    for name in ("Ida", "Ilse"):
        # Each change is a further try.
        hotel.user(name, **where)
    [last] = events(hotel, "acs_system.disconnected", **where)[-1:]
    assert [each["error_code"] for each in last["acs_system_errors"]] == [code]
    assert told() == [*before, "acs_system.disconnected"]
    hotel.misbehave(where["acs_system_id"], is_unreachable=False)
    hotel.until(lambda: codes(hotel.system(where["acs_system_id"])) == [])
    assert told() == [*before, "acs_system.disconnected", "acs_system.connected"]


def test_a_site_with_few_places_left_warns(hotel: Hotel) -> None:
    hotel.settled(hotel.user("Klara")["acs_user_id"])
    people = sum(key.kind == "user" for key in hotel.listing())

    def warned() -> list[str]:
        return codes(hotel.system(), "warnings")

    warning = ["salto_ks_subscription_limit_almost_reached"]
    hotel.misbehave(seats=people)
    hotel.until(lambda: warned() == warning)
    since = hotel.system()["warnings"]
    # The next person is the one that is too many: the warning stays, and the error comes.
    user = hotel.user("Kurt")["acs_user_id"]
    hotel.until(lambda: codes(hotel.system()) == ["salto_ks_subscription_limit_exceeded"])
    assert hotel.system()["warnings"] == since
    hotel.misbehave(seats=(people + 1) * 2)
    hotel.settled(user)
    hotel.until(lambda: warned() == [])
    assert hotel.system()["errors"] == []


@pytest.mark.parametrize(("people", "is_crowded"), [(8, False), (9, True), (10, True)])
def test_four_fifths_of_the_places_are_not_crowded(people: int, is_crowded: bool) -> None:
    assert crowded(people, seats=10) is is_crowded
    assert not crowded(people, seats=None)


def test_a_user_who_is_refused_is_told_of_until_they_are_taken(hotel: Hotel) -> None:
    hotel.misbehave(is_unreachable=True)
    user = hotel.user("Anna")["acs_user_id"]
    hotel.misbehave(is_unreachable=False, refused_acs_user_ids=[user])
    hotel.until(lambda: codes(hotel.shown(user)) == ["failed_to_create_on_acs_system"])
    assert [e["mutation_code"] for e in hotel.shown(user)["pending_mutations"]] == ["creating"]
    hotel.misbehave(refused_acs_user_ids=[])
    assert hotel.settled(user)["errors"] == []


def test_a_site_without_seats_says_so_at_the_system_and_at_the_user(hotel: Hotel) -> None:
    hotel.misbehave(seats=0)
    user = hotel.user("Berta")["acs_user_id"]
    limit = ["salto_ks_subscription_limit_exceeded"]
    hotel.until(lambda: codes(hotel.shown(user)) == limit and codes(hotel.system()) == limit)
    hotel.misbehave(seats=None)
    hotel.settled(user)
    hotel.until(lambda: codes(hotel.system()) == [])


def test_a_user_deleted_by_hand_is_told_of_and_put_back(hotel: Hotel) -> None:
    user, code = with_code(hotel, "Carla")
    hotel.call(
        "/acs/users/add_to_access_group", acs_user_id=user, acs_access_group_id=hotel.group("staff")
    )
    hotel.settled(user)
    hotel.misbehave(latency_ms=300)
    hotel.call("/doorward/simulate/delete_acs_user", acs_system_id=hotel.salto, acs_user_id=user)
    hotel.until(lambda: "deleted_externally" in codes(hotel.shown(user)))
    hotel.misbehave(latency_ms=0)
    hotel.until(lambda: hotel.has("credential", code["acs_credential_id"]))
    hotel.until(lambda: hotel.has("membership", user, hotel.group("staff")) is not None)
    hotel.settled(user)


def test_a_code_changed_by_hand_is_set_right(hotel: Hotel) -> None:
    user, code = with_code(hotel, "Dora")
    hotel.settled(user)
    where = {"acs_system_id": hotel.salto, "acs_credential_id": code["acs_credential_id"]}
    hotel.call("/doorward/simulate/change_code", **where, code="000000")
    hotel.until(
        lambda: hotel.has("credential", code["acs_credential_id"])["number"] == code["code"]
    )


def test_a_system_that_has_forgotten_everything_is_told_again(hotel: Hotel) -> None:
    user, _ = with_code(hotel, "Erna")
    hotel.settled(user)
    before = hotel.listing()
    hotel.call("/doorward/simulate/forget", acs_system_id=hotel.salto)
    hotel.until(lambda: hotel.listing() == before)


def test_a_slow_system_is_waited_for(hotel: Hotel) -> None:
    hotel.misbehave(latency_ms=400)
    user = hotel.user("Frida")["acs_user_id"]
    assert hotel.shown(user)["pending_mutations"] != []
    hotel.settled(user)


def test_a_lie_is_not_believed_nor_repeated_for_ever(hotel: Hotel) -> None:
    """What shows is the circuit breaker; it closes with the cause."""
    hotel.misbehave(is_lying=True)
    user = hotel.user("Gerda")["acs_user_id"]
    hotel.until(lambda: "unknown_issue_with_acs_user" in codes(hotel.shown(user), "warnings"))
    assert hotel.shown(user)["pending_mutations"] != []
    hotel.misbehave(is_lying=False)
    assert codes(hotel.settled(user), "warnings") == []


def test_a_success_shown_as_an_error_is_a_success(hotel: Hotel) -> None:
    hotel.misbehave(is_erring=True)
    user = hotel.user("Hanna")["acs_user_id"]
    assert hotel.settled(user)["errors"] == []
    assert hotel.has("user", user)


def test_a_pin_reported_set_that_is_not_stays_in_doubt(hotel: Hotel) -> None:
    hotel.misbehave(drops_codes=True)
    user, code = with_code(hotel, "Ida")
    shown = hotel.until(
        lambda: (
            found
            if codes(found := credential(hotel, code["acs_credential_id"]), "warnings")[:1]
            == ["unknown_issue_with_acs_credential"]
            else None
        )
    )
    assert shown["code"] == code["code"]
    assert codes(hotel.shown(user)) == []
    hotel.misbehave(drops_codes=False)
    hotel.settled(user)
    assert hotel.has("credential", code["acs_credential_id"])["number"] == code["code"]


def test_a_pin_of_a_wrong_length_is_no_success(hotel: Hotel) -> None:
    hotel.misbehave(code_digits=4)
    user, code = with_code(hotel, "Jana")
    hotel.until(
        lambda: (
            "unknown_issue_with_acs_credential"
            in codes(credential(hotel, code["acs_credential_id"]), "warnings")
        )
    )
    assert hotel.shown(user)["pending_mutations"] != []
    hotel.misbehave(code_digits=None)
    hotel.settled(user)


def test_a_masked_pin_is_there_and_is_written_once(hotel: Hotel) -> None:
    hotel.misbehave(is_masking=True)
    user, code = with_code(hotel, "Klara")
    hotel.settled(user)
    hotel.call(
        "/acs/credentials/update", acs_credential_id=code["acs_credential_id"], code="730519"
    )
    hotel.until(lambda: hotel.has("credential", code["acs_credential_id"])["number"] == "730519")
    assert codes(credential(hotel, code["acs_credential_id"])) == []


def test_a_code_made_outside_is_not_ours(hotel: Hotel) -> None:
    user, code = with_code(hotel, "Lena")
    hotel.settled(user)
    made = {"acs_system_id": hotel.salto, "full_name": "Stranger", "code": code["code"]}
    hotel.call("/doorward/simulate/create_acs_user", **made)
    where = {"acs_system_id": hotel.salto}
    listed = hotel.until(lambda: hotel.call("/acs/users/unmanaged/list", **where))
    assert [each["full_name"] for each in listed] == ["Stranger"]
    (theirs,) = hotel.call("/acs/credentials/unmanaged/list", **where)
    assert (theirs["is_managed"], theirs["acs_user_id"]) == (False, listed[0]["acs_user_id"])
    stranger = {"acs_user_id": listed[0]["acs_user_id"]}
    card = {"acs_credential_id": theirs["acs_credential_id"]}
    assert len(events(hotel, "acs_user.created", **stranger)) == 1
    assert len(events(hotel, "acs_credential.issued", **card)) == 1
    hotel.call("/acs/users/delete", acs_user_id=user)
    hotel.until(lambda: hotel.has("user", user) is None)
    assert hotel.has("credential", theirs["acs_credential_id"]), "others' code is left alone"
    hotel.call("/doorward/simulate/delete_acs_user", **where, acs_user_id=listed[0]["acs_user_id"])
    hotel.until(lambda: hotel.call("/acs/users/unmanaged/list", **where) == [])
    assert len(events(hotel, "acs_user.deleted", **stranger)) == 1
    assert len(events(hotel, "acs_credential.deleted", **card)) == 1


def test_a_capability_claimed_and_absent_shows_as_an_error(hotel: Hotel) -> None:
    user = hotel.user("Maria")["acs_user_id"]
    hotel.settled(user)
    hotel.misbehave(lacks_suspension=True)
    hotel.call("/acs/users/suspend", acs_user_id=user)
    hotel.until(lambda: codes(hotel.shown(user)) == ["failed_to_update_on_acs_system"])
    hotel.call("/acs/users/unsuspend", acs_user_id=user)
    assert hotel.settled(user)["errors"] == []


def test_a_native_system_takes_no_faults(hotel: Hotel) -> None:
    answer = hotel.answer("/doorward/simulate/forget", acs_system_id=hotel.house)
    assert answer.status_code == 404


@pytest.mark.parametrize("path", ["delete_acs_user", "change_code"])
def test_hands_need_something_that_is_there(hotel: Hotel, path: str) -> None:
    nobody = "00000000-0000-4000-8000-000000000000"
    more = {
        "delete_acs_user": {"acs_user_id": nobody},
        "change_code": {"acs_credential_id": nobody, "code": "123456"},
    }
    where = {"acs_system_id": hotel.salto}
    assert hotel.answer(f"/doorward/simulate/{path}", **where, **more[path]).status_code == 404
