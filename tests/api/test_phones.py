"""/phones: phones of people, simulated in sandbox workspaces."""

import json
from typing import Any
from uuid import UUID, uuid4

import pytest

from doorward.store import client_sessions
from doorward.store.client_sessions import Wanted
from doorward.store.personal import Personal
from tests.api.conftest import Caller, Server
from tests.api.town import System, Town

CREATE = "/phones/simulate/create_sandbox_phone"
EVER = "2020-01-01T00:00:00Z"
JANE, OMAR = Personal("Jane Doe", "jane@example.com"), Personal("Omar Ali", "omar@example.com")


@pytest.fixture
async def jane(town: Town, north: System) -> UUID:  # noqa: ARG001 - founds the town
    return await town.identity(JANE)


async def make(api: Caller, owner: UUID, **values: Any) -> str:
    """A new phone, by id."""
    phone = (await api(CREATE, user_identity_id=owner, **values))["phone"]
    device_id: str = phone["device_id"]
    return device_id


async def deactivated(api: Caller) -> list[str]:
    """The phones of which an event says that they were deactivated."""
    told = await api("/events/list", since=EVER, event_type="phone.deactivated")
    return [event["device_id"] for event in told["events"]]


async def listed(api: Caller, **filters: Any) -> list[str]:
    by_get, by_post = [await api("/phones/list", verb, **filters) for verb in ("GET", "POST")]
    assert by_get["phones"] == by_post["phones"]
    return [phone["device_id"] for phone in by_get["phones"]]


async def test_a_phone_as_it_is_by_default(api: Caller, town: Town, jane: UUID) -> None:
    made = (await api(CREATE, user_identity_id=jane))["phone"]
    assert (await api("/phones/get", "GET", device_id=made["device_id"]))["phone"] == made
    UUID(made.pop("device_id"))
    assert made.pop("created_at").endswith("Z")
    assert made == {
        "custom_metadata": {},
        "device_type": "android_phone",
        "display_name": "Samsung Galaxy S10",
        "errors": [],
        "properties": {
            "assa_abloy_credential_service_metadata": {
                "endpoints": [{"endpoint_id": "1", "is_active": True}],
                "has_active_endpoint": True,
            }
        },
        "warnings": [],
        "workspace_id": str(town.workspace_id),
    }
    assert await told(town) == (
        None,
        {
            "device_manufacturer": "Samsung",
            "device_model": "Samsung Galaxy S10",
            "operating_system": "android",
            "os_version": "10",
        },
        {
            "application_version": "1.0.0",
            "ble_capability": True,
            "hce_capability": False,
            "nfc_capability": False,
            "seos_applet_version": "1.0.0",
            "seos_tsm_endpoint_id": 1,
        },
    )


async def told(town: Town) -> tuple[str | None, Any, Any]:
    """What the town's only phone has told of itself."""
    row = await town.database.fetchrow(
        "select custom_sdk_installation_id, phone_metadata, assa_abloy_metadata from phone"
        " where workspace_id = $1",
        town.workspace_id,
    )
    assert row is not None
    return row[0], json.loads(row[1]), json.loads(row[2])


async def test_a_phone_as_it_says_itself(api: Caller, town: Town, jane: UUID) -> None:
    phone = {
        "device_manufacturer": "Apple",
        "device_model": "iPhone 15",
        "operating_system": "ios",
        "os_version": "17.5",
    }
    app = {
        "application_version": "2.1",
        "ble_capability": False,
        "hce_capability": True,
        "nfc_capability": True,
        "seos_applet_version": "3",
        "seos_tsm_endpoint_id": 7,
    }
    asked = {"phone_metadata": phone, "assa_abloy_metadata": app}
    made = await api(CREATE, user_identity_id=jane, custom_sdk_installation_id="app", **asked)
    shown = made["phone"]
    assert (shown["device_type"], shown["display_name"]) == ("ios_phone", "iPhone 15")
    service = shown["properties"]["assa_abloy_credential_service_metadata"]
    assert service["endpoints"] == [{"endpoint_id": "7", "is_active": True}]
    assert await told(town) == ("app", phone, app)


async def test_what_is_refused_makes_no_phone(api: Caller, town: Town, jane: UUID) -> None:
    other = Town(town.database, town.keyring)
    await other.found()
    stranger = await other.identity(JANE)
    for nobody in (uuid4(), stranger):
        expected = (404, "user_identity_not_found")
        assert await api.error(CREATE, user_identity_id=nobody) == expected
    for wrong in (
        {"phone_metadata": {"operating_system": "symbian"}},
        {"phone_metadata": {"device_model": 10}},
        {"assa_abloy_metadata": {"seos_tsm_endpoint_id": "one"}},
        {"assa_abloy_metadata": {"seos_tsm_endpoint_id": 1.5}},
        {"assa_abloy_metadata": "none"},
        {"custom_sdk_installation_id": 1},
    ):
        error = await api.error(CREATE, user_identity_id=jane, **wrong)
        assert error == (400, "invalid_input"), wrong
    assert await listed(api) == []


