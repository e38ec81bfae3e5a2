"""/acs/users: making people, changing and deleting them."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from doorward.doors.registry import Doors
from doorward.store.personal import Personal
from tests.api.conftest import Caller, hear
from tests.api.town import System, Town, iso
from tests.conftest import MovableClock

ADA = Personal("Ada Lovelace", "ada@example.com", "+491701234567")
EVER = "2020-01-01T00:00:00Z"


async def journal(town: Town) -> list[tuple[str, UUID, bool]]:
    """Kind, first key, and whether the fact holds after it, of every entry."""
    rows = await town.database.fetch(
        "select kind, key_a, state is not null from policy_journal where workspace_id = $1"
        " order by revision",
        town.workspace_id,
    )
    return [tuple(row) for row in rows]


async def happened(api: Caller) -> list[dict[str, Any]]:
    """All events, in the order in which they are listed."""
    events: list[dict[str, Any]] = (await api("/events/list", since=EVER))["events"]
    return events


async def shown(api: Caller, user: UUID | str) -> dict[str, Any]:
    """A person as the API shows her."""
    body: dict[str, Any] = await api("/acs/users/get", acs_user_id=user)
    return body["acs_user"]  # type: ignore[no-any-return]


def moments(api: Caller, town: Town) -> datetime:
    """The workspace's time in whole milliseconds."""
    now = api.services.clock.now(town.workspace_id)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


async def test_an_address_by_its_old_name(api: Caller, north: System) -> None:
    given = {"acs_system_id": north.acs_system_id, "full_name": "Ada", "email": "ada@example.com"}
    user = (await api("/acs/users/create", **given))["acs_user"]
    assert user["email_address"] == user["email"] == "ada@example.com"


async def test_making_a_person(api: Caller, town: Town, north: System) -> None:
    door = await town.entrance(north, "Door")
    groups = [await town.group(north, name, door) for name in ("Staff", "Guests")]
    identity = await town.identity(Personal("Countess"))
    before = len(await journal(town))
    body = await api(
        "/acs/users/create",
        acs_system_id=north.acs_system_id,
        full_name="Ada Lovelace",
        email_address="ada@example.com",
        phone_number="+491701234567",
        acs_access_group_ids=[*groups, groups[0]],
        user_identity_id=identity,
    )
    user = body["acs_user"]
    assert user == await shown(api, user["acs_user_id"])
    assert user["full_name"] == user["display_name"] == "Ada Lovelace"
    assert user["email_address"] == user["email"] == "ada@example.com"
    assert user["phone_number"] == "+491701234567"
    assert user["user_identity_id"] == str(identity)
    assert user["user_identity_full_name"] == "Countess"
    assert "access_schedule" not in user
    listed = await api("/acs/access_groups/list", acs_user_id=user["acs_user_id"])
    assert [each["acs_access_group_id"] for each in listed["acs_access_groups"]] == [
        str(group) for group in groups
    ]
    made = UUID(user["acs_user_id"])
    assert (await journal(town))[before:] == [
        ("user", made, True),
        *(("membership", group, True) for group in groups),
    ]
    (event,) = await happened(api)
    assert event["event_type"] == "acs_user.created"
    assert event["acs_user_id"] == str(made)
    assert event["connected_account_id"] == str(north.connected_account_id)
    found = await api("/acs/users/list", search="lovelace")
    assert [each["acs_user_id"] for each in found["acs_users"]] == [str(made)]


