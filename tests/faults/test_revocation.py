"""A revoked token of every kind is refused by every process on the database, within a second."""

import asyncio
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import asyncpg
import httpx
import pytest

from doorward.store.embedded import attach
from tests.running import WORKSPACE, RunningServer, command, running

Headers = dict[str, str]
WITHIN = 1.0
LIFE = 3


@dataclass(frozen=True)
class Pair:
    """Two servers on one database, of which the first runs it."""

    first: RunningServer
    second: RunningServer

    def ask(self, headers: Headers) -> list[tuple[int, str]]:
        """What both say of a token, to the call that every kind may make."""
        return [_ask(server, headers) for server in (self.first, self.second)]

    def token(self, *options: str) -> str:
        """A new token."""
        made = command("token", "create", *options, "--data", str(self.first.data))
        assert made.returncode == 0, made.stderr
        return made.stdout.strip()

    def revoke(self, text: str) -> None:
        """Ends a token, as an operator does."""
        hint = text.rpartition("_")[0] or text
        told = command("token", "list", "--data", str(self.first.data)).stdout
        token_id = next(line.split()[0] for line in told.splitlines() if _hint(hint) in line)
        assert command("token", "revoke", token_id, "--data", str(self.first.data)).returncode == 0


def _hint(begins: str) -> str:
    return begins.partition(".")[0] if begins.startswith("ey") else begins


def _ask(server: RunningServer, headers: Headers) -> tuple[int, str]:
    path = "/client_sessions/get_or_create" if "seam-publishable-key" in headers else ""
    with httpx.Client(base_url=server.endpoint, headers=headers) as client:
        answer = client.post(path or "/workspaces/get", json={})
    return answer.status_code, answer.json().get("error", {}).get("type", "")


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    folder = tmp_path_factory.mktemp("pair")
    with running(folder / "first") as first:
        dsn = attach(first.data)
        assert dsn is not None
        other = folder / "second"
        other.mkdir(mode=0o700)
        shutil.copy2(first.data / "secret.key", other)
        with running(other, "--database-url", dsn) as second:
            yield Pair(first, second)


def refused_by_both(pair: Pair, headers: Headers, end: Callable[[], object]) -> set[str]:
    """The error types with which both refuse a token that counted until `end` had been called."""
    # Both have asked the database and remember the answer.
    assert [status for status, _ in pair.ask(headers)] == [200, 200]
    end()
    return until_refused(pair, headers)


def until_refused(pair: Pair, headers: Headers) -> set[str]:
    """Asks until both refuse; no call that began a second from now on may be answered."""
    since = time.monotonic()
    while True:
        begun = time.monotonic()
        told = pair.ask(headers)
        if {status for status, _ in told} == {401}:
            return {error for _, error in told}
        assert begun - since < WITHIN, told


@pytest.mark.parametrize("kind", ["api-key", "personal-access-token", "console-session"])
def test_what_operators_make(pair: Pair, kind: str) -> None:
    token = pair.token("--kind", kind, "--name", kind)
    headers = {"authorization": f"Bearer {token}"}
    if kind != "api-key":
        headers["seam-workspace"] = WORKSPACE
    assert refused_by_both(pair, headers, lambda: pair.revoke(token)) == {"unauthorized"}


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("/client_sessions/revoke", "client_session_revoked"),
        ("/client_sessions/delete", "client_session_not_found"),
    ],
)
@pytest.mark.parametrize("customer", [False, True])
def test_client_sessions(pair: Pair, path: str, error: str, *, customer: bool) -> None:
    asked = {"customer_key": "acme"} if customer else {}
    made = pair.first.call("/client_sessions/create", **asked).json()["client_session"]
    headers = {"authorization": f"Bearer {made['token']}"}

    def end() -> None:
        named = {"client_session_id": made["client_session_id"]}
        pair.second.call(path, **named).raise_for_status()

    assert refused_by_both(pair, headers, end) == {error}


