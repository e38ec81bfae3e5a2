"""/acs/entrances/unlock and /action_attempts: commands that end in seconds, once."""

import asyncio
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from doorward.api import unlocking
from doorward.doors.registry import Doors
from doorward.errors import Unavailable
from doorward.resources.action_attempt import ActionResult
from doorward.store import action_attempts, client_sessions
from doorward.store.client_sessions import Wanted
from doorward.store.database import Connection
from doorward.store.personal import Personal
from tests.api.conftest import Caller, Server, hear
from tests.api.town import System, Town

EXPIRED = "action_attempt_expired"


@dataclass(frozen=True)
class Scene:
    """A door, and a cloud key that opens it."""

    door: UUID
    user: UUID
    key: UUID


@pytest.fixture
async def scene(town: Town, north: System, doors: Doors) -> Scene:
    """Somebody with a cloud key."""
    door = await town.entrance(north, "Door")
    user = await town.user(north, Personal("Ada"))
    key = await town.cloud_key(north, user, door)
    await hear(doors, town)
    return Scene(door, user, key)


async def unlock(api: Caller, door: UUID, key: UUID) -> dict[str, Any]:
    """The attempt as the call answers it."""
    body = await api("/acs/entrances/unlock", acs_entrance_id=door, acs_credential_id=key)
    attempt: dict[str, Any] = body["action_attempt"]
    return attempt


async def get(api: Caller, attempt: dict[str, Any]) -> dict[str, Any]:
    """The attempt as it is now."""
    body = await api("/action_attempts/get", "GET", action_attempt_id=attempt["action_attempt_id"])
    found: dict[str, Any] = body["action_attempt"]
    return found


async def events(town: Town) -> list[tuple[str, str]]:
    """Type and attempt of every event about attempts, the oldest first."""
    rows = await town.database.fetch(
        "select event_type, payload ->> 'action_attempt_id' from event where workspace_id = $1"
        " and event_type like 'action_attempt.%' order by created_at, event_id",
        town.workspace_id,
    )
    return [tuple(row) for row in rows]


async def test_a_door_is_unlocked_once(api: Caller, scene: Scene, town: Town) -> None:
    attempt = await unlock(api, scene.door, scene.key)
    assert attempt == {
        "action_attempt_id": attempt["action_attempt_id"],
        "action_type": "UNLOCK_DOOR",
        "status": "success",
        "result": {"was_confirmed_by_device": True},
        "error": None,
    }
    assert await get(api, attempt) == attempt
    assert await events(town) == [
        ("action_attempt.unlock_door.succeeded", attempt["action_attempt_id"])
    ]
    [door] = (await api("/doorward/doors/list"))["doors"]
    assert not door["is_locked"]
    assert door["last_read"]["acs_credential_id"] == str(scene.key)


async def test_its_event_is_as_the_api_has_it(api: Caller, scene: Scene, north: System) -> None:
    attempt = await unlock(api, scene.door, scene.key)
    event = (await api("/events/get", event_type="action_attempt.unlock_door.succeeded"))["event"]
    assert event == event | {
        "action_attempt_id": attempt["action_attempt_id"],
        "action_type": "UNLOCK_DOOR",
        "status": "success",
        "connected_account_id": str(north.connected_account_id),
    }


async def test_a_refusal_is_an_error_with_its_reason(
    api: Caller, doors: Doors, town: Town, north: System, scene: Scene
) -> None:
    nobodys = await town.cloud_key(north, scene.user)
    await hear(doors, town)
    attempt = await unlock(api, scene.door, nobodys)
    assert (attempt["status"], attempt["result"]) == ("error", None)
    assert attempt["error"]["type"] == "deny_no_access"
    assert await events(town) == [
        ("action_attempt.unlock_door.failed", attempt["action_attempt_id"])
    ]
    [door] = (await api("/doorward/doors/list"))["doors"]
    assert door["is_locked"]