async def test_who_can_not_be_made(api: Caller, town: Town, north: System) -> None:
    south, here = await town.system("South"), north.acs_system_id
    theirs, group = await town.group(south, "Theirs"), await town.group(north, "Ours")
    identity = await town.identity(ADA)
    await town.user(north, ADA, identity=identity)
    before = await journal(town)
    cases: list[tuple[dict[str, Any], tuple[int, str]]] = [
        ({"acs_system_id": uuid4()}, (404, "acs_system_not_found")),
        ({"acs_access_group_ids": [group, uuid4()]}, (404, "acs_access_group_not_found")),
        ({"acs_access_group_ids": [group, theirs]}, (400, "invalid_input")),
        ({"user_identity_id": uuid4()}, (400, "user_identity_not_found")),
        ({"user_identity_id": identity}, (400, "invalid_input")),
        ({"full_name": ""}, (400, "invalid_input")),
        ({"full_name": " \t"}, (400, "invalid_input")),
        ({"full_name": "x" * 256}, (400, "invalid_input")),
        ({"email_address": "nobody"}, (400, "invalid_input")),
        ({"email_address": "a@example.com\n"}, (400, "invalid_input")),
        ({"email_address": "a@example.com", "email": "b@example.com"}, (400, "invalid_input")),
        ({"phone_number": "0170 1234567"}, (400, "invalid_input")),
        ({"phone_number": "+491701234567\n"}, (400, "invalid_input")),
        ({"access_schedule": {"ends_at": "2020-01-01T00:00:00Z"}}, (400, "invalid_input")),
    ]
    for parameters, error in cases:
        given = {"acs_system_id": here, "full_name": "Bob"} | parameters
        assert await api.error("/acs/users/create", **given) == error, parameters
    assert await journal(town) == before
    assert await happened(api) == []
    assert len((await api("/acs/users/list"))["acs_users"]) == 1


@pytest.fixture(params=["create", "update"])
def scheduled(request: pytest.FixtureRequest, api: Caller, town: Town, north: System) -> Any:
    """Gives somebody a schedule, by either call; answers the person's id, or the error."""

    async def schedule(**schedule: Any) -> Any:
        if request.param == "update":
            user = await town.user(north, ADA)
            given = {"acs_user_id": user, "access_schedule": schedule}
            answer = await api.answer("/acs/users/update", "PATCH", **given)
            return user if answer.status_code == 200 else answer.json()["error"]["type"]
        given = {"acs_system_id": north.acs_system_id, "full_name": "Bob"}
        answer = await api.answer("/acs/users/create", **given, access_schedule=schedule)
        body = answer.json()
        return body["acs_user"]["acs_user_id"] if "acs_user" in body else body["error"]["type"]

    return schedule


async def test_a_schedule(api: Caller, town: Town, scheduled: Any) -> None:
    now = moments(api, town)
    tomorrow, week = now + timedelta(days=1), now + timedelta(days=7)
    for given, expected in (
        ({"starts_at": tomorrow, "ends_at": week}, (iso(tomorrow), iso(week))),
        ({"starts_at": tomorrow, "ends_at": None}, (iso(tomorrow), None)),
        ({"starts_at": tomorrow}, (iso(tomorrow), None)),
        ({"starts_at": tomorrow + timedelta(microseconds=7)}, (iso(tomorrow), None)),
        ({"starts_at": now - timedelta(days=9), "ends_at": week}, (None, iso(week))),
    ):
        schedule = (await shown(api, await scheduled(**given)))["access_schedule"]
        starts_at = expected[0] or iso(now - timedelta(days=9))
        assert schedule == {"starts_at": starts_at, "ends_at": expected[1]}


@pytest.mark.parametrize("length", [timedelta(days=1), None])
async def test_a_new_person_without_a_start_begins_now(
    api: Caller, town: Town, north: System, length: timedelta | None
) -> None:
    before = moments(api, town)
    end = {"ends_at": before + length} if length else {}
    given = {"acs_system_id": north.acs_system_id, "full_name": "Bob", "access_schedule": end}
    user = (await api("/acs/users/create", **given))["acs_user"]
    assert user["access_schedule"]["ends_at"] == (iso(before + length) if length else None)
    assert iso(before) <= user["access_schedule"]["starts_at"] <= iso(moments(api, town))


