"""/acs/entrances: where people ask to pass."""

from typing import Any
from uuid import uuid4

from tests.api.conftest import Caller
from tests.api.town import System, Town


async def test_an_entrance(api: Caller, town: Town, north: System) -> None:
    door = await town.entrance(north, "Door")
    shown = (await api("/acs/entrances/get", "GET", acs_entrance_id=door))["acs_entrance"]
    assert shown.pop("created_at").endswith("Z")
    assert shown == {
        "acs_entrance_id": str(door),
        "acs_system_id": str(north.acs_system_id),
        "can_belong_to_reservation": False,
        "can_unlock_with_card": True,
        "can_unlock_with_cloud_key": True,
        "can_unlock_with_code": True,
        "can_unlock_with_mobile_key": False,
        "connected_account_id": str(north.connected_account_id),
        "display_name": "Door",
        "errors": [],
        "space_ids": [],
        "warnings": [],
    }


async def test_listing_entrances(api: Caller, town: Town, north: System) -> None:
    south = await town.system("South", customer_key="customer")
    front = await town.entrance(north, "Front door")
    back = await town.entrance(north, "Back door")
    gate = await town.entrance(south, "Gate")
    cases: list[tuple[dict[str, Any], list[str]]] = [
        ({}, ["Front door", "Back door", "Gate"]),
        ({"acs_entrance_ids": [str(gate), str(front), str(uuid4())]}, ["Front door", "Gate"]),
        ({"acs_entrance_ids": [str(back)], "acs_system_id": south.acs_system_id}, []),
        ({"acs_system_id": north.acs_system_id}, ["Front door", "Back door"]),
        ({"connected_account_id": south.connected_account_id}, ["Gate"]),
        ({"customer_key": "customer"}, ["Gate"]),
        ({"search": "door"}, ["Front door", "Back door"]),
        ({"search": str(gate)[:8]}, ["Gate"]),
        ({"space_id": uuid4()}, []),
        ({"location_id": uuid4()}, []),
        ({"acs_credential_id": uuid4()}, []),
        ({"limit": 2}, ["Front door", "Back door"]),
    ]
    for filters, expected in cases:
        assert await api.names("/acs/entrances/list", **filters) == expected, filters
    assert len((await api("/acs/entrances/list", location_id=None))["acs_entrances"]) == 3
    assert (await api("/acs/entrances/list", acs_entrance_ids=[]))["acs_entrances"] == []
