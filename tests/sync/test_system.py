"""What is asked of a system with a list of its own: pending at once, confirmed when it is there."""

from typing import Any
from uuid import UUID

import pytest

from doorward.store.external import Key
from tests.sync.conftest import Hotel


def test_a_person_is_pending_until_the_system_has_them(hotel: Hotel) -> None:
    hotel.misbehave(is_unreachable=True)
    made = hotel.user(acs_access_group_ids=[hotel.group("staff")])
    assert made["external_type"] == "salto_site_user"
    codes = [
        each["mutation_code"] for each in hotel.shown(made["acs_user_id"])["pending_mutations"]
    ]
    assert sorted(codes) == ["creating", "updating_group_membership"]
    hotel.until(
        lambda: (
            [e["error_code"] for e in hotel.system()["errors"]] == ["provider_service_unavailable"]
        )
    )
    hotel.misbehave(is_unreachable=False)
    hotel.settled(made["acs_user_id"])
    assert hotel.has("user", made["acs_user_id"])["full_name"] == "Anna"
    assert hotel.has("membership", made["acs_user_id"], hotel.group("staff")) == {}
    assert hotel.system()["errors"] == []


def test_every_change_of_a_person_shows_both_sides(hotel: Hotel) -> None:
    user = hotel.user("Berta")["acs_user_id"]
    hotel.call(
        "/acs/users/add_to_access_group", acs_user_id=user, acs_access_group_id=hotel.group("staff")
    )
    hotel.settled(user)
    hotel.misbehave(is_unreachable=True)
    hotel.call("/acs/users/update", acs_user_id=user, full_name="Beate")
    hotel.call("/acs/users/suspend", acs_user_id=user)
    hotel.call(
        "/acs/users/remove_from_access_group",
        acs_user_id=user,
        acs_access_group_id=hotel.group("staff"),
    )
    hotel.call(
        "/acs/users/update",
        acs_user_id=user,
        access_schedule={"starts_at": "2026-01-01T00:00:00Z", "ends_at": "2199-01-01T00:00:00Z"},
    )
    pending = {each["mutation_code"]: each for each in hotel.shown(user)["pending_mutations"]}
    assert pending.keys() == {
        "updating_user_information",
        "updating_suspension_state",
        "updating_group_membership",
        "updating_access_schedule",
    }
    information = pending["updating_user_information"]
    assert (information["from"]["full_name"], information["to"]["full_name"]) == ("Berta", "Beate")
    assert pending["updating_group_membership"]["to"] == {"acs_access_group_id": None}
    hotel.misbehave(is_unreachable=False)
    hotel.settled(user)
    theirs = hotel.has("user", user)
    assert (theirs["full_name"], theirs["is_suspended"]) == ("Beate", True)
    assert hotel.has("membership", user, hotel.group("staff")) is None


def test_a_person_who_is_deleted_goes_with_their_code(hotel: Hotel) -> None:
    user = hotel.user("Carla")["acs_user_id"]
    code = hotel.call("/acs/credentials/create", acs_user_id=user, access_method="code")
    assert (code["external_type"], len(code["code"])) == ("salto_ks_credential", 6)
    hotel.settled(user)
    assert hotel.has("credential", code["acs_credential_id"])["number"] == code["code"]
    hotel.call("/acs/users/delete", acs_user_id=user)
    hotel.until(lambda: hotel.has("user", user) is None)
    assert hotel.has("credential", code["acs_credential_id"]) is None


def test_what_a_kind_cannot_do_is_refused(hotel: Hotel) -> None:
    guest = hotel.user("Guest", acs_system_id=hotel.rooms)
    assert "external_type" not in guest
    for path, more in (
        ("/acs/users/suspend", {}),
        ("/acs/credentials/create", {"access_method": "code"}),
    ):
        assert hotel.answer(path, acs_user_id=guest["acs_user_id"], **more).status_code == 400
    user = hotel.user("Dora")["acs_user_id"]
    short = hotel.answer(
        "/acs/credentials/create", acs_user_id=user, access_method="code", code="1234"
    )
    assert short.json()["error"]["message"] == "A code of Salto KS site has 6 digits"


def test_a_native_person_is_pending_for_no_list(hotel: Hotel) -> None:
    user = hotel.user("Emil", acs_system_id=hotel.house)
    assert (user["external_type"], user["pending_mutations"]) == ("doorward_user", [])


