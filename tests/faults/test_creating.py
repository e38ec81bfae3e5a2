"""Creating under an Idempotency-Key while connections are cut and the server is killed.

However often a call was repeated, each key has made one object, and whoever was told of it was told
the same.
"""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from tests.running import API_KEY, RunningServer, running

PATH = "/client_sessions/create"
WORKERS = 6
CUTS = 25
KILLS = 3


@dataclass
class Caller:
    """Somebody who creates one thing after another, and repeats each call until it is answered.

    answers: by key, every success. repeated: how many calls had to be.
    """

    answers: dict[str, list[bytes]] = field(default_factory=dict)
    repeated: int = 0
    is_over: bool = False

    async def run(self, server: RunningServer) -> None:
        """Creates until it is over, and never leaves a key without an answer."""
        async with httpx.AsyncClient(base_url=server.endpoint, timeout=20) as client:
            while not self.is_over:
                key = uuid4().hex
                self.answers[key] = []
                # Once more after the success: it is kept.
                for _ in range(2):
                    self.answers[key].append(await self._until_answered(client, key))

    async def _until_answered(self, client: httpx.AsyncClient, key: str) -> bytes:
        headers = {"authorization": f"Bearer {API_KEY}", "idempotency-key": key}
        # Of a customer, who may have as many sessions as they like.
        body = {"customer_key": key}
        while True:
            try:
                answer = await client.post(PATH, json=body, headers=headers)
            except httpx.TransportError:
                self.repeated += 1
            else:
                if answer.status_code == 200:
                    return answer.content
                # 409: what was cut off is not over yet.
                assert answer.status_code in {409, 503}, answer.text
                self.repeated += 1
            await asyncio.sleep(0.02)


def _check(server: RunningServer, callers: list[Caller]) -> None:
    """One object for each key, and one text for all who were told of it."""
    answers = {key: bodies for caller in callers for key, bodies in caller.answers.items()}
    assert {len(set(bodies)) for bodies in answers.values()} == {1}
    listed = server.call("/client_sessions/list").raise_for_status().json()["client_sessions"]
    assert Counter(each["customer_key"] for each in listed) == dict.fromkeys(answers, 1)


@pytest.fixture
def callers() -> list[Caller]:
    """So many as create at a time."""
    return [Caller() for _ in range(WORKERS)]


@asynccontextmanager
async def _creating(server: RunningServer, callers: list[Caller]) -> AsyncIterator[None]:
    """They create while the block runs; then each ends what it has begun, and all is looked at."""
    async with asyncio.timeout(120), asyncio.TaskGroup() as group:
        for caller in callers:
            group.create_task(caller.run(server))
        yield
        for caller in callers:
            caller.is_over = True
    _check(server, callers)
    assert sum(caller.repeated for caller in callers) > 0


async def test_connections_are_cut(tmp_path: Path, callers: list[Caller]) -> None:
    rng = random.Random(20261123)
    with running(tmp_path / "data", "--rate-limit", "0") as server:
        administrator = await server.connect()
        async with _creating(server, callers):
            for _ in range(CUTS):
                await asyncio.sleep(rng.uniform(0.01, 0.1))
                await administrator.execute(
                    "select pg_terminate_backend(pid) from pg_stat_activity"
                    " where pid <> pg_backend_pid() and backend_type = 'client backend'"
                )
        await administrator.close()


@pytest.mark.slow
async def test_the_server_is_killed(tmp_path: Path, callers: list[Caller]) -> None:
    rng = random.Random(20261123)
    with running(tmp_path / "data", "--rate-limit", "0") as server:
        async with _creating(server, callers):
            for _ in range(KILLS):
                await asyncio.sleep(rng.uniform(0.2, 0.6))
                server.kill()
                await asyncio.to_thread(server.start)