async def test_what_cannot_be_asked(
    api: Caller, town: Town, north: System, scene: Scene, server: Server
) -> None:
    south = await town.system("South")
    theirs = await town.entrance(south, "Theirs")
    card = await town.credential(north, scene.user, "1-1", scene.door)
    other = Town(town.database, town.keyring)
    await other.found()
    stranger = await server.caller(other.workspace_id)
    path = "/acs/entrances/unlock"
    for caller, door, key, expected in (
        (api, uuid4(), scene.key, (404, "acs_entrance_not_found")),
        (api, scene.door, uuid4(), (404, "acs_credential_not_found")),
        (api, theirs, scene.key, (400, "invalid_input")),
        (api, scene.door, card, (400, "invalid_input")),
        (stranger, scene.door, scene.key, (404, "acs_entrance_not_found")),
    ):
        error = await caller.error(path, acs_entrance_id=door, acs_credential_id=key)
        assert error == expected
    assert (await api("/action_attempts/list"))["action_attempts"] == []


async def test_an_unmanaged_credential_is_not_there(api: Caller, town: Town, scene: Scene) -> None:
    await town.database.execute(
        "update acs_credential set is_managed = false where acs_credential_id = $1", scene.key
    )
    error = await api.error(
        "/acs/entrances/unlock", acs_entrance_id=scene.door, acs_credential_id=scene.key
    )
    assert error == (404, "acs_credential_not_found")


async def test_a_controller_that_is_cut_off_opens_nothing_then_or_later(
    api: Caller, scene: Scene, north: System
) -> None:
    hold = "/doorward/simulate/hold_controller"
    await api(hold, controller_id=north.controller_id, is_held=True)
    attempt = await unlock(api, scene.door, scene.key)
    assert attempt["error"]["type"] == "controller_not_here"
    assert "cut off" in attempt["error"]["message"]
    await api(hold, controller_id=north.controller_id, is_held=False)
    [door] = (await api("/doorward/doors/list"))["doors"]
    assert door["is_locked"]
    assert await get(api, attempt) == attempt


async def test_a_door_of_another_server_is_told_so(api: Caller, scene: Scene, doors: Doors) -> None:
    await doors.stop()
    attempt = await unlock(api, scene.door, scene.key)
    assert attempt["error"]["type"] == "controller_not_here"


class SlowDoors:
    """Doors that answer when they are told to."""

    def __init__(self, doors: Doors) -> None:
        self.doors = doors
        self.asked = 0
        self.go_on = asyncio.Event()

    async def unlock(self, *args: Any, **named: Any) -> Any:
        """Asks the door, later."""
        self.asked += 1
        await self.go_on.wait()
        return await self.doors.unlock(*args, **named)


@pytest.fixture
def slow(server: Server, doors: Doors, monkeypatch: pytest.MonkeyPatch) -> SlowDoors:
    """The server's doors are slow, and nobody waits for them."""
    slow = SlowDoors(doors)
    object.__setattr__(server.services, "doors", slow)
    object.__setattr__(server.services, "confirm_timeout", 0.01)
    monkeypatch.setattr(unlocking, "LIFE_SECONDS", 30)
    return slow


async def ended(api: Caller, attempt: dict[str, Any]) -> dict[str, Any]:
    """The attempt once it is no longer pending."""
    async with asyncio.timeout(10):
        while (now := await get(api, attempt))["status"] == "pending":
            await asyncio.sleep(0.005)
    return now


async def test_a_slow_door_is_pending_at_first(
    api: Caller, scene: Scene, slow: SlowDoors, town: Town
) -> None:
    attempt = await unlock(api, scene.door, scene.key)
    assert attempt == attempt | {"status": "pending", "result": None, "error": None}
    assert await events(town) == []
    slow.go_on.set()
    assert (await ended(api, attempt))["status"] == "success"
    assert slow.asked == 1


