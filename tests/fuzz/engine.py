"""What every fuzzer shares: numbered cases out of one seed, and how a failure is told.

A case depends on seed, target and its number alone, so that any one of them can be made again.
"""

import os
from collections.abc import Iterator, Sequence
from random import Random
from typing import Generic, TypeVar

C = TypeVar("C")

SEED_VARIABLE = "DOORWARD_FUZZ_SEED"
CASES_VARIABLE = "DOORWARD_FUZZ_CASES"
BATCH = 64


class Found(AssertionError):
    """A case that was not answered as it must be. number: which one."""

    def __init__(self, told: str, number: int) -> None:
        super().__init__(told)
        self.number = number


class Target(Generic[C]):
    """One place where bytes come in."""

    name: str
    # Of a hundred cases of a run, how many are this target's.
    share: int

    def make(self, random: Random) -> C:
        """A case, of this randomness alone."""
        raise NotImplementedError

    def check(self, case: C) -> None:
        """Raises whatever it likes where the case is not answered as it must be."""
        raise NotImplementedError

    def faults(self, cases: Sequence[C]) -> Iterator[tuple[int, Exception]]:
        """Which of the cases went wrong, by their place, and how."""
        for place, case in enumerate(cases):
            try:
                self.check(case)
            except Exception as trouble:  # noqa: BLE001 - any is a finding
                yield place, trouble

    def close(self) -> None:
        """Lets go of what it has opened."""


def seed_of_run() -> int:
    """The seed that the environment gives, else one that no run before has had."""
    given = os.environ.get(SEED_VARIABLE)
    return int(given) if given else int.from_bytes(os.urandom(4))


def run(target: Target[C], seed: int, numbers: range) -> None:
    """Tries the numbered cases. Raises Found for the first that went wrong."""
    for start in range(numbers.start, numbers.stop, BATCH):
        batch = range(start, min(start + BATCH, numbers.stop))
        cases = [target.make(Random(f"{seed} {target.name} {number}")) for number in batch]
        for place, trouble in target.faults(cases):
            number = batch[place]
            told = _told(target, seed, number, cases[place], trouble)
            raise Found(told, number) from trouble


def cases_before_a_fault(target: Target[C], seed: int, most: int) -> int | None:
    """How many cases it takes to find something, None where none of so many does."""
    try:
        run(target, seed, range(most))
    except Found as found:
        return found.number + 1
    return None


def _told(target: Target[C], seed: int, number: int, case: C, trouble: Exception) -> str:
    return (
        f"{target.name}, case {number}: {type(trouble).__name__}: {trouble}\n{case!r}\n"
        f"again: {SEED_VARIABLE}={seed} python -m tests.fuzz {target.name} {number}"
    )
