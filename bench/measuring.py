"""One measurement of one server: how fast it answers, and what that takes of the machine."""

from collections.abc import Sequence
from dataclasses import dataclass

from bench import cpu, load
from bench.peers import HttpPeer


@dataclass(frozen=True)
class Row:
    """One measurement: requests a second, latencies in ms, CPU µs per call by process."""

    rate: float
    p50: float
    p99: float
    cpu: dict[str, float]


async def measure(peer: HttpPeer, requests: Sequence[bytes], connections: int) -> Row:
    """Sends the requests once and reads the CPU of the peer's processes around it."""
    before = {name: cpu.seconds(pid) for name, pid in peer.pids.items()}
    timing = await load.run(peer.port, requests, connections)
    spent = {
        name: 1e6 * (cpu.seconds(pid) - before[name]) / len(requests)
        for name, pid in peer.pids.items()
    }
    return row(timing, spent)


def row(timing: load.Timing, spent: dict[str, float]) -> Row:
    """What a timing says, with CPU µs per call by process."""
    return Row(timing.rate, timing.percentile(0.5), timing.percentile(0.99), spent)