async def test_what_a_changed_schedule_leaves_out_stays(
    api: Caller, town: Town, north: System
) -> None:
    now = moments(api, town)
    day, week, month = (now + timedelta(days=n) for n in (1, 7, 30))
    user = await town.user(north, ADA, span=(day, week))
    changes: list[tuple[dict[str, Any], tuple[datetime | None, datetime | None]]] = [
        ({"ends_at": month}, (day, month)),
        ({"starts_at": week}, (week, month)),
        ({"ends_at": None}, (week, None)),
        ({"starts_at": day}, (day, None)),
        ({"starts_at": now, "ends_at": month}, (now, month)),
    ]
    for change, (starts_at, ends_at) in changes:
        before = len(await journal(town))
        for _ in range(2):
            await api("/acs/users/update", acs_user_id=user, access_schedule=change)
        schedule = (await shown(api, user))["access_schedule"]
        assert schedule["starts_at"] == (starts_at and iso(starts_at)), change
        assert schedule["ends_at"] == (ends_at and iso(ends_at)), change
        assert (await journal(town))[before:] == [("user", user, True)], "one entry for one change"


async def test_an_end_leaves_somebody_without_a_start_without_one(
    api: Caller, town: Town, north: System
) -> None:
    user, end = await town.user(north, ADA), moments(api, town) + timedelta(days=1)
    for given in ({"ends_at": end}, {"ends_at": end}, {"ends_at": None}, {"ends_at": None}):
        await api("/acs/users/update", acs_user_id=user, access_schedule=given)
    assert "access_schedule" not in await shown(api, user)
    assert [kind for kind, *_ in await journal(town)].count("user") == 3


@pytest.mark.parametrize("schedule", [{}, {"begins_at": EVER}, {"starts_at": None}])
async def test_a_change_of_a_schedule_that_says_nothing(
    api: Caller, town: Town, north: System, schedule: dict[str, Any]
) -> None:
    end = moments(api, town) + timedelta(days=1)
    user = await town.user(north, ADA, span=(None, end))
    before = await shown(api, user)
    given = {"acs_user_id": user, "access_schedule": schedule}
    assert await api.error("/acs/users/update", **given) == (400, "invalid_input")
    assert await shown(api, user) == before


async def test_a_schedule_that_is_over_may_stay(
    api: Caller, town: Town, north: System, clock: MovableClock
) -> None:
    now = moments(api, town)
    # What a site file says may be finer than what the API shows.
    end = now + timedelta(hours=1, microseconds=7)
    user = await town.user(north, ADA, span=(now, end))
    clock.advance(town.workspace_id, timedelta(hours=2))
    before, same = await journal(town), (await shown(api, user))["access_schedule"]
    for schedule in (same, {"ends_at": same["ends_at"]}, {"starts_at": same["starts_at"]}):
        await api("/acs/users/update", acs_user_id=user, access_schedule=schedule)
    assert await journal(town) == before
    await api("/acs/users/update", acs_user_id=user, access_schedule=same, full_name="Augusta")
    assert (await shown(api, user))["full_name"] == "Augusta"
    for wrong in (end - timedelta(minutes=1), end + timedelta(minutes=1)):
        given = {"acs_user_id": user, "access_schedule": {"ends_at": wrong}}
        assert await api.error("/acs/users/update", **given) == (400, "invalid_input")
    given = {"acs_user_id": user, "access_schedule": {"starts_at": end}}
    assert await api.error("/acs/users/update", **given) == (400, "invalid_input")
    begin = now + timedelta(minutes=30)
    await api("/acs/users/update", acs_user_id=user, access_schedule={"starts_at": begin})
    schedule = (await shown(api, user))["access_schedule"]
    assert schedule == {"starts_at": iso(begin), "ends_at": same["ends_at"]}


async def test_schedules_that_are_none(api: Caller, town: Town, scheduled: Any) -> None:
    now = moments(api, town)
    tomorrow = now + timedelta(days=1)
    for wrong in (
        {"ends_at": now - timedelta(seconds=1)},
        {"starts_at": now - timedelta(days=2), "ends_at": now - timedelta(days=1)},
        {"starts_at": tomorrow, "ends_at": tomorrow},
        {"starts_at": tomorrow, "ends_at": tomorrow + timedelta(microseconds=999)},
        {"starts_at": tomorrow, "ends_at": tomorrow - timedelta(hours=1)},
    ):
        assert await scheduled(**wrong) == "invalid_input", wrong


