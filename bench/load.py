"""A load of prepared HTTP requests over connections that stay open, with little CPU of its own."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Timing:
    """What a load measured: seconds in all, and for each request its latency in seconds."""

    seconds: float
    latencies: list[float]

    @property
    def rate(self) -> float:
        """Requests a second."""
        return len(self.latencies) / self.seconds

    def percentile(self, share: float) -> float:
        """The latency in milliseconds below which this share of the requests stayed."""
        ordered = sorted(self.latencies)
        return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def request(
    verb: str, path: str, token: str, body: bytes = b"", headers: Sequence[str] = ()
) -> bytes:
    """One HTTP/1.1 request as a client sends it."""
    lines = [f"{verb} {path} HTTP/1.1", "Host: 127.0.0.1", f"Authorization: Bearer {token}"]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, *headers, "", ""]).encode() + body


async def run(port: int, requests: Sequence[bytes], connections: int) -> Timing:
    """Sends all requests once, spread over the connections. Raises RuntimeError on any non-200."""
    latencies: list[float] = []
    queue = iter(requests)
    started = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(connections):
            group.create_task(_connection(port, queue, latencies))
    return Timing(time.perf_counter() - started, latencies)


async def _connection(port: int, queue: Iterator[bytes], latencies: list[float]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for payload in queue:
            started = time.perf_counter()
            writer.write(payload)
            await answer(reader)
            latencies.append(time.perf_counter() - started)
    finally:
        writer.close()


async def answer(reader: asyncio.StreamReader) -> bytes:
    """The body of the next answer. Raises RuntimeError unless its status is 200."""
    head = await reader.readuntil(b"\r\n\r\n")
    lowered = head.lower()
    body = b""
    if b"transfer-encoding: chunked" in lowered:
        body = await reader.readuntil(b"0\r\n\r\n")
    else:
        at = lowered.index(b"content-length:") + 15
        body = await reader.readexactly(int(lowered[at : lowered.index(b"\r\n", at)]))
    if not head.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(f"{head.splitlines()[0].decode()}: {body[:300]!r}")
    return body
