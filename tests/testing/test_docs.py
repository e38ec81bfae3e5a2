"""docs/testing.md is held to the code: its examples run, and what it shows is what is said."""

import re
from pathlib import Path

import pytest

from doorward.testing.door import Door
from doorward.testing.site import Site
from tests.testing.suites import DOC, EXAMPLES, run

TESTS = sum(text.count("\ndef test_") + text.startswith("def test_") for text in EXAMPLES.values())


def test_the_examples_run(tmp_path: Path) -> None:
    for name in EXAMPLES.keys() - {"failure"}:
        (tmp_path / name).write_text(EXAMPLES[name], "utf-8")
    done = run(tmp_path, "--strict-markers")
    # One of them has two cases.
    assert f"{TESTS + 1} passed" in done.stdout, done.stdout
    assert TESTS == 6


def _masked(text: str) -> str:
    return re.sub(r"at 2\S+|revision \d+", "…", text).strip()


def test_what_a_failure_says(door: Door, site: Site) -> None:
    with pytest.raises(AssertionError) as failure:
        door.opens("server-room", card=site.cards["femi/badge"])
    assert _masked(str(failure.value)) == _masked(EXAMPLES["failure"])


def test_the_table_names_what_there_is() -> None:
    fixtures = set(re.findall(r"^\| `(\w+)` \|", DOC, re.MULTILINE))
    assert fixtures == {"doorward", "seam", "site", "door", "advance_time"}
