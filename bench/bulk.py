"""`make bench`: many people at once by the command, while somebody else goes on being served.

Each round has a server of its own. People with a card, a code and a group each are imported,
exported, and others applied; the largest file that an import takes comes last. Meanwhile one caller
takes people out of a group of the same workspace and puts them back, one call after the other; the
measurement fails where one of these calls is refused. What is printed are medians over the rounds,
and the worst wait of all. A command that others would have waited for too long gives way, which is
told.
"""

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from statistics import median

from tests.running import GROUP, clean_environment

from bench import cpu, load
from bench.calls import changes
from bench.peers import Doorward
from bench.population import name
from doorward.site.people_file import MOST

# People a second, for import and apply.
TARGET = 20_000
# Of whom the calls meanwhile are, and seconds between two of them.
_RESIDENTS = 1_000
_PAUSE = 0.005


@dataclass(frozen=True)
class Result:
    """One command: its people and seconds, whether it gave way, CPU seconds by process, and the
    latencies in seconds of the calls meanwhile.
    """

    people: int
    has_given_way: bool
    seconds: float
    cpu: dict[str, float]
    waits: list[float]


def csv_file(places: Iterable[int]) -> str:
    """A file for an import of the people at these places."""
    return "name,email,phone,card,code,groups\n" + "".join(
        f"{name(place)},p{place}@example.com,{_phone(place)},{_serial(place)},{place:08},{GROUP}\n"
        for place in places
    )


def site_file(places: Iterable[int]) -> str:
    """The sandbox's site file with the people at these places."""
    people = "".join(
        f"  p{place}:\n    name: {name(place)}\n    email: p{place}@example.com\n"
        f'    phone: "{_phone(place)}"\n    groups: [engineers]\n    credentials:\n'
        f'      badge: {{card: "{_serial(place)}"}}\n      pin: {{code: "{place:08}"}}\n'
        for place in places
    )
    sandbox = (resources.files("doorward.site") / "sandbox.yaml").read_text()
    return sandbox.replace("\nusers:\n", f"\nusers:\n{people}", 1)


def _phone(place: int) -> str:
    return f"+49301{place:07}"


def _serial(place: int) -> str:
    return ":".join(f"{byte:02X}" for byte in place.to_bytes(4))


class _Round:
    """Commands beside one server, in a folder of their own."""

    def __init__(self, stack: ExitStack) -> None:
        self._folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="doorward-")))
        self._peer = Doorward(stack, _RESIDENTS)

    async def results(self, people: int) -> list[tuple[str, Result]]:
        """Every command once, by its name."""
        await self._peer.fill()
        one, staff, more = (self._folder / each for each in ("one.csv", "staff.csv", "site.yaml"))
        one.write_text(csv_file([0]))
        staff.write_text(csv_file(range(1, people + 1)))
        more.write_text(site_file(range(people + 1, 2 * people + 1)))
        out = str(self._folder / "out.csv")
        everybody = people + _RESIDENTS
        most = self._folder / "most.csv"
        most.write_text(csv_file(range(2 * people + 1, 2 * people + 1 + MOST)))
        return [
            ("start", await self._measured(1, "import", "people", str(one))),
            ("import", await self._measured(people, "import", "people", str(staff))),
            ("export", await self._measured(everybody, "export", "people", out)),
            ("apply", await self._measured(people, "apply", str(more))),
            ("import", await self._measured(MOST, "import", "people", str(most))),
        ]

    async def _measured(self, people: int, *words: str) -> Result:
        over = asyncio.Event()
        postgres = self._peer.pids["postgresql"]
        server = self._peer.pids["server"]
        before = [cpu.seconds(postgres), cpu.seconds(server)]
        calls = asyncio.create_task(self._calls(over))
        started = time.perf_counter()
        command, has_given_way = await asyncio.to_thread(self._run, words)
        seconds = time.perf_counter() - started
        over.set()
        spent = {
            "command": command,
            "postgresql": cpu.seconds(postgres) - before[0],
            "server": cpu.seconds(server) - before[1],
        }
        return Result(people, has_given_way, seconds, spent, await calls)

    def _run(self, words: Iterable[str]) -> tuple[float, bool]:
        """Runs a command to its end; answers its CPU seconds, and whether it gave way."""
        told = self._folder / "told"
        with told.open("w") as errors:
            process = subprocess.Popen(
                [sys.executable, "-m", "doorward", *words, "--data", str(self._peer.server.data)],
                stdout=subprocess.DEVNULL,
                stderr=errors,
                env=clean_environment(),
            )
            _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        has_given_way = "wait too long" in told.read_text()
        if process.returncode and not has_given_way:
            raise RuntimeError(f"{' '.join(words)}: {told.read_text()}")
        return used.ru_utime + used.ru_stime, has_given_way

    async def _calls(self, over: asyncio.Event) -> list[float]:
        """Makes calls until it is over; answers their latencies. Raises where one is refused."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._peer.port)
        latencies: list[float] = []
        requests: Iterator[bytes] = changes(self._peer)
        while not over.is_set():
            started = time.perf_counter()
            writer.write(next(requests))
            await load.answer(reader)
            latencies.append(time.perf_counter() - started)
            await asyncio.sleep(_PAUSE)
        writer.close()
        return latencies


def report(rows: dict[tuple[str, int], list[Result]]) -> None:
    """Prints medians over the rounds."""
    start = median(result.seconds for result in rows.pop(("start", 1)))
    print(f"a command for one person takes {start:.2f} s, of which the rates below are without")
    print(f"{'':8}{'people':>8}{'s':>7}{'a second':>10}{'worst wait ms':>15}  CPU s")
    for (command, people), results in rows.items():
        seconds = median(result.seconds for result in results)
        rate = people / (seconds - start)
        worst = 1000 * max(wait for result in results for wait in result.waits)
        spent = "  ".join(
            f"{part} {median(result.cpu[part] for result in results):.2f}"
            for part in results[0].cpu
        )
        print(
            f"{command:8}{people:8,}{seconds:7.2f}{rate:10,.0f}{worst:15.0f}  {spent}"
            f"  {_verdict(results, rate)}"
        )


def _verdict(results: list[Result], rate: float) -> str:
    given = sum(result.has_given_way for result in results)
    if given:
        return f"gave way to others in {given} of {len(results)} rounds, and did nothing then"
    return f"target {TARGET:,}: {'met' if rate >= TARGET else 'missed'}"


async def run(people: int, rounds: int) -> None:
    """Measures and prints."""
    rows: dict[tuple[str, int], list[Result]] = defaultdict(list)
    for _ in range(rounds):
        with ExitStack() as stack:
            for command, result in await _Round(stack).results(people):
                rows[command, result.people].append(result)
    report(rows)


def main() -> None:
    """Reads the options and runs."""
    parser = argparse.ArgumentParser(prog="python -m bench.bulk", description=__doc__)
    parser.add_argument("--people", type=int, default=20_000, help="people in each file")
    parser.add_argument("--rounds", type=int, default=3, help="rounds")
    options = parser.parse_args()
    print(f"{options.people:,} people, {options.rounds} rounds", flush=True)
    asyncio.run(run(options.people, options.rounds))


if __name__ == "__main__":
    main()
