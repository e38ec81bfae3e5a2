"""The command in this process, with an environment that has nothing of the developer's."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from doorward.cli import main
from tests.cli.fake import FakeServer, fake_server

KEY = "seam_testFake1_abcdefghijkmnopqrstuvwxy"


class Ended(NamedTuple):
    """How a command ended, and what it wrote."""

    code: int
    out: str
    err: str


Run = Callable[..., Ended]


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting of the developer's, an empty home, and a command called `doorward`."""
    for name in os.environ:
        if name.startswith(("DOORWARD_", "SEAM_", "XDG_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("sys.argv", ["/somewhere/bin/doorward"])


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs `doorward` with words."""

    def run(*words: str) -> Ended:
        capsys.readouterr()
        code = main(words)
        out, err = capsys.readouterr()
        return Ended(code, out, err)

    return run


@pytest.fixture
def store(run: Run, dsn: str, tmp_path: Path) -> Run:
    """Runs `doorward` on a database that has no workspace yet."""

    def on_database(*words: str) -> Ended:
        return run(*words, "--data", str(tmp_path / "data"), "--database-url", dsn)

    return on_database


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeServer]:
    """A fake server, to which the environment points."""
    with fake_server() as server:
        monkeypatch.setenv("SEAM_ENDPOINT", server.endpoint)
        monkeypatch.setenv("SEAM_API_KEY", KEY)
        yield server
