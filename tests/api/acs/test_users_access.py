"""/acs/users: suspending people, taking everything away from them, and what they can open."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from doorward.doors.registry import Doors
from doorward.store.personal import Personal
from tests.api.acs.test_users_changing import happened, journal, moments, shown
from tests.api.conftest import Caller, hear
from tests.api.town import System, Town, iso
from tests.conftest import MovableClock

ADA = Personal("Ada", "ada@example.com", "+491701234567")


async def opens(api: Caller, **name: Any) -> list[str]:
    """What a person can open now."""
    return await api.names("/acs/users/list_accessible_entrances", **name)


async def of_people(api: Caller) -> set[str]:
    """The types of all events but those of doors."""
    types = {each["event_type"] for each in await happened(api)}
    return {each for each in types if not each.startswith("lock.")}


async def warnings(api: Caller, user: UUID) -> list[tuple[str, str]]:
    """Code and time of a person's warnings, the same in a list."""
    found = (await shown(api, user))["warnings"]
    (listed,) = (await api("/acs/users/list", search=str(user)))["acs_users"]
    assert listed["warnings"] == found
    assert all(each["message"] for each in found)
    return [(each["warning_code"], each["created_at"]) for each in found]


async def everything(town: Town) -> list[tuple[Any, ...]]:
    """All that holds now beside what is said of people themselves."""
    rows = await town.database.fetch(
        "select kind, key_a, key_b, from_revision, state from policy_fact"
        " where workspace_id = $1 and to_revision is null and kind <> 'user'"
        " order by from_revision",
        town.workspace_id,
    )
    return [tuple(row) for row in rows]


async def test_suspending_and_unsuspending(
    api: Caller, town: Town, north: System, doors: Doors
) -> None:
    door, other = await town.entrance(north, "Door"), await town.entrance(north, "Other")
    group, later = await town.group(north, "Staff", door), await town.group(north, "Later", other)
    user = await town.user(north, ADA)
    await town.credential(north, user, "42-10001")
    await town.join(group, user)
    await hear(doors, town)
    rows, before = await everything(town), await shown(api, user)
    read = {"acs_entrance_id": door, "card_number": "42-10001"}
    for call, is_suspended, reason, can_open in (
        ("suspend", True, "deny_suspended", []),
        ("unsuspend", False, "allow", ["Door"]),
    ):
        entries = len(await journal(town))
        for _ in range(2):
            assert await api(f"/acs/users/{call}", acs_user_id=user) == {}
        assert (await journal(town))[entries:] == [("user", user, True)]
        assert await everything(town) == rows
        now = await shown(api, user)
        assert now["pending_mutations"] == [], "every controller has confirmed"
        assert now | {"warnings": []} == before | {"is_suspended": is_suspended}
        assert (await api("/doorward/doors/present", **read))["decision"]["reason"] == reason
        assert await opens(api, acs_user_id=user) == can_open
    await api("/acs/users/suspend", acs_user_id=user)
    await api("/acs/users/add_to_access_group", acs_user_id=user, acs_access_group_id=later)
    assert await opens(api, acs_user_id=user) == []
    await api("/acs/users/unsuspend", acs_user_id=user)
    assert await opens(api, acs_user_id=user) == ["Door", "Other"], "what is configured by now"
    assert await of_people(api) == set()


async def test_a_suspension_leaves_the_schedule(
    api: Caller, town: Town, north: System, clock: MovableClock
) -> None:
    door = await town.entrance(north, "Door")
    now = moments(api, town)
    user = await town.user(north, ADA, span=(None, now + timedelta(hours=1)))
    await town.join(await town.group(north, "Staff", door), user)
    await api("/acs/users/suspend", acs_user_id=user)
    clock.advance(town.workspace_id, timedelta(hours=2))
    await api("/acs/users/unsuspend", acs_user_id=user)
    assert await opens(api, acs_user_id=user) == [], "validity has run on"


