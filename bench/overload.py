"""`python -m bench.overload`: five times the load that the server can carry.

First the capacity, closed-loop; then as many calls as five times that by the clock, whether those
before are answered or not, from a process of its own; beside it /health, ten times a second.
"""

import argparse
import asyncio
import multiprocessing
import re
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import uvloop

from bench import load
from bench.calls import gets
from bench.peers import Doorward

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]

HEALTH = load.request("GET", "/health", "none")


@dataclass
class Offered:
    """What became of the calls that were offered. Latencies in seconds."""

    seconds: float = 0.0
    answered: list[float] = field(default_factory=list)
    shed: list[float] = field(default_factory=list)
    refused: int = 0
    unsent: int = 0

    @property
    def rate(self) -> float:
        """Answered calls a second."""
        return len(self.answered) / self.seconds

    @property
    def sent(self) -> int:
        """How many calls reached the server, or its closed door."""
        return len(self.shed) + len(self.answered) + self.refused


class Offer:
    """Calls by the clock, on as many connections as it takes, at most `connections`."""

    def __init__(self, port: int, request: bytes, connections: int) -> None:
        self._port = port
        self._request = request
        self._free: list[Streams] = []
        self._left = connections
        self._calls: set[asyncio.Task[None]] = set()
        self.offered = Offered()

    async def run(self, rate: float, seconds: float) -> Offered:
        """Offers `rate` calls a second for some seconds, then waits for the answers."""
        started, sent = time.perf_counter(), 0
        while (passed := time.perf_counter() - started) < seconds:
            for _ in range(int(rate * passed) - sent):
                self._offer()
                sent += 1
            await asyncio.sleep(0.001)
        self.offered.seconds = time.perf_counter() - started
        await asyncio.gather(*self._calls)
        for _, writer in self._free:
            writer.close()
        return self.offered

    def _offer(self) -> None:
        if not self._free and not self._left:
            self.offered.unsent += 1
            return
        connection = self._free.pop() if self._free else None
        self._left -= connection is None
        task = asyncio.create_task(self._call(connection))
        self._calls.add(task)
        task.add_done_callback(self._calls.discard)

    async def _call(self, connection: Streams | None) -> None:
        started = time.perf_counter()
        try:
            reader, writer = connection or await asyncio.open_connection("127.0.0.1", self._port)
            writer.write(self._request)
            head = await reader.readuntil(b"\r\n\r\n")
            found = re.search(rb"(?i)content-length: *(\d+)", head)
            await reader.readexactly(int(found[1]) if found else 0)
        except (OSError, asyncio.IncompleteReadError):
            # Turned away at the door: there are as many connections as the server holds.
            self.offered.refused += 1
            self._left += 1
            return
        is_answer = head.startswith(b"HTTP/1.1 200")
        latencies = self.offered.answered if is_answer else self.offered.shed
        latencies.append(time.perf_counter() - started)
        if b"connection: close" in head.lower():
            writer.close()
            self._left += 1
        else:
            self._free.append((reader, writer))


def offer(port: int, request: bytes, rate: float, seconds: float, connections: int) -> Offered:
    """Offers from this process; for a process of its own."""
    return uvloop.run(Offer(port, request, connections).run(rate, seconds))


async def look(port: int, until: "asyncio.Future[Offered]") -> Offered:
    """/health ten times a second, until the offer is over."""
    watch = Offer(port, HEALTH, 20)
    looking = asyncio.create_task(watch.run(10, 3600))
    await until
    looking.cancel()
    await asyncio.gather(looking, return_exceptions=True)
    return watch.offered


def resident(pid: int) -> float:
    """A process's memory in MiB (Linux)."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


async def measure(times: float, seconds: float, connections: int) -> None:
    """Measures and prints."""
    with ExitStack() as stack, ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        doorward = Doorward(stack, 100)
        await doorward.fill()
        calls = gets(doorward) * 100
        await load.run(doorward.port, calls[:2000], 16)
        capacity = (await load.run(doorward.port, calls, 32)).rate
        before = resident(doorward.pids["server"])
        loop = asyncio.get_running_loop()
        offered = loop.run_in_executor(
            pool, offer, doorward.port, calls[0], times * capacity, seconds, connections
        )
        health = await look(doorward.port, offered)
        report(capacity, await offered, health)
        after = resident(doorward.pids["server"])
        print(f"memory of the server: {before:.0f} MiB before, {after:.0f} MiB after")


def report(capacity: float, offered: Offered, health: Offered) -> None:
    """Prints what was answered, shed, and how /health did."""
    times = offered.sent / offered.seconds / capacity
    print(f"capacity {capacity:.0f}/s; sent {times:.1f} times as many")
    print(
        f"answered {offered.rate:.0f}/s, {offered.rate / capacity:.2f} of the capacity;"
        f" shed {len(offered.shed)}, connections refused {offered.refused},"
        f" not sent for want of connections {offered.unsent}"
    )
    for name, latencies in (
        ("answered", offered.answered),
        ("shed", offered.shed),
        ("/health", health.answered),
    ):
        timing = load.Timing(1, latencies or [0.0])
        print(f"{name:10}p50 {timing.percentile(0.5):.0f} ms, p99 {timing.percentile(0.99):.0f} ms")
    print(f"/health refused {len(health.shed)} times")


def main() -> None:
    """Reads the options and runs."""
    parser = argparse.ArgumentParser(prog="python -m bench.overload", description=__doc__)
    parser.add_argument("--times", type=float, default=5, help="offered load by capacity")
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--connections", type=int, default=5000, help="at most so many at once")
    options = parser.parse_args()
    asyncio.run(measure(options.times, options.seconds, options.connections))


if __name__ == "__main__":
    main()
