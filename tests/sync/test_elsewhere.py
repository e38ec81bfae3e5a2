"""At the entrances of systems that decide themselves nothing can be shown or asked here."""

from tests.sync.conftest import Hotel


def entrance(hotel: Hotel, key: str) -> str:
    """An entrance of the site file."""
    return str(hotel.site.entrances[key].acs_entrance_id)


def refused(hotel: Hotel, path: str, **asked: str) -> str:
    """The message of a 400."""
    answer = hotel.answer(path, **asked)
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_input")
    message: str = answer.json()["error"]["message"]
    return message


def test_what_decides_elsewhere_is_not_asked_here(hotel: Hotel) -> None:
    office, room = entrance(hotel, "office"), entrance(hotel, "room-1")
    user = hotel.user("Ada")["acs_user_id"]
    guest = hotel.user("Gus", acs_system_id=hotel.rooms)["acs_user_id"]
    where = {"acs_user_id": guest, "allowed_acs_entrance_ids": [room]}
    card = hotel.call("/acs/credentials/create", access_method="card", **where)
    told = [
        refused(hotel, "/doorward/doors/present", acs_entrance_id=office, card_number="42-1"),
        refused(hotel, "/doorward/decisions/explain", acs_entrance_id=office, acs_user_id=user),
        refused(
            hotel,
            "/doorward/credentials/enroll",
            acs_entrance_id=room,
            acs_credential_id=card["acs_credential_id"],
        ),
    ]
    assert len({*told}) == 1
    assert told[0].startswith("Another access system decides at this entrance")
    # Its key is none for us to turn either: no such system here has cloud keys.
    method = {"access_method": "cloud_key", "acs_user_id": user}
    assert "no credentials of the access method" in refused(
        hotel, "/acs/credentials/create", **method
    )
    asked = {"acs_entrance_id": room, "acs_credential_id": card["acs_credential_id"]}
    assert "cloud_key" in refused(hotel, "/acs/entrances/unlock", **asked)
    for shown in hotel.call("/acs/entrances/list"):
        is_ours = shown["acs_system_id"] == hotel.house
        assert shown["can_unlock_with_cloud_key"] is is_ours


def test_what_opens_there_is_told_all_the_same(hotel: Hotel) -> None:
    office, room = entrance(hotel, "office"), entrance(hotel, "room-1")
    user = hotel.user("Bo", acs_access_group_ids=[hotel.group("staff")])["acs_user_id"]
    guest = hotel.user("Guy", acs_system_id=hotel.rooms)["acs_user_id"]
    where = {"acs_user_id": guest, "allowed_acs_entrance_ids": [room]}
    card = hotel.call("/acs/credentials/create", access_method="card", **where)
    number = {"acs_credential_id": card["acs_credential_id"], "card_number": "42-30001"}
    hotel.call("/doorward/credentials/set_card_number", **number)
    for path, name, who, expected in (
        ("/acs/users/list_accessible_entrances", "acs_user_id", user, office),
        ("/acs/users/list_accessible_entrances", "acs_user_id", guest, room),
        (
            "/acs/credentials/list_accessible_entrances",
            "acs_credential_id",
            card["acs_credential_id"],
            room,
        ),
    ):
        found = hotel.call(path, **{name: who})
        assert [each["acs_entrance_id"] for each in found] == [expected]
    at = hotel.call("/acs/entrances/list_credentials_with_access", acs_entrance_id=room)
    assert [each["acs_credential_id"] for each in at] == [card["acs_credential_id"]]
