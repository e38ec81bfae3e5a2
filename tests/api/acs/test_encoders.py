"""/acs/encoders: cards that are written, read and given to people, at simulated encoders."""

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest

from doorward.api import unlocking
from doorward.doors.registry import Doors
from doorward.store import client_sessions
from doorward.store.client_sessions import Wanted
from doorward.store.personal import Personal
from tests.api.conftest import Caller, Server, hear
from tests.api.town import System, Town

ENCODERS = "/acs/encoders"
SIMULATE = f"{ENCODERS}/simulate"
PATIENCE = 20


@pytest.fixture
async def desk(town: Town, north: System) -> UUID:
    """An encoder of the north."""
    return await town.encoder(north, "Desk")


@pytest.fixture
async def ada(town: Town, north: System) -> UUID:
    """Somebody without a card."""
    return await town.user(north, Personal("Ada", email_address="ada@example.com"))


async def waiting(api: Caller, user: UUID, *doors: UUID) -> str:
    """A card that waits for its number, with entrances of its own."""
    made = await api(
        "/acs/credentials/create",
        access_method="card",
        acs_user_id=user,
        allowed_acs_entrance_ids=[*doors],
    )
    credential_id: str = made["acs_credential"]["acs_credential_id"]
    return credential_id


async def credential(api: Caller, credential_id: object) -> dict[str, Any]:
    """A credential as it is now."""
    body = await api("/acs/credentials/get", acs_credential_id=credential_id)
    shown: dict[str, Any] = body["acs_credential"]
    return shown


async def attempt(api: Caller, call: str, /, **asked: Any) -> dict[str, Any]:
    """The end of an attempt, which is pending at first."""
    begun = (await api(f"{ENCODERS}/{call}", **asked))["action_attempt"]
    assert begun == {
        "action_attempt_id": begun["action_attempt_id"],
        "action_type": call.upper(),
        "status": "pending",
        "result": None,
        "error": None,
    }
    return await ended(api, begun)


async def ended(api: Caller, begun: dict[str, Any]) -> dict[str, Any]:
    """An attempt once it is no longer pending."""
    find = {"action_attempt_id": begun["action_attempt_id"]}
    async with asyncio.timeout(PATIENCE):
        while True:
            now: dict[str, Any] = (await api("/action_attempts/get", "GET", **find))[
                "action_attempt"
            ]
            if now["status"] != "pending":
                return now
            await asyncio.sleep(0.005)


async def told(api: Caller, credential_id: object) -> list[str]:
    """The types of a credential's events."""
    asked = {"acs_credential_id": credential_id, "since": "2020-01-01T00:00:00Z"}
    return [event["event_type"] for event in (await api("/events/list", **asked))["events"]]


async def sealed(town: Town) -> list[str]:
    """What the database tells of results in the clear."""
    rows = await town.database.fetch(
        "select result::text from action_attempt where workspace_id = $1 and result is not null",
        town.workspace_id,
    )
    return [row["result"] for row in rows]


async def test_an_encoder(api: Caller, town: Town, north: System, desk: UUID) -> None:
    shown = (await api(f"{ENCODERS}/get", acs_encoder_id=desk))["acs_encoder"]
    assert shown.pop("created_at").endswith("Z")
    assert shown == {
        "acs_encoder_id": str(desk),
        "acs_system_id": str(north.acs_system_id),
        "connected_account_id": str(north.connected_account_id),
        "display_name": "Desk",
        "errors": [],
        "workspace_id": str(town.workspace_id),
    }
    assert await api.error(f"{ENCODERS}/get", acs_encoder_id=uuid4()) == (
        404,
        "acs_encoder_not_found",
    )


