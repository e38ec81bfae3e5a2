"""Draws parameters, and says for which of them a handler could ignore it: `make mutation`.

DOORWARD_MUTATIONS: how many are drawn, default 50. DOORWARD_TEST_SEED repeats a draw. Which tests
send a parameter is known from the last run of all tests, else found out by one of tests/api.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from random import Random, randrange
from typing import Final

from tests.mutation.inert import INERT
from tests.recording.sent import KEPT, parameters

ROOT: Final = Path(__file__).resolve().parents[2]
# Where tests are quick, and how many seconds those of one parameter may take.
_ROOMS: Final = ("tests/api/", "tests/sync/")
_PATIENCE: Final = 30.0
_FEW: Final = 3

# The tests that send a parameter, with the seconds that each takes.
Timed = Mapping[str, float]


def main() -> int:
    """Answers 1 where a drawn parameter could be ignored."""
    count = int(os.environ.get("DOORWARD_MUTATIONS", "50"))
    seed = int(os.environ.get("DOORWARD_TEST_SEED", randrange(1 << 40)))
    print(f"{count} parameters drawn by DOORWARD_TEST_SEED={seed}", flush=True)
    drawn = draw(seed, count)
    verdicts = _tried(plan(_kept(), drawn))
    survivors = [parameter for parameter in drawn if not verdicts[parameter]]
    for parameter in survivors:
        print(f"could be ignored, and no test would notice: {parameter}")
    print(f"{len(drawn) - len(survivors)} of {len(drawn)} are noticed")
    return 1 if survivors else 0


def draw(seed: int, count: int) -> list[str]:
    """As many parameters, or all that can matter."""
    everything = sorted(parameters() - INERT.keys())
    return Random(seed).sample(everything, min(count, len(everything)))


def plan(sent: Mapping[str, Timed], drawn: Iterable[str]) -> dict[str, list[str]]:
    """The tests that are to be tried for each parameter, the quickest first."""
    return {parameter: [*_quickest(sent.get(parameter, {}))] for parameter in drawn}


def _quickest(tests: Timed) -> Iterable[str]:
    spent = 0.0
    quick = (test for test in tests if test.startswith(_ROOMS))
    for place, test in enumerate(sorted(quick, key=lambda test: (tests[test], test))):
        spent += tests[test]
        # Some however long they took: that is no fault of theirs on a busy machine.
        if place < _FEW or spent <= _PATIENCE:
            yield test


def _kept() -> dict[str, Timed]:
    if not KEPT.exists():
        _pytest("tests/api", "-n", "2", "--sent", str(KEPT))
    kept: dict[str, Timed] = json.loads(KEPT.read_text("utf-8"))
    return kept


def _tried(planned: Mapping[str, list[str]]) -> dict[str, str]:
    """Which test notices each parameter, empty where none does."""
    tests = sorted({test for several in planned.values() for test in several})
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "plan.json"
        file.write_text(json.dumps(planned), "utf-8")
        options = ("-p", "tests.mutation.plugin", "--plan", str(file), "-n", "0")
        told = _pytest(*options, "-p", "no:randomly", "--timeout", "60", *tests)
        verdicts: dict[str, str] = json.loads(file.read_text("utf-8"))
    assert all(not each or isinstance(each, str) for each in verdicts.values()), told
    return verdicts


def _pytest(*arguments: str) -> str:
    """What pytest printed: its failures are what is asked for, and nobody wants to see them."""
    command = [sys.executable, "-m", "pytest", "-q", "--tb", "no", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


if __name__ == "__main__":
    sys.exit(main())
