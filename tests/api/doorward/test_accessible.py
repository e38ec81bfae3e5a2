"""Which entrances somebody can open: the list, the explanation and the door must say the same."""

from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import product
from uuid import UUID, uuid4

import pytest

from doorward.doors.registry import Doors
from doorward.store.personal import Personal
from tests.api.conftest import Caller, hear
from tests.api.town import ALWAYS, Span, System, Town

SOMEBODY = Personal("Somebody")


async def accessible(api: Caller, **key: UUID) -> list[str]:
    kind = "access_groups" if "acs_access_group_id" in key else "users"
    body = await api(f"/acs/{kind}/list_accessible_entrances", "GET", **key)
    return [entrance["display_name"] for entrance in body["acs_entrances"]]


async def opened_by(api: Caller, credential: UUID) -> list[str]:
    body = await api("/acs/entrances/list", "GET", acs_credential_id=credential)
    return [entrance["display_name"] for entrance in body["acs_entrances"]]


def spans(town: Town) -> dict[str, Span]:
    now, hour = town.now + timedelta(hours=1), timedelta(hours=1)
    return {
        "always": ALWAYS,
        "open": (now - hour * 3, now + hour * 3),
        "over": (None, now - hour * 2),
        "to come": (now + hour * 2, None),
    }


async def test_what_groups_open(api: Caller, town: Town, north: System) -> None:
    front, back, closed = [
        await town.entrance(north, name, is_enabled=name != "Closed")
        for name in ("Front", "Back", "Closed")
    ]
    user = await town.user(north, SOMEBODY)
    assert await accessible(api, acs_user_id=user) == []
    both = await town.group(north, "Both", front, back, closed)
    later = await town.group(north, "Later", back, span=spans(town)["to come"])
    await town.join(both, user)
    await town.join(later, user)
    assert await accessible(api, acs_user_id=user) == ["Front", "Back"]
    assert await accessible(api, acs_access_group_id=both) == ["Front", "Back"]
    assert await accessible(api, acs_access_group_id=later) == []
    await town.open(north, both, back, is_desired=False)
    assert await accessible(api, acs_user_id=user) == ["Front"]
    await town.join(both, user, is_add=False)
    assert await accessible(api, acs_user_id=user) == []


async def test_by_identity(api: Caller, town: Town, north: System) -> None:
    south = await town.system("South")
    identity = await town.identity(SOMEBODY)
    for system in (north, south):
        door = await town.entrance(system, f"Door of {system.controller_id}")
        user = await town.user(system, SOMEBODY, identity=identity)
        await town.join(await town.group(system, "Staff", door), user)
    for system in (north, south):
        found = await accessible(api, user_identity_id=identity, acs_system_id=system.acs_system_id)
        assert found == [f"Door of {system.controller_id}"]


async def test_groups_and_people_that_are_not_there(api: Caller, town: Town) -> None:
    other = Town(town.database, town.keyring)
    there = await other.found()
    group, user = await other.group(there, "G"), await other.user(there, SOMEBODY)
    for group_id in (group, uuid4()):
        key = {"acs_access_group_id": group_id}
        for path in ("get", "list_users", "list_accessible_entrances"):
            assert await api.error(f"/acs/access_groups/{path}", **key) == (
                404,
                "acs_access_group_not_found",
            )
    assert await api.error("/acs/users/list_accessible_entrances", acs_user_id=user) == (
        404,
        "acs_user_not_found",
    )


# What is wrong with a person and with the person's card: window, suspension; window, state, issued.
PEOPLE = [("always", False), ("over", False), ("to come", False), ("open", True)]
CARDS = [
    ("open", "active", True),
    ("over", "active", True),
    ("to come", "active", True),
    ("always", "lost", True),
    ("always", "active", False),
]


async def _people(town: Town, north: System) -> AsyncIterator[UUID]:
    """People of every kind, each with other groups, and a card with an entrance of its own."""
    doors = [await town.entrance(north, name, is_enabled=name != "D") for name in "ABCD"]
    named = spans(town)
    groups = [
        await town.group(north, name, door, doors[3], span=named[name])
        for name, door in zip(("always", "open", "over"), doors, strict=False)
    ]
    for place, ((person, is_suspended), (card, state, is_issued), first) in enumerate(
        product(PEOPLE, CARDS, (0, 2, 3))
    ):
        user = await town.user(north, SOMEBODY, is_suspended=is_suspended, span=named[person])
        for group in groups[first:]:
            await town.join(group, user)
        own, span = doors[(place + 1) % 4], named[card]
        await town.credential(
            north, user, f"1-{place}", own, state=state, is_issued=is_issued, span=span
        )
        yield user


async def test_list_explanation_and_door_agree(
    api: Caller, doors: Doors, town: Town, north: System
) -> None:
    users = [user async for user in _people(town, north)]
    await hear(doors, town)
    entrances = (await api("/acs/entrances/list"))["acs_entrances"]
    credentials = {
        each["acs_user_id"]: each
        for each in (await api("/acs/credentials/list"))["acs_credentials"]
    }
    outcomes: set[str] = set()
    for user in users:
        listed = await accessible(api, acs_user_id=user)
        credential = credentials[str(user)]
        by_credential = await opened_by(api, credential["acs_credential_id"])
        valid = False
        for entrance in entrances:
            where = {"acs_entrance_id": entrance["acs_entrance_id"]}
            explained = (await api("/doorward/decisions/explain", acs_user_id=user, **where))[
                "explanation"
            ]
            read = {"card_number": credential["card_number"], **where}
            decision = (await api("/doorward/doors/present", **read))["decision"]
            for name in ("outcome", "reason", "rule", "acs_user_id", "acs_credential_id"):
                assert explained[name] == decision[name], name
            valid |= explained["rule"] > 8
            is_allowed = decision["outcome"] == "allow"
            assert is_allowed == (entrance["display_name"] in by_credential)
            assert not is_allowed or entrance["display_name"] in listed
            outcomes.add(decision["reason"])
        assert not valid or listed == by_credential
    assert outcomes >= {
        "allow",
        "deny_entrance_disabled",
        "deny_credential_not_issued",
        "deny_credential_lost",
        "deny_credential_expired",
        "deny_credential_not_yet_valid",
        "deny_suspended",
        "deny_expired",
        "deny_not_yet_active",
        "deny_no_access",
        "deny_outside_schedule",
    }


@pytest.mark.parametrize("number", ["42-1", "1234"])
async def test_a_credential_that_is_nobodys_opens_nothing(
    api: Caller, town: Town, north: System, number: str
) -> None:
    door = await town.entrance(north, "Door")
    credential = await town.credential(north, None, number, door)
    assert await opened_by(api, credential) == []
