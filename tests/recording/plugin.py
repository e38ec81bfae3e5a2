"""Reads the notes of all servers after each test, and fails the test whose answers break a schema.

At the end of a run of everything, parameters that no test of behaviour sends fail the run.
"""

import json
import os
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.recording import hook
from tests.recording.answers import Answer, Judge
from tests.recording.sent import KEPT, Sent

_START: Final = str(Path(__file__).parent / "start")


class Watch:
    """The notes of one process's tests, and of every server that those start."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="doorward-notes-"))
        self.sent = Sent()
        self.judge = Judge()
        self._read_to = 0

    def take(self, test: str) -> list[str]:
        """What the answers since the last time break; what was sent counts for this test."""
        broken = []
        for note in self._news():
            if "sent" in note:
                self.sent.note(test, note["path"], note["sent"])
            else:
                answer = Answer(**note)
                told = self.judge.differences(answer)
                broken += [f"{answer.verb} {answer.path}: {each}" for each in told]
        return broken

    def _news(self) -> Iterator[dict[str, Any]]:
        notes = self.folder / hook.NOTES
        if notes.exists() and notes.stat().st_size > self._read_to:
            with notes.open("rb") as lines:
                lines.seek(self._read_to)
                # A line that is being written is read the next time.
                whole, ended, _ = lines.read().rpartition(b"\n")
            self._read_to += len(whole + ended)
            yield from map(json.loads, whole.splitlines())

    def begin(self) -> None:
        """Has every server watched that this process or a child of it starts."""
        os.environ[hook.VARIABLE] = str(self.folder)
        path = os.environ.get("PYTHONPATH")
        os.environ["PYTHONPATH"] = _START if path is None else f"{_START}{os.pathsep}{path}"
        hook.install()


class Total:
    """What all processes of a run have seen together; it ends the run."""

    def __init__(self) -> None:
        self.sent = Sent()
        # How long each test took, in seconds.
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self.why_not = ""

    @pytest.hookimpl
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Adds up how long a test takes."""
        self.seconds[report.nodeid] += report.duration


WATCH: Final = pytest.StashKey[Watch]()
TOTAL: Final = pytest.StashKey[Total]()


@pytest.hookimpl
def pytest_addoption(parser: pytest.Parser) -> None:
    """Lets a part of the tests say what it sends."""
    parser.addoption("--sent", help="a file to write down which tests send which parameters")


@pytest.hookimpl
def pytest_configure(config: pytest.Config) -> None:
    """Watches where tests run, and adds up in the one process that ends the run."""
    is_worker = hasattr(config, "workerinput")
    if is_worker or not config.getoption("numprocesses", None):
        config.stash[WATCH] = Watch()
        config.stash[WATCH].begin()
    if not is_worker:
        config.stash[TOTAL] = Total()
        config.pluginmanager.register(config.stash[TOTAL])


@pytest.hookimpl
def pytest_unconfigure(config: pytest.Config) -> None:
    """Forgets the notes."""
    if (watch := config.stash.get(WATCH, None)) is not None:
        shutil.rmtree(watch.folder, ignore_errors=True)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Iterator[None]:
    """Judges what was answered in a test and in making and ending what it used."""
    yield
    if broken := item.config.stash[WATCH].take(item.nodeid):
        pytest.fail("answers that break the contract:\n" + "\n".join(broken), pytrace=False)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Takes over what one of several processes has seen."""
    told, total = getattr(node, "workeroutput", {}), node.config.stash[TOTAL]
    total.sent.add(told.get("sent", {}))
    total.why_not = total.why_not or told.get("why_not", "")


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hands over what this process has seen."""
    config = session.config
    if (watch := config.stash.get(WATCH, None)) is not None:
        told = {"sent": watch.sent.plain(), "why_not": watch.judge.why_not}
        if hasattr(config, "workeroutput"):
            config.workeroutput.update(told)
            return
        config.stash[TOTAL].sent.add(watch.sent.plain())
        config.stash[TOTAL].why_not = watch.judge.why_not
    is_whole = config.getoption("sent") is None and _file(config) is not None
    has_passed = session.exitstatus == pytest.ExitCode.OK
    if has_passed and is_whole and config.stash[TOTAL].sent.missing():
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says which parameters no test of behaviour sends, and what was not held to the contract."""
    config = terminalreporter.config
    total = config.stash[TOTAL]
    if total.why_not:
        terminalreporter.write_line(
            f"answers were held against our own schema alone: {total.why_not}"
        )
    if (file := _file(config)) is None:
        return
    total.sent.keep(file, total.seconds)
    missing = total.sent.missing()
    terminalreporter.write_line(f"parameters that no test of behaviour sends: {len(missing)}")
    for parameter in missing:
        terminalreporter.write_line(f"  {parameter}")


def _file(config: pytest.Config) -> Path | None:
    """Where to write down what was sent: a run of a part of the tests does so when told to."""
    if (named := config.getoption("sent")) is not None:
        return Path(named)
    parts = ("keyword", "markexpr", "lf", "deselect", "maxfail")
    is_whole = config.args_source is pytest.Config.ArgsSource.TESTPATHS
    return KEPT if is_whole and not any(config.getoption(each) for each in parts) else None
