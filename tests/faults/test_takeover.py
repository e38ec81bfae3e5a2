"""Two servers on one database: what the next one goes on from when the first one is gone."""

import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from doorward.policy.throttle import FIRST_BLOCK, WRONG_CODES
from tests.running import WORKSPACE, RunningServer, running, seed_card

WRONG = "1111"
BLOCKED = "deny_too_many_attempts"


@dataclass(frozen=True)
class Pair:
    """Two servers with a data folder each; the first runs all controllers. entrance: one that a
    card opens.
    """

    first: RunningServer
    second: RunningServer
    entrance: str
    card: str

    def enter(self, server: RunningServer, **what: str) -> dict[str, Any] | None:
        """What the entrance says at a server; None where that does not decide there."""
        answer = server.call("/doorward/doors/present", acs_entrance_id=self.entrance, **what)
        if answer.status_code == 503:
            return None
        decision: dict[str, Any] = answer.raise_for_status().json()["decision"]
        return decision

    def reason(self, server: RunningServer, code: str = WRONG) -> str | None:
        """Why a code is refused."""
        decision = self.enter(server, code=code)
        return decision["reason"] if decision else None


@pytest.fixture
def pair(tmp_path: Path, dsn: str) -> Iterator[Pair]:
    with running(tmp_path / "first", "--database-url", dsn) as first:
        other = tmp_path / "second"
        other.mkdir(mode=0o700)
        shutil.copy2(first.data / "secret.key", other)
        with running(other, "--database-url", dsn) as second:
            try:
                yield Pair(first, second, *seed_card(first))
            finally:
                with suppress(ProcessLookupError):
                    os.kill(first.pid, signal.SIGCONT)


def until(condition: Callable[[], object]) -> None:
    """Waits until something is so."""
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def advance(server: RunningServer, milliseconds: int) -> None:
    """Moves the workspace's time."""
    path = "/doorward/simulate/advance_time"
    server.call(path, workspace_id=WORKSPACE, seconds=milliseconds // 1000).raise_for_status()


def guess(pair: Pair, server: RunningServer, times: int) -> None:
    """Enters wrong codes that are all listened to."""
    assert [pair.reason(server) for _ in range(times)] == ["deny_unknown_credential"] * times


def refusals(server: RunningServer) -> int:
    """How many are handed in."""
    answer = server.call("/events/list", event_type="lock.access_denied", since="2020-01-01")
    return len(answer.raise_for_status().json()["events"])


@pytest.mark.parametrize("is_killed", [False, True], ids=["suspended", "killed"])
def test_a_keypad_stays_blocked_at_the_next_server_and_no_card_is(
    pair: Pair, is_killed: bool
) -> None:
    first, second = pair.first, pair.second
    assert pair.reason(second) is None
    guess(pair, first, WRONG_CODES)
    # Three more blocks, each twice as long, so that the last outlives the lease.
    for doubled in range(3):
        advance(first, FIRST_BLOCK << doubled)
        guess(pair, first, 1)
    until(lambda: refusals(second) == WRONG_CODES + 3)
    if is_killed:
        first.kill()
    else:
        os.kill(first.pid, signal.SIGSTOP)
    until(lambda: pair.enter(second, card_number=pair.card))
    assert pair.reason(second) == BLOCKED
    decision = pair.enter(second, card_number=pair.card)
    assert decision is not None
    assert decision["outcome"] == "allow"
    advance(second, FIRST_BLOCK << 3)
    guess(pair, second, 1)
    server = second if is_killed else _back_at_the_first(pair)
    advance(server, (FIRST_BLOCK << 4) - FIRST_BLOCK)
    assert pair.reason(server) == BLOCKED


def _back_at_the_first(pair: Pair) -> RunningServer:
    # With the one that was not listened to.
    until(lambda: refusals(pair.second) == WRONG_CODES + 3 + 2)
    os.kill(pair.first.pid, signal.SIGCONT)
    until(lambda: pair.reason(pair.first) is None)
    pair.second.stop()
    until(lambda: pair.enter(pair.first, card_number=pair.card))
    return pair.first
