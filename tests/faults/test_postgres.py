"""PostgreSQL frozen, stopped, slow, cut off, full, read-only, under a stream of changes.

Whatever happens to it, every call is answered by success or by 503, nothing acknowledged is lost,
doors know what the database knows, and everything goes on by itself afterwards.
"""

import asyncio
import itertools
import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest

from doorward.store.embedded import EmbeddedPostgres
from doorward.store.embedded.sockets import DATABASE, PORT
from doorward.store.embedded.sockets import USER as POSTGRES_USER
from doorward.store.tokens import mint
from tests.faults.proxy import Proxy
from tests.running import API_KEY, GROUP, OFFICE, USER, WORKSPACE, RunningServer, running, seed_card
from tests.store.replay import check_journal

WORKERS = 6
# Seconds, as the server is told.
DEADLINE = 6.0
# What a busy machine may add to what is promised.
SLACK = 4.0
# For what has no bound, such as until something happens.
PATIENCE = 30.0


class Postgres:
    """A PostgreSQL of the test's own, and everything that can happen to it."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.runner = asyncio.Runner()
        self.start()

    def start(self) -> None:
        """Starts it, or starts it again."""
        self._server = self.runner.run(EmbeddedPostgres.start(self.data))
        self.dsn = self._server.dsn

    def stop(self) -> None:
        """A fast shutdown: sessions are told and ended."""
        self.runner.run(self._server.stop())

    def pids(self) -> list[int]:
        """Its processes, the postmaster last."""
        children = Path(f"/proc/{self._server.pid}/task/{self._server.pid}/children")
        return [*map(int, children.read_text().split()), self._server.pid]

    def signal(self, number: signal.Signals) -> None:
        """A signal to each of its processes."""
        for pid in self.pids():
            os.kill(pid, number)

    async def execute(self, *statements: str) -> None:
        """Runs statements past the proxy."""
        async with self.connected() as connection:
            for statement in statements:
                await connection.execute(statement)

    @asynccontextmanager
    async def connected(self) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
        """A connection past the proxy."""
        connection = await asyncpg.connect(self.dsn)
        try:
            yield connection
        finally:
            await connection.close()


@dataclass
class Stage:
    """PostgreSQL, the proxy before it, and a server that reaches it through that alone.

    statuses: what the stream of changes was answered of late.
    """

    postgres: Postgres
    proxy: Proxy
    server: RunningServer
    statuses: list[int] = field(default_factory=list)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """One of all, for every test here: each leaves it whole."""
    folder = tmp_path_factory.mktemp("faults")
    postgres = Postgres(folder / "postgres")
    try:
        socket = postgres.dsn.partition("host=")[2].partition("&")[0]
        with _proxy(f"{socket}/.s.PGSQL.{PORT}") as proxy:
            url = f"postgresql://{POSTGRES_USER}@127.0.0.1:{proxy.port}/{DATABASE}"
            options = ("--database-url", url, "--deadline", str(DEADLINE))
            with running(folder / "data", *options) as server:
                yield Stage(postgres, proxy, server)
    finally:
        postgres.stop()
        postgres.runner.close()


@contextmanager
def _proxy(target: str) -> Iterator[Proxy]:
    with Proxy(target).running() as proxy:
        yield proxy


@dataclass
class Stream:
    """Changes of memberships, one after another for each person, and what each was answered."""

    client: httpx.AsyncClient
    people: list[str]
    statuses: list[int]
    is_over: bool = False
    acknowledged: dict[str, bool] = field(default_factory=dict)
    in_doubt: dict[str, set[bool]] = field(default_factory=dict)

    async def run(self, worker: int) -> None:
        """Adds and removes this worker's people until it is over."""
        mine = self.people[worker::WORKERS]
        for turn in itertools.count():
            if self.is_over:
                return
            person, is_add = mine[turn // 2 % len(mine)], turn % 2 == 0
            answer = await self._change(person, is_add=is_add)
            if answer.status_code == 200:
                self.acknowledged[person] = is_add
                self.in_doubt.pop(person, None)
            else:
                self.in_doubt.setdefault(person, set()).add(is_add)
                # No need to be told so a thousand times.
                await asyncio.sleep(0.02)

    async def run_refused(self) -> None:
        """Asks for what there is not: never a success, whatever happens."""
        while not self.is_over:
            answer = await self._change(str(uuid4()), is_add=True)
            assert answer.status_code in {404, 503}, answer.text
            await asyncio.sleep(0.02)

    async def _change(self, person: str, *, is_add: bool) -> httpx.Response:
        path = "add_to_access_group" if is_add else "remove_from_access_group"
        body = {"acs_user_id": person, "acs_access_group_id": GROUP}
        async with asyncio.timeout(DEADLINE + SLACK):
            answer = await self.client.post(f"/acs/users/{path}", json=body)
        self.statuses.append(answer.status_code)
        if answer.status_code == 503:
            assert answer.json()["error"]["type"] == "service_unavailable"
            assert int(answer.headers["retry-after"]) >= 1
        return answer

    def check(self, members: set[str]) -> None:
        """Everybody is as last acknowledged, or as asked for since without an answer."""
        for person in self.people:
            allowed = self.in_doubt.get(person, set()) | (
                {self.acknowledged[person]} if person in self.acknowledged else {True, False}
            )
            assert (person in members) in allowed, person


Fault = Callable[[Stage], Awaitable[None]]


async def _until_refused(stage: Stage) -> None:
    """Until somebody has been told that it is away."""
    async with asyncio.timeout(PATIENCE):
        while 503 not in stage.statuses:
            await asyncio.sleep(0.05)


async def _silence_is_noticed(stage: Stage) -> None:
    """Within two seconds, and then nobody waits for an answer: not the calls of before either."""
    async with _client(stage.server) as client, asyncio.timeout(2 + SLACK):
        # Of nobody that the server has seen: it has to ask.
        headers = {"authorization": f"Bearer {mint('api_key')}"}
        asking = [client.post("/acs/users/list", headers=headers) for _ in range(4)]
        answers = asyncio.gather(*asking)
        await _eventually(stage, lambda health: health["database"] == "down")
        assert {answer.status_code for answer in await answers} == {503}


async def frozen(stage: Stage) -> None:
    """It runs, takes connections, and answers nothing."""
    stage.postgres.signal(signal.SIGSTOP)
    try:
        await _silence_is_noticed(stage)
        await _until_refused(stage)
        entrance, card = await asyncio.to_thread(_card, stage)
        assert await asyncio.to_thread(stage.server.present, entrance, card)
    finally:
        # The sessions first: what they had been asked must not come after what is asked next.
        stage.postgres.signal(signal.SIGCONT)


async def stopped_and_started(stage: Stage) -> None:
    """An orderly restart by its administrator."""
    await asyncio.to_thread(stage.postgres.stop)
    await asyncio.sleep(0.5)
    await _eventually(stage, lambda health: health["database"] == "down")
    await asyncio.to_thread(stage.postgres.start)


async def crashed(stage: Stage) -> None:
    """One of its processes is killed: it ends all sessions and recovers."""
    async with stage.postgres.connected() as connection:
        os.kill(connection.get_server_pid(), signal.SIGKILL)
        await asyncio.sleep(0.2)


async def read_only(stage: Stage) -> None:
    """As after a failover to a standby."""
    await stage.postgres.execute(
        "alter system set default_transaction_read_only = on", "select pg_reload_conf()"
    )
    await asyncio.sleep(1)
    await stage.postgres.execute(
        "set default_transaction_read_only = off",
        "alter system reset default_transaction_read_only",
        "select pg_reload_conf()",
    )


async def full(stage: Stage) -> None:
    """Others have taken every connection."""
    taken: list[asyncpg.Connection[asyncpg.Record]] = []
    stage.proxy.cut()
    try:
        for _ in range(100):
            try:
                taken.append(await asyncpg.connect(stage.postgres.dsn))
            except asyncpg.TooManyConnectionsError:
                stage.proxy.cut()
                await asyncio.sleep(0.01)
        assert len(taken) > 50
    finally:
        for connection in taken:
            connection.terminate()


async def cut_off(stage: Stage) -> None:
    """There is no way to it."""
    stage.proxy.refuse()
    await asyncio.sleep(1)


async def slow(stage: Stage) -> None:
    """Every piece is late by a tenth of a second."""
    stage.proxy.delay = 0.1
    await asyncio.sleep(2)


async def very_slow(stage: Stage) -> None:
    """Later than anybody waits for."""
    stage.proxy.delay = 3
    await _until_refused(stage)


async def deaf(stage: Stage) -> None:
    """What is sent to it is lost."""
    stage.proxy.drops_requests = True
    await _silence_is_noticed(stage)
    await _until_refused(stage)


async def mute(stage: Stage) -> None:
    """It does what it is asked, and nobody hears of it."""
    stage.proxy.drops_answers = True
    await _silence_is_noticed(stage)
    await _until_refused(stage)


async def greeting_nobody(stage: Stage) -> None:
    """Every connection is new, and is never made."""
    stage.proxy.drops_answers = True
    stage.proxy.cut()
    await _silence_is_noticed(stage)
    await _until_refused(stage)


async def torn(stage: Stage) -> None:
    """Its answers end somewhere in the middle."""
    for size in (1, 7, 40, 130, 400, 900, 2000, 5000):
        stage.proxy.cut_after = size
        await asyncio.sleep(0.15)


async def terminated(stage: Stage) -> None:
    """Its administrator ends sessions, again and again."""
    async with stage.postgres.connected() as connection:
        for _ in range(20):
            await connection.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where pid <> pg_backend_pid() and backend_type = 'client backend'"
            )
            await asyncio.sleep(0.03)