async def test_whose_access_is_inactive(
    api: Caller, town: Town, north: System, clock: MovableClock
) -> None:
    now = moments(api, town)
    starts_at, ends_at = now + timedelta(hours=1), now + timedelta(hours=2)
    user = await town.user(north, ADA, span=(starts_at, ends_at))
    created_at = (await shown(api, user))["created_at"]
    assert await warnings(api, user) == [("acs_user_inactive", created_at)]
    clock.advance(town.workspace_id, timedelta(hours=1))
    assert await warnings(api, user) == []
    suspended_at = iso(moments(api, town))
    await api("/acs/users/suspend", acs_user_id=user)
    ((code, since),) = await warnings(api, user)
    assert code == "acs_user_inactive"
    assert suspended_at <= since <= iso(moments(api, town))
    await api("/acs/users/unsuspend", acs_user_id=user)
    assert await warnings(api, user) == []
    clock.advance(town.workspace_id, timedelta(hours=1))
    assert await warnings(api, user) == [("acs_user_inactive", iso(ends_at))]


async def test_members_of_a_group_are_shown_with_their_warnings(
    api: Caller, town: Town, north: System
) -> None:
    group, user = await town.group(north, "Staff"), await town.user(north, ADA, is_suspended=True)
    await town.join(group, user)
    (member,) = (await api("/acs/access_groups/list_users", acs_access_group_id=group))["acs_users"]
    assert [each["warning_code"] for each in member["warnings"]] == ["acs_user_inactive"]


async def test_taking_everything_away(api: Caller, town: Town, north: System, doors: Doors) -> None:
    entrances = [await town.entrance(north, name) for name in ("Group", "Card", "Grant")]
    group = await town.group(north, "Staff", entrances[0])
    user, friend = await town.user(north, ADA), await town.user(north, Personal("Bob"))
    card = await town.credential(north, user, "42-10001", entrances[1])
    await town.credential(north, friend, "42-10002", entrances[1])
    for each in (user, friend):
        await town.join(group, each)
        grant = {"acs_user_id": each, "acs_entrance_id": entrances[2]}
        await api("/acs/entrances/grant_access", **grant)
    await hear(doors, town)
    assert await opens(api, acs_user_id=user) == ["Group", "Card", "Grant"]
    before = len(await journal(town))
    for _ in range(2):
        assert await api("/acs/users/revoke_access_to_all_entrances", acs_user_id=user) == {}
    gone = {("membership", False), ("grant", False), ("credential_entrance", False)}
    assert {(kind, holds) for kind, _, holds in (await journal(town))[before:]} == gone
    assert len(await journal(town)) == before + 3
    assert await opens(api, acs_user_id=user) == []
    assert await opens(api, acs_user_id=friend) == ["Group", "Card", "Grant"]
    for entrance in entrances:
        for number, outcome in (("42-10001", "deny"), ("42-10002", "allow")):
            read = {"acs_entrance_id": entrance, "card_number": number}
            decided = (await api("/doorward/doors/present", **read))["decision"]
            assert decided["outcome"] == outcome
    left = (await api("/acs/credentials/list", acs_user_id=user))["acs_credentials"]
    assert [each["acs_credential_id"] for each in left] == [str(card)]
    assert left[0]["is_issued"] is True
    assert (await shown(api, user))["is_suspended"] is False
    assert await of_people(api) == set()


async def test_who_has_nothing_loses_nothing(api: Caller, town: Town, north: System) -> None:
    user, before = await town.user(north, ADA), await journal(town)
    assert await api("/acs/users/revoke_access_to_all_entrances", acs_user_id=user) == {}
    assert await journal(town) == before


@pytest.mark.parametrize(
    ("limit", "uses", "can_open"),
    [
        (None, {"a": 99}, ["Door"]),
        (3, {}, ["Door"]),
        (3, {"a": 1, "b": 1}, ["Door"]),
        (3, {"a": 1, "b": 2}, []),
        (3, {"a": 7}, []),
    ],
)
async def test_a_used_up_credential_opens_nothing_by_itself(
    api: Caller,
    town: Town,
    north: System,
    limit: int | None,
    uses: dict[str, int],
    can_open: list[str],
) -> None:
    door = await town.entrance(north, "Door")
    user = await town.user(north, ADA)
    card = await town.credential(north, user, "42-1", door)
    await town.database.execute(
        "update acs_credential set use_limit = $2, uses = $3::text::jsonb"
        " where acs_credential_id = $1",
        card,
        limit,
        str(uses).replace("'", '"'),
    )
    assert await opens(api, acs_user_id=user) == can_open
    assert await api.names("/acs/entrances/list", acs_credential_id=card) == can_open
