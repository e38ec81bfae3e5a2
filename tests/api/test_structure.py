"""What a site consists of: workspace, accounts, systems, entrances and groups."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from doorward.store.personal import Personal
from tests.api.conftest import Caller, Server
from tests.api.town import System, Town


def iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


async def names(api: Caller, path: str, **filters: Any) -> list[str]:
    """What a list shows, with GET and with POST alike."""
    key = path.split("/")[-2]
    key = key if key == "connected_accounts" else f"acs_{key}"
    by_get, by_post = [(await api(path, verb, **filters))[key] for verb in ("GET", "POST")]
    assert by_get == by_post
    return [each.get("display_name") or each["name"] for each in by_get]


async def test_workspace(api: Caller, town: Town) -> None:
    for verb in ("GET", "POST"):
        assert await api("/workspaces/get", verb) == {
            "workspace": {
                "workspace_id": str(town.workspace_id),
                "name": "Town",
                "company_name": "Town Ltd",
                "connect_partner_name": None,
                "connect_webview_customization": {},
                "is_publishable_key_auth_enabled": False,
                "is_sandbox": True,
                "is_suspended": False,
                "organization_id": None,
                "publishable_key": "seam_pk_town",
            },
            "ok": True,
        }


async def test_an_account(api: Caller, town: Town, north: System) -> None:
    expected = {
        "connected_account_id": str(north.connected_account_id),
        "account_type": "doorward_system",
        "account_type_display_name": "Doorward",
        "accepted_capabilities": ["access_control"],
        "automatically_manage_new_devices": True,
        "custom_metadata": {"site": "North", "is_main": True},
        "display_name": "North account",
        "errors": [],
        "user_identifier": {"email": "north@example.com"},
        "warnings": [],
    }
    await town.system("South")
    for key in (
        {"connected_account_id": north.connected_account_id},
        {"email": "North@example.com"},
    ):
        shown = (await api("/connected_accounts/get", "GET", **key))["connected_account"]
        assert shown.pop("created_at").endswith("Z")
        assert shown == expected


async def test_accounts_that_are_not_there(api: Caller, town: Town, north: System) -> None:
    other = Town(town.database, town.keyring)
    there = await other.found()
    path, kind = "/connected_accounts/get", "connected_account_not_found"
    for wrong in (there.connected_account_id, uuid4()):
        assert await api.error(path, connected_account_id=wrong) == (404, kind)
    assert await api.error(path, email="nobody@example.com") == (404, kind)
    both = {"connected_account_id": north.connected_account_id, "email": "north@example.com"}
    for unclear in ({}, both, {"email": "north"}):
        assert await api.error(path, **unclear) == (400, "invalid_input")


async def test_listing_accounts(api: Caller, town: Town, north: System) -> None:
    await town.system("South", customer_key="customer")
    path = "/connected_accounts/list"
    cases: list[tuple[dict[str, Any], list[str]]] = [
        ({}, ["North account", "South account"]),
        ({"limit": 1}, ["North account"]),
        ({"search": "south"}, ["South account"]),
        ({"search": str(north.connected_account_id)[:8]}, ["North account"]),
        ({"customer_key": "customer"}, ["South account"]),
        ({"space_id": uuid4()}, []),
        ({"user_identifier_key": "somebody"}, []),
    ]
    for filters, expected in cases:
        assert await names(api, path, **filters) == expected, filters
    for metadata, expected in (
        ({"site": "North"}, ["North account"]),
        ({"is_main": True}, ["North account"]),
        ({"is_main": "false"}, ["South account"]),
        ({"site": "North", "is_main": False}, []),
        ({"nothing": "x"}, []),
    ):
        body = await api(path, custom_metadata_has=metadata)
        assert [each["display_name"] for each in body["connected_accounts"]] == expected
        query = {
            f"custom_metadata_has.{key}": str(value).lower() if isinstance(value, bool) else value
            for key, value in metadata.items()
        }
        assert (await api(path, "GET", **query))["connected_accounts"] == body["connected_accounts"]


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
        assert await names(api, "/acs/systems/list", **filters) == expected, filters


async def test_an_entrance(api: Caller, town: Town, north: System) -> None:
    door = await town.entrance(north, "Door")
    shown = (await api("/acs/entrances/get", "GET", acs_entrance_id=door))["acs_entrance"]
    assert shown.pop("created_at").endswith("Z")
    assert shown == {
        "acs_entrance_id": str(door),
        "acs_system_id": str(north.acs_system_id),
        "can_belong_to_reservation": False,
        "can_unlock_with_card": True,
        "can_unlock_with_cloud_key": False,
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
        assert await names(api, "/acs/entrances/list", **filters) == expected, filters
    assert len((await api("/acs/entrances/list", location_id=None))["acs_entrances"]) == 3
    assert (await api("/acs/entrances/list", acs_entrance_ids=[]))["acs_entrances"] == []


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
        assert await names(api, "/acs/access_groups/list", **filters) == expected, filters


@pytest.mark.parametrize("resource", ["system", "entrance", "access_group", "credential"])
async def test_what_is_not_there(
    api: Caller, server: Server, town: Town, north: System, resource: str
) -> None:
    other = Town(town.database, town.keyring)
    there = await other.found()
    theirs: dict[str, UUID] = {
        "system": there.acs_system_id,
        "entrance": await other.entrance(there, "Door"),
        "access_group": await other.group(there, "Staff"),
        "credential": await other.credential(there, None, "42-1"),
    }
    path, name = f"/acs/{resource}s/get", f"acs_{resource}_id"
    they = await server.caller(other.workspace_id)
    assert await they(path, **{name: theirs[resource]})
    for wrong in (theirs[resource], uuid4()):
        assert await api.error(path, "GET", **{name: wrong}) == (404, f"acs_{resource}_not_found")
    assert await names_of_all(api, resource) == (["North"] if resource == "system" else [])


async def names_of_all(api: Caller, resource: str) -> list[str]:
    return await names(api, f"/acs/{resource}s/list")
