"""/acs/systems: access systems."""

from typing import Any
from uuid import uuid4

from doorward.store.personal import Personal
from tests.api.conftest import Caller
from tests.api.town import System, Town


async def test_a_system(api: Caller, town: Town, north: System) -> None:
    await town.group(north, "Staff")
    for name in "ab":
        await town.user(north, Personal(name))
    shown = (await api("/acs/systems/get", acs_system_id=north.acs_system_id))["acs_system"]
    assert shown.pop("created_at").endswith("Z")
    assert shown.pop("image_url").startswith("data:image/svg+xml,")
    assert shown == {
        "acs_system_id": str(north.acs_system_id),
        "acs_access_group_count": 1,
        "acs_user_count": 2,
        "connected_account_id": str(north.connected_account_id),
        "connected_account_ids": [str(north.connected_account_id)],
        "default_credential_manager_acs_system_id": None,
        "errors": [],
        "external_type": "doorward_system",
        "external_type_display_name": "Doorward",
        "image_alt_text": "A door",
        "is_credential_manager": False,
        "location": {"time_zone": "Europe/Berlin"},
        "name": "North",
        "system_type": "doorward_system",
        "system_type_display_name": "Doorward",
        "warnings": [],
        "workspace_id": str(town.workspace_id),
    }


async def test_listing_systems(api: Caller, town: Town, north: System) -> None:
    south = await town.system("South", customer_key="customer")
    cases: list[tuple[dict[str, Any], list[str]]] = [
        ({}, ["North", "South"]),
        ({"connected_account_id": south.connected_account_id}, ["South"]),
        ({"connected_account_id": uuid4()}, []),
        ({"customer_key": "customer"}, ["South"]),
        ({"customer_key": "nobody"}, []),
        ({"search": "OUT"}, ["South"]),
        ({"search": str(north.acs_system_id)[:8]}, ["North"]),
        ({"search": "nowhere"}, []),
    ]
    for filters, expected in cases:
        assert await api.names("/acs/systems/list", **filters) == expected, filters


async def test_a_native_system_has_no_credential_managers(api: Caller, north: System) -> None:
    path = "/acs/systems/list_compatible_credential_manager_acs_systems"
    for verb in ("GET", "POST"):
        assert (await api(path, verb, acs_system_id=north.acs_system_id))["acs_systems"] == []
        missing = await api.error(path, verb, acs_system_id=uuid4())
        assert missing == (404, "acs_system_not_found")


async def test_a_native_system_consists_of_what_its_file_declares(
    api: Caller, north: System
) -> None:
    path, system = "/acs/systems/report_devices", {"acs_system_id": north.acs_system_id}
    assert await api(path, **system) == {}
    assert await api(path, **system, acs_encoders=[], acs_entrances=[]) == {}
    encoder = {"hotek_metadata": {"encoder_number": "1"}}
    room = {"hotek_metadata": {"room_number": "101"}, "is_removed": True}
    for reported in ({"acs_encoders": [encoder]}, {"acs_entrances": [room]}):
        assert await api.error(path, **system, **reported) == (400, "not_supported")
        missing = await api.error(path, acs_system_id=uuid4(), **reported)
        assert missing == (404, "acs_system_not_found")
    wrongs: tuple[dict[str, Any], ...] = (
        {"acs_encoders": [{}]},
        {"acs_entrances": [{"is_removed": True}]},
    )
    for wrong in wrongs:
        assert await api.error(path, **system, **wrong) == (400, "invalid_input")
    assert (await api("/acs/entrances/list"))["acs_entrances"] == []
