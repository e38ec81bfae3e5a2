"""What the operator says reaches the part that it is meant for, and who is at home is known to all.

`--in-flight` and `--rate-limit` are in tests/faults/test_overload.py.
"""

import asyncio
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import pytest

from tests.running import API_KEY, GROUP, USER, RunningServer, command, running

DEADLINE = 3.0
CONNECTIONS = 4
SITE = "workspace: {name: W}\n"


@pytest.fixture(scope="module")
def abroad(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server that the network can reach."""
    folder = tmp_path_factory.mktemp("abroad")
    (folder / "site.yaml").write_text(SITE)
    everywhere = ("--host", "0.0.0.0", "--insecure-http")  # noqa: S104
    with running(folder / "data", *everywhere, "--site", str(folder / "site.yaml")) as server:
        yield server


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server that is for this machine alone, with limits."""
    limits = ("--deadline", str(DEADLINE), "--connections", str(CONNECTIONS))
    with running(tmp_path_factory.mktemp("home") / "data", *limits) as server:
        yield server


def _token(server: RunningServer, *options: str) -> str:
    made = command("token", "create", "--name", "x", *options, "--data", str(server.data))
    assert made.returncode == 0, made.stderr
    return made.stdout.strip()


def _metrics(server: RunningServer, **headers: str) -> int:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.get(f"{server.endpoint}/metrics", headers=sent).status_code


def test_metrics_are_for_nobody_in_the_network_but_who_has_the_scope(abroad: RunningServer) -> None:
    scoped, other = _token(abroad, "--scope", "metrics"), _token(abroad)
    assert _metrics(abroad) == 401
    assert _metrics(abroad, host="localhost") == 401
    assert _metrics(abroad, authorization=f"Bearer {other}") == 403
    assert _metrics(abroad, authorization=f"Bearer {scoped}") == 200


def test_metrics_are_for_everybody_at_home(home: RunningServer) -> None:
    assert _metrics(home) == 200
    assert _metrics(home, host="rebound.example") == 401
    assert _metrics(home, x_forwarded_for="127.0.0.1") == 401
    token = _token(home, "--scope", "metrics")
    assert _metrics(home, host="rebound.example", authorization=f"Bearer {token}") == 200


async def test_a_published_token_counts_at_home_alone(
    abroad: RunningServer, home: RunningServer
) -> None:
    token = _token(abroad)
    headers = {"authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=abroad.endpoint, headers=headers) as client:
        assert (await client.post("/workspaces/get")).status_code == 200
        connection = await abroad.connect()
        # As the sandbox's are, applied once more while the server runs.
        await connection.execute("update token set is_published = true")
        async with asyncio.timeout(10):
            while (await client.post("/workspaces/get")).status_code != 401:
                await asyncio.sleep(0.01)
        await connection.execute("update token set is_published = false")
        await connection.close()
    assert home.call("/workspaces/get").status_code == 200


async def test_calls_have_the_deadline_and_changes_half_of_it(home: RunningServer) -> None:
    headers = {"authorization": f"Bearer {API_KEY}"}
    connection = await home.connect()
    async with (
        httpx.AsyncClient(base_url=home.endpoint, headers=headers, timeout=20) as client,
        connection.transaction(),
    ):
        await connection.execute("lock table acs_user in access exclusive mode")
        await connection.execute("select from policy_revision for update")
        begun = time.monotonic()
        read = asyncio.create_task(client.post("/acs/users/get", json={"acs_user_id": USER}))
        await asyncio.sleep(0.1)
        membership = {"acs_user_id": USER, "acs_access_group_id": GROUP}
        change = client.post("/acs/users/remove_from_access_group", json=membership)
        assert (await change).status_code == 503
        assert not read.done()
        answer = await read
        # PostgreSQL itself would give up the wait for a lock after five seconds.
        assert time.monotonic() - begun < 1.5 * DEADLINE
        assert answer.json()["error"]["type"] == "service_unavailable"
    await connection.close()


def _until_refused(server: RunningServer) -> httpx.Response:
    ends = time.monotonic() + DEADLINE
    while (answer := server.call("/workspaces/get")).status_code == 200:
        assert time.monotonic() < ends
    return answer


def test_so_many_connections(home: RunningServer) -> None:
    # Nobody takes the place of whoever is being answered.
    unfinished = f"POST /workspaces/get HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {API_KEY}\r\n"
    unfinished += "content-type: application/json\r\ncontent-length: 2\r\n\r\n"
    with ExitStack() as busy:
        for _ in range(CONNECTIONS):
            link = busy.enter_context(socket.create_connection(("127.0.0.1", home.port)))
            link.sendall(unfinished.encode())
        answer = _until_refused(home)
        assert (answer.status_code, answer.json()["error"]["type"]) == (503, "overloaded")
        assert httpx.get(f"{home.endpoint}/health").status_code == 200
