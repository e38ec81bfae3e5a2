"""`python -m bench.decision`: what a controller does with a policy of a given size.

The slice is written to a controller's file by one process and loaded from there by another, as
after a restart; what is printed is that other process's memory at its peak and afterwards, and how
fast it decides. Linux only: memory is read from /proc.
"""

import argparse
import asyncio
import gc
import sys
import time
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from uuid import UUID

import doorward.doors.registry  # noqa: F401  what a controller's process has loaded at least
from bench.targets import at_least, at_most
from doorward.doors.disk import Disk, Header, new_header
from doorward.doors.slice import Slice
from doorward.policy.decide import decide
from doorward.policy.facts import (
    NO_KEY,
    CredentialState,
    EntranceState,
    Fact,
    GroupState,
    Kind,
    Link,
    UserState,
    Window,
    encode_state,
)
from doorward.policy.index import PolicyIndex
from doorward.policy.model import Card, DoorState, Request
from doorward.store.controllers import ControllerKey
from doorward.store.watch import Position

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
POSITION = Position(1, 1)
CHUNK = 20_000
# Of so many people one has a window of her own, and of so many requests one is nobody's here.
WINDOWED, STRANGERS = 10, 20
BATCH = 100
# Decisions a second, and milliseconds that all but one in a hundred stay under.
_RATE, _P99 = 100_000, 0.1


@dataclass(frozen=True)
class Site:
    """So many people, each with a card and a membership in `paths` groups of one entrance each."""

    people: int
    paths: int
    entrances: int

    @property
    def most_memory(self) -> float:
        """MiB that a controller may take: what hangs on a wall has little."""
        return 400 if self.people > 100_000 else 80

    def groups_of(self, person: int) -> list[int]:
        """Which groups a person is in."""
        first = person * 7_919
        return [(first + step * 101) % self.entrances for step in range(self.paths)]

    def facts(self) -> Iterator[Fact]:
        """The slice; what there is much of in the file's own order, which writes it fastest."""
        for number in range(self.entrances):
            door, group = _id("entrance", number), _id("group", number)
            yield _fact(Kind.ENTRANCE, door, KEY.controller_id, ENTRANCE)
            yield _fact(Kind.GROUP, group, NO_KEY, GROUP)
            yield _fact(Kind.GROUP_ENTRANCE, group, door, LINK)
        users = sorted((_id("user", person), person) for person in range(self.people))
        for card, person in sorted((_id("card", person), person) for person in range(self.people)):
            yield _fact(Kind.CREDENTIAL, card, _id("user", person), CARD, _lookup(person))
        yield from self._memberships(users)
        for user, person in users:
            yield _fact(Kind.USER, user, NO_KEY, _window(person))

    def _memberships(self, users: list[tuple[UUID, int]]) -> Iterator[Fact]:
        members = [array("I") for _ in range(self.entrances)]
        for place, (_, person) in enumerate(users):
            for number in self.groups_of(person):
                members[number].append(place)
        for group, number in sorted(
            (_id("group", number), number) for number in range(len(members))
        ):
            for place in members[number]:
                yield _fact(Kind.MEMBERSHIP, group, users[place][0], LINK)

    def requests(self, random: Random) -> Iterator[Request]:
        """Cards at entrances: half where they open, half anywhere; some of nobody."""
        while True:
            person = random.randrange(self.people)
            number = random.randrange(self.entrances)
            if random.random() < 0.5:
                number = random.choice(self.groups_of(person))
            if random.randrange(STRANGERS) == 0:
                person = -person - 1
            yield Request(_id("entrance", number), "card", (Card(_lookup(person)),))


def _id(kind: str, number: int) -> UUID:
    return UUID(bytes=blake2b(f"{kind} {number}".encode(), digest_size=16).digest(), version=4)


def _lookup(person: int) -> bytes:
    return blake2b(f"lookup {person}".encode(), digest_size=32).digest()


def _window(person: int) -> bytes:
    if person % WINDOWED:
        return USER
    return encode_state(UserState(window=Window(None, 4_000_000_000_000 + person)))


def _fact(kind: Kind, a: UUID, b: UUID, state: bytes, lookup: bytes | None = None) -> Fact:
    return Fact(kind, a, b, POSITION.revision, state, lookup)


KEY = ControllerKey(_id("workspace", 0), _id("controller", 0), _id("system", 0))
ENTRANCE, GROUP, USER = (encode_state(each()) for each in (EntranceState, GroupState, UserState))
CARD, LINK = encode_state(CredentialState("card")), encode_state(Link())