@pytest.mark.parametrize("entrance", ["office", "room-1"])
def test_others_decide_at_their_entrances(hotel: Hotel, entrance: str) -> None:
    entrance_id = str(hotel.site.entrances[entrance].acs_entrance_id)
    shown = hotel.call("/acs/entrances/get", acs_entrance_id=entrance_id)
    assert shown["can_unlock_with_code"] == (entrance == "office")
    assert not shown["can_unlock_with_cloud_key"]
    system, where = shown["acs_system_id"], {"acs_entrance_id": entrance_id}
    user = {"acs_user_id": hotel.user("Fritz", acs_system_id=system)["acs_user_id"]}
    method = "code" if entrance == "office" else "card"
    own = hotel.call("/acs/credentials/create", **user, access_method=method)
    native = hotel.user("Fritz", acs_system_id=hotel.house)["acs_user_id"]
    key = hotel.call("/acs/credentials/create", acs_user_id=native, access_method="cloud_key")
    elsewhere = "another access system decides at this entrance, at doors of its own"
    for path, more, message in (
        ("/doorward/doors/present", {"code": "123456"}, elsewhere),
        ("/doorward/doors/present", {"card_number": "42-1"}, elsewhere),
        ("/doorward/decisions/explain", user, elsewhere),
        ("/doorward/simulate/hold_controller", {}, elsewhere),
        ("/acs/entrances/unlock", _key(own), "unlocks nothing from afar"),
        ("/acs/entrances/unlock", _key(key), "unlocks nothing from afar"),
        ("/acs/entrances/grant_access", user, "lets people in by"),
    ):
        answer = hotel.answer(path, **where, **more)
        assert answer.status_code == 400, (path, answer.text)
        assert message in answer.json()["error"]["message"]
    assert hotel.call("/acs/users/list_accessible_entrances", **user) == []


def _key(credential: dict[str, Any]) -> dict[str, Any]:
    return {"acs_credential_id": credential["acs_credential_id"]}


def test_a_card_that_waits_is_not_enrolled_where_others_decide(hotel: Hotel) -> None:
    guest = hotel.user("Karl", acs_system_id=hotel.rooms)["acs_user_id"]
    card = hotel.call("/acs/credentials/create", acs_user_id=guest, access_method="card")
    room = str(hotel.site.entrances["room-1"].acs_entrance_id)
    answer = hotel.answer("/doorward/credentials/enroll", **_key(card), acs_entrance_id=room)
    assert answer.status_code == 400, answer.text


def test_a_cards_own_entrances_are_the_guests(hotel: Hotel) -> None:
    guest = hotel.user("Ludwig", acs_system_id=hotel.rooms)["acs_user_id"]
    room, office = (str(hotel.site.entrances[key].acs_entrance_id) for key in ("room-1", "office"))
    asked = {"acs_user_id": guest, "access_method": "card"}
    wrong = hotel.answer("/acs/credentials/create", **asked, allowed_acs_entrance_ids=[office])
    assert wrong.status_code == 400
    cards = [
        hotel.call("/acs/credentials/create", **asked, allowed_acs_entrance_ids=allowed)
        for allowed in ([room], [])
    ]
    assert _rooms(hotel, guest, cards) == ([], [[], []], [])  # neither is encoded yet
    for number, card in enumerate(cards):
        hotel.call(
            "/doorward/credentials/set_card_number", **_key(card), card_number=f"42-7{number}"
        )
    first = cards[0]["acs_credential_id"]
    assert _rooms(hotel, guest, cards) == ([room], [[room], []], [first])
    theirs = hotel.until(lambda: hotel.listing(hotel.rooms).get(Key("credential", UUID(first))))
    assert theirs["entrances"] == room
    hotel.call("/acs/credentials/delete", **_key(cards[0]))
    assert _rooms(hotel, guest, cards[1:]) == ([], [[]], [])


def _rooms(
    hotel: Hotel, guest: str, cards: list[dict[str, Any]]
) -> tuple[list[str], list[list[str]], list[str]]:
    """What the guest opens, what each card opens, and which cards open the first room."""

    def ids(path: str, key: str, **asked: Any) -> list[str]:
        return [each[key] for each in hotel.call(path, **asked)]

    room = str(hotel.site.entrances["room-1"].acs_entrance_id)
    path = "list_accessible_entrances"
    return (
        ids(f"/acs/users/{path}", "acs_entrance_id", acs_user_id=guest),
        [ids(f"/acs/credentials/{path}", "acs_entrance_id", **_key(card)) for card in cards],
        [
            each
            for each in ids(
                "/acs/entrances/list_credentials_with_access",
                "acs_credential_id",
                acs_entrance_id=room,
            )
            if each in {card["acs_credential_id"] for card in cards}
        ],
    )