def test_a_read_only_customer(pair: Pair) -> None:
    token = pair.token("--kind", "client-session", "--customer-key", "acme", "--read-only")
    headers = {"client-session-token": token}
    listed = pair.first.call("/client_sessions/list").json()["client_sessions"]
    session_id = next(each["client_session_id"] for each in listed if each["token"] == token)

    def end() -> None:
        asked = pair.first.call("/client_sessions/revoke", client_session_id=session_id)
        asked.raise_for_status()

    assert refused_by_both(pair, headers, end) == {"client_session_revoked"}


async def _take_the_watches_places(
    administrator: "asyncpg.Connection[asyncpg.Record]", dsn: str
) -> "list[asyncpg.Connection[asyncpg.Record]]":
    """Connections, as many as there may be; both servers keep those of their pools alone."""
    taken: list[asyncpg.Connection[asyncpg.Record]] = []
    # A connection that was there for a moment only leaves its place to a watch: it is full when it
    # has been so for a while.
    full_for = 0
    while full_for < 20 or await administrator.fetchval(_WATCHES):
        try:
            taken.append(await asyncpg.connect(dsn))
            full_for = 0
        except asyncpg.TooManyConnectionsError:
            full_for += 1
            await administrator.execute(f"select pg_terminate_backend(pid) {_WATCHING}")
            await asyncio.sleep(0.02)
    return taken


_WATCHING: Final = "from pg_stat_activity where application_name = 'doorward watch'"
_WATCHES: Final = f"select count(*) {_WATCHING}"


async def test_while_the_watches_cannot_connect(pair: Pair) -> None:
    """Others have taken every connection but those that the servers ask through."""
    # A server that lets go of another connection meanwhile gives a watch its place back.
    for _ in range(8):
        if await _is_refused_unwatched(pair):
            return
    pytest.fail("the watches always came back")


async def _is_refused_unwatched(pair: Pair) -> bool:
    """Revokes a token, which both servers must notice; whether no watch came back meanwhile."""
    made = pair.first.call("/client_sessions/create").json()["client_session"]
    named = {"client_session_id": made["client_session_id"]}
    headers = {"authorization": f"Bearer {made['token']}"}
    assert [status for status, _ in pair.ask(headers)] == [200, 200]
    dsn = attach(pair.first.data)
    assert dsn is not None
    administrator = await asyncpg.connect(dsn)
    taken = await _take_the_watches_places(administrator, dsn)
    try:
        assert [status for status, _ in pair.ask(headers)] == [200, 200]
        pair.second.call("/client_sessions/revoke", **named).raise_for_status()
        # Where it was revoked, at once; the other has to notice.
        assert _ask(pair.second, headers) == (401, "client_session_revoked")
        assert until_refused(pair, headers) == {"client_session_revoked"}
        return not await administrator.fetchval(_WATCHES)
    finally:
        for connection in taken:
            connection.terminate()
        await administrator.close()


async def test_publishable_keys(pair: Pair) -> None:
    key = pair.first.call("/workspaces/get").json()["workspace"]["publishable_key"]
    headers = {"seam-publishable-key": key, "seam-user-identifier-key": "jane"}
    connection = await pair.first.connect()
    switch = "update workspace set is_publishable_key_auth_enabled = $1"
    assert [status for status, _ in pair.ask(headers)] == [200, 200]
    await connection.execute(switch, False)
    assert until_refused(pair, headers) == {"unauthorized"}
    await connection.execute(switch, True)
    await connection.close()


def test_an_expired_token_is_refused_at_its_time(pair: Pair) -> None:
    before = time.time()
    token = pair.token("--name", "short", "--expires-in", f"{LIFE}s")
    after = time.time()
    headers = {"authorization": f"Bearer {token}"}
    while True:
        begun = time.time()
        told = pair.ask(headers)
        if told[0][0] == 401:
            break
        assert begun < after + LIFE, told
    assert time.time() >= before + LIFE
    assert pair.ask(headers) == [(401, "unauthorized")] * 2