async def test_listing_encoders(api: Caller, town: Town, north: System, desk: UUID) -> None:
    south = await town.system("South")
    others = [await town.encoder(south, name) for name in ("Gate", "Bar")]
    systems = [north.acs_system_id, south.acs_system_id]
    path = f"{ENCODERS}/list"
    assert await api.names(path, acs_system_id=north.acs_system_id) == ["Desk"]
    assert await api.names(path, acs_system_ids=systems) == ["Desk", "Gate", "Bar"]
    assert await api.names(path, acs_system_ids=systems[1:]) == ["Gate", "Bar"]
    assert await api.names(path, acs_encoder_ids=[desk, others[1]]) == ["Desk", "Bar"]
    assert await api.names(path, acs_system_ids=[]) == []
    assert await api.names(path, acs_encoder_ids=[uuid4()]) == []
    first = await api(path, acs_system_ids=systems, limit=2)
    assert len(first["acs_encoders"]) == 2
    cursor = first["pagination"]["next_page_cursor"]
    rest = await api(path, acs_system_ids=systems, limit=2, page_cursor=cursor)
    assert [each["display_name"] for each in rest["acs_encoders"]] == ["Bar"]
    both = {"acs_system_id": north.acs_system_id, "acs_encoder_ids": [desk]}
    for unclear in ({}, both):
        assert await api.error(path, **unclear) == (400, "invalid_input")


async def test_a_door_opens_for_a_card_that_was_encoded(
    api: Caller, town: Town, north: System, desk: UUID, ada: UUID, doors: Doors
) -> None:
    door = await town.entrance(north, "Door")
    await hear(doors, town)
    card = await waiting(api, ada, door)
    now = await attempt(api, "encode_credential", acs_encoder_id=desk, acs_credential_id=card)
    assert (now["status"], now["error"]) == ("success", None)
    shown = await credential(api, card)
    assert now["result"] == shown
    assert shown["is_issued"]
    assert shown["warnings"] == []
    assert await told(api, card) == ["acs_credential.issued"]
    assert await sealed(town) == ["{}"]
    await hear(doors, town)
    read = {"acs_entrance_id": door, "card_number": shown["card_number"]}
    decision = (await api("/doorward/doors/present", **read))["decision"]
    assert (decision["outcome"], decision["acs_credential_id"]) == ("allow", card)
    listed = (await api("/action_attempts/list"))["action_attempts"]
    assert listed == [now]


async def test_what_cannot_be_encoded(
    api: Caller, town: Town, north: System, desk: UUID, ada: UUID, server: Server
) -> None:
    south = await town.system("South")
    stranger = await town.user(south, Personal("Cy"))
    other = Town(town.database, town.keyring)
    await other.found()
    elsewhere = await server.caller(other.workspace_id)
    card, theirs = await waiting(api, ada), await waiting(api, stranger)
    code = await town.credential(north, ada, "2468")
    written = await town.credential(north, ada, "42-1")
    path = f"{ENCODERS}/encode_credential"
    for caller, encoder, named, expected in (
        (api, uuid4(), card, (404, "acs_encoder_not_found")),
        (elsewhere, desk, card, (404, "acs_encoder_not_found")),
        (api, desk, uuid4(), (404, "acs_credential_not_found")),
        (api, desk, theirs, (400, "invalid_input")),
        (api, desk, code, (400, "invalid_input")),
        (api, desk, written, (400, "invalid_input")),
    ):
        error = await caller.error(path, acs_encoder_id=encoder, acs_credential_id=named)
        assert error == expected
    method = {"acs_encoder_id": desk, "access_method_id": uuid4()}
    assert await api.error(path, **method) == (404, "access_method_not_found")
    for unclear in ({"acs_encoder_id": desk}, method | {"acs_credential_id": card}):
        assert await api.error(path, **unclear) == (400, "invalid_input")
    assert (await api("/action_attempts/list"))["action_attempts"] == []
    assert not (await credential(api, card))["is_issued"]


