"""The official client unlocks a door, and waits for the action attempt as it does by default."""

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import pytest
from seam.exceptions import SeamActionAttemptFailedError
from seam.seam import Seam

from tests.running import API_KEY, USER, RunningServer, running

DOOR = "977eb064-457b-4c30-ac76-81203b2e8799"
PATIENCE = 20


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A sandbox."""
    with running(tmp_path_factory.mktemp("unlocking") / "data") as server:
        yield server


@pytest.fixture
def seam(server: RunningServer) -> Iterator[Seam]:
    """The client, with nothing set but where the server is."""
    with Seam(api_key=API_KEY, endpoint=server.endpoint) as seam:
        yield seam


def cloud_key(seam: Seam) -> str:
    """A cloud key of somebody whose group opens the door."""
    made = seam.acs.credentials.create(access_method="cloud_key", acs_user_id=USER)
    key: str = made.acs_credential_id
    _hear(seam)
    return key


def _hear(seam: Seam) -> None:
    """Waits until the doors know every change."""
    deadline = time.monotonic() + PATIENCE
    while seam.acs.users.get(acs_user_id=USER).pending_mutations:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_door_opens(seam: Seam) -> None:
    attempt = seam.acs.entrances.unlock(acs_entrance_id=DOOR, acs_credential_id=cloud_key(seam))
    result: Any = attempt.result
    assert (attempt.status, result.was_confirmed_by_device) == ("success", True)


def test_a_refusal_is_raised_with_its_reason(seam: Seam) -> None:
    key = cloud_key(seam)
    seam.acs.users.suspend(acs_user_id=USER)
    try:
        with pytest.raises(SeamActionAttemptFailedError) as refused:
            seam.acs.entrances.unlock(acs_entrance_id=DOOR, acs_credential_id=key)
    finally:
        seam.acs.users.unsuspend(acs_user_id=USER)
    assert refused.value.code == "deny_suspended"


def test_a_running_server_ends_what_another_has_begun(server: RunningServer) -> None:
    attempt_id = asyncio.run(_left_behind(server))
    body = server.call("/action_attempts/get", action_attempt_id=attempt_id).json()
    assert body["action_attempt"]["status"] == "error"
    assert body["action_attempt"]["error"]["type"] == "action_attempt_expired"
    deadline = time.monotonic() + PATIENCE
    while attempt_id not in _failed(server):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _failed(server: RunningServer) -> list[str]:
    failed = {"event_type": "action_attempt.unlock_door.failed", "since": "2020-01-01T00:00:00Z"}
    events = server.call("/events/list", **failed).json()["events"]
    return [event["action_attempt_id"] for event in events]


async def _left_behind(server: RunningServer) -> str:
    connection = await server.connect()
    try:
        attempt_id = await connection.fetchval(
            "insert into action_attempt (workspace_id, action_attempt_id, action_type, status,"
            " acs_system_id, acs_entrance_id, actor, created_at, ends_at)"
            " select workspace_id, gen_random_uuid(), 'UNLOCK_DOOR', 'pending', acs_system_id,"
            " acs_entrance_id, 'gone', now(), now() from acs_entrance where acs_entrance_id = $1"
            " returning action_attempt_id",
            DOOR,
        )
        return str(attempt_id)
    finally:
        await connection.close()
