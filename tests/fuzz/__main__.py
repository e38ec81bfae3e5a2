"""The long form, `make fuzz`: many cases of every target on every core, or one case again.

python -m tests.fuzz                  DOORWARD_FUZZ_CASES cases in all, 1,000,000 by default
python -m tests.fuzz query 4711       one case, of the seed in DOORWARD_FUZZ_SEED
"""

import logging
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from itertools import pairwise
from random import Random
from typing import NamedTuple

from tests.fuzz.engine import CASES_VARIABLE, SEED_VARIABLE, Found, run, seed_of_run
from tests.fuzz.targets import TARGETS, cases_of

_CASES = 1_000_000


class Stretch(NamedTuple):
    """Some cases of one target, for one process."""

    name: str
    seed: int
    numbers: range


class Outcome(NamedTuple):
    """How long a stretch took, in seconds, and what it found."""

    name: str
    cases: int
    seconds: float
    found: str | None


def main() -> int:
    """Runs what the arguments say; 1 when something was found."""
    # What the server says of each damaged request is not news here.
    logging.disable(logging.WARNING)
    if sys.argv[1:]:
        name, number = sys.argv[1:]
        return _again(name, int(number))
    return _all(int(os.environ.get(CASES_VARIABLE, _CASES)), seed_of_run())


def _again(name: str, number: int) -> int:
    seed = seed_of_run()
    print(TARGETS[name]().make(Random(f"{seed} {name} {number}")))
    outcome = _attempt(Stretch(name, seed, range(number, number + 1)))
    print(outcome.found or "nothing found")
    return outcome.found is not None


def _all(total: int, seed: int) -> int:
    print(f"{total} cases, {SEED_VARIABLE}={seed}", flush=True)
    started, processes = time.monotonic(), os.cpu_count() or 1
    outcomes: list[Outcome] = []
    with ProcessPoolExecutor(processes) as pool:
        for name in TARGETS:
            found = list(pool.map(_attempt, _stretches(name, seed, total, processes)))
            outcomes += found
            _tell(name, found)
    seconds, done = time.monotonic() - started, sum(one.cases for one in outcomes)
    print(f"in all      {done:9} cases, {done / seconds:8.0f}/s on {processes} cores")
    return any(one.found for one in outcomes)


def _stretches(name: str, seed: int, total: int, processes: int) -> list[Stretch]:
    cases = cases_of(name, total)
    borders = [cases * place // processes for place in range(processes + 1)]
    return [Stretch(name, seed, range(start, stop)) for start, stop in pairwise(borders)]


def _attempt(stretch: Stretch) -> Outcome:
    logging.disable(logging.WARNING)
    started, found, cases = time.monotonic(), None, len(stretch.numbers)
    target = TARGETS[stretch.name]()
    try:
        run(target, stretch.seed, stretch.numbers)
    except Found as finding:
        found, cases = str(finding), finding.number + 1 - stretch.numbers.start
    finally:
        target.close()
    return Outcome(stretch.name, cases, time.monotonic() - started, found)


def _tell(name: str, outcomes: list[Outcome]) -> None:
    cases = sum(one.cases for one in outcomes)
    rate = sum(one.cases / one.seconds for one in outcomes)
    print(f"{name:11} {cases:9} cases, {rate:8.0f}/s", flush=True)
    for one in outcomes:
        if one.found:
            print(one.found, flush=True)


if __name__ == "__main__":
    sys.exit(main())
