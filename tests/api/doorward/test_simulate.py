"""/doorward/simulate, and what becomes visible by it."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from doorward.doors.registry import Doors
from tests.api.acs.test_pending import ADA, group_membership, of_group, of_user, user_membership
from tests.api.conftest import Caller, Server, hear
from tests.api.town import System, Town


async def test_with_real_controllers(api: Caller, doors: Doors, town: Town, north: System) -> None:
    door = await town.entrance(north, "Door")
    group, user = await town.group(north, "Staff", door), await town.user(north, ADA)
    card = await town.credential(north, user, "42-12345")
    await hear(doors, town)
    change = {"acs_access_group_id": group, "acs_user_id": user}
    hold = {"acs_entrance_id": door}
    await api("/acs/access_groups/add_user", **change)
    assert await of_user(api, user) == []

    read = {"acs_entrance_id": door, "card_number": "42-12345"}
    decision = (await api("/doorward/doors/present", **read))["decision"]
    assert (decision["outcome"], decision["rule"]) == ("allow", 16)
    assert decision["acs_credential_id"] == str(card)

    await api("/doorward/simulate/hold_controller", **hold)
    [shown] = (await api("/doorward/doors/list", "GET"))["doors"]
    assert shown["controller"]["is_held"] is True
    await api("/acs/users/remove_from_access_group", "DELETE", **change)
    assert await of_user(api, user) == [group_membership(group, is_add=False)]
    assert await of_group(api, group) == [user_membership(user, is_add=False)]
    decision = (await api("/doorward/doors/present", **read))["decision"]
    assert decision["outcome"] == "allow"

    await api("/doorward/simulate/hold_controller", **hold, is_held=False)
    revision = await town.database.fetchval("select revision from policy_revision")
    async with asyncio.timeout(20):
        while await of_user(api, user):
            await asyncio.sleep(0.01)
    decision = (await api("/doorward/doors/present", **read))["decision"]
    assert (decision["outcome"], decision["reason"]) == ("deny", "deny_no_access")
    assert decision["policy_revision"] >= revision


@pytest.mark.usefixtures("doors")
async def test_holding_by_controller(api: Caller, town: Town, north: System) -> None:
    path, controller = "/doorward/simulate/hold_controller", north.controller_id
    is_held = "select is_held from controller"
    assert await api(path, controller_id=controller) == {}
    assert await town.database.fetchval(is_held) is True
    assert await api(path, controller_id=controller, is_held=False) == {}
    assert await town.database.fetchval(is_held) is False
    assert await api.error(path, controller_id=uuid4()) == (404, "controller_not_found")
    both = {"controller_id": controller, "acs_entrance_id": uuid4()}
    for unclear in ({}, both, {"controller_id": controller, "is_held": "maybe"}):
        assert await api.error(path, **unclear) == (400, "invalid_input")


@pytest.mark.usefixtures("doors")
async def test_only_in_a_sandbox(server: Server, town: Town) -> None:
    system = await town.found(is_sandbox=False)
    api = await server.caller(town.workspace_id)
    error = await api.error(
        "/doorward/simulate/hold_controller", controller_id=system.controller_id
    )
    assert error == (400, "workspace_not_sandbox")
    assert await town.database.fetchval("select is_held from controller") is False


ADVANCE = "/doorward/simulate/advance_time"


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


async def test_time_moves_for_doors_and_reads(
    api: Caller, doors: Doors, town: Town, north: System
) -> None:
    door = await town.entrance(north, "Door")
    group = await town.group(north, "Staff", door)
    now = datetime.now(UTC)
    starts_at, ends_at = now + timedelta(days=1), now + timedelta(days=2)
    user = await town.user(north, ADA, span=(starts_at, ends_at))
    await town.credential(north, user, "42-12345")
    await town.join(group, user)
    await hear(doors, town)

    async def told() -> tuple[str, list[Any]]:
        read = {"acs_entrance_id": door, "card_number": "42-12345"}
        decision = (await api("/doorward/doors/present", **read))["decision"]
        found = await api("/acs/users/list_accessible_entrances", acs_user_id=user)
        return decision["reason"], [each["acs_entrance_id"] for each in found["acs_entrances"]]

    revision = "select revision from policy_revision where workspace_id = $1"
    before = await town.database.fetchval(revision, town.workspace_id)
    assert await told() == ("deny_not_yet_active", [])
    moved = (await api(ADVANCE, seconds=24 * 3600))["workspace_time"]
    assert await told() == ("allow", [str(door)])
    assert moved["seconds_ahead"] == 24 * 3600
    assert _moment(moved["now"]) >= now + timedelta(days=1)
    await api(ADVANCE, to=ends_at)
    assert await told() == ("deny_expired", [])
    assert await town.database.fetchval(revision, town.workspace_id) == before, "time is no policy"


async def test_moving_to_a_time(api: Caller) -> None:
    target = datetime.now(UTC) + timedelta(days=400, milliseconds=7)
    moved = (await api(ADVANCE, to=target))["workspace_time"]
    assert timedelta() <= _moment(moved["now"]) - target + timedelta(milliseconds=1)
    told = (await api(ADVANCE, seconds=0))["workspace_time"]
    assert told["seconds_ahead"] == moved["seconds_ahead"]
    assert _moment(told["now"]) >= _moment(moved["now"])


@pytest.mark.parametrize(
    "unclear",
    [
        {},
        {"seconds": 1, "to": "2090-01-01"},
        {"seconds": -1},
        {"seconds": 4_000_000_000},
        {"seconds": 1.5},
        {"to": "2020-01-01"},
        {"to": "2190-01-01"},
        {"to": "soon"},
    ],
    ids=str,
)
async def test_times_that_cannot_be(api: Caller, town: Town, unclear: dict[str, Any]) -> None:
    assert await api.error(ADVANCE, **unclear) == (400, "invalid_input")
    ahead = "select clock_ahead from workspace where workspace_id = $1"
    assert await town.database.fetchval(ahead, town.workspace_id) == timedelta()


async def test_no_further_by_small_steps_either(api: Caller) -> None:
    await api(ADVANCE, seconds=36525 * 86400 - 60)
    assert await api.error(ADVANCE, seconds=61) == (400, "invalid_input")


async def test_time_of_a_real_site_stays(server: Server, town: Town) -> None:
    await town.found(is_sandbox=False)
    api = await server.caller(town.workspace_id)
    assert await api.error(ADVANCE, seconds=1) == (400, "workspace_not_sandbox")
