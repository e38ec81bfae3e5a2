"""Test suites of other people: files in a folder of their own, run by a pytest of their own."""

import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.running import clean_environment

DOC: Final = (Path(__file__).parents[2] / "docs" / "testing.md").read_text("utf-8")
# The page's examples by the names of their files.
EXAMPLES: Final[dict[str, str]] = dict(
    re.findall(r"<!-- (\S+) -->\n```\w+\n(.*?)```", DOC, re.DOTALL)
)
# What the plugin leaves open fails the run.
_STRICT: Final = (
    "-W",
    "error::ResourceWarning",
    "-W",
    "error::pytest.PytestUnraisableExceptionWarning",
)


def write(folder: Path, **files: str) -> None:
    """Writes files; `__` in a name stands for the dot."""
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text, "utf-8")


def run(
    folder: Path, *options: str, python: Sequence[str] = (sys.executable,)
) -> "subprocess.CompletedProcess[str]":
    """Runs the suite in a folder to its end. python: the interpreter and its options."""
    return subprocess.run(
        [*python, "-m", "pytest", "-p", "no:cacheprovider", *_STRICT, *options],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
        env=clean_environment(),
    )
