"""A Doorward server in a process of its own, as an operator runs it, for tests from outside."""

import asyncio
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import httpx

from doorward.site.sandbox import sandbox_secrets

API_KEY = sandbox_secrets().api_key
ACCESS_TOKEN = sandbox_secrets().personal_access_token
WORKSPACE = str(sandbox_secrets().workspace_id)
USER = "8d7e0b3a-b889-49a7-9164-4b71a0506a33"
GROUP = "123e4567-e89b-12d3-a456-426614174000"
# The system that both are of, the one that decides at doors of ours.
OFFICE = "72a95f5e-d842-412a-9ed4-d7484aa1d712"


def clean_environment(**more: str) -> dict[str, str]:
    """The environment without what would point Doorward or a client elsewhere."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("DOORWARD_", "SEAM_"))}
    return kept | more


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


class RunningServer:
    """One server; it can be stopped, killed and started again on the same data and port."""

    def __init__(
        self,
        data: Path,
        *options: str,
        tls: ssl.SSLContext | None = None,
        program: str = "doorward",
    ) -> None:
        """tls: what the tests trust, for a server that is told to speak HTTPS. program: the module
        that runs it.
        """
        self.data = data
        self.port = free_port()
        self.endpoint = f"{'http' if tls is None else 'https'}://127.0.0.1:{self.port}"
        self.verify = tls or True
        self.options = options
        self.program = program
        self.printed = ""
        self._log = data.parent / f"{data.name}.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process that serves."""
        assert self._process is not None
        return self._process.pid

    def start(self, timeout: float = 60, stderr: int = subprocess.STDOUT) -> "RunningServer":
        """Starts it and waits until it can answer. stderr: a descriptor, else with the output."""
        command = [sys.executable, "-m", self.program, "serve", "--port", str(self.port)]
        command += ["--data", str(self.data), *self.options]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                command, stdout=log, stderr=stderr, env=clean_environment()
            )
        deadline = time.monotonic() + timeout
        # Its greeting is printed between two answers: once it has begun, the next comes after it.
        while not ("Doorward answers at" in self.output() and self._is_healthy()):
            assert self._process.poll() is None, self.output()
            assert time.monotonic() < deadline, self.output()
            time.sleep(0.02)
        return self

    def _is_healthy(self) -> bool:
        try:
            return (
                httpx.get(f"{self.endpoint}/health", timeout=2, verify=self.verify).status_code
                == 200
            )
        except httpx.HTTPError:
            return False

    def output(self) -> str:
        """What it has printed so far."""
        return self._log.read_text(errors="replace")

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Asks it to stop, answers its exit code."""
        assert self._process is not None
        self._process.send_signal(number)
        return self._process.wait(30)

    def kill(self) -> None:
        """SIGKILL, as a power cut would."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(30)

    def postgres_pid(self) -> int:
        """The process of its embedded PostgreSQL."""
        found = next(self.data.rglob("postmaster.pid"))
        return int(found.read_text().split()[0])

    def kill_postgres(self) -> None:
        """SIGKILL to PostgreSQL's postmaster."""
        os.kill(self.postgres_pid(), signal.SIGKILL)

    def client(self, token: str = API_KEY, **headers: str) -> httpx.Client:
        """A plain HTTP client with a token."""
        return httpx.Client(
            base_url=self.endpoint,
            headers={"authorization": f"Bearer {token}", **headers},
            timeout=30,
            verify=self.verify,
        )

    def call(self, path: str, **parameters: Any) -> httpx.Response:
        """One call as cURL users make it."""
        with self.client() as client:
            return client.post(path, json=parameters)

    def present(self, entrance: str, card: str) -> dict[str, Any]:
        """What the door says to a card."""
        answer = self.call("/doorward/doors/present", acs_entrance_id=entrance, card_number=card)
        decision: dict[str, Any] = answer.raise_for_status().json()["decision"]
        return decision

    async def connect(self) -> "asyncpg.Connection[asyncpg.Record]":
        """A look into its database past the API."""
        from doorward.store.embedded import attach

        dsn = attach(self.data)
        assert dsn is not None
        return await asyncpg.connect(dsn)

    def execute(self, *statements: str) -> None:
        """Changes its database past the API, where no call can."""
        asyncio.run(self._execute(statements))

    async def _execute(self, statements: Sequence[str]) -> None:
        connection = await self.connect()
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()


def command(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Runs the command `doorward` to its end."""
    return subprocess.run(
        [sys.executable, "-m", "doorward", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=clean_environment(**environment),
    )


@contextmanager
def running(
    data: Path,
    *options: str,
    tls: ssl.SSLContext | None = None,
    program: str = "doorward",
) -> Iterator[RunningServer]:
    """A server that is gone at the end, however it ends."""
    server = RunningServer(data, *options, tls=tls, program=program).start()
    try:
        yield server
    finally:
        if server._process is not None and server._process.poll() is None:
            server.stop()


# What moves without anybody having asked for a change: leases, confirmations, what doors saw.
_RESTLESS = {
    *("controller", "event", "keypad", "schema_migration"),
    *("external_object", "external_system", "simulated_object"),
}
# A wait that is over is no change by a caller.
_PATIENT = {
    "credential_enrollment": "(select enrollment_id, acs_credential_id, acs_entrance_id, reader_id,"
    " status in ('waiting', 'expired') is_patient"
    " from credential_enrollment)"
}


async def digest(connection: "asyncpg.Connection[asyncpg.Record]") -> dict[str, str]:
    """A digest of every table that only a caller's change may alter."""
    names = await connection.fetch(
        "select tablename from pg_tables where schemaname = 'public' order by 1"
    )
    return {
        name: await connection.fetchval(
            f"select md5(coalesce(string_agg(t::text, ',' order by t::text), ''))"
            f" from {_PATIENT.get(name, name)} t"
        )
        for (name,) in names
        if name not in _RESTLESS
    }


def seed_card(server: RunningServer) -> tuple[str, str]:
    """The documentation's user's card, and the entrance that the group alone opens for them."""
    with server.client() as client:
        credentials = client.post("/acs/credentials/list", json={"acs_user_id": USER}).json()
        card = next(c for c in credentials["acs_credentials"] if c["access_method"] == "card")
        mine = client.post("/acs/users/list_accessible_entrances", json={"acs_user_id": USER})
        groups = client.post(
            "/acs/access_groups/list_accessible_entrances", json={"acs_access_group_id": GROUP}
        )
        by_group = {e["acs_entrance_id"] for e in groups.json()["acs_entrances"]}
        entrance = next(
            e["acs_entrance_id"]
            for e in mine.json()["acs_entrances"]
            if e["acs_entrance_id"] in by_group
        )
    return entrance, card["card_number"]


def is_pid_gone(pid: int) -> bool:
    """Whether a process has ended (a zombie has)."""
    try:
        return bool(
            re.search(r"^State:\s+Z", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
        )
    except FileNotFoundError:
        return True