async def locked(stage: Stage) -> None:
    """Somebody holds the workspace's counter for longer than anybody waits."""
    async with stage.postgres.connected() as connection, connection.transaction():
        await connection.execute("select from policy_revision for update")
        await asyncio.sleep(4)


FAULTS: tuple[Fault, ...] = (
    frozen,
    stopped_and_started,
    crashed,
    read_only,
    full,
    cut_off,
    slow,
    very_slow,
    deaf,
    mute,
    greeting_nobody,
    torn,
    terminated,
    locked,
)
# They let what is asked meanwhile through, be it late.
HARMLESS = {slow}

_cards: dict[int, tuple[str, str]] = {}


def _card(stage: Stage) -> tuple[str, str]:
    return _cards[stage.server.port]


@pytest.mark.timeout(180)
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
async def test_no_false_success_and_it_recovers(stage: Stage, fault: Fault) -> None:
    if stage.server.port not in _cards:
        stage.server.call(
            "/acs/users/add_to_access_group", acs_user_id=USER, acs_access_group_id=GROUP
        )
        _cards[stage.server.port] = seed_card(stage.server)
    people = stage.server.call("/acs/users/list", acs_system_id=OFFICE).json()["acs_users"]
    async with _client(stage.server) as client:
        stream = Stream(client, [person["acs_user_id"] for person in people], stage.statuses)
        load = [asyncio.create_task(stream.run(worker)) for worker in range(WORKERS)]
        load.append(asyncio.create_task(stream.run_refused()))
        await asyncio.sleep(0.3)
        assert 200 in stream.statuses
        stream.statuses.clear()
        try:
            await fault(stage)
        finally:
            stage.proxy.heal()
        during = list(stream.statuses)
        await _until_well(stage)
        stream.is_over = True
        await asyncio.gather(*load)
    await _check(stage, stream)
    assert fault in HARMLESS or 503 in during + stream.statuses


