"""/acs/access_groups: groups of people."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

from doorward.store.personal import Personal
from tests.api.conftest import Caller
from tests.api.town import System, Town, iso


async def test_a_group(api: Caller, town: Town, north: System) -> None:
    starts_at = town.now + timedelta(minutes=1)
    group = await town.group(north, "Staff", span=(starts_at, None))
    shown = (await api("/acs/access_groups/get", acs_access_group_id=group))["acs_access_group"]
    assert shown.pop("created_at").endswith("Z")
    assert shown == {
        "acs_access_group_id": str(group),
        "acs_system_id": str(north.acs_system_id),
        "access_group_type": "doorward_access_group",
        "access_group_type_display_name": "Doorward access group",
        "access_schedule": {"starts_at": iso(starts_at), "ends_at": None},
        "connected_account_id": str(north.connected_account_id),
        "display_name": "Staff",
        "errors": [],
        "external_type": "doorward_access_group",
        "external_type_display_name": "Doorward access group",
        "is_managed": True,
        "name": "Staff",
        "pending_mutations": [],
        "warnings": [],
        "workspace_id": str(town.workspace_id),
    }


async def test_listing_groups(api: Caller, town: Town, north: System) -> None:
    south = await town.system("South")
    identity = await town.identity(Personal("Ada"))
    here = await town.user(north, Personal("Ada"), identity=identity)
    there = await town.user(south, Personal("Ada"), identity=identity)
    staff, guests = await town.group(north, "Staff"), await town.group(north, "Guests")
    others = await town.group(south, "Others")
    for group, user in ((staff, here), (guests, here), (others, there)):
        await town.join(group, user)
    await town.join(guests, here, is_add=False)
    cases: list[tuple[dict[str, Any], list[str]]] = [
        ({}, ["Staff", "Guests", "Others"]),
        ({"acs_system_id": north.acs_system_id}, ["Staff", "Guests"]),
        ({"acs_user_id": here}, ["Staff"]),
        ({"acs_user_id": uuid4()}, []),
        ({"user_identity_id": identity}, ["Staff", "Others"]),
        ({"user_identity_id": identity, "acs_system_id": south.acs_system_id}, ["Others"]),
        ({"search": "uest"}, ["Guests"]),
        ({"search": str(others)[:8]}, ["Others"]),
    ]
    for filters, expected in cases:
        assert await api.names("/acs/access_groups/list", **filters) == expected, filters