async def test_an_app_is_on_one_phone(api: Caller, town: Town, jane: UUID) -> None:
    app, omar = {"custom_sdk_installation_id": "app"}, await town.identity(OMAR)
    phone = await make(api, jane, **app)
    taken = (409, "duplicate_custom_sdk_installation_id")
    assert await api.error(CREATE, user_identity_id=omar, **app) == taken
    await api("/phones/deactivate", device_id=phone)
    await make(api, omar, **app)


async def test_phones_are_simulated_in_sandboxes_alone(server: Server, town: Town) -> None:
    await town.found(is_sandbox=False)
    owner, caller = await town.identity(JANE), await server.caller(town.workspace_id)
    assert await caller.error(CREATE, user_identity_id=owner) == (400, "workspace_not_sandbox")
    assert await listed(caller) == []


async def test_listing_phones(api: Caller, town: Town, north: System, jane: UUID) -> None:
    omar = await town.identity(OMAR)
    first, second, third = [await make(api, owner) for owner in (jane, omar, jane)]
    user = await town.user(north, JANE, identity=jane)
    door = await town.entrance(north, "Door")
    key = await town.cloud_key(north, user, door)
    card = await town.credential(north, user, "42-12345")
    cases: list[tuple[dict[str, UUID], list[str]]] = [
        ({}, [first, second, third]),
        ({"owner_user_identity_id": jane}, [first, third]),
        ({"owner_user_identity_id": uuid4()}, []),
        ({"acs_credential_id": key}, [first, third]),
        ({"acs_credential_id": card}, []),
        ({"acs_credential_id": uuid4()}, []),
        ({"acs_credential_id": key, "owner_user_identity_id": omar}, []),
    ]
    for filters, expected in cases:
        assert await listed(api, **filters) == expected, filters


@pytest.mark.parametrize("verb", ["DELETE", "POST"])
async def test_deactivating(api: Caller, jane: UUID, verb: str) -> None:
    lost, kept = await make(api, jane), await make(api, jane)
    assert await api("/phones/deactivate", verb, device_id=lost) == {}
    assert await listed(api) == [kept]
    for path in ("/phones/get", "/phones/deactivate"):
        assert await api.error(path, device_id=lost) == (404, "device_not_found")
    assert await deactivated(api) == [lost]
    event = (await api("/events/get", event_type="phone.deactivated", device_id=lost))["event"]
    assert event["device_id"] == lost


async def test_another_workspaces_phone(
    api: Caller, server: Server, town: Town, jane: UUID
) -> None:
    phone = await make(api, jane)
    other = Town(town.database, town.keyring)
    await other.found()
    there = await server.caller(other.workspace_id)
    for path in ("/phones/get", "/phones/deactivate"):
        assert await there.error(path, device_id=phone) == (404, "device_not_found")
    assert await listed(there) == []
    assert await listed(api) == [phone]


async def test_an_end_user_gives_up_the_own_phone_alone(
    api: Caller, server: Server, town: Town, north: System, jane: UUID
) -> None:
    omar = await town.identity(OMAR)
    own, others = await make(api, jane), await make(api, omar)
    # The account's session sees whoever is in its systems, and deactivates nobody's phone.
    await town.user(north, OMAR, identity=omar)
    accounts = (north.connected_account_id,)
    for wanted in (Wanted(), Wanted(connected_account_ids=accounts, user_identity_id=jane)):
        session = await caller(server, town, wanted)
        error = await session.error("/phones/deactivate", device_id=others)
        assert error == (404, "device_not_found")
    await session("/phones/deactivate", device_id=own)
    assert await deactivated(api) == [own]
    assert await listed(api) == [others]


async def caller(server: Server, town: Town, wanted: Wanted) -> Caller:
    async with town.database.acquire() as connection:
        made = await client_sessions.create(connection, town.keyring, town.workspace_id, wanted)
    return await server.caller(town.workspace_id, made.token)


async def test_phones_go_with_their_owner(api: Caller, town: Town, jane: UUID) -> None:
    omar = await town.identity(OMAR)
    first, kept, second = [await make(api, owner) for owner in (jane, omar, jane)]
    await api("/user_identities/delete", user_identity_id=jane)
    assert await listed(api) == [kept]
    assert await deactivated(api) == [first, second]


async def test_phones_of_merged_identities_become_the_ones(
    api: Caller, town: Town, jane: UUID
) -> None:
    omar = await town.identity(OMAR)
    first, second = await make(api, jane), await make(api, omar)
    await api("/user_identities/merge", user_identity_id=jane, merged_user_identity_ids=[omar])
    # The old id goes on naming its owner.
    for owner in (jane, omar):
        assert await listed(api, owner_user_identity_id=owner) == [first, second]
    third = await make(api, omar)
    assert await listed(api, owner_user_identity_id=jane) == [first, second, third]
    assert await deactivated(api) == []
