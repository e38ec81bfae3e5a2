"""Far more calls than the server answers at a time: it sheds the rest, and works on."""

import asyncio
from collections import Counter
from pathlib import Path

import httpx

from tests.running import (
    ACCESS_TOKEN,
    API_KEY,
    GROUP,
    WORKSPACE,
    RunningServer,
    running,
)

IN_FLIGHT = 5
CALLERS = 120


def _client(server: RunningServer) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        base_url=server.endpoint,
        timeout=60,
        limits=httpx.Limits(max_connections=None),
    )


# One alone could take half of the server.
_CALLERS = (
    {"authorization": f"Bearer {API_KEY}"},
    {"authorization": f"Bearer {ACCESS_TOKEN}", "seam-workspace": WORKSPACE},
)


async def _add(client: httpx.AsyncClient, people: list[str], number: int) -> httpx.Response:
    body = {"acs_user_id": people[number % len(people)], "acs_access_group_id": GROUP}
    headers = _CALLERS[number % len(_CALLERS)]
    return await client.post("/acs/users/add_to_access_group", json=body, headers=headers)


async def _crowd(server: RunningServer, people: list[str]) -> list[httpx.Response]:
    connection = await server.connect()
    async with _client(server) as client, connection.transaction():
        # Nobody can write until this transaction ends.
        await connection.execute("select from policy_revision for update")
        calls = [asyncio.create_task(_add(client, people, n)) for n in range(CALLERS)]
        while sum(call.done() for call in calls) < CALLERS - IN_FLIGHT:
            health = await client.get("/health")
            assert health.json() == {"ok": True, "database": "up"}
        await connection.execute("rollback")
        answers = await asyncio.gather(*calls)
        await connection.execute("begin")
    await connection.close()
    return answers


def test_a_crowd_is_turned_away_but_for_those_who_are_in(tmp_path: Path) -> None:
    with running(tmp_path / "data", "--in-flight", str(IN_FLIGHT), "--rate-limit", "0") as server:
        people = [u["acs_user_id"] for u in server.call("/acs/users/list").json()["acs_users"]]
        answers = asyncio.run(_crowd(server, people))
        assert Counter(answer.status_code for answer in answers) == {
            200: IN_FLIGHT,
            503: CALLERS - IN_FLIGHT,
        }
        for shed in (answer for answer in answers if answer.status_code == 503):
            assert shed.json()["error"]["type"] == "overloaded"
            assert shed.headers["retry-after"] == "1"
        assert server.call("/acs/users/get", acs_user_id=people[0]).status_code == 200


def test_a_token_has_its_rate_and_health_has_none(tmp_path: Path) -> None:
    with running(tmp_path / "data", "--rate-limit", "0.1") as server, server.client() as client:
        answers = [client.post("/acs/systems/list") for _ in range(5)]
        assert [answer.status_code for answer in answers] == [200, 429, 429, 429, 429]
        assert 1 <= int(answers[-1].headers["retry-after"]) <= 10
        assert answers[-1].json()["error"]["type"] == "rate_limit_exceeded"
        assert {client.get("/health").status_code for _ in range(20)} == {200}
