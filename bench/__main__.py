"""`make bench`: the seed call and /acs/users/get, beside the double and beside pgbench.

All peers take turns in one run, round by round, so that a drift of the machine meets each; what
is printed are medians over the rounds, and medians of the ratios within a round.
"""

import argparse
import asyncio
from collections import defaultdict
from collections.abc import Callable
from contextlib import ExitStack
from statistics import median
from typing import Final

from bench.calls import gets, removals
from bench.measuring import Row, measure, row
from bench.peers import Doorward, Double, HttpPeer, Pgbench
from bench.targets import at_least, at_most

# What the seed call is to reach, many at once: rates as shares of each peer's, CPU of the double's.
_RATES: Final = {Double.name: 3.0, Pgbench.name: 0.8}
_MOST_CPU: Final = 0.5

Rows = dict[tuple[str, str], list[Row]]


async def interleaved(people: int, rounds: int, connections: int) -> Rows:
    """Runs every peer once a round; the first round warms up and is not counted."""
    rows: Rows = defaultdict(list)
    with ExitStack() as stack:
        doorward, double = Doorward(stack, people), Double(stack, people)
        await doorward.fill()
        pgbench = Pgbench(doorward, people)
        await pgbench.fill()
        for turn in range(rounds + 1):
            for name, measured in await _round(doorward, double, pgbench, connections):
                if turn:
                    rows[name].append(measured)
    return rows


async def _round(
    doorward: Doorward, double: Double, pgbench: Pgbench, connections: int
) -> list[tuple[tuple[str, str], Row]]:
    calls: dict[str, Callable[[HttpPeer], list[bytes]]] = {"remove": removals, "get": gets}
    found: list[tuple[tuple[str, str], Row]] = []
    peers: tuple[HttpPeer, ...] = (doorward, double)
    for call, requests in calls.items():
        for at_once in (connections, 1):
            label = f"{call}, {at_once} at once"
            for peer in peers:
                if call == "remove":
                    await peer.refill()
                found.append(((label, peer.name), await measure(peer, requests(peer), at_once)))
            if call == "remove":
                timing, spent = await pgbench.run(at_once)
                per_call = {"postgresql": 1e6 * spent / len(timing.latencies)}
                found.append(((label, pgbench.name), row(timing, per_call)))
    return found


def report(rows: Rows, connections: int) -> None:
    """Prints medians, then the ratios of medians within each round."""
    print(f"{'call':22}{'peer':18}{'req/s':>9}{'p50 ms':>9}{'p99 ms':>9}  CPU µs per call")
    for (label, peer), measured in rows.items():
        spent = "  ".join(
            f"{name} {median(one.cpu[name] for one in measured):.0f}" for name in measured[0].cpu
        )
        print(
            f"{label:22}{peer:18}{median(r.rate for r in measured):9.0f}"
            f"{median(r.p50 for r in measured):9.2f}{median(r.p99 for r in measured):9.2f}  {spent}"
        )
    for (label, peer), measured in rows.items():
        if peer == Doorward.name:
            continue
        ours = rows[label, Doorward.name]
        pairs = list(zip(ours, measured, strict=True))
        rate = median(a.rate / b.rate for a, b in pairs)
        share = median(sum(a.cpu.values()) / sum(b.cpu.values()) for a, b in pairs)
        is_seed = label == f"remove, {connections} at once"
        print(
            f"{label}: doorward / {peer}: rate {rate:.2f}"
            f"{at_least(rate, _RATES[peer]) if is_seed else ''}, CPU {share:.2f}"
            f"{at_most(share, _MOST_CPU) if is_seed and peer == Double.name else ''}"
        )


def main() -> None:
    """Reads the options and runs."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--people", type=int, default=2000, help="people, and calls in a round")
    parser.add_argument("--rounds", type=int, default=5, help="counted rounds")
    parser.add_argument("--connections", type=int, default=16, help="connections at once")
    options = parser.parse_args()
    print(f"{options.people} people, {options.rounds} rounds in turn")
    rows = asyncio.run(interleaved(options.people, options.rounds, options.connections))
    report(rows, options.connections)


if __name__ == "__main__":
    main()
