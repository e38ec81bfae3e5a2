"""/acs/access_groups: groups of people."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from doorward.api.acs import access_groups
from doorward.doors.registry import Doors
from doorward.store.personal import Personal
from tests.api.acs.test_users_changing import EVER, happened, journal
from tests.api.conftest import Caller, Server, hear
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


@pytest.mark.parametrize("verb", ["DELETE", "POST"])
async def test_deleting_a_group(
    api: Caller, town: Town, north: System, doors: Doors, verb: str
) -> None:
    door = await town.entrance(north, "Door")
    group, other = await town.group(north, "Staff", door), await town.group(north, "Other")
    users = [await town.user(north, Personal(name)) for name in ("Ada", "Bob")]
    await town.credential(north, users[0], "42-10001")
    for user in users:
        await town.join(group, user)
        await town.join(other, user)
    await hear(doors, town)
    before = len(await journal(town))
    key = {"acs_access_group_id": group}
    assert await api("/acs/access_groups/delete", verb, **key) == {}
    missing = (404, "acs_access_group_not_found")
    assert await api.error("/acs/access_groups/delete", verb, **key) == missing
    assert await api.error("/acs/access_groups/get", **key) == missing
    assert await api.names("/acs/access_groups/list") == ["Other"]
    entries = (await journal(town))[before:]
    assert not any(holds for *_, holds in entries)
    assert sorted(kind for kind, *_ in entries) == [
        "group",
        "group_entrance",
        "membership",
        "membership",
    ]
    read = {"acs_entrance_id": door, "card_number": "42-10001"}
    refused = (await api("/doorward/doors/present", **read))["decision"]
    assert refused["reason"] == "deny_no_access"
    assert await api.names("/acs/access_groups/list", acs_user_id=users[0]) == ["Other"]
    (event,) = [each for each in await happened(api) if "acs_access_group_id" in each]
    assert event["event_type"] == "acs_access_group.deleted"
    assert event["acs_access_group_id"] == str(group)
    by_group = await api("/events/list", since=EVER, event_type="acs_access_group.deleted")
    assert by_group["events"] == [event]


@pytest.mark.parametrize(("members", "steps"), [(2, 1), (3, 2), (7, 4)])
async def test_a_large_group_is_emptied_first(
    api: Caller,
    town: Town,
    north: System,
    monkeypatch: pytest.MonkeyPatch,
    members: int,
    steps: int,
) -> None:
    monkeypatch.setattr(access_groups, "_AT_ONCE", 2)
    group = await town.group(north, "Staff", await town.entrance(north, "Door"))
    for _ in range(members):
        await town.join(group, await town.user(north, Personal("Ada")))
    before = len(await journal(town))
    assert await api("/acs/access_groups/delete", acs_access_group_id=group) == {}
    entries = (await journal(town))[before:]
    assert [kind for kind, *_ in entries].count("membership") == members
    assert len(entries) == members + 2
    moments = await town.database.fetchval(
        "select count(distinct recorded_at) from policy_journal"
        " where workspace_id = $1 and revision > $2",
        town.workspace_id,
        before,
    )
    assert moments == steps, "each of them a change of its own"
    left = "select count(*) from acs_membership where acs_access_group_id = $1"
    assert await town.database.fetchval(left, group) == 0
    assert len(await happened(api)) == 1


async def test_which_groups_a_session_deletes(
    api: Caller, server: Server, town: Town, north: System
) -> None:
    """Those of its accounts: who is merely in a system does not run it."""
    south = await town.system("South")
    identity = await town.identity(Personal("Ada"))
    await town.user(south, Personal("Ada"), identity=identity)
    here, there = await town.group(north, "Here"), await town.group(south, "There")
    made = await api(
        "/client_sessions/create",
        connected_account_ids=[north.connected_account_id],
        user_identity_id=identity,
    )
    session = await server.caller(town.workspace_id, made["client_session"]["token"])
    error = await session.error("/acs/access_groups/delete", acs_access_group_id=there)
    assert error == (404, "acs_access_group_not_found")
    assert await session("/acs/access_groups/delete", acs_access_group_id=here) == {}
    assert await api.names("/acs/access_groups/list") == ["There"]
