"""Hundreds of connections that ask again and again: most are shed, and memory stays bounded."""

import asyncio
import re
import time
from collections import Counter
from pathlib import Path

import httpx
import pytest

from tests.running import ACCESS_TOKEN, API_KEY, WORKSPACE, RunningServer, running

IN_FLIGHT = 8
CONNECTIONS = 300
SECONDS = 3
# How much more memory than before the server may ever have had, in bytes.
GROWTH = 96 * 1024 * 1024

HEALTH = b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
_CALLERS = (
    f"Authorization: Bearer {API_KEY}\r\n",
    f"Authorization: Bearer {ACCESS_TOKEN}\r\nSeam-Workspace: {WORKSPACE}\r\n",
)


def _request(number: int) -> bytes:
    caller = _CALLERS[number % len(_CALLERS)]
    # With a body of some size, so that what is kept of those who are shed would show.
    body = " " * 50_000 + "{}"
    return (
        f"POST /acs/users/list HTTP/1.1\r\nHost: 127.0.0.1\r\n{caller}"
        f"Content-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


class Flood:
    """Connections to one server, and what they were answered."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._ends = time.monotonic() + SECONDS
        self.answers: Counter[tuple[str, str, bool]] = Counter()
        self.shed: set[int] = set()
        self.health: Counter[str] = Counter()

    async def run(self) -> None:
        async with asyncio.timeout(60):
            await asyncio.gather(self._look(), *map(self._ask, range(CONNECTIONS)))

    async def _ask(self, number: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        request = _request(number)
        while time.monotonic() < self._ends:
            writer.write(request)
            head, body = await _answer(reader)
            found = re.search(r'"type":"(\w+)","message', body)
            kind, may_retry = found[1] if found else "", "retry-after: 1\r\n" in head.lower()
            self.answers[head.split()[1], kind, may_retry] += 1
            if kind:
                self.shed.add(number)
        writer.close()

    async def _look(self) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        while time.monotonic() < self._ends:
            writer.write(HEALTH)
            self.health[(await _answer(reader))[0].split()[1]] += 1
        writer.close()


async def _answer(reader: asyncio.StreamReader) -> tuple[str, str]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    size = re.search(r"(?i)content-length: *(\d+)", head)
    assert size is not None
    return head, (await reader.readexactly(int(size[1]))).decode()


def _memory(server: RunningServer, name: str) -> int:
    """Of the process, in bytes: VmRSS is what it has now, VmHWM the most that it ever had."""
    status = Path(f"/proc/{server.pid}/status").read_text()
    return int(status.partition(f"{name}:")[2].split()[0]) * 1024


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads memory as Linux tells it")
def test_a_flood_is_shed_and_takes_no_memory(tmp_path: Path) -> None:
    options = ("--in-flight", str(IN_FLIGHT), "--rate-limit", "0")
    with running(tmp_path / "data", *options) as server:
        assert server.call("/acs/users/list").status_code == 200
        before = _memory(server, "VmRSS")
        flood = Flood(server.port)
        asyncio.run(flood.run())
        assert flood.answers.keys() == {("200", "", False), ("503", "overloaded", True)}
        assert flood.answers["200", "", False] > IN_FLIGHT
        assert len(flood.shed) > CONNECTIONS / 2
        assert flood.health.keys() == {"200"}
        assert _memory(server, "VmHWM") - before < GROWTH
        assert server.call("/acs/users/list").status_code == 200
        assert httpx.get(f"{server.endpoint}/health").json()["database"] == "up"
