"""/acs/credentials: numbers in the clear, found whole or not at all."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

from doorward.store.personal import Personal
from tests.api.conftest import Caller
from tests.api.town import System, Town, iso


async def test_a_card(api: Caller, town: Town, north: System) -> None:
    identity = await town.identity(Personal("Ada"))
    user = await town.user(north, Personal("Ada"), identity=identity)
    starts_at, ends_at = town.now, town.now + timedelta(days=1)
    card = await town.credential(north, user, "042-00012", span=(starts_at, ends_at))
    shown = (await api("/acs/credentials/get", acs_credential_id=card))["acs_credential"]
    assert shown["created_at"] == shown["issued_at"]
    assert shown.pop("created_at").endswith("Z")
    del shown["issued_at"]
    assert shown == {
        "acs_credential_id": str(card),
        "acs_system_id": str(north.acs_system_id),
        "acs_user_id": str(user),
        "access_method": "card",
        "card_number": "42-12",
        "code": None,
        "connected_account_id": str(north.connected_account_id),
        "display_name": "Somebody's card",
        "ends_at": iso(ends_at),
        "errors": [],
        "external_type": "doorward_credential",
        "external_type_display_name": "Doorward credential",
        "is_issued": True,
        "is_managed": True,
        "is_multi_phone_sync_credential": False,
        "is_one_time_use": False,
        "starts_at": iso(starts_at),
        "user_identity_id": str(identity),
        "warnings": [],
        "workspace_id": str(town.workspace_id),
    }


async def test_a_code_that_waits(api: Caller, town: Town, north: System) -> None:
    code = await town.credential(north, None, "0123", is_issued=False)
    shown = (await api("/acs/credentials/get", acs_credential_id=code))["acs_credential"]
    assert (shown["access_method"], shown["code"], shown["card_number"]) == ("code", "0123", None)
    assert (shown["is_issued"], shown["issued_at"]) == (False, None)
    assert [each["warning_code"] for each in shown["warnings"]] == ["waiting_to_be_issued"]
    assert not {"acs_user_id", "user_identity_id", "starts_at", "ends_at"} & set(shown)


async def test_numbers_are_sealed_and_tied_to_their_row(
    api: Caller, town: Town, north: System
) -> None:
    card = await town.credential(north, None, "42-12345")
    other = await town.credential(north, None, "42-54321")
    rows = await town.database.fetch(
        "select sealed, lookup from acs_credential where workspace_id = $1", town.workspace_id
    )
    assert not any(b"12345" in bytes(value) for row in rows for value in row)
    await town.database.execute(
        "update acs_credential set sealed = (select sealed from acs_credential"
        " where acs_credential_id = $1) where acs_credential_id = $2",
        card,
        other,
    )
    assert await api.error("/acs/credentials/get", acs_credential_id=other) == (
        500,
        "internal_server_error",
    )


async def test_listing(api: Caller, town: Town, north: System) -> None:
    south = await town.system("South")
    identity = await town.identity(Personal("Ada"))
    ada = await town.user(north, Personal("Ada"), identity=identity)
    bob = await town.user(south, Personal("Bob"))
    card = await town.credential(north, ada, "42-12345")
    between = town.now
    code = await town.credential(south, bob, "1234")
    chip = await town.credential(north, None, "04:a1:b2:c3")
    everything = [str(each) for each in (card, code, chip)]
    cases: list[tuple[dict[str, Any], list[int]]] = [
        ({}, [0, 1, 2]),
        ({"acs_user_id": ada}, [0]),
        ({"acs_user_id": ada, "acs_system_id": south.acs_system_id}, []),
        ({"acs_system_id": north.acs_system_id}, [0, 2]),
        ({"user_identity_id": identity}, [0]),
        ({"user_identity_id": uuid4()}, []),
        ({"created_before": between}, [0]),
        ({"is_multi_phone_sync_credential": "true"}, []),
        ({"is_multi_phone_sync_credential": "false"}, [0, 1, 2]),
        ({"limit": 2}, [0, 1]),
        ({"search": "42-12345"}, [0]),
        ({"search": " 042-12345 "}, [0]),
        ({"search": "42-1234"}, []),
        ({"search": "2-12345"}, []),
        ({"search": "1234"}, [1]),
        ({"search": "04A1B2C3"}, [2]),
        ({"search": "body's CARD"}, [0, 2]),
        ({"search": str(chip)[:8]}, [2]),
        ({"search": str(bob)[:8]}, [1]),
    ]
    for filters, expected in cases:
        body = await api("/acs/credentials/list", "GET", **filters)
        found = [each["acs_credential_id"] for each in body["acs_credentials"]]
        assert found == [everything[place] for place in expected], filters


async def test_the_same_number_in_another_workspace(api: Caller, town: Town, north: System) -> None:
    other = Town(town.database, town.keyring)
    await other.credential(await other.found(), None, "42-12345")
    assert (await api("/acs/credentials/list", search="42-12345"))["acs_credentials"] == []
    await town.credential(north, None, "42-12345")
    lookups = await town.database.fetchval(
        "select count(distinct lookup) from acs_credential where workspace_id = any ($1)",
        [town.workspace_id, other.workspace_id],
    )
    assert lookups == 2
