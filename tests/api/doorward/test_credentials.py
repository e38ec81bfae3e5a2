"""/doorward/credentials: states, use limits, card numbers, and cards learnt at a reader."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest

from doorward.doors.registry import Doors
from doorward.policy.facts import Kind
from doorward.store.personal import Personal
from tests.api.conftest import Caller, Server, hear
from tests.api.town import System, Town

NOBODY = uuid4()
PATH = "/doorward/credentials"


async def events(town: Town) -> list[str]:
    rows = await town.database.fetch(
        "select event_type from event where workspace_id = $1"
        " and event_type like 'acs_credential.%' order by created_at",
        town.workspace_id,
    )
    return [row["event_type"].removeprefix("acs_credential.") for row in rows]


async def entries(town: Town) -> int:
    count: int = await town.database.fetchval(
        "select count(*) from policy_journal where workspace_id = $1", town.workspace_id
    )
    return count


async def details(api: Caller, credential: UUID) -> dict[str, Any]:
    body = await api(f"{PATH}/get", "GET", acs_credential_id=credential)
    return body["credential"]  # type: ignore[no-any-return]


async def unnumbered(api: Caller, user: UUID, *doors: UUID) -> UUID:
    body = await api(
        "/acs/credentials/create",
        access_method="card",
        acs_user_id=user,
        allowed_acs_entrance_ids=doors,
    )
    return UUID(body["acs_credential"]["acs_credential_id"])


async def test_what_only_doorward_knows(api: Caller, town: Town, north: System) -> None:
    door, user = await town.entrance(north, "Door"), await town.user(north, Personal("Ada"))
    card = await unnumbered(api, user, door)
    assert await details(api, card) == {
        "acs_credential_id": str(card),
        "acs_system_id": str(north.acs_system_id),
        "acs_user_id": str(user),
        "access_method": "card",
        "allowed_acs_entrance_ids": [str(door)],
        "code_length": None,
        "is_issued": False,
        "state": "active",
        "state_changed_at": None,
        "state_changed_by": None,
        "state_reason": None,
        "use_count": 0,
        "use_limit": None,
    }
    for call in ("get", "set_state", "set_use_limit", "set_card_number"):
        more = {"state": "lost", "use_limit": 1, "card_number": "42-1"}
        error = await api.error(f"{PATH}/{call}", acs_credential_id=NOBODY, **more)
        assert error == (404, "acs_credential_not_found"), call


async def test_states(api: Caller, town: Town, north: System) -> None:
    card = await town.credential(north, None, "42-1")
    before = await entries(town)
    for state, reason in (
        ("lost", "left in a taxi"),
        ("lost", "once more"),
        ("stolen", None),
        ("active", None),
        ("active", "once more"),
    ):
        more = {} if reason is None else {"reason": reason}
        await api(f"{PATH}/set_state", acs_credential_id=card, state=state, **more)
        if reason == "left in a taxi":
            shown = await details(api, card)
            assert (shown["state"], shown["state_reason"]) == ("lost", reason)
            assert shown["state_changed_by"].startswith("api_key:")
            assert shown["state_changed_at"].endswith("Z")
    assert (await details(api, card))["state_reason"] is None
    # What is so already, leaves no trace.
    assert await entries(town) == before + 3
    assert await events(town) == ["invalidated", "reissued"]
    kept = await town.database.fetch(
        "select state::text from policy_journal where workspace_id = $1", town.workspace_id
    )
    assert not any("taxi" in (row["state"] or "") for row in kept)


async def test_a_state_of_what_was_never_issued(api: Caller, town: Town, north: System) -> None:
    card = await unnumbered(api, await town.user(north, Personal("Ada")))
    for state in ("disabled", "active"):
        await api(f"{PATH}/set_state", acs_credential_id=card, state=state)
    assert await events(town) == []


async def test_a_state_at_the_door(api: Caller, doors: Doors, town: Town, north: System) -> None:
    door, user = await town.entrance(north, "Door"), await town.user(north, Personal("Ada"))
    card = await town.credential(north, user, "42-1", door)
    await hear(doors, town)
    for state, reason in (
        ("stolen", "deny_credential_lost"),
        ("disabled", "deny_credential_disabled"),
        ("active", "allow"),
    ):
        await api(f"{PATH}/set_state", acs_credential_id=card, state=state)
        answer = await api("/doorward/doors/present", acs_entrance_id=door, card_number="42-1")
        assert answer["decision"]["reason"] == reason


async def test_use_limits(api: Caller, town: Town, north: System) -> None:
    card = await town.credential(north, None, "42-1")
    before = await entries(town)
    for limit in (3, 3, None, None, 1):
        await api(f"{PATH}/set_use_limit", acs_credential_id=card, use_limit=limit)
        assert (await details(api, card))["use_limit"] == limit
    assert await entries(town) == before + 3
    shown = (await api("/acs/credentials/get", acs_credential_id=card))["acs_credential"]
    assert shown["is_one_time_use"] is True
    for wrong in (0, -1, "three"):
        error = await api.error(f"{PATH}/set_use_limit", acs_credential_id=card, use_limit=wrong)
        assert error == (400, "invalid_input")


async def test_a_card_gets_its_number_once(
    api: Caller, doors: Doors, town: Town, north: System
) -> None:
    door, user = await town.entrance(north, "Door"), await town.user(north, Personal("Ada"))
    await hear(doors, town)
    card, other = await unnumbered(api, user, door), await unnumbered(api, user)
    for number in ("no card", "42-70000"):
        error = await api.error(
            f"{PATH}/set_card_number", acs_credential_id=card, card_number=number
        )
        assert error == (400, "invalid_input")
    before = await entries(town)
    for number in ("42-1", "042-00001"):
        await api(f"{PATH}/set_card_number", acs_credential_id=card, card_number=number)
    assert await entries(town) == before + 1
    assert await events(town) == ["issued"]
    shown = (await api("/acs/credentials/get", acs_credential_id=card))["acs_credential"]
    assert (shown["card_number"], shown["is_issued"], shown["warnings"]) == ("42-1", True, [])
    answer = await api("/doorward/doors/present", acs_entrance_id=door, card_number="42-1")
    assert answer["decision"]["acs_credential_id"] == str(card)
    assert answer["decision"]["outcome"] == "allow"
    for credential, number, error in (
        (card, "42-2", (400, "invalid_input")),
        (other, "42-1", (409, "duplicate_card_number")),
        (await town.credential(north, None, "739281"), "42-3", (400, "invalid_input")),
    ):
        sent = {"acs_credential_id": credential, "card_number": number}
        assert await api.error(f"{PATH}/set_card_number", **sent) == error
    # Cards are told apart in each system by itself.
    south = await town.system("South")
    there = await unnumbered(api, await town.user(south, Personal("Bob")))
    await api(f"{PATH}/set_card_number", acs_credential_id=there, card_number="42-1")


# Cards learnt at a reader.


async def enroll(api: Caller, credential: UUID, door: UUID, **more: Any) -> dict[str, Any]:
    sent = {"acs_credential_id": credential, "acs_entrance_id": door, **more}
    return (await api(f"{PATH}/enroll", **sent))["enrollment"]  # type: ignore[no-any-return]


async def current(api: Caller, enrollment: dict[str, Any]) -> dict[str, Any]:
    path, enrollment_id = f"{PATH}/get_enrollment", enrollment["enrollment_id"]
    return (await api(path, enrollment_id=enrollment_id))["enrollment"]  # type: ignore[no-any-return]


async def soon(api: Caller, enrollment: dict[str, Any]) -> dict[str, Any]:
    """The enrolment when it is over."""
    async with asyncio.timeout(5):
        while (now := await current(api, enrollment))["status"] == "waiting":
            await asyncio.sleep(0.002)
    return now


class Reader:
    """A door with a reader that knows one card, and somebody whose card waits for its number."""

    def __init__(self, api: Caller, town: Town, north: System) -> None:
        self.api, self.town, self.north = api, town, north

    async def build(self, doors: Doors) -> None:
        town, north = self.town, self.north
        self.door = await town.entrance(north, "Door")
        self.user = await town.user(north, Personal("Ada"))
        await town.credential(north, self.user, "42-1", self.door)
        await hear(doors, town)
        self.reader_id: UUID = await town.database.fetchval(
            "select key_a from policy_fact where kind = 'reader' and key_b = $1", self.door
        )
        await town.database.execute(
            "insert into reader values ($1, $2, $3, 'Reader', 'virtual', 'entry')"
            " on conflict do nothing",
            town.workspace_id,
            self.reader_id,
            self.door,
        )
        self.card = await unnumbered(self.api, self.user, self.door)

    async def show(self, number: str) -> str:
        answer = await self.api(
            "/doorward/doors/present", acs_entrance_id=self.door, card_number=number
        )
        reason: str = answer["decision"]["reason"]
        return reason

    async def show_until_ended(self, number: str, enrollment: dict[str, Any]) -> dict[str, Any]:
        """Shows a card again and again; the enrolment when it is over."""
        async with asyncio.timeout(20):
            while (now := await current(self.api, enrollment))["status"] == "waiting":
                await self.show(number)
                await asyncio.sleep(0.002)
        return now


@pytest.fixture
async def reader(api: Caller, doors: Doors, town: Town, north: System) -> Reader:
    reader = Reader(api, town, north)
    await reader.build(doors)
    return reader


async def test_a_card_is_learnt(reader: Reader, api: Caller, doors: Doors) -> None:
    begun = await enroll(api, reader.card, reader.door)
    assert begun == {
        "enrollment_id": begun["enrollment_id"],
        "acs_credential_id": str(reader.card),
        "acs_entrance_id": str(reader.door),
        "reader_id": None,
        "status": "waiting",
        "error": None,
        "created_at": begun["created_at"],
        "ends_at": begun["ends_at"],
        "ended_at": None,
    }
    # A card that is somebody's already is none to learn.
    for _ in range(3):
        assert await reader.show("42-1") == "allow"
    assert (await current(api, begun))["status"] == "waiting"
    over = await reader.show_until_ended("42-2", begun)
    assert (over["status"], over["error"]) == ("succeeded", None)
    shown = (await api("/acs/credentials/get", acs_credential_id=reader.card))["acs_credential"]
    assert (shown["card_number"], shown["is_issued"]) == ("42-2", True)
    assert await events(reader.town) == ["issued"]
    await hear(doors, reader.town)
    assert await reader.show("42-2") == "allow"


async def test_nobody_comes(reader: Reader, api: Caller) -> None:
    begun = await enroll(
        api, reader.card, reader.door, reader_id=reader.reader_id, timeout_seconds=1
    )
    assert begun["reader_id"] == str(reader.reader_id)
    async with asyncio.timeout(20):
        while (over := await current(api, begun))["status"] == "waiting":
            await asyncio.sleep(0.02)
    assert (over["status"], over["error"]["type"]) == ("expired", "enrollment_expired")


async def test_a_number_that_the_reader_does_not_know_and_the_system_does(
    reader: Reader, api: Caller, doors: Doors, town: Town
) -> None:
    other = await town.credential(reader.north, None, "42-3")
    await town.record(reader.north, Kind.CREDENTIAL, other)
    await hear(doors, town)
    begun = await enroll(api, reader.card, reader.door)
    over = await reader.show_until_ended("42-3", begun)
    assert (over["status"], over["error"]["type"]) == ("failed", "duplicate_card_number")
    assert not (await details(api, reader.card))["is_issued"]


async def test_cancelling(reader: Reader, api: Caller) -> None:
    begun = await enroll(api, reader.card, reader.door)
    for _ in range(2):
        key = {"enrollment_id": begun["enrollment_id"]}
        assert await api(f"{PATH}/cancel_enrollment", **key) == {}
    over = await current(api, begun)
    assert (over["status"], over["error"]["type"]) == ("cancelled", "enrollment_cancelled")
    for _ in range(3):
        await reader.show("42-2")
    assert not (await details(api, reader.card))["is_issued"]
    for call in ("get_enrollment", "cancel_enrollment"):
        error = await api.error(f"{PATH}/{call}", enrollment_id=NOBODY)
        assert error == (404, "enrollment_not_found")


async def test_a_number_given_by_hand_ends_it(reader: Reader, api: Caller) -> None:
    first = await enroll(api, reader.card, reader.door)
    other = await unnumbered(api, reader.user, reader.door)
    second = await enroll(api, other, reader.door)
    await api(f"{PATH}/set_card_number", acs_credential_id=reader.card, card_number="42-7")
    over = await current(api, first)
    assert (over["status"], over["error"]["type"]) == ("cancelled", "enrollment_superseded")
    await reader.show("42-2")
    assert (await soon(api, second))["status"] == "succeeded"
    assert (await details(api, other))["is_issued"]


@pytest.mark.parametrize("gone", ["credential", "user", "identity"])
async def test_a_card_is_not_lost_on_a_credential_that_is_gone(
    reader: Reader, api: Caller, town: Town, gone: str
) -> None:
    identity = await town.identity(Personal("Eve"))
    user = await town.user(reader.north, Personal("Eve"), identity=identity)
    first = await enroll(api, await unnumbered(api, user, reader.door), reader.door)
    second = await enroll(api, reader.card, reader.door)
    if gone == "credential":
        await api("/acs/credentials/delete", acs_credential_id=first["acs_credential_id"])
    elif gone == "user":
        await api("/acs/users/delete", acs_user_id=user)
    else:
        await api("/user_identities/delete", user_identity_id=identity)
    key = {"enrollment_id": first["enrollment_id"]}
    assert await api.error(f"{PATH}/get_enrollment", **key) == (404, "enrollment_not_found")
    await reader.show("42-2")
    assert (await soon(api, second))["status"] == "succeeded"


async def test_one_enrolment_of_a_card_waits(reader: Reader, api: Caller) -> None:
    begun = await asyncio.gather(*(enroll(api, reader.card, reader.door) for _ in range(5)))
    states = [await current(api, each) for each in begun]
    assert sorted(each["status"] for each in states) == ["cancelled"] * 4 + ["waiting"]
    [waiting] = [each for each in states if each["status"] == "waiting"]
    await reader.show("42-2")
    assert (await soon(api, waiting))["status"] == "succeeded"


async def test_a_card_that_was_just_given_is_no_answer_for_the_next(
    reader: Reader, api: Caller
) -> None:
    other = await unnumbered(api, reader.user, reader.door)
    first = await enroll(api, reader.card, reader.door)
    second = await enroll(api, other, reader.door)
    await asyncio.gather(*(reader.show("42-2") for _ in range(3)))
    assert (await soon(api, first))["status"] == "succeeded"
    await reader.show("42-3")
    over = await soon(api, second)
    assert (over["status"], over["error"]) == ("succeeded", None)
    shown = (await api("/acs/credentials/get", acs_credential_id=other))["acs_credential"]
    assert shown["card_number"] == "42-3"


async def test_a_number_that_came_as_the_wait_began(
    reader: Reader, api: Caller, town: Town
) -> None:
    first = await enroll(api, reader.card, reader.door)
    second = await enroll(api, await unnumbered(api, reader.user), reader.door)
    await api(f"{PATH}/set_card_number", acs_credential_id=reader.card, card_number="42-7")
    # As if it had begun in the moment before the commit, and so was not seen to be ended.
    await town.database.execute(
        "update credential_enrollment set status = 'waiting', error = null, ended_at = null"
        " where enrollment_id = $1",
        UUID(first["enrollment_id"]),
    )
    await reader.show("42-2")
    assert (await soon(api, second))["status"] == "succeeded"
    over = await current(api, first)
    assert (over["status"], over["error"]["type"]) == ("failed", "invalid_input")


async def test_the_newest_enrolment_of_a_card_counts(reader: Reader, api: Caller) -> None:
    first = await enroll(api, reader.card, reader.door)
    second = await enroll(api, reader.card, reader.door)
    assert (await current(api, first))["error"]["type"] == "enrollment_superseded"
    assert (await reader.show_until_ended("42-2", second))["status"] == "succeeded"


async def test_asking_once_more_under_the_same_key(reader: Reader, api: Caller) -> None:
    sent = {"acs_credential_id": str(reader.card), "acs_entrance_id": str(reader.door)}
    answers = [
        await api.client.post(f"{PATH}/enroll", json=sent, headers={"idempotency-key": "one"})
        for _ in range(2)
    ]
    assert answers[0].status_code == 200
    assert answers[0].content == answers[1].content
    begun = answers[0].json()["enrollment"]
    assert (await reader.show_until_ended("42-2", begun))["status"] == "succeeded"


async def test_after_a_restart_nobody_waits(
    reader: Reader, api: Caller, doors: Doors, server: Server
) -> None:
    begun = await enroll(api, reader.card, reader.door)
    await doors.stop()
    await server.services.background.stop()
    # Whoever runs the controller next has another lease.
    await reader.town.database.execute(
        "update controller set lease_generation = lease_generation + 1"
    )
    over = await current(api, begun)
    assert (over["status"], over["error"]["type"]) == ("cancelled", "enrollment_interrupted")
    await api(f"{PATH}/cancel_enrollment", enrollment_id=begun["enrollment_id"])
    assert await current(api, begun) == over


async def test_what_cannot_be_learnt(reader: Reader, api: Caller, town: Town) -> None:
    south = await town.system("South")
    there = await town.entrance(south, "There")
    code = await town.credential(reader.north, None, "739281")
    issued = await town.credential(reader.north, None, "42-9")
    whole = {"acs_credential_id": reader.card, "acs_entrance_id": reader.door}
    for changed, error in (
        ({"acs_credential_id": NOBODY}, (404, "acs_credential_not_found")),
        ({"acs_credential_id": code}, (400, "invalid_input")),
        ({"acs_credential_id": issued}, (400, "invalid_input")),
        ({"acs_entrance_id": NOBODY}, (404, "acs_entrance_not_found")),
        ({"acs_entrance_id": there}, (400, "invalid_input")),
        ({"reader_id": NOBODY}, (404, "reader_not_found")),
        ({"timeout_seconds": 601}, (400, "invalid_input")),
    ):
        assert await api.error(f"{PATH}/enroll", **{**whole, **changed}) == error, changed


async def test_a_controller_that_is_not_here(api: Caller, town: Town, north: System) -> None:
    door, user = await town.entrance(north, "Door"), await town.user(north, Personal("Ada"))
    begun = await enroll(api, await unnumbered(api, user), door)
    async with asyncio.timeout(20):
        while (over := await current(api, begun))["status"] == "waiting":
            await asyncio.sleep(0.005)
    assert (over["status"], over["error"]["type"]) == ("failed", "controller_not_here")
