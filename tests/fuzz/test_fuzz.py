"""The short form of the fuzzers: 20,000 cases out of a new seed in every run."""

import os

import pytest

from tests.fuzz.engine import CASES_VARIABLE, run, seed_of_run
from tests.fuzz.targets import TARGETS, cases_of

SHORT = 20_000


@pytest.mark.parametrize("name", TARGETS)
def test_nothing_is_found(name: str) -> None:
    total = int(os.environ.get(CASES_VARIABLE, SHORT))
    target = TARGETS[name]()
    try:
        run(target, seed_of_run(), range(cases_of(name, total)))
    finally:
        target.close()


def test_the_shares_are_of_a_hundred() -> None:
    assert sum(target.share for target in TARGETS.values()) == 100


def test_a_case_can_be_made_again() -> None:
    from random import Random

    for make in TARGETS.values():
        target = make()
        try:
            assert target.make(Random("1 2 3")) == target.make(Random("1 2 3"))
        finally:
            target.close()