async def test_changing_a_person(api: Caller, town: Town, north: System) -> None:
    user = await town.user(north, ADA)
    tomorrow = moments(api, town) + timedelta(days=1)
    schedule = {"starts_at": iso(tomorrow), "ends_at": iso(tomorrow + timedelta(hours=1))}
    changes: list[tuple[dict[str, Any], dict[str, Any]]] = [
        ({"full_name": "Ada L."}, {"full_name": "Ada L.", "display_name": "Ada L."}),
        ({"email_address": "al@example.com"}, {"email_address": "al@example.com"}),
        ({"email": "ada@example.org"}, {"email_address": "ada@example.org"}),
        ({"phone_number": "+4930123456"}, {"phone_number": "+4930123456"}),
        ({"access_schedule": schedule}, {"access_schedule": schedule}),
    ]
    expected = await shown(api, user)
    written = "select xmin::text from personal where subject_id = $1"
    for change, difference in changes:
        before = len(await journal(town))
        for _ in range(2):
            assert await api("/acs/users/update", "PATCH", acs_user_id=user, **change) == {}
        expected |= difference | {"email": difference.get("email_address", expected["email"])}
        now = await shown(api, user)
        assert {**now, "warnings": [], "pending_mutations": []} == expected
        assert (await journal(town))[before:] == [("user", user, True)], "one entry for one change"
        version = await town.database.fetchval(written, user)
        assert await api("/acs/users/update", acs_user_id=user, **change) == {}
        assert await town.database.fetchval(written, user) == version, "nothing is written"
    assert now["warnings"][0]["warning_code"] == "acs_user_inactive"
    found = (await api("/acs/users/list", search="+49301234"))["acs_users"]
    assert [each["acs_user_id"] for each in found] == [str(user)]
    assert await api("/acs/users/update", acs_user_id=user, access_schedule=None) == {}
    assert "access_schedule" not in await shown(api, user)
    assert await happened(api) == []


async def test_a_change_by_identity(api: Caller, town: Town, north: System) -> None:
    identity = await town.identity(ADA)
    user = await town.user(north, ADA, identity=identity)
    key = {"user_identity_id": identity, "acs_system_id": north.acs_system_id}
    await api("/acs/users/update", "PATCH", **key, full_name="Augusta")
    assert (await shown(api, user))["full_name"] == "Augusta"
    assert (await shown(api, user))["user_identity_full_name"] == "Ada Lovelace"


async def test_a_change_of_erased_values_has_a_salt_again(
    api: Caller, town: Town, north: System
) -> None:
    user = await town.user(north, ADA)
    await town.database.execute("delete from personal where subject_id = $1", user)
    await api("/acs/users/update", acs_user_id=user, full_name="Ada")
    salt = await town.database.fetchval("select salt from personal where subject_id = $1", user)
    assert len(salt) == 16


CHANGING = [
    ("update", {"full_name": "X"}),
    ("delete", {}),
    ("suspend", {}),
    ("unsuspend", {}),
    ("revoke_access_to_all_entrances", {}),
]


@pytest.mark.parametrize(("call", "more"), CHANGING, ids=[call for call, _ in CHANGING])
async def test_changing_nobody(
    api: Caller, town: Town, north: System, call: str, more: dict[str, Any]
) -> None:
    path, here = f"/acs/users/{call}", north.acs_system_id
    south = (await town.system("South")).acs_system_id
    other = Town(town.database, town.keyring)
    theirs = await other.user(await other.found(), ADA)
    identity = await town.identity(ADA)
    user = await town.user(north, ADA, identity=identity)
    unmanaged = await town.user(north, ADA)
    await town.database.execute(
        "update acs_user set is_managed = false where acs_user_id = $1", unmanaged
    )
    before = await journal(town), await journal(other)
    cases: list[tuple[dict[str, Any], tuple[int, str]]] = [
        ({"acs_user_id": uuid4()}, (404, "acs_user_not_found")),
        ({"acs_user_id": theirs}, (404, "acs_user_not_found")),
        ({"acs_user_id": unmanaged}, (404, "acs_user_not_found")),
        ({"acs_user_id": user, "acs_system_id": south}, (404, "acs_user_not_found")),
        (
            {"user_identity_id": uuid4(), "acs_system_id": here},
            (404, "user_identity_not_found"),
        ),
        ({"user_identity_id": identity, "acs_system_id": south}, (404, "acs_user_not_found")),
        ({"user_identity_id": identity, "acs_system_id": uuid4()}, (404, "acs_system_not_found")),
        ({"user_identity_id": identity}, (400, "invalid_input")),
        ({}, (400, "invalid_input")),
    ]
    for name, error in cases:
        assert await api.error(path, **name, **more) == error, name
    assert (await journal(town), await journal(other)) == before


