"""/acs/users/unmanaged and /acs/access_groups/unmanaged: what another system manages."""

from typing import Any
from uuid import UUID, uuid4

from doorward.store.personal import Personal
from tests.api.conftest import Caller
from tests.api.town import System, Town

ADA = Personal("Ada", "ada@example.com", "+491701234567")


async def unmanage(town: Town, table: str, row_id: UUID) -> None:
    """Hands a row over to another system."""
    await town.database.execute(
        f"update {table} set is_managed = false where {table}_id = $1", row_id
    )


async def test_unmanaged_people(api: Caller, town: Town, north: System) -> None:
    identity = await town.identity(Personal("Countess", "c@example.com", "+4930111111"))
    managed = await town.user(north, Personal("Bob"))
    user = await town.user(north, ADA, identity=identity)
    as_managed = (await api("/acs/users/get", acs_user_id=user))["acs_user"]
    await unmanage(town, "acs_user", user)
    for verb in ("GET", "POST"):
        shown = (await api("/acs/users/unmanaged/get", verb, acs_user_id=user))["acs_user"]
        assert shown == as_managed | {"is_managed": False}
    for unknown in (managed, uuid4()):
        error = await api.error("/acs/users/unmanaged/get", acs_user_id=unknown)
        assert error == (404, "acs_user_not_found")
    assert await api.error("/acs/users/get", acs_user_id=user) == (404, "acs_user_not_found")
    assert await api.names("/acs/users/list") == ["Bob"]
    filters: list[dict[str, Any]] = [
        {},
        {"acs_system_id": north.acs_system_id},
        {"search": "ada"},
        {"user_identity_id": identity},
        {"user_identity_email_address": "c@example.com"},
        {"user_identity_phone_number": "+4930111111"},
        {"limit": 1},
    ]
    for one in filters:
        assert await api.names("/acs/users/unmanaged/list", **one) == ["Ada"], one
    others: list[dict[str, Any]] = [
        {"acs_system_id": uuid4()},
        {"search": "bob"},
        {"user_identity_id": uuid4()},
        {"user_identity_email_address": "ada@example.com"},
        {"user_identity_phone_number": "+491701234567"},
    ]
    for other in others:
        assert await api.names("/acs/users/unmanaged/list", **other) == [], other


async def test_the_oldest_unmanaged_people(api: Caller, town: Town, north: System) -> None:
    for name in ("A", "B", "C"):
        await unmanage(town, "acs_user", await town.user(north, Personal(name)))
    assert await api.names("/acs/users/unmanaged/list", limit=2) == ["A", "B"]
    assert await api.names("/acs/users/unmanaged/list", limit=3) == ["A", "B", "C"]
    for limit in (0, 1001):
        error = await api.error("/acs/users/unmanaged/list", limit=limit)
        assert error == (400, "invalid_input")


async def test_unmanaged_groups(api: Caller, town: Town, north: System) -> None:
    door = await town.entrance(north, "Door")
    managed = await town.group(north, "Managed", door)
    group, user = await town.group(north, "Foreign", door), await town.user(north, ADA)
    await town.join(group, user)
    as_managed = await api("/acs/access_groups/get", acs_access_group_id=group)
    await unmanage(town, "acs_access_group", group)
    found = await api("/acs/access_groups/unmanaged/get", "GET", acs_access_group_id=group)
    assert found["acs_access_group"] == as_managed["acs_access_group"] | {"is_managed": False}
    error = await api.error("/acs/access_groups/unmanaged/get", acs_access_group_id=managed)
    assert error == (404, "acs_access_group_not_found")
    missing = (404, "acs_access_group_not_found")
    for call in ("get", "delete", "list_users", "list_accessible_entrances"):
        path = f"/acs/access_groups/{call}"
        assert await api.error(path, acs_access_group_id=group) == missing, call
    given = {"acs_system_id": north.acs_system_id, "full_name": "Bob"}
    error = await api.error("/acs/users/create", **given, acs_access_group_ids=[group])
    assert error == missing
    assert await api.names("/acs/access_groups/list") == ["Managed"]
    path = "/acs/access_groups/unmanaged/list"
    for one in ({}, {"acs_system_id": north.acs_system_id}, {"acs_user_id": user}, {"search": "F"}):
        assert await api.names(path, **one) == ["Foreign"], one
    for other in ({"acs_system_id": uuid4()}, {"acs_user_id": uuid4()}, {"search": "Managed"}):
        assert await api.names(path, **other) == [], other
