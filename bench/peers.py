"""What is measured: Doorward, the in-memory double, and pgbench with the same transaction."""

import asyncio
import json
import subprocess
import tempfile
import urllib.request
from contextlib import ExitStack
from itertools import cycle, islice
from pathlib import Path
from random import Random
from typing import Protocol
from uuid import UUID

import asyncpg
from tests.clients.node_packages import node_program
from tests.clients.places import CHECKOUT
from tests.running import API_KEY, GROUP, WORKSPACE, RunningServer, free_port

from bench import cpu, load, population
from doorward.store.database import Connection
from doorward.store.embedded import attach
from doorward.store.embedded.binaries import find_binaries

ROOT = Path(__file__).parent


class HttpPeer(Protocol):
    """A server that both calls can be made to."""

    name: str
    port: int
    token: str
    users: list[str]
    group: str
    pids: dict[str, int]

    async def refill(self) -> None:
        """Makes everybody a member again."""


class Doorward:
    """Our server with its embedded PostgreSQL, durable, with the sandbox's controller at work.

    people: how many are added to those of the sandbox, all in one group. about: so many of them the
    calls are about, all if None.
    """

    name = "doorward"
    token = API_KEY
    group = GROUP

    def __init__(self, stack: ExitStack, people: int, about: int | None = None) -> None:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="doorward-bench-"))
        # One token makes all the calls here.
        self.server = RunningServer(Path(folder) / "data", "--rate-limit", "0").start()
        stack.callback(self.server.stop)
        self.port = self.server.port
        self.pids = {"server": self.server.pid, "postgresql": self.server.postgres_pid()}
        self.users: list[str] = []
        self.system = ""
        self.people = people
        self._about = people if about is None else about

    async def connect(self) -> Connection:
        """A connection to its database."""
        dsn = attach(self.server.data)
        if dsn is None:
            raise RuntimeError("the server has no embedded PostgreSQL")
        return await asyncpg.connect(dsn)

    async def fill(self) -> None:
        """Adds the people that the calls are about."""
        connection = await self.connect()
        system = await connection.fetchval(
            "select acs_system_id from acs_access_group where acs_access_group_id = $1",
            UUID(GROUP),
        )
        self.system = str(system)
        users = await population.add_people(connection, UUID(WORKSPACE), system, self.people)
        await population.join(connection, UUID(WORKSPACE), system, UUID(GROUP), users)
        self.users = [str(user) for user in Random(5).sample(users, self._about)]
        await connection.execute("vacuum analyze")
        await self._caught_up(connection)
        await connection.close()

    async def refill(self) -> None:
        """Makes everybody a member again, and waits until the controller has caught up."""
        connection = await self.connect()
        users = [UUID(user) for user in self.users]
        await population.refill(connection, UUID(WORKSPACE), UUID(GROUP), users)
        await self._caught_up(connection)
        await connection.close()

    async def _caught_up(self, connection: Connection) -> None:
        while await connection.fetchval(
            "select exists (select from controller c join policy_revision r using (workspace_id)"
            " where c.confirmed_revision < r.revision)"
        ):
            await asyncio.sleep(0.02)


class Double:
    """The npm package @seamapi/fake-seam-connect in one Node process, everything in memory.

    people: how many it has. about: how many calls are made, all about the same few if there are
    fewer; one for each if None.
    """

    name = "in-memory double"

    def __init__(self, stack: ExitStack, people: int, about: int | None = None) -> None:
        self.people = people
        # Node looks for packages from the script's own folder upwards.
        script = CHECKOUT.node / "double.mjs"
        script.write_text((ROOT / "double.mjs").read_text())
        node = node_program()
        if node is None:
            raise RuntimeError("no Node: run make test-deps")
        self.port = free_port()
        process = subprocess.Popen(
            [node, script, str(people), str(self.port), str(about or people)],
            stdout=subprocess.PIPE,
            text=True,
        )
        stack.callback(process.wait)
        stack.callback(process.terminate)
        if process.stdout is None:
            raise RuntimeError("no output of the double")
        told = json.loads(process.stdout.readline())
        self.token: str = told["token"]
        self.users: list[str] = list(islice(cycle(told["users"]), about or people))
        self.group: str = told["acs_access_group_id"]
        self.pids = {"server": int(told["pid"])}
        self._control = f"http://127.0.0.1:{told['control']}/refill"

    async def refill(self) -> None:
        """Makes everybody a member again."""
        await asyncio.to_thread(self._refill)

    def _refill(self) -> None:
        with urllib.request.urlopen(self._control, data=b"") as answer:  # noqa: S310 - loopback
            answer.read()


class Pgbench:
    """The same transaction without a server before it, each in a commit of its own."""

    name = "pgbench"

    def __init__(self, doorward: Doorward, people: int) -> None:
        self._doorward = doorward
        self._people = people
        self._site: tuple[UUID, UUID, UUID] | None = None
        self._users: list[UUID] = []

    async def fill(self) -> None:
        """A workspace of its own in the same database, and its people by number."""
        connection = await self._doorward.connect()
        self._site = await population.copy_site(connection, UUID(WORKSPACE))
        workspace, system, _ = self._site
        self._users = await population.add_people(connection, workspace, system, self._people)
        await connection.execute("create table bench_user (i bigint primary key, id uuid not null)")
        await connection.execute("create sequence bench_turn")
        await connection.copy_records_to_table("bench_user", records=enumerate(self._users, 1))
        await connection.execute("vacuum analyze")
        await connection.close()

    async def run(self, connections: int) -> tuple[load.Timing, float]:
        """Removes everybody once; answers the timing and PostgreSQL's CPU seconds."""
        if self._site is None:
            raise RuntimeError("fill comes first")
        workspace, _, group = self._site
        connection = await self._doorward.connect()
        await population.refill(connection, workspace, group, self._users)
        await connection.execute("alter sequence bench_turn restart")
        await connection.close()
        script = (
            "select * from change_memberships(array[now()], array['bench'],"
            f" array['{workspace}'::uuid], array[false], array['{group}'::uuid],"
            " array(select id from bench_user where i = (select nextval('bench_turn'))),"
            " array[null::uuid]);"
        )
        return await asyncio.to_thread(self._run, script, connections)

    def _run(self, script: str, connections: int) -> tuple[load.Timing, float]:
        dsn = attach(self._doorward.server.data) or ""
        postgres = self._doorward.pids["postgresql"]
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "removal.sql"
            file.write_text(script)
            before = cpu.seconds(postgres)
            done = subprocess.run(
                [
                    *(find_binaries().folder / "pgbench", "--no-vacuum", "--protocol=prepared"),
                    *(f"--client={connections}", f"--transactions={self._people // connections}"),
                    *("--log", f"--file={file}", dsn),
                ],
                cwd=folder,
                capture_output=True,
                text=True,
                check=True,
            )
            spent = cpu.seconds(postgres) - before
            # Its log: client, transaction, latency in µs, … (pgbench, "Per-Transaction Logging").
            lines = [line for log in Path(folder).glob("*_log.*") for line in log.open()]
        latencies = [int(line.split()[2]) / 1e6 for line in lines]
        rate = float(done.stdout.partition("tps = ")[2].split()[0])
        return load.Timing(len(latencies) / rate, latencies), spent
