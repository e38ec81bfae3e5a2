"""An unlocking from afar at a door that does not answer, and a server that dies or is suspended."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from doorward.store.action_attempts import LIFE_SECONDS
from tests.faults.stalling import STALLED_AFTER, STALLED_BEFORE
from tests.running import USER, RunningServer, running

DOOR = "977eb064-457b-4c30-ac76-81203b2e8799"
# What the official Python client waits by default, in seconds.
WAIT = 5
PATIENCE = 20


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    with running(tmp_path / "data", program="tests.faults.stalling") as server:
        yield server


def ask(server: RunningServer, path: str, **parameters: Any) -> Any:
    """The answer's one object or list."""
    body = server.call(path, **parameters).raise_for_status().json()
    return next(value for key, value in body.items() if key != "ok")


def cloud_key(server: RunningServer) -> str:
    """A cloud key that opens the door, which knows it."""
    made = ask(server, "/acs/credentials/create", access_method="cloud_key", acs_user_id=USER)
    deadline = time.monotonic() + PATIENCE
    while ask(server, "/acs/users/get", acs_user_id=USER)["pending_mutations"]:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    key: str = made["acs_credential_id"]
    return key


def begin(server: RunningServer, key: str) -> str:
    """An unlocking that the door does not answer to."""
    attempt = ask(server, "/acs/entrances/unlock", acs_entrance_id=DOOR, acs_credential_id=key)
    assert attempt["status"] == "pending"
    id_: str = attempt["action_attempt_id"]
    return id_


def ended(server: RunningServer, attempt: str) -> tuple[str, str | None]:
    """Status and error's type, as the official client waits for them."""
    deadline = time.monotonic() + WAIT
    while True:
        now = ask(server, "/action_attempts/get", action_attempt_id=attempt)
        if now["status"] != "pending":
            return now["status"], now["error"] and now["error"]["type"]
        assert time.monotonic() < deadline
        time.sleep(0.05)


def told(server: RunningServer) -> list[str]:
    """The types of the events of doors and attempts."""
    events = ask(server, "/events/list", since="2020-01-01")
    types = [event["event_type"] for event in events]
    return [each for each in types if each.startswith(("lock.", "action_attempt."))]


def is_locked(server: RunningServer) -> bool:
    """Whether the door is."""
    doors = ask(server, "/doorward/doors/list")
    [door] = [each for each in doors if each["acs_entrance_id"] == DOOR]
    return door["is_locked"] is True


def test_an_attempt_survives_a_killed_server_as_an_error_with_one_event(
    server: RunningServer,
) -> None:
    key = cloud_key(server)
    stall = server.data / STALLED_BEFORE
    stall.touch()
    attempt = begin(server, key)
    server.kill()
    stall.unlink()
    server.start()
    assert ended(server, attempt) == ("error", "action_attempt_expired")
    time.sleep(1.5)  # the sweep has been by
    assert ended(server, attempt) == ("error", "action_attempt_expired")
    assert told(server) == ["action_attempt.unlock_door.failed"]
    assert is_locked(server)


@pytest.mark.parametrize("stall", [STALLED_BEFORE, STALLED_AFTER])
def test_a_server_that_was_suspended_opens_nothing_late_and_tells_of_nothing(
    server: RunningServer, stall: str
) -> None:
    key = cloud_key(server)
    (server.data / stall).touch()
    attempt = begin(server, key)
    os.kill(server.pid, signal.SIGSTOP)
    time.sleep(LIFE_SECONDS)
    (server.data / stall).unlink()
    os.kill(server.pid, signal.SIGCONT)
    assert ended(server, attempt) == ("error", "action_attempt_expired")
    assert is_locked(server)
    # What happens next at the door is handed in after it.
    assert begin_and_end(server, key) == ("success", None)
    assert sorted(told(server)) == [
        "action_attempt.unlock_door.failed",
        "action_attempt.unlock_door.succeeded",
        "lock.unlocked",
    ]


def begin_and_end(server: RunningServer, key: str) -> tuple[str, str | None]:
    """An unlocking that the door answers to, and whose opening is handed in."""
    attempt = ask(server, "/acs/entrances/unlock", acs_entrance_id=DOOR, acs_credential_id=key)
    outcome = ended(server, attempt["action_attempt_id"])
    deadline = time.monotonic() + PATIENCE
    while "lock.unlocked" not in told(server):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return outcome
