"""/doorward/decisions/explain: the ladder rung by rung, now and then."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from doorward.policy.facts import CredentialState, Kind, Link
from doorward.store.personal import Personal
from tests.api.conftest import Caller
from tests.api.town import System, Town
from tests.conftest import MovableClock

ADA = Personal("Ada", "ada@example.com")


async def explain(api: Caller, **parameters: Any) -> dict[str, Any]:
    body = await api("/doorward/decisions/explain", "GET", **parameters)
    explanation: dict[str, Any] = body["explanation"]
    return explanation


def rungs(explanation: dict[str, Any]) -> dict[int, str]:
    return {rung["rule"]: rung["verdict"] for rung in explanation["rungs"]}


async def test_an_allowed_person(api: Caller, town: Town, north: System) -> None:
    door = await town.entrance(north, "Door")
    ends_at = town.now + timedelta(days=1)
    staff = await town.group(north, "Staff", door, span=(None, ends_at))
    user = await town.user(north, ADA)
    await town.join(staff, user)
    card = await town.credential(north, user, "42-12345", door)
    explanation = await explain(api, acs_user_id=user, acs_entrance_id=door)
    assert (explanation["outcome"], explanation["reason"], explanation["rule"]) == (
        "allow",
        "allow",
        16,
    )
    assert explanation["acs_credential_id"] == str(card)
    assert explanation["acs_user_id"] == str(user)
    assert explanation["acs_entrance_id"] == str(door)
    shown = rungs(explanation)
    assert shown.pop(16) == "decides"
    assert set(shown.values()) == {"passed"}
    assert {1, 6, 7, 8, 9, 10, 11} <= set(shown)
    end = ends_at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    assert explanation["paths"] == [
        {
            "source": "access_group",
            "source_id": str(staff),
            "name": "Staff",
            "starts_at": None,
            "ends_at": end,
        },
        {
            "source": "credential",
            "source_id": str(card),
            "name": "Somebody's card",
            "starts_at": None,
            "ends_at": None,
        },
    ]


async def test_a_grant_is_a_path_of_the_person(api: Caller, town: Town, north: System) -> None:
    door, other = await town.entrance(north, "Door"), await town.entrance(north, "Other")
    user = await town.user(north, ADA)
    await town.credential(north, user, "42-1")
    await town.record(north, Kind.GRANT, user, door, Link())
    explanation = await explain(api, acs_user_id=user, acs_entrance_id=door)
    assert explanation["outcome"] == "allow"
    grant = {"source": "grant", "source_id": str(user), "name": "Ada"}
    assert explanation["paths"] == [{**grant, "starts_at": None, "ends_at": None}]
    assert (await explain(api, acs_user_id=user, acs_entrance_id=other))["paths"] == []
    await town.record(north, Kind.GRANT, user, door)
    refused = await explain(api, acs_user_id=user, acs_entrance_id=door)
    assert (refused["reason"], refused["paths"]) == ("deny_no_access", [])


async def test_what_is_used_up_opens_nothing(api: Caller, town: Town, north: System) -> None:
    door, user, card = await town.entrance(north, "Door"), await town.user(north, ADA), uuid4()
    await town.record(north, Kind.GRANT, user, door, Link())
    for limit, reason in ((3, "allow"), (2, "deny_credential_expired")):
        state = CredentialState("card", use_limit=limit, uses={"one": 1, "another": 1})
        await town.record(north, Kind.CREDENTIAL, card, user, state)
        explanation = await explain(api, acs_user_id=user, acs_entrance_id=door)
        assert explanation["reason"] == reason
    [rung] = [rung for rung in explanation["rungs"] if rung["verdict"] == "decides"]
    assert (rung["rule"], rung["detail"]) == (8, "used_up")


async def test_a_cloud_key_is_explained_as_it_is_used(
    api: Caller, town: Town, north: System
) -> None:
    door, user = await town.entrance(north, "Door"), await town.user(north, ADA)
    await town.record(north, Kind.GRANT, user, door, Link())
    await town.record(north, Kind.CREDENTIAL, uuid4(), user, CredentialState("cloud_key"))
    explanation = await explain(api, acs_user_id=user, acs_entrance_id=door)
    assert explanation["outcome"] == "allow"


async def test_nothing_to_show(api: Caller, town: Town, north: System) -> None:
    door = await town.entrance(north, "Door")
    user = await town.user(north, ADA)
    await town.join(await town.group(north, "Staff", door), user)
    await town.credential(north, None, "42-1", door)
    explanation = await explain(api, acs_user_id=user, acs_entrance_id=door)
    assert (explanation["reason"], explanation["rule"]) == ("deny_unknown_credential", 7)
    assert explanation["acs_credential_id"] is None
    [rung] = [rung for rung in explanation["rungs"] if rung["verdict"] == "decides"]
    assert rung["detail"] == "no_credential"
    assert [path["name"] for path in explanation["paths"]] == ["Staff"]


async def test_the_credential_that_gets_furthest(api: Caller, town: Town, north: System) -> None:
    door = await town.entrance(north, "Door")
    user = await town.user(north, ADA)
    await town.credential(north, user, "42-1", door, state="lost")
    valid = await town.credential(north, user, "1234")
    await town.credential(north, user, "42-2", is_issued=False)
    explanation = await explain(api, acs_user_id=user, acs_entrance_id=door)
    assert explanation["reason"] == "deny_no_access"
    assert explanation["acs_credential_id"] == str(valid)
    assert explanation["paths"] == []
    best = await town.credential(north, user, "42-3", door)
    explanation = await explain(api, acs_user_id=user, acs_entrance_id=door)
    assert (explanation["reason"], explanation["acs_credential_id"]) == ("allow", str(best))


async def test_the_past(api: Caller, town: Town, north: System, clock: MovableClock) -> None:
    before = town.now
    door = await town.entrance(north, "Door")
    group, user = await town.group(north, "Staff", door), await town.user(north, ADA)
    await town.credential(north, user, "42-1")
    outside = town.now
    joined = await town.join(group, user)
    inside = town.now
    left = await town.join(group, user, is_add=False)
    moments: list[tuple[datetime | None, int, str]] = [
        (before, 0, "deny_unknown_entrance"),
        (outside, joined - 1, "deny_no_access"),
        (inside, joined, "allow"),
        (inside + timedelta(milliseconds=999), joined, "allow"),
        (town.now, left, "deny_no_access"),
        (None, left, "deny_no_access"),
        (clock.now(town.workspace_id) + timedelta(days=9), left, "deny_no_access"),
    ]
    for at, revision, reason in moments:
        when = {} if at is None else {"at": at.isoformat()}
        explanation = await explain(api, acs_user_id=user, acs_entrance_id=door, **when)
        assert (explanation["policy_revision"], explanation["reason"]) == (revision, reason)
        if at is not None:
            assert datetime.fromisoformat(explanation["at"]) == _milliseconds(at)


def _milliseconds(moment: datetime) -> datetime:
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


async def test_the_workspaces_own_time(
    api: Caller, town: Town, north: System, clock: MovableClock
) -> None:
    door, ends_at = await town.entrance(north, "Door"), town.now + timedelta(days=1)
    user = await town.user(north, ADA, span=(None, ends_at))
    await town.credential(north, user, "42-1", door)
    key = {"acs_user_id": user, "acs_entrance_id": door}
    assert (await explain(api, **key))["reason"] == "allow"
    assert (await api("/acs/users/list_accessible_entrances", acs_user_id=user))["acs_entrances"]
    clock.advance(town.workspace_id, timedelta(days=2))
    assert (await explain(api, **key))["reason"] == "deny_expired"
    assert not (await api("/acs/users/list_accessible_entrances", acs_user_id=user))[
        "acs_entrances"
    ]


async def test_by_identity(api: Caller, town: Town, north: System) -> None:
    south = await town.system("South")
    identity = await town.identity(ADA)
    user = await town.user(north, ADA, identity=identity)
    door, other = await town.entrance(north, "Door"), await town.entrance(south, "Other")
    await town.credential(north, user, "42-1", door)
    found = await explain(api, user_identity_id=identity, acs_entrance_id=door)
    assert (found["acs_user_id"], found["reason"]) == (str(user), "allow")
    key = {"user_identity_id": identity, "acs_entrance_id": other}
    assert await api.error("/doorward/decisions/explain", **key) == (404, "acs_user_not_found")
    # At a door of another system the person is unknown, whatever they hold here.
    found = await explain(api, **key, acs_system_id=north.acs_system_id)
    assert found["reason"] == "deny_unknown_credential"


async def test_who_or_what_is_not_there(api: Caller, town: Town, north: System) -> None:
    other = Town(town.database, town.keyring)
    there = await other.found()
    their_user, their_door = await other.user(there, ADA), await other.entrance(there, "Door")
    user, door = await town.user(north, ADA), await town.entrance(north, "Door")
    cases: list[tuple[UUID, UUID, str]] = [
        (their_user, door, "acs_user_not_found"),
        (uuid4(), uuid4(), "acs_user_not_found"),
        (user, their_door, "acs_entrance_not_found"),
    ]
    for user_id, door_id, kind in cases:
        key = {"acs_user_id": user_id, "acs_entrance_id": door_id}
        assert await api.error("/doorward/decisions/explain", **key) == (404, kind)
    key = {"user_identity_id": uuid4(), "acs_entrance_id": door}
    assert await api.error("/doorward/decisions/explain", **key) == (
        404,
        "user_identity_not_found",
    )


@pytest.mark.parametrize("names", [(), ("acs_user_id", "user_identity_id")])
async def test_both_or_neither(api: Caller, names: tuple[str, ...]) -> None:
    key = {name: uuid4() for name in names}
    error = await api.error("/doorward/decisions/explain", acs_entrance_id=uuid4(), **key)
    assert error == (400, "invalid_input")
