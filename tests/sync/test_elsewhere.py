"""What opens an entrance of a system that decides itself is told here all the same."""

from tests.sync.conftest import Hotel


def entrance(hotel: Hotel, key: str) -> str:
    """An entrance of the site file."""
    return str(hotel.site.entrances[key].acs_entrance_id)


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
