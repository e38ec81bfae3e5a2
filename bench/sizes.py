"""`make bench`: the daily calls over sizes, and the double at one user and at as many as matter.

All servers run at once and take turns in one run, round by round; what is printed are medians over
the rounds, and medians of the ratios within a round. `make bench-large` adds a million people.
"""

import argparse
import asyncio
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack
from itertools import chain, islice
from statistics import median
from typing import Final

from bench import cpu, load, walk
from bench.calls import CALLS, changes, gets, removals
from bench.measuring import Row, measure
from bench.peers import Doorward, Double, HttpPeer
from bench.targets import at_least, at_most

# Calls that the double is asked as well; its list has no pages, and a search reads all of it.
SHARED = {"seed": removals, "get": gets}
AT_ONCE = 16
WALK = "full walk, rows"

# Where the double has so many people: the rates of seed call and get as shares of its own.
_MANY: Final = 100_000
_RATE: Final = 20.0
# How much slower than with the fewest people a call may be with the most.
_GROWTH: Final = 1.3
_FLAT: Final = 1.1

Rows = dict[tuple[str, str], list[Row]]


def title(peer: Doorward | Double) -> str:
    """What a peer is called in the table."""
    return f"{peer.name}, {peer.people:,}"


async def interleaved(ours: Sequence[Doorward], doubles: Sequence[Double], rounds: int) -> Rows:
    """Runs every peer once a round; the first round warms up and is not counted."""
    rows: Rows = defaultdict(list)
    for turn in range(rounds + 1):
        peers: list[Doorward | Double] = [*ours, *doubles]
        for peer in peers:
            async for call, measured in _turn(peer):
                if turn:
                    rows[call, title(peer)].append(measured)
    return rows


async def _turn(peer: Doorward | Double) -> AsyncIterator[tuple[str, Row]]:
    if isinstance(peer, Doorward):
        for call, requests in CALLS.items():
            await peer.refill()
            yield call, await _both(peer, requests(peer))
        yield WALK, await _walk(peer)
    else:
        for call, shared in SHARED.items():
            await peer.refill()
            yield call, await _both(peer, shared(peer))


async def _both(peer: HttpPeer, requests: list[bytes]) -> Row:
    """Rate and CPU of many at once; latencies of one at a time, on the last fifth."""
    alone = len(requests) // 5
    crowd = await measure(peer, requests[alone:], AT_ONCE)
    single = await measure(peer, requests[:alone] or requests, 1)
    return Row(crowd.rate, single.p50, single.p99, crowd.cpu)


async def _walk(peer: Doorward) -> Row:
    before = {name: cpu.seconds(pid) for name, pid in peer.pids.items()}
    rows, timing = await walk.all_users(peer)
    spent = {
        name: 1e6 * (cpu.seconds(pid) - before[name]) / rows for name, pid in peer.pids.items()
    }
    p50, p99 = (timing.percentile(share) for share in (0.5, 0.99))
    return Row(rows / timing.seconds, p50, p99, spent)


def report(rows: Rows, ours: Sequence[Doorward], doubles: Sequence[Double]) -> None:
    """Prints medians, then the ratios of medians within each round."""
    print(f"{'call':16}{'peer, people':28}{'a second':>9}{'p50 ms':>9}{'p99 ms':>9}  CPU µs each")
    for (call, name), found in rows.items():
        spent = "  ".join(
            f"{part} {median(row.cpu[part] for row in found):.0f}" for part in found[0].cpu
        )
        print(
            f"{call:16}{name:28}{median(r.rate for r in found):9.0f}"
            f"{median(r.p50 for r in found):9.2f}{median(r.p99 for r in found):9.2f}  {spent}"
        )
    for line in chain(_to_doubles(rows, ours, doubles), _over_sizes(rows, ours)):
        print(line)


def _to_doubles(rows: Rows, ours: Sequence[Doorward], doubles: Sequence[Double]) -> Iterator[str]:
    for call in SHARED:
        for one in ours:
            for other in doubles:
                pairs = list(zip(rows[call, title(one)], rows[call, title(other)], strict=True))
                rate = median(a.rate / b.rate for a, b in pairs)
                spent = median(sum(a.cpu.values()) / sum(b.cpu.values()) for a, b in pairs)
                verdict = at_least(rate, _RATE) if one.people == other.people == _MANY else ""
                yield (
                    f"{call}: {title(one)} / {title(other)}: rate {rate:.2f}{verdict},"
                    f" CPU {spent:.2f}"
                )


def _over_sizes(rows: Rows, ours: Sequence[Doorward]) -> Iterator[str]:
    small, large = ours[0], ours[-1]
    if small is large:
        return
    for call in (*CALLS, WALK):
        pairs = zip(rows[call, title(large)], rows[call, title(small)], strict=True)
        ratio = median(a.p50 / b.p50 for a, b in pairs)
        verdict = at_most(ratio, _GROWTH)
        yield f"{call}: p50 at {large.people:,} / at {small.people:,}: {ratio:.2f}{verdict}"


async def remember(peer: Doorward, calls: int) -> None:
    """Makes so many calls, most of which change something; prints the memory meanwhile.

    Flat is what grows by a tenth at most after the first quarter, which fills what is kept ready.
    """
    told: dict[str, list[float]] = {name: [] for name in peer.pids}
    requests = changes(peer)
    for quarter in range(5):
        if quarter:
            await load.run(peer.port, list(islice(requests, calls // 4)), AT_ONCE)
        for name, pid in peer.pids.items():
            told[name].append(cpu.megabytes(pid, with_children=name == "postgresql"))
    for name, sizes in told.items():
        growth = sizes[-1] / sizes[1]
        print(
            f"memory of {title(peer)}, {name}, before and after each quarter of {calls:,} calls:"
            f" {', '.join(f'{size:.0f}' for size in sizes)} MB,"
            f" last / first quarter {growth:.2f}{at_most(growth, _FLAT)}"
        )


async def run(sizes: Sequence[int], people: Sequence[int], options: argparse.Namespace) -> None:
    """Fills everything, measures, prints."""
    with ExitStack() as stack:
        doubles = [Double(stack, count, options.calls) for count in people]
        ours = [Doorward(stack, size, min(size, options.calls)) for size in sizes]
        for peer in ours:
            await peer.fill()
        report(await interleaved(ours, doubles, options.rounds), ours, doubles)
        await remember(ours[-1], options.memory_calls)


def main() -> None:
    """Reads the options and runs."""
    parser = argparse.ArgumentParser(prog="python -m bench.sizes", description=__doc__)
    parser.add_argument("--sizes", default="1000,100000", help="people in Doorward, ascending")
    parser.add_argument("--doubles", default="1,100000", help="people in the double")
    parser.add_argument("--rounds", type=int, default=3, help="counted rounds")
    parser.add_argument("--calls", type=int, default=500, help="calls in a round")
    parser.add_argument("--memory-calls", type=int, default=20_000, help="calls for the memory")
    options = parser.parse_args()
    sizes, people = ([int(n) for n in each.split(",")] for each in (options.sizes, options.doubles))
    print(f"{options.sizes} people, {options.rounds} rounds in turn")
    sys.stdout.flush()
    asyncio.run(run(sizes, people, options))


if __name__ == "__main__":
    main()
