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