async def test_an_unknown_hid_system(api: Caller, town: Town, north: System) -> None:
    user = await town.user(north, ADA)
    given = {"acs_user_id": user, "full_name": "X", "hid_acs_system_id": uuid4()}
    assert await api.error("/acs/users/update", **given) == (404, "acs_system_not_found")
    assert (await shown(api, user))["full_name"] == "Ada Lovelace"


def _told(events: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """Type and subject of each."""
    for event in events:
        yield event["event_type"], event.get("acs_credential_id") or event["acs_user_id"]


@pytest.mark.parametrize("verb", ["DELETE", "POST"])
async def test_deleting_a_person(api: Caller, town: Town, north: System, verb: str) -> None:
    door = await town.entrance(north, "Door")
    group = await town.group(north, "Staff", door)
    user, friend = await town.user(north, ADA), await town.user(north, Personal("Bob"))
    for each in (user, friend):
        await town.join(group, each)
    card = await town.credential(north, user, "42-1", door)
    lost = await town.credential(north, user, "42-2", state="lost")
    his = await town.credential(north, friend, "42-3")
    await api("/acs/entrances/grant_access", acs_user_id=user, acs_entrance_id=door)
    before = len(await journal(town))
    assert await api("/acs/users/delete", verb, acs_user_id=user) == {}

    assert await api.error("/acs/users/get", acs_user_id=user) == (404, "acs_user_not_found")
    assert await api.error("/acs/users/delete", verb, acs_user_id=user) == (
        404,
        "acs_user_not_found",
    )
    left = await api("/acs/credentials/list")
    assert [each["acs_credential_id"] for each in left["acs_credentials"]] == [str(his)]
    members = await api("/acs/access_groups/list_users", acs_access_group_id=group)
    assert [each["acs_user_id"] for each in members["acs_users"]] == [str(friend)]

    entries = (await journal(town))[before:]
    assert not any(holds for *_, holds in entries)
    assert sorted(kind for kind, *_ in entries) == sorted(
        ["credential_entrance", "credential", "credential", "membership", "grant", "user"]
    )
    told = [*_told(await happened(api))]
    assert told[-1] == ("acs_user.deleted", str(user))
    assert [each for each in told if each[1] == str(card)] == [
        ("acs_credential.invalidated", str(card)),
        ("acs_credential.deleted", str(card)),
    ]
    assert [each for each in told if each[1] == str(lost)] == [
        ("acs_credential.deleted", str(lost))
    ]
    assert len(told) == 4


async def test_nothing_personal_is_left_of_the_deleted(
    api: Caller, town: Town, north: System
) -> None:
    user = await town.user(north, ADA)
    await api("/acs/users/update", acs_user_id=user, full_name="Augusta")
    await api("/acs/users/delete", acs_user_id=user)
    left = "select count(*) from {} where subject_id = $1"
    for table in ("personal", "pending_change"):
        assert await town.database.fetchval(left.format(table), user) == 0, table
    assert (await api("/acs/users/list", search="August"))["acs_users"] == []


async def test_the_deleted_are_refused_at_the_door(
    api: Caller, town: Town, north: System, doors: Doors
) -> None:
    door = await town.entrance(north, "Door")
    group, user = await town.group(north, "Staff", door), await town.user(north, ADA)
    await town.credential(north, user, "42-10001")
    await town.join(group, user)
    await hear(doors, town)
    read = {"acs_entrance_id": door, "card_number": "42-10001"}
    assert (await api("/doorward/doors/present", **read))["decision"]["outcome"] == "allow"
    await api("/acs/users/delete", acs_user_id=user)
    refused = (await api("/doorward/doors/present", **read))["decision"]
    assert refused["reason"] == "deny_unknown_credential"
