"""Runs the tests of each drawn parameter while handlers are called without it.

`pytest -p tests.mutation.plugin --plan FILE TESTS…`, with {"/path parameter": [tests, …]} in the
file, which holds {"/path parameter": verdict} afterwards. All in one process: starting one takes
longer than most tests.
"""

import json
from pathlib import Path

import pytest


class Runner:
    """Runs single tests again and again, each time as if for the first time."""

    def __init__(self, session: pytest.Session) -> None:
        # Not before pytest has rewritten their assertions.
        from tests.recording.hook import DROP
        from tests.recording.plugin import WATCH

        self._session = session
        self._items = {item.nodeid: item for item in session.items}
        self._drop = session.config.stash[WATCH].folder / DROP
        self._has_failed = False

    @pytest.hookimpl
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Hears of the one test that runs."""
        self._has_failed |= report.failed

    def verdict(self, parameter: str, tests: list[str]) -> str:
        """Which test notices that a parameter is ignored; empty where none does.

        A test that fails without that too has noticed nothing.
        """
        for test in tests:
            if self._fails(test, parameter) and not self._fails(test, ""):
                return test
        return ""

    def _fails(self, test: str, dropped: str) -> bool:
        item = self._items[test]
        item._initrequest()  # type: ignore[attr-defined]
        self._has_failed = False
        self._drop.write_text(dropped)
        try:
            # With the session for the next item, what the whole session has stays, and no more.
            item.ihook.pytest_runtest_protocol(item=item, nextitem=self._session)
        finally:
            self._drop.unlink()
        return self._has_failed


@pytest.hookimpl
def pytest_addoption(parser: pytest.Parser) -> None:
    """Takes what is to be tried from a file, and answers there."""
    parser.addoption("--plan", help="a file of parameters, each with the tests that send it")


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool:
    """Instead of each test once: the tests of each parameter, until one notices."""
    plan = Path(session.config.getoption("plan"))
    runner = Runner(session)
    session.config.pluginmanager.register(runner)
    asked: dict[str, list[str]] = json.loads(plan.read_text("utf-8"))
    verdicts = {}
    for parameter, tests in asked.items():
        verdicts[parameter] = runner.verdict(parameter, tests)
        # At once, so that whoever waits can look.
        plan.with_suffix(".done").write_text(json.dumps(verdicts, indent=1), "utf-8")
    session._setupstate.teardown_exact(None)
    plan.write_text(json.dumps(verdicts), "utf-8")
    return True