def _client(server: RunningServer) -> httpx.AsyncClient:
    headers = {"authorization": f"Bearer {API_KEY}"}
    return httpx.AsyncClient(base_url=server.endpoint, headers=headers, timeout=PATIENCE)


async def _until_well(stage: Stage) -> None:
    """Until every worker's changes are answered by success again."""
    started = time.monotonic()
    while True:
        stage.statuses.clear()
        await asyncio.sleep(0.3)
        if stage.statuses.count(200) >= WORKERS and 503 not in stage.statuses:
            break
        assert time.monotonic() - started < 60, stage.statuses
    await _eventually(stage, lambda health: health["database"] == "up")


async def _eventually(stage: Stage, is_so: Callable[[dict[str, str]], bool]) -> None:
    async with _client(stage.server) as client:
        for _ in range(400):
            answer = await client.get("/health")
            assert answer.status_code == 200
            if is_so(answer.json()):
                return
            await asyncio.sleep(0.05)
    raise AssertionError(answer.text)


async def _check(stage: Stage, stream: Stream) -> None:
    async with stage.postgres.connected() as connection:
        rows = await connection.fetch(
            "select acs_user_id from acs_membership where is_desired and acs_access_group_id = $1",
            UUID(GROUP),
        )
        await check_journal(connection, UUID(WORKSPACE))
    members = {str(row["acs_user_id"]) for row in rows}
    stream.check(members)
    entrance, card = _card(stage)
    for _ in range(200):
        decision = await asyncio.to_thread(stage.server.present, entrance, card)
        if (decision["outcome"] == "allow") == (USER in members):
            return
        await asyncio.sleep(0.05)
    raise AssertionError(decision)


async def test_an_operation_from_before_never_comes_after_an_acknowledged_one(
    stage: Stage,
) -> None:
    """A change that hung in a network, and was answered 503, must not undo a later one."""
    group = {"acs_user_id": USER, "acs_access_group_id": GROUP}
    async with _client(stage.server) as client:
        await client.post("/acs/users/remove_from_access_group", json=group)
        stage.proxy.delay = 4
        late = await client.post("/acs/users/add_to_access_group", json=group)
        assert late.status_code == 503
        stage.proxy.heal()
        while True:
            answer = await client.post("/acs/users/remove_from_access_group", json=group)
            if answer.status_code == 200:
                break
        # The piece of before is delivered within these seconds, to whoever listens still.
        await asyncio.sleep(4)
        async with stage.postgres.connected() as connection:
            assert not await connection.fetchval(
                "select is_desired from acs_membership where acs_access_group_id = $1"
                " and acs_user_id = $2",
                UUID(GROUP),
                UUID(USER),
            )
