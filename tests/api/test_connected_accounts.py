"""/connected_accounts: accounts at providers."""

import json
from typing import Any
from uuid import uuid4

import pytest

from tests.api.conftest import Caller
from tests.api.town import System, Town


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
        assert await api.names(path, **filters) == expected, filters
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


@pytest.mark.usefixtures("north")
async def test_metadata_is_compared_pair_by_pair(api: Caller, town: Town) -> None:
    path = "/connected_accounts/list"
    pairs = {f"k{n}": f"v{n}" for n in range(50)}
    await town.database.execute(
        "update connected_account set custom_metadata = $2::text::jsonb where workspace_id = $1",
        town.workspace_id,
        json.dumps(pairs),
    )
    for changed, expected in (
        ({}, ["North account"]),
        ({"k49": "v48"}, []),
        # Names and values belong together.
        ({"k0": "v1", "k1": "v0"}, []),
    ):
        body = await api(path, custom_metadata_has=pairs | changed)
        assert [each["display_name"] for each in body["connected_accounts"]] == expected
    answer = await api.answer(path, custom_metadata_has=pairs | {"more": "x"})
    errors = answer.json()["error"]["validation_errors"]["custom_metadata_has"]["_errors"]
    assert (answer.status_code, errors) == (400, ["Object must contain at most 50 element(s)"])


@pytest.mark.usefixtures("north")
@pytest.mark.parametrize("tail", ["[a][b]", "[a", "[a]b", "[a].b"])
async def test_a_filter_that_is_not_understood_is_refused(api: Caller, tail: str) -> None:
    answer = await api.client.get(f"/connected_accounts/list?custom_metadata_has{tail}=1")
    assert answer.json()["error"]["type"] == "invalid_query_params"
    assert answer.status_code == 400
