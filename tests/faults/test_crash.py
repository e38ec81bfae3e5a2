"""SIGKILL to server and PostgreSQL under load, twenty times on the same data."""

import asyncio
import itertools
import random
from pathlib import Path
from uuid import UUID

import httpx
import pytest

from tests.running import GROUP, OFFICE, WORKSPACE, RunningServer, is_pid_gone
from tests.store.replay import check_journal

ROUNDS = 20
WORKERS = 8


class Ledger:
    """What was acknowledged, and what was asked for without an answer, for each person."""

    def __init__(self, people: list[str]) -> None:
        self.people = people
        self.acknowledged: dict[str, bool] = {}
        self.in_doubt: dict[str, set[bool]] = {person: set() for person in people}

    async def load(self, server: RunningServer, worker: int) -> None:
        """Adds and removes this worker's people until the server is gone."""
        mine = self.people[worker::WORKERS]
        async with server_client(server) as client:
            for turn in itertools.count():
                person, is_add = mine[turn // 2 % len(mine)], turn % 2 == 0
                self.in_doubt[person].add(is_add)
                path = "add_to_access_group" if is_add else "remove_from_access_group"
                body = {"acs_user_id": person, "acs_access_group_id": GROUP}
                try:
                    answer = await client.post(f"/acs/users/{path}", json=body)
                except httpx.HTTPError:
                    return
                if answer.status_code == 200:
                    self.acknowledged[person] = is_add
                    self.in_doubt[person].clear()
                else:
                    assert answer.status_code == 503, answer.text

    def check(self, members: set[str]) -> None:
        """Every person is as last acknowledged, or as the one unanswered call asked."""
        for person, is_member in self.acknowledged.items():
            assert (person in members) in {is_member, *self.in_doubt[person]}

    def settle(self, members: set[str]) -> None:
        """What was in doubt has been seen."""
        for person in self.people:
            self.acknowledged[person] = person in members
            self.in_doubt[person].clear()


def server_client(server: RunningServer) -> httpx.AsyncClient:
    """An asynchronous client with the sandbox's key."""
    headers = dict(server.client().headers)
    return httpx.AsyncClient(base_url=server.endpoint, headers=headers, timeout=10)


def _members(server: RunningServer) -> set[str]:
    answer = server.call("/acs/access_groups/list_users", acs_access_group_id=GROUP)
    return {user["acs_user_id"] for user in answer.raise_for_status().json()["acs_users"]}


async def _kill_under_load(server: RunningServer, ledger: Ledger, rng: random.Random) -> None:
    load = [asyncio.create_task(ledger.load(server, worker)) for worker in range(WORKERS)]
    await asyncio.sleep(rng.uniform(0.1, 0.5))
    victims = rng.choice(["server", "postgres", "both", "both reversed"])
    if victims in {"postgres", "both reversed"}:
        server.kill_postgres()
        await asyncio.sleep(rng.uniform(0, 0.1))
    if victims == "postgres":
        await asyncio.sleep(rng.uniform(0, 0.5))
    server.kill()
    if victims == "both":
        await asyncio.sleep(rng.uniform(0, 0.1))
        if not is_pid_gone(server.postgres_pid()):
            server.kill_postgres()
    await asyncio.gather(*load)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    rng = random.Random(20261123)
    server = RunningServer(tmp_path / "data").start()
    try:
        shown = server.call("/acs/users/list", acs_system_id=OFFICE).json()["acs_users"]
        people = [user["acs_user_id"] for user in shown]
        ledger = Ledger(people)
        for _ in range(ROUNDS):
            asyncio.run(_kill_under_load(server, ledger, rng))
            server.start()
            members = _members(server)
            ledger.check(members)
            ledger.settle(members)
            asyncio.run(_check_journal(server))
        assert len(ledger.acknowledged) == len(people)
    finally:
        server.stop()


async def _check_journal(server: RunningServer) -> None:
    connection = await server.connect()
    try:
        await check_journal(connection, UUID(WORKSPACE))
    finally:
        await connection.close()