async def test_it_fails_within_the_clients_wait_and_the_door_stays_shut(
    api: Caller, scene: Scene, slow: SlowDoors, town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert action_attempts.LIFE_SECONDS < 5  # the wait of the official Python client
    monkeypatch.setattr(unlocking, "LIFE_SECONDS", 0.05)
    attempt = await unlock(api, scene.door, scene.key)
    now = await ended(api, attempt)
    assert (now["status"], now["result"], now["error"]["type"]) == ("error", None, EXPIRED)
    slow.go_on.set()
    assert slow.doors._by_workspace[town.workspace_id][0].door(scene.door).is_locked
    assert await events(town) == [
        ("action_attempt.unlock_door.failed", attempt["action_attempt_id"])
    ]


async def test_the_attempt_is_kept_before_the_door_is_asked(
    api: Caller, scene: Scene, slow: SlowDoors, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lost(*_: Any) -> None:
        raise Unavailable("the commit's outcome is unknown")

    monkeypatch.setattr(action_attempts, "create_unlocking", lost)
    error = await api.error(
        "/acs/entrances/unlock", acs_entrance_id=scene.door, acs_credential_id=scene.key
    )
    assert error == (503, "service_unavailable")
    assert slow.asked == 0


@pytest.mark.usefixtures("slow")
async def test_a_server_that_went_leaves_an_error_and_one_event(
    api: Caller, scene: Scene, town: Town, server: Server
) -> None:
    attempt = await unlock(api, scene.door, scene.key)
    # The server goes before the door has answered, and is away beyond the attempt's time.
    await server.services.background.stop()
    await _is_over(town)
    now = await get(api, attempt)
    assert (now["status"], now["error"]["type"]) == ("error", EXPIRED)
    listed = (await api("/action_attempts/list"))["action_attempts"]
    assert listed == [now]
    await asyncio.gather(*(unlocking.end_expired(server.services) for _ in range(3)))
    assert await get(api, attempt) == now
    assert await events(town) == [
        ("action_attempt.unlock_door.failed", attempt["action_attempt_id"])
    ]


@pytest.mark.usefixtures("slow")
async def test_nothing_becomes_a_success_after_its_time(
    api: Caller, scene: Scene, town: Town
) -> None:
    attempt = await unlock(api, scene.door, scene.key)
    await _is_over(town)
    async with town.database.transaction() as connection:
        assert await _succeed(connection, town, attempt) is None
    assert (await get(api, attempt))["error"]["type"] == EXPIRED


@pytest.mark.usefixtures("slow")
@pytest.mark.parametrize("is_committed", [True, False], ids=["committed", "lost"])
async def test_an_end_on_its_way_to_the_disk_is_not_called_expired(
    api: Caller, scene: Scene, town: Town, server: Server, is_committed: bool
) -> None:
    attempt = await unlock(api, scene.door, scene.key)
    ending = await town.database.connect()
    transaction = ending.transaction()
    await _is_over(town, in_seconds=1)
    await transaction.start()
    assert await _succeed(ending, town, attempt) is not None
    await ending.execute("set local idle_in_transaction_session_timeout = 0")
    await asyncio.sleep(1.1)
    # Its time is over, and nobody knows what will be: neither who looks nor who sweeps.
    for _ in range(3):
        await unlocking.end_expired(server.services)
        assert (await get(api, attempt))["status"] == "pending"
        assert (await api("/action_attempts/list"))["action_attempts"][0]["status"] == "pending"
    await (transaction.commit() if is_committed else transaction.rollback())
    await ending.close()
    now = await get(api, attempt)
    assert now["status"] == ("success" if is_committed else "error")
    await unlocking.end_expired(server.services)
    assert await get(api, attempt) == now
    assert (await api("/action_attempts/list"))["action_attempts"] == [now]


@pytest.mark.usefixtures("slow")
async def test_whoever_stalls_before_its_commit_loses_it(
    api: Caller, scene: Scene, town: Town
) -> None:
    attempt = await unlock(api, scene.door, scene.key)
    stalled = await town.database.connect()
    transaction = stalled.transaction()
    await transaction.start()
    assert await _succeed(stalled, town, attempt) is not None
    async with asyncio.timeout(10):
        while not stalled.is_closed():
            await asyncio.sleep(0.01)
    with pytest.raises(asyncpg.InterfaceError, match="closed"):
        await transaction.commit()
    await _is_over(town)
    now = await get(api, attempt)
    assert (now["status"], now["error"]["type"]) == ("error", EXPIRED)
    assert await events(town) == [
        ("action_attempt.unlock_door.failed", attempt["action_attempt_id"])
    ]


async def _succeed(
    connection: Connection, town: Town, attempt: dict[str, Any]
) -> action_attempts.Ended | None:
    return await action_attempts.end(
        connection,
        town.workspace_id,
        UUID(attempt["action_attempt_id"]),
        ActionResult(was_confirmed_by_device=True),
    )


async def _is_over(town: Town, in_seconds: float = 0) -> None:
    await town.database.execute(
        "update action_attempt set ends_at = clock_timestamp() + $2 * interval '1 second'"
        " where workspace_id = $1",
        town.workspace_id,
        in_seconds,
    )


async def test_an_idempotency_key_asks_the_door_once(
    api: Caller, scene: Scene, slow: SlowDoors
) -> None:
    slow.go_on.set()
    body = {"acs_entrance_id": str(scene.door), "acs_credential_id": str(scene.key)}
    headers = {"idempotency-key": str(uuid4())}
    first, again = [
        (await api.client.post("/acs/entrances/unlock", json=body, headers=headers)).json()
        for _ in range(2)
    ]
    assert first == again
    assert (await ended(api, first["action_attempt"]))["status"] == "success"
    assert slow.asked == 1


async def test_listing(api: Caller, scene: Scene) -> None:
    made = [await unlock(api, scene.door, scene.key) for _ in range(3)]
    first = await api("/action_attempts/list", "GET", limit=2)
    assert first["action_attempts"] == made[:2]
    cursor = first["pagination"]["next_page_cursor"]
    rest = await api("/action_attempts/list", "GET", limit=2, page_cursor=cursor)
    assert rest["action_attempts"] == made[2:]
    assert not rest["pagination"]["has_next_page"]
    chosen = [made[2]["action_attempt_id"], str(uuid4())]
    listed = await api("/action_attempts/list", action_attempt_ids=chosen)
    assert listed["action_attempts"] == [made[2]]
    assert (await api("/action_attempts/list", device_id=uuid4()))["action_attempts"] == []


async def test_unknown_attempts(api: Caller, scene: Scene, server: Server, town: Town) -> None:
    attempt = await unlock(api, scene.door, scene.key)
    other = Town(town.database, town.keyring)
    await other.found()
    stranger = await server.caller(other.workspace_id)
    for caller, id_ in ((api, str(uuid4())), (stranger, attempt["action_attempt_id"])):
        error = await caller.error("/action_attempts/get", action_attempt_id=id_)
        assert error == (404, "action_attempt_not_found")


async def test_sessions_see_their_own(
    api: Caller, doors: Doors, town: Town, north: System, server: Server
) -> None:
    door = await town.entrance(north, "Door")
    jane, omar = [await town.identity(Personal(name)) for name in ("Jane", "Omar")]
    user = await town.user(north, Personal("Jane"), identity=jane)
    key = await town.cloud_key(north, user, door)
    await hear(doors, town)
    attempt = await unlock(api, door, key)
    account = Wanted(connected_account_ids=(north.connected_account_id,))
    for wanted, is_seen in (
        (Wanted(user_identity_id=jane), True),
        (Wanted(user_identity_id=omar), False),
        (account, True),
    ):
        secret = await _session(town, wanted)
        caller = await server.caller(town.workspace_id, secret)
        if is_seen:
            assert await get(caller, attempt) == attempt
        else:
            id_ = attempt["action_attempt_id"]
            error = await caller.error("/action_attempts/get", action_attempt_id=id_)
            assert error == (404, "action_attempt_not_found")


async def _session(town: Town, wanted: Wanted) -> str:
    async with town.database.acquire() as connection:
        made = await client_sessions.create(connection, town.keyring, town.workspace_id, wanted)
    return made.token
