"""The bar of a long command, on a terminal of its own, and that nobody else gets one."""

import os
import re
import subprocess
import sys
from pathlib import Path
from threading import Thread

import pytest

from tests.cli.conftest import Run
from tests.running import clean_environment
from tests.site.files import OFFICE

MANY = "name,groups\n" + "".join(f"Person {n},Staff\n" for n in range(6_000))


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """The office's site file."""
    file = tmp_path / "site.yaml"
    file.write_text(OFFICE)
    return file


@pytest.fixture
def people(tmp_path: Path) -> Path:
    """A file of more people than are written in one go."""
    file = tmp_path / "people.csv"
    file.write_text(MANY)
    return file


def _run(stderr: int, *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "doorward", *words],
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
        timeout=120,
        check=True,
        env=clean_environment(TERM="xterm", COLUMNS="100", NO_COLOR="1"),
    )


def _on_terminal(*words: str) -> tuple[str, str]:
    """What a command writes to its output, and to a terminal as its standard error."""
    ours, theirs = os.openpty()
    shown: list[bytes] = []
    reader = Thread(target=_read_all, args=(ours, shown))
    reader.start()
    try:
        ended = _run(theirs, *words)
    finally:
        os.close(theirs)
        reader.join()
        os.close(ours)
    return ended.stdout, b"".join(shown).decode()


def _read_all(terminal: int, shown: list[bytes]) -> None:
    try:
        while found := os.read(terminal, 4096):
            shown.append(found)
    except OSError:  # nobody writes to it any more
        pass


def _percents(screen: str) -> list[int]:
    return [int(found) for found in re.findall(r"(\d+)%", screen)]


def test_a_terminal_sees_how_far_an_import_is(
    store: Run, site: Path, people: Path, tmp_path: Path, dsn: str
) -> None:
    store("apply", str(site))
    where = ("--data", str(tmp_path / "data"), "--database-url", dsn)
    out, screen = _on_terminal("import", "people", str(people), *where)
    assert out == "6000 people imported into Main building\n"
    assert "Importing" in screen
    seen = _percents(screen)
    assert seen == sorted(seen)
    assert seen[-1] == 100
    assert min(seen) < 100


def test_a_terminal_sees_how_far_an_apply_is(site: Path, tmp_path: Path, dsn: str) -> None:
    where = ("--data", str(tmp_path / "data"), "--database-url", dsn)
    out, screen = _on_terminal("apply", str(site), *where)
    assert "+ user anna" in out
    assert "Applying" in screen
    assert _percents(screen)[-1] == 100


def test_who_is_no_terminal_sees_no_bar(site: Path, people: Path, tmp_path: Path, dsn: str) -> None:
    where = ("--data", str(tmp_path / "data"), "--database-url", dsn)
    for words in (("apply", str(site)), ("import", "people", str(people))):
        assert _run(subprocess.PIPE, *words, *where).stderr == ""