@pytest.mark.parametrize(
    "error_code",
    [
        "no_credential_on_encoder",
        "encoding_interrupted",
        "uncategorized_error",
        "action_attempt_expired",
    ],
)
async def test_the_next_encoding_fails_and_no_other(
    api: Caller, desk: UUID, ada: UUID, error_code: str
) -> None:
    card = await waiting(api, ada)
    await api(
        f"{SIMULATE}/next_credential_encode_will_fail", acs_encoder_id=desk, error_code=error_code
    )
    asked = {"acs_encoder_id": desk, "acs_credential_id": card}
    # Another action's scenario, and a call that is refused, leave it.
    await attempt(api, "scan_credential", acs_encoder_id=desk)
    await api.error(f"{ENCODERS}/encode_credential", **asked | {"acs_credential_id": uuid4()})
    now = await attempt(api, "encode_credential", **asked)
    assert (now["status"], now["result"], now["error"]["type"]) == ("error", None, error_code)
    assert not (await credential(api, card))["is_issued"]
    assert await told(api, card) == []
    assert (await attempt(api, "encode_credential", **asked))["status"] == "success"


async def test_the_next_encoding_of_one_credential_fails(
    api: Caller, desk: UUID, ada: UUID
) -> None:
    doomed, card = await waiting(api, ada), await waiting(api, ada)
    await api(
        f"{SIMULATE}/next_credential_encode_will_fail",
        acs_encoder_id=desk,
        error_code="uncategorized_error",
        acs_credential_id=doomed,
    )
    for named, expected in ((card, "success"), (doomed, "error"), (doomed, "success")):
        asked = {"acs_encoder_id": desk, "acs_credential_id": named}
        assert (await attempt(api, "encode_credential", **asked))["status"] == expected


async def test_a_later_word_takes_the_place_of_an_earlier_one(
    api: Caller, desk: UUID, ada: UUID
) -> None:
    card = await waiting(api, ada)
    await api(f"{SIMULATE}/next_credential_encode_will_fail", acs_encoder_id=desk)
    await api(
        f"{SIMULATE}/next_credential_encode_will_succeed",
        acs_encoder_id=desk,
        scenario="credential_is_issued",
    )
    asked = {"acs_encoder_id": desk, "acs_credential_id": card}
    assert (await attempt(api, "encode_credential", **asked))["status"] == "success"