async def write(path: Path, site: Site) -> None:
    """Makes a controller's file with the site's slice."""
    disk = await Disk.open(path)
    facts = site.facts()
    await disk.begin_replacement()
    while chunk := list(islice(facts, CHUNK)):
        await disk.stage(chunk)
    header = new_header(KEY)
    await disk.replace(Header(KEY, header.holder, is_ours=True, position=POSITION))
    await disk.close()


async def load(path: Path) -> PolicyIndex:
    """The slice of a controller's file, loaded as a controller does that starts."""
    disk = await Disk.open(path)
    loaded = Slice(KEY)
    async for facts in disk.facts():
        loaded.load(facts, POSITION)
    loaded.complete(POSITION, b"")
    await disk.close()
    return loaded.index


def memory() -> dict[str, float]:
    """MiB of this process in memory: now (VmRSS), and at most so far (VmHWM)."""
    lines = (line.split() for line in Path("/proc/self/status").read_text().splitlines())
    return {line[0]: int(line[1]) / 1024 for line in lines if line[0] in ("VmRSS:", "VmHWM:")}


def measure(path: Path, site: Site, decisions: int) -> None:
    """Loads, decides, changes; prints what it took."""
    before, started = memory()["VmRSS:"], time.perf_counter()
    index = asyncio.run(load(path))
    gc.freeze()
    seconds, taken = time.perf_counter() - started, memory()
    print(
        f"loaded in {seconds:.1f} s; {taken['VmRSS:']:.0f} MiB,"
        f" {taken['VmHWM:']:.0f} at the peak{at_most(taken['VmHWM:'], site.most_memory)},"
        f" {before:.0f} without a policy"
    )
    took, outcomes = _decide(index, site, decisions)
    took.sort()
    rate = len(took) / sum(took)
    p50, p99 = (1e3 * took[int(len(took) * part)] for part in (0.5, 0.99))
    print(
        f"{rate:,.0f} decisions/s{at_least(rate, _RATE)}, p50 {p50:.4f} ms,"
        f" p99 {p99:.4f} ms{at_most(p99, _P99)}; {outcomes}"
    )
    print(f"{_change(index, site):,.0f} changes/s; {memory()['VmHWM:']:.0f} MiB at the peak")


def _decide(index: PolicyIndex, site: Site, decisions: int) -> tuple[list[float], str]:
    """Seconds of each decision, and how many of them let somebody in."""
    state, requests, clock = DoorState(), site.requests(Random(1)), time.perf_counter
    took: list[float] = []
    allowed = 0
    while len(took) < decisions:
        for request in list(islice(requests, BATCH)):
            started = clock()
            decision = decide(index, state, request, NOW)
            took.append(clock() - started)
            allowed += decision.outcome == "allow"
    return took, f"{allowed / len(took):.0%} allowed"


def _change(index: PolicyIndex, site: Site) -> float:
    """Memberships taken away and given back, a second."""
    groups = [_id("group", number) for number in range(site.entrances)]
    people = range(0, site.people, max(1, site.people // 10_000))
    facts = [
        Fact(Kind.MEMBERSHIP, groups[site.groups_of(person)[0]], _id("user", person), at, state)
        for at, (state, person) in enumerate(
            ((state, person) for state in (None, LINK) for person in people), 2
        )
    ]
    started = time.perf_counter()
    for fact in facts:
        index.apply(fact)
        index.advance(fact.revision)
    return len(facts) / (time.perf_counter() - started)


def main() -> None:
    """Reads the options and runs, each step in a process of its own."""
    parser = argparse.ArgumentParser(prog="python -m bench.decision", description=__doc__)
    parser.add_argument("--people", type=int, nargs="*", default=[20_000, 1_000_000])
    parser.add_argument("--paths", type=int, default=10, help="groups of each person")
    parser.add_argument("--entrances", type=int, nargs="*", default=[50, 1_000])
    parser.add_argument("--decisions", type=int, default=300_000)
    options = parser.parse_args()
    for people, entrances in zip(options.people, options.entrances, strict=True):
        site = Site(people, options.paths, entrances)
        print(
            f"{people:,} people with {site.paths} paths each, {entrances:,} entrances", flush=True
        )
        with TemporaryDirectory() as folder:
            path = Path(folder, "controller.sqlite")
            _in_a_process(_write, path, site)
            _in_a_process(measure, path, site, options.decisions)


def _write(path: Path, site: Site) -> None:
    asyncio.run(write(path, site))


def _in_a_process(work: object, *arguments: object) -> None:
    process = get_context("spawn").Process(target=work, args=arguments)  # type: ignore[arg-type]
    process.start()
    process.join()
    if process.exitcode:
        sys.exit(process.exitcode)


if __name__ == "__main__":
    main()
