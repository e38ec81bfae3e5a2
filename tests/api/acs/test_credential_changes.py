"""/acs/credentials: making, changing, giving and withdrawing credentials."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from doorward.store.personal import Personal
from tests.api.conftest import Caller
from tests.api.town import System, Town, iso
from tests.conftest import MovableClock

NOBODY = uuid4()
# Whose systems ask for more with a credential than the native one.
MAKERS = ("assa_abloy_vostio", "salto_space", "visionline")
ADA = Personal("Ada")


async def events(town: Town) -> list[str]:
    """The types of the events about credentials, in no order."""
    rows = await town.database.fetch(
        "select event_type from event where workspace_id = $1"
        " and event_type like 'acs_credential.%'",
        town.workspace_id,
    )
    return sorted(row["event_type"].removeprefix("acs_credential.") for row in rows)


async def journal(town: Town, after: int) -> list[tuple[str, UUID, UUID, bool]]:
    """What the journal says after a revision: kind, keys, and whether the fact holds."""
    rows = await town.database.fetch(
        "select kind, key_a, key_b, state is not null from policy_journal"
        " where workspace_id = $1 and revision > $2 order by revision",
        town.workspace_id,
        after,
    )
    return [tuple(row) for row in rows]


async def revision(town: Town) -> int:
    newest: int = await town.database.fetchval(
        "select revision from policy_revision where workspace_id = $1", town.workspace_id
    )
    return newest


async def create(api: Caller, **parameters: Any) -> dict[str, Any]:
    made: dict[str, Any] = (await api("/acs/credentials/create", **parameters))["acs_credential"]
    return made


async def get(api: Caller, credential: Any) -> dict[str, Any]:
    shown = await api("/acs/credentials/get", acs_credential_id=credential)
    return shown["acs_credential"]  # type: ignore[no-any-return]


async def test_a_code_is_issued_at_once(
    api: Caller, town: Town, north: System, clock: MovableClock
) -> None:
    door = await town.entrance(north, "Door")
    ada = await town.user(north, Personal("Ada"))
    before = await revision(town)
    now = clock.now(town.workspace_id)
    made = await create(
        api,
        access_method="code",
        acs_user_id=ada,
        code="0739281",
        allowed_acs_entrance_ids=[door, door],
        starts_at=now + timedelta(days=1),
        ends_at=now + timedelta(days=2),
    )
    assert made == await get(api, made["acs_credential_id"])
    assert (made["code"], made["card_number"], made["display_name"]) == ("0739281", None, "Code")
    assert (made["acs_user_id"], made["is_issued"], made["warnings"]) == (str(ada), True, [])
    assert made["starts_at"] == iso(now + timedelta(days=1))
    assert made["ends_at"] == iso(now + timedelta(days=2))
    credential = UUID(made["acs_credential_id"])
    assert await journal(town, before) == [
        ("credential", credential, ada, True),
        ("credential_entrance", credential, door, True),
    ]
    assert await events(town) == ["issued"]
    stored = await town.database.fetchrow(
        "select code_length, sealed from acs_credential where acs_credential_id = $1", credential
    )
    assert stored is not None
    assert stored["code_length"] == 7
    assert b"0739281" not in stored["sealed"]


async def test_without_a_code_one_is_chosen(api: Caller, town: Town, north: System) -> None:
    ada = await town.user(north, Personal("Ada"))
    made = [await create(api, access_method="code", acs_user_id=ada) for _ in range(3)]
    assert len({each["code"] for each in made}) == 3
    assert all(each["warnings"] == [] for each in made)
    assert all(each["code"].isdecimal() and len(each["code"]) <= 9 for each in made)


@pytest.mark.parametrize(("code", "is_warned"), [("739281", True), ("7392816", False)])
async def test_a_code_that_is_too_short_to_last(
    api: Caller, town: Town, north: System, code: str, is_warned: bool
) -> None:
    ada = await town.user(north, Personal("Ada"))
    made = await create(api, access_method="code", acs_user_id=ada, code=code)
    told = [(each["warning_code"], each["created_at"]) for each in made["warnings"]]
    assert told == ([("needs_to_be_reissued", made["issued_at"])] if is_warned else [])


async def test_a_card_waits_and_a_cloud_key_does_not(
    api: Caller, town: Town, north: System
) -> None:
    door = await town.entrance(north, "Door")
    ada = await town.user(north, Personal("Ada"))
    both = {"acs_user_id": ada, "allowed_acs_entrance_ids": [door]}
    card = await create(api, access_method="card", **both)
    assert (card["is_issued"], card["issued_at"], card["card_number"]) == (False, None, None)
    assert [each["warning_code"] for each in card["warnings"]] == ["waiting_to_be_issued"]
    assert await events(town) == []
    key = await create(api, access_method="cloud_key", **both)
    assert (key["is_issued"], key["code"], key["card_number"]) == (True, None, None)
    assert await events(town) == ["issued"]
    path = "/acs/credentials/list_accessible_entrances"
    assert await api.names(path, acs_credential_id=card["acs_credential_id"]) == []
    assert await api.names(path, acs_credential_id=key["acs_credential_id"]) == ["Door"]


async def test_an_identity_gets_a_user_with_its_first_credential(
    api: Caller, town: Town, north: System
) -> None:
    bob = await town.identity(Personal("Bob", "bob@example.com"))
    known = await town.user(north, Personal("Bob", "bob@example.com"))
    eve = await town.identity(Personal("Eve", "eve@example.com"))
    ids = {"acs_system_id": north.acs_system_id, "access_method": "card"}
    linked = await create(api, user_identity_id=bob, **ids)
    assert (linked["acs_user_id"], linked["user_identity_id"]) == (str(known), str(bob))
    made = await create(api, user_identity_id=eve, **ids)
    again = await create(api, user_identity_id=eve, **ids)
    assert made["acs_user_id"] == again["acs_user_id"]
    user = (await api("/acs/users/get", acs_user_id=made["acs_user_id"]))["acs_user"]
    assert (user["full_name"], user["user_identity_id"]) == ("Eve", str(eve))


async def test_what_cannot_be_made(
    api: Caller, town: Town, north: System, clock: MovableClock
) -> None:
    south = await town.system("South")
    there = await town.entrance(south, "There")
    ada = await town.user(north, Personal("Ada"))
    eve = await town.identity(Personal("Eve"))
    now = clock.now(town.workspace_id)
    before = await revision(town)
    whole = {"access_method": "card", "acs_user_id": ada}
    of_eve = {"access_method": "card", "user_identity_id": eve}
    cases: list[tuple[dict[str, Any], tuple[int, str]]] = [
        ({"access_method": "card"}, (400, "invalid_input")),
        ({**whole, "user_identity_id": eve}, (400, "invalid_input")),
        (of_eve, (400, "invalid_input")),
        ({**of_eve, "acs_system_id": NOBODY}, (404, "acs_system_not_found")),
        (
            {**of_eve, "user_identity_id": NOBODY, "acs_system_id": north.acs_system_id},
            (404, "user_identity_not_found"),
        ),
        ({**whole, "acs_user_id": NOBODY}, (404, "acs_user_not_found")),
        ({**whole, "acs_system_id": south.acs_system_id}, (404, "acs_user_not_found")),
        ({**whole, "access_method": "mobile_key"}, (400, "invalid_input")),
        ({**whole, "access_method": "fingerprint"}, (400, "invalid_input")),
        ({**whole, "code": "739281"}, (400, "invalid_input")),
        ({**whole, "access_method": "code", "code": "739"}, (400, "invalid_input")),
        ({**whole, "access_method": "code", "code": "7392817392"}, (400, "invalid_input")),
        ({**whole, "access_method": "code", "code": "73a281"}, (400, "invalid_input")),
        ({**whole, "allowed_acs_entrance_ids": [NOBODY]}, (404, "acs_entrance_not_found")),
        ({**whole, "allowed_acs_entrance_ids": [there]}, (400, "invalid_input")),
        ({**whole, "ends_at": now - timedelta(seconds=1)}, (400, "invalid_input")),
        (
            {**whole, "ends_at": now + timedelta(days=1), "starts_at": now + timedelta(days=2)},
            (400, "invalid_input"),
        ),
        ({**whole, "is_multi_phone_sync_credential": True}, (400, "invalid_input")),
        ({**whole, "credential_manager_acs_system_id": NOBODY}, (400, "invalid_input")),
        ({**whole, "hotek_metadata": {"override": True}}, (400, "invalid_input")),
        *(({**whole, f"{maker}_metadata": {}}, (400, "invalid_input")) for maker in MAKERS),
    ]
    for parameters, error in cases:
        assert await api.error("/acs/credentials/create", **parameters) == error, parameters
    assert await revision(town) == before
    assert (await api("/acs/credentials/list"))["acs_credentials"] == []


async def test_creating_once(api: Caller, town: Town, north: System) -> None:
    ada = await town.user(north, Personal("Ada"))
    headers = {"idempotency-key": "one"}
    sent = {"access_method": "code", "acs_user_id": str(ada)}
    answers = [
        await api.client.post("/acs/credentials/create", json=sent, headers=headers)
        for _ in range(2)
    ]
    assert answers[0].status_code == 200
    assert answers[0].content == answers[1].content
    assert len((await api("/acs/credentials/list"))["acs_credentials"]) == 1


async def test_changing_code_and_end(
    api: Caller, town: Town, north: System, clock: MovableClock
) -> None:
    ada = await town.user(north, Personal("Ada"))
    code = await town.credential(north, ada, "739281")
    before, end = await revision(town), clock.now(town.workspace_id) + timedelta(days=1)
    changed = {"acs_credential_id": code, "code": "7392816", "ends_at": end}
    for _ in range(2):
        assert await api("/acs/credentials/update", "PATCH", **changed) == {}
    assert await api("/acs/credentials/update", acs_credential_id=code) == {}
    shown = await get(api, code)
    assert (shown["code"], shown["ends_at"], shown["warnings"]) == ("7392816", iso(end), [])
    assert await journal(town, before) == [("credential", code, ada, True)]
    assert await events(town) == ["reissued"]
    assert (await api("/acs/credentials/list", search="739281"))["acs_credentials"] == []
    found = await api("/acs/credentials/list", search="7392816")
    assert [each["acs_credential_id"] for each in found["acs_credentials"]] == [str(code)]


async def test_an_end_that_is_over_may_stay(
    api: Caller, town: Town, north: System, clock: MovableClock
) -> None:
    now = clock.now(town.workspace_id)
    span = (now - timedelta(hours=1), now + timedelta(hours=1))
    code = await town.credential(north, await town.user(north, ADA), "739281", span=span)
    clock.advance(town.workspace_id, timedelta(hours=2))
    before, same = await revision(town), (await get(api, code))["ends_at"]
    await api("/acs/credentials/update", acs_credential_id=code, ends_at=same)
    assert await revision(town) == before
    changed = {"acs_credential_id": code, "ends_at": same, "code": "7392816"}
    await api("/acs/credentials/update", **changed)
    assert (await get(api, code))["code"] == "7392816"
    past = {"acs_credential_id": code, "ends_at": span[1] - timedelta(minutes=1)}
    assert await api.error("/acs/credentials/update", **past) == (400, "invalid_input")


async def test_what_cannot_be_changed(
    api: Caller, town: Town, north: System, clock: MovableClock
) -> None:
    now = clock.now(town.workspace_id)
    card = await town.credential(north, None, "42-1")
    late = await town.credential(north, None, "739281", span=(now + timedelta(days=3), None))
    before = await revision(town)
    for parameters, error in (
        ({"acs_credential_id": NOBODY, "code": "739281"}, (404, "acs_credential_not_found")),
        ({"acs_credential_id": card, "code": "739281"}, (400, "invalid_input")),
        ({"acs_credential_id": card, "ends_at": now}, (400, "invalid_input")),
        ({"acs_credential_id": late, "ends_at": now + timedelta(days=3)}, (400, "invalid_input")),
    ):
        assert await api.error("/acs/credentials/update", **parameters) == error, parameters
    assert await revision(town) == before


async def test_deleting(api: Caller, town: Town, north: System) -> None:
    door = await town.entrance(north, "Door")
    ada = await town.user(north, Personal("Ada"))
    card = await town.credential(north, ada, "42-1", door)
    before = await revision(town)
    assert await api("/acs/credentials/delete", "DELETE", acs_credential_id=card) == {}
    gone = (404, "acs_credential_not_found")
    assert await api.error("/acs/credentials/get", acs_credential_id=card) == gone
    assert await api.error("/acs/credentials/delete", acs_credential_id=card) == gone
    assert sorted(await journal(town, before)) == [
        ("credential", card, ada, False),
        ("credential_entrance", card, door, False),
    ]
    assert await events(town) == ["deleted"]
    # Its number is free again.
    await town.credential(north, None, "42-1")


async def test_assigning(api: Caller, town: Town, north: System) -> None:
    ada, bob = [await town.user(north, Personal(name)) for name in ("Ada", "Bob")]
    card = await town.credential(north, None, "42-1")
    before = await revision(town)
    for _ in range(2):
        path = "/acs/credentials/assign"
        assert await api(path, "PATCH", acs_credential_id=card, acs_user_id=ada) == {}
    assert (await get(api, card))["acs_user_id"] == str(ada)
    await api("/acs/credentials/assign", acs_credential_id=card, acs_user_id=bob)
    nobody = UUID(int=0)
    assert await journal(town, before) == [
        ("credential", card, nobody, False),
        ("credential", card, ada, True),
        ("credential", card, ada, False),
        ("credential", card, bob, True),
    ]
    shown = (await api("/acs/users/get", acs_user_id=bob))["acs_user"]["pending_mutations"]
    assert shown == []  # no controller has ever held anything of this system


async def test_unassigning(api: Caller, town: Town, north: System) -> None:
    identity, other = [await town.identity(Personal(name)) for name in ("Ada", "Bob")]
    ada = await town.user(north, Personal("Ada"), identity=identity)
    bob = await town.user(north, Personal("Bob"))
    card = await town.credential(north, ada, "42-1")
    before = await revision(town)
    path = "/acs/credentials/unassign"
    # Whoever has it not, has it not afterwards either.
    await api(path, "PATCH", acs_credential_id=card, acs_user_id=bob)
    await api(path, "PATCH", acs_credential_id=card, user_identity_id=other)
    assert await revision(town) == before
    for _ in range(2):
        await api(path, "PATCH", acs_credential_id=card, user_identity_id=identity)
    assert "acs_user_id" not in await get(api, card)
    assert await journal(town, before) == [
        ("credential", card, ada, False),
        ("credential", card, UUID(int=0), True),
    ]


async def test_by_identity(api: Caller, town: Town, north: System) -> None:
    eve = await town.identity(Personal("Eve"))
    card = await town.credential(north, None, "42-1")
    await api("/acs/credentials/assign", acs_credential_id=card, user_identity_id=eve)
    shown = await get(api, card)
    assert shown["user_identity_id"] == str(eve)


@pytest.mark.parametrize("call", ["assign", "unassign"])
async def test_whose_it_cannot_be(api: Caller, town: Town, north: System, call: str) -> None:
    card = await town.credential(north, None, "42-1")
    ada, path = await town.user(north, Personal("Ada")), f"/acs/credentials/{call}"
    for parameters, error in (
        ({"acs_credential_id": NOBODY, "acs_user_id": ada}, (404, "acs_credential_not_found")),
        ({"acs_credential_id": card, "acs_user_id": NOBODY}, (404, "acs_user_not_found")),
        (
            {"acs_credential_id": card, "user_identity_id": NOBODY},
            (404, "user_identity_not_found"),
        ),
        ({"acs_credential_id": card}, (400, "invalid_input")),
    ):
        assert await api.error(path, **parameters) == error, parameters
    stranger = await town.user(await town.system("South"), Personal("Bob"))
    if call == "assign":
        error = await api.error(path, acs_credential_id=card, acs_user_id=stranger)
        assert error == (400, "invalid_input")


async def test_what_another_system_manages(api: Caller, town: Town, north: System) -> None:
    ada = await town.user(north, Personal("Ada"))
    theirs = await town.credential(north, ada, "42-1")
    ours = await town.credential(north, ada, "42-2")
    await town.database.execute(
        "update acs_credential set is_managed = false where acs_credential_id = $1", theirs
    )
    gone = (404, "acs_credential_not_found")
    for call, more in (("get", {}), ("delete", {}), ("update", {"code": "739281"})):
        assert await api.error(f"/acs/credentials/{call}", acs_credential_id=theirs, **more) == gone
    path = "/acs/credentials/unmanaged"
    shown = (await api(f"{path}/get", acs_credential_id=theirs))["acs_credential"]
    assert (shown["is_managed"], shown["card_number"]) == (False, "42-1")
    assert await api.error(f"{path}/get", acs_credential_id=ours) == gone
    for filters, count in (
        ({}, 1),
        ({"acs_user_id": ada}, 1),
        ({"acs_system_id": NOBODY}, 0),
        ({"search": "42-1"}, 1),
        ({"search": "42-2"}, 0),
    ):
        assert len((await api(f"{path}/list", **filters))["acs_credentials"]) == count, filters
    listed = (await api("/acs/credentials/list"))["acs_credentials"]
    assert [each["acs_credential_id"] for each in listed] == [str(ours)]


async def test_who_can_come_in_here(api: Caller, town: Town, north: System) -> None:
    front, back = [await town.entrance(north, name) for name in ("Front", "Back")]
    group = await town.group(north, "Staff", front)
    ada, bob, eve = [await town.user(north, Personal(name)) for name in ("Ada", "Bob", "Eve")]
    await town.join(group, ada)
    of_ada = await town.credential(north, ada, "42-1")
    await town.credential(north, ada, "42-4", state="lost")
    of_bob = await town.credential(north, bob, "42-2", front)
    await town.credential(north, None, "42-5", front)
    of_eve = await town.credential(north, eve, "42-3")
    suspended = await town.user(north, Personal("Ivo"), is_suspended=True)
    await town.credential(north, suspended, "42-6", front)
    path = "/acs/entrances/list_credentials_with_access"

    async def listed(door: UUID, **more: Any) -> list[str]:
        body = await api(path, "GET", acs_entrance_id=door, **more)
        return [each["acs_credential_id"] for each in body["acs_credentials"]]

    assert await listed(front) == [str(of_ada), str(of_bob)]
    assert await listed(back) == []
    await api("/acs/entrances/grant_access", acs_entrance_id=back, acs_user_id=eve)
    assert await listed(back) == [str(of_eve)]
    assert await listed(front, include_if=["visionline_metadata.is_valid"]) == []
    assert await api.error(path, acs_entrance_id=NOBODY) == (404, "acs_entrance_not_found")
    await town.database.execute(
        "update acs_entrance set is_enabled = false where acs_entrance_id = $1", front
    )
    assert await listed(front) == []