async def test_a_credential_that_changes_meanwhile(
    api: Caller, desk: UUID, ada: UUID, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone, numbered = await waiting(api, ada), await waiting(api, ada)
    started: list[Any] = []
    keep: Callable[..., None] = lambda _, work: started.append(work)  # noqa: E731
    with monkeypatch.context() as held:
        held.setattr(type(server.services.background), "start", lambda _, *rest: keep(*rest))
        begun = [
            await api(f"{ENCODERS}/encode_credential", acs_encoder_id=desk, acs_credential_id=each)
            for each in (gone, numbered)
        ]
    await api("/acs/credentials/delete", acs_credential_id=gone)
    await api(
        "/doorward/credentials/set_card_number", acs_credential_id=numbered, card_number="42-7"
    )
    for work in started:
        await work
    ends = [await ended(api, each["action_attempt"]) for each in begun]
    assert [each["error"]["type"] for each in ends] == [
        "credential_deleted",
        "credential_cannot_be_reissued",
    ]
    assert (await credential(api, numbered))["card_number"] == "42-7"


async def test_an_attempt_whose_server_went_has_done_nothing(
    api: Caller, town: Town, desk: UUID, ada: UUID, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = await waiting(api, ada)
    started: list[Any] = []
    with monkeypatch.context() as held:
        background = type(server.services.background)
        held.setattr(background, "start", lambda _, __, work: started.append(work))
        asked = {"acs_encoder_id": desk, "acs_credential_id": card}
        begun = (await api(f"{ENCODERS}/encode_credential", **asked))["action_attempt"]
    await town.database.execute(
        "update action_attempt set ends_at = clock_timestamp() where workspace_id = $1",
        town.workspace_id,
    )
    await unlocking.end_expired(server.services)
    assert (await ended(api, begun))["error"]["type"] == "action_attempt_expired"
    # It comes back too late.
    await started[0]
    assert (await ended(api, begun))["status"] == "error"
    assert not (await credential(api, card))["is_issued"]
    events = "select count(*) from event where workspace_id = $1 and event_type like 'action_%'"
    assert await town.database.fetchval(events, town.workspace_id) == 0


async def scan(api: Caller, desk: UUID, **scenario: Any) -> dict[str, Any]:
    """What a scan comes to after a word on it."""
    if scenario:
        simulate = f"{SIMULATE}/next_credential_scan_will_succeed"
        await api(simulate, acs_encoder_id=desk, **scenario)
    return await attempt(api, "scan_credential", acs_encoder_id=desk)


async def test_scanning_what_was_just_encoded(api: Caller, desk: UUID, ada: UUID) -> None:
    card = await waiting(api, ada)
    await attempt(api, "encode_credential", acs_encoder_id=desk, acs_credential_id=card)
    shown = await credential(api, card)
    assert (await scan(api, desk))["result"] == {
        "acs_credential_on_encoder": {
            "card_number": shown["card_number"],
            "created_at": shown["issued_at"],
            "ends_at": None,
            "is_issued": True,
            "starts_at": None,
        },
        "acs_credential_on_seam": shown,
        "warnings": [],
    }


async def test_scanning_a_new_card(api: Caller, desk: UUID) -> None:
    result = (await scan(api, desk))["result"]
    assert result["acs_credential_on_seam"] is None
    assert result["acs_credential_on_encoder"]["is_issued"] is False
    [warning] = result["warnings"]
    assert warning["warning_code"] == "acs_credential_on_seam_not_found"


async def test_what_a_scan_finds(
    api: Caller, town: Town, north: System, desk: UUID, ada: UUID
) -> None:
    card = await town.credential(north, ada, "42-1")
    other = await town.credential(north, ada, "42-2")
    await town.credential(north, ada, "1357")
    found = (await scan(api, desk, acs_credential_id_on_seam=card))["result"]
    assert found["acs_credential_on_seam"] == await credential(api, card)
    assert found["acs_credential_on_encoder"]["card_number"] == "42-1"
    assert found["warnings"] == []
    found = (await scan(api, desk, scenario="credential_exists_on_seam"))["result"]
    assert found["acs_credential_on_seam"]["acs_credential_id"] in {str(card), str(other)}
    stale = {"scenario": "credential_on_encoder_needs_update", "acs_credential_id_on_seam": card}
    found = (await scan(api, desk, **stale))["result"]
    shown = await credential(api, card)
    assert found["acs_credential_on_seam"] == shown
    assert found["acs_credential_on_encoder"]["ends_at"] == shown["issued_at"]
    assert [each["warning_code"] for each in found["warnings"]] == [
        "acs_credential_on_encoder_out_of_sync"
    ]
    found = (await scan(api, desk, scenario="credential_does_not_exist_on_seam"))["result"]
    assert found["acs_credential_on_seam"] is None
    assert len(found["acs_credential_on_encoder"]["card_number"]) == 14
    assert [each["warning_code"] for each in found["warnings"]] == [
        "acs_credential_on_seam_not_found"
    ]
    assert (await scan(api, desk, scenario="credential_on_encoder_is_empty"))["result"] == {
        "acs_credential_on_encoder": None,
        "acs_credential_on_seam": None,
        "warnings": [],
    }


@pytest.mark.parametrize(
    "error_code", ["no_credential_on_encoder", "uncategorized_error", "action_attempt_expired"]
)
@pytest.mark.parametrize("call", ["scan_credential", "scan_to_assign_credential"])
async def test_the_next_scan_fails_and_no_other(
    api: Caller, desk: UUID, ada: UUID, call: str, error_code: str
) -> None:
    asked = {"acs_encoder_id": desk}
    if call == "scan_to_assign_credential":
        asked["acs_user_id"] = ada
    fail = f"{SIMULATE}/next_credential_scan_will_fail"
    await api(fail, acs_encoder_id=desk, error_code=error_code)
    now = await attempt(api, call, **asked)
    assert (now["status"], now["error"]["type"]) == ("error", error_code)
    assert (await api("/acs/credentials/list"))["acs_credentials"] == []
    assert (await attempt(api, call, **asked))["status"] == "success"


async def test_a_new_card_is_given_to_a_person(
    api: Caller, town: Town, north: System, desk: UUID, ada: UUID, doors: Doors
) -> None:
    door = await town.entrance(north, "Door")
    group = await town.group(north, "Staff", door)
    await town.join(group, ada)
    await hear(doors, town)
    now = await attempt(api, "scan_to_assign_credential", acs_encoder_id=desk, acs_user_id=ada)
    made = now["result"]
    assert made == await credential(api, made["acs_credential_id"])
    assert (made["acs_user_id"], made["access_method"]) == (str(ada), "card")
    assert made["is_issued"]
    assert await told(api, made["acs_credential_id"]) == ["acs_credential.issued"]
    await hear(doors, town)
    read = {"acs_entrance_id": door, "card_number": made["card_number"]}
    assert (await api("/doorward/doors/present", **read))["decision"]["outcome"] == "allow"


async def test_a_known_card_changes_hands(
    api: Caller, town: Town, north: System, desk: UUID, ada: UUID
) -> None:
    bo = await town.user(north, Personal("Bo"))
    card = await town.credential(north, bo, "42-1")
    simulate = f"{SIMULATE}/next_credential_scan_will_succeed"
    await api(simulate, acs_encoder_id=desk, acs_credential_id_on_seam=card)
    now = await attempt(api, "scan_to_assign_credential", acs_encoder_id=desk, acs_user_id=ada)
    assert now["result"]["acs_credential_id"] == str(card)
    assert (await credential(api, card))["acs_user_id"] == str(ada)
    # It lies there still.
    now = await attempt(api, "scan_to_assign_credential", acs_encoder_id=desk, acs_user_id=bo)
    assert now["result"]["acs_credential_id"] == str(card)
    assert now["result"]["acs_user_id"] == str(bo)


async def test_an_empty_card_is_nobodys(api: Caller, desk: UUID, ada: UUID) -> None:
    simulate = f"{SIMULATE}/next_credential_scan_will_succeed"
    await api(simulate, acs_encoder_id=desk, scenario="credential_on_encoder_is_empty")
    now = await attempt(api, "scan_to_assign_credential", acs_encoder_id=desk, acs_user_id=ada)
    assert now["error"]["type"] == "no_credential_on_encoder"


async def test_an_identity_gets_a_user_with_its_card(api: Caller, town: Town, desk: UUID) -> None:
    eve = await town.identity(Personal("Eve"))
    asked = {"acs_encoder_id": desk, "user_identity_id": eve}
    made = (await attempt(api, "scan_to_assign_credential", **asked))["result"]
    assert made["user_identity_id"] == str(eve)
    [user] = (await api("/acs/users/list"))["acs_users"]
    assert made["acs_user_id"] == user["acs_user_id"]


async def test_who_cannot_be_given_a_card(
    api: Caller, town: Town, north: System, desk: UUID, ada: UUID
) -> None:
    south = await town.system("South")
    stranger = await town.user(south, Personal("Cy"))
    eve = await town.identity(Personal("Eve"))
    theirs = await town.user(north, Personal("Eve"), identity=eve)
    await town.database.execute(
        "update acs_user set is_managed = false where acs_user_id = $1", theirs
    )
    path = f"{ENCODERS}/scan_to_assign_credential"
    here = {"acs_encoder_id": desk}
    for asked, expected in (
        ({"acs_encoder_id": uuid4(), "acs_user_id": ada}, (404, "acs_encoder_not_found")),
        (here | {"acs_user_id": uuid4()}, (404, "acs_user_not_found")),
        (here | {"acs_user_id": stranger}, (400, "invalid_input")),
        (here | {"user_identity_id": uuid4()}, (404, "user_identity_not_found")),
        (here | {"user_identity_id": eve}, (400, "invalid_input")),
        (here, (400, "invalid_input")),
        (here | {"acs_user_id": ada, "user_identity_id": eve}, (400, "invalid_input")),
    ):
        assert await api.error(path, **asked) == expected
    foreign = {"salto_ks_metadata": {"detect_new_tags": True}}
    for call, asked in (("scan_credential", here), ("scan_to_assign_credential", here)):
        who = {"acs_user_id": ada} if "assign" in call else {}
        error = await api.error(f"{ENCODERS}/{call}", **asked, **who, **foreign)
        assert error == (400, "invalid_input")
    assert await api.error(f"{ENCODERS}/scan_credential", acs_encoder_id=uuid4()) == (
        404,
        "acs_encoder_not_found",
    )
    assert (await api("/action_attempts/list"))["action_attempts"] == []


async def test_a_person_who_goes_meanwhile(
    api: Caller, town: Town, desk: UUID, ada: UUID, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[Any] = []
    with monkeypatch.context() as held:
        background = type(server.services.background)
        held.setattr(background, "start", lambda _, __, work: started.append(work))
        asked = {"acs_encoder_id": desk, "acs_user_id": ada}
        begun = (await api(f"{ENCODERS}/scan_to_assign_credential", **asked))["action_attempt"]
    await api("/acs/users/delete", acs_user_id=ada)
    await started[0]
    error = (await ended(api, begun))["error"]
    assert error["type"] == "uncategorized_error"
    assert await sealed(town) == []
    assert (await api("/acs/credentials/list"))["acs_credentials"] == []


async def test_what_cannot_be_simulated(
    api: Caller, town: Town, north: System, desk: UUID, ada: UUID, server: Server
) -> None:
    south = await town.system("South")
    theirs = await town.credential(south, await town.user(south, Personal("Cy")), "42-1")
    code = await town.credential(north, ada, "2468")
    unwritten = await waiting(api, ada)
    will = f"{SIMULATE}/next_credential_{{}}_will_{{}}".format
    on_seam = "acs_credential_id_on_seam"
    unclear = (400, "invalid_input")
    error = {"error_code": "uncategorized_error"}
    for path, asked, expected in (
        (
            will("encode", "fail"),
            error | {"acs_credential_id": uuid4()},
            (404, "acs_credential_not_found"),
        ),
        (will("encode", "fail"), error | {"acs_credential_id": code}, unclear),
        (will("encode", "fail"), error | {"acs_credential_id": theirs}, unclear),
        (will("encode", "fail"), {"acs_credential_id": unwritten}, unclear),
        (will("encode", "fail"), {"error_code": "credential_deleted"}, unclear),
        (will("encode", "succeed"), {"scenario": "credential_exists_on_seam"}, unclear),
        (will("scan", "fail"), {"error_code": "encoding_interrupted"}, unclear),
        (will("scan", "fail"), {on_seam: code}, unclear),
        (will("scan", "fail"), error | {on_seam: uuid4()}, (404, "acs_credential_not_found")),
        (will("scan", "succeed"), {on_seam: uuid4()}, (404, "acs_credential_not_found")),
        (will("scan", "succeed"), {on_seam: theirs}, unclear),
        (will("scan", "succeed"), {on_seam: code}, unclear),
        (will("scan", "succeed"), {on_seam: unwritten}, unclear),
        (
            will("scan", "succeed"),
            {on_seam: theirs, "scenario": "credential_on_encoder_is_empty"},
            unclear,
        ),
    ):
        assert await api.error(path, acs_encoder_id=desk, **asked) == expected, (path, asked)
    kept = "select count(*) from acs_encoder_scenario where workspace_id = $1"
    assert await town.database.fetchval(kept, town.workspace_id) == 0
    real = Town(town.database, town.keyring)
    encoder = await real.encoder(await real.found(is_sandbox=False), "Desk")
    there = await server.caller(real.workspace_id)
    for action in ("encode", "scan"):
        for end in ("fail", "succeed"):
            path = will(action, end)
            assert await api.error(path, acs_encoder_id=encoder) == (404, "acs_encoder_not_found")
            error_there = await there.error(path, acs_encoder_id=encoder)
            assert error_there == (400, "workspace_not_sandbox")


async def test_an_encoder_that_is_not_simulated_is_not_online(town: Town, server: Server) -> None:
    real = Town(town.database, town.keyring)
    system = await real.found(is_sandbox=False)
    desk, user = await real.encoder(system, "Desk"), await real.user(system, Personal("Ada"))
    api = await server.caller(real.workspace_id)
    card = await waiting(api, user)
    for call, asked, expected in (
        ("encode_credential", {"acs_credential_id": card}, "encoder_not_online"),
        ("scan_credential", {}, "encoder_not_online"),
        ("scan_to_assign_credential", {"acs_user_id": user}, "uncategorized_error"),
    ):
        now = await attempt(api, call, acs_encoder_id=desk, **asked)
        assert now["error"]["type"] == expected
    assert not (await credential(api, card))["is_issued"]


async def test_a_customers_session_encodes_in_its_own_systems(
    api: Caller, town: Town, north: System, desk: UUID, ada: UUID, server: Server
) -> None:
    south = await town.system("South", customer_key="acme")
    gate, cy = await town.encoder(south, "Gate"), await town.user(south, Personal("Cy"))
    async with town.database.acquire() as connection:
        session = await client_sessions.create(
            connection, town.keyring, town.workspace_id, Wanted(customer_key="acme")
        )
    acme = await server.caller(town.workspace_id, session.token)
    listed = {"acs_system_ids": [north.acs_system_id, south.acs_system_id]}
    assert await acme.names(f"{ENCODERS}/list", **listed) == ["Gate"]
    theirs, ours = await waiting(api, ada), await waiting(api, cy)
    eve = await town.identity(Personal("Eve"))
    unseen = (404, "acs_encoder_not_found")
    for call, asked, expected in (
        ("encode_credential", {"acs_encoder_id": desk, "acs_credential_id": theirs}, unseen),
        (
            "encode_credential",
            {"acs_encoder_id": gate, "acs_credential_id": theirs},
            (404, "acs_credential_not_found"),
        ),
        ("scan_to_assign_credential", {"acs_encoder_id": desk, "acs_user_id": ada}, unseen),
        (
            "scan_to_assign_credential",
            {"acs_encoder_id": gate, "acs_user_id": ada},
            (404, "acs_user_not_found"),
        ),
        (
            "scan_to_assign_credential",
            {"acs_encoder_id": gate, "user_identity_id": eve},
            (404, "user_identity_not_found"),
        ),
        ("simulate/next_credential_encode_will_succeed", {"acs_encoder_id": desk}, unseen),
    ):
        assert await acme.error(f"{ENCODERS}/{call}", **asked) == expected
    await acme(f"{SIMULATE}/next_credential_encode_will_succeed", acs_encoder_id=gate)
    asked = {"acs_encoder_id": gate, "acs_credential_id": ours}
    assert (await attempt(acme, "encode_credential", **asked))["status"] == "success"
    asked = {"acs_encoder_id": gate, "acs_user_id": cy}
    assert (await attempt(acme, "scan_to_assign_credential", **asked))["status"] == "success"
