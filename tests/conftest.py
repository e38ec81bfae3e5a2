"""Fixtures that every room's tests share: a real PostgreSQL, a database of one's own, the clock."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from doorward import clock as clocks
from doorward.errors import ApiError
from doorward.store import copies
from doorward.store.database import Database
from doorward.store.embedded import EmbeddedPostgres
from doorward.store.migrate import migrate
from doorward.store.secrets import Keyring
from doorward.wire.catalogue import ERRORS
from tests.clients import drivers, tours

# Left out of `make check`, which has to end within three minutes: they start and kill servers,
# wait, walk all calls with whatever can be asked, or play long histories.
SLOW = (
    "cli/test_demonstration.py",
    "cli/test_doors_view.py",
    "contract/test_schemathesis.py",
    "doors/test_convergence.py",
    "doors/test_following.py",
    "faults/",
    "fuzz/test_oversized.py",
    "fuzz/test_plants.py",
    "plans/",
    "properties/",
    "site/test_history.py",
    "site/test_mutations.py",
    "stateful/",
    "store/embedded/",
    "sync/",
    "test_start.py",
    "test_wiring.py",
    "testing/",
    "wire/test_bounded_errors.py",
    "wire/test_protocol.py",
)
TEMPLATE = "doorward_template"
pytest_plugins = ("tests.recording.plugin",)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks what is slow."""
    here = Path(__file__).parent
    for item in items:
        if item.path.relative_to(here).as_posix().startswith(SLOW):
            item.add_marker(pytest.mark.slow)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says which official clients were the real ones, where one has been asked."""
    told = [one for several in terminalreporter.stats.values() for one in several]
    if any(getattr(one, "nodeid", "").startswith("tests/clients/") for one in told):
        # Here and not in clients: in a run on several cores the process that writes the summary
        # reads this file alone.
        terminalreporter.write_line(drivers.summary())
        terminalreporter.write_line(tours.summary())


@pytest.fixture(scope="session", autouse=True)
def known_errors() -> Iterator[None]:
    """Fails a run in which an error is answered that the catalogue does not have."""
    strangers = []
    make = ApiError.__init__

    def checked(self: ApiError, status: int, kind: str, *more: Any, **named: Any) -> None:
        if kind not in ERRORS or status not in ERRORS[kind].statuses:
            strangers.append((status, kind))
        make(self, status, kind, *more, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ApiError, "__init__", checked)
        yield
    assert strangers == []


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The address of a real PostgreSQL for this run, with a migrated template database.

    DOORWARD_TEST_POSTGRES chooses the major version, 16 or 18.
    """
    # In memory where there is room: each test makes a database of its own. What has to outlive a
    # crash is tested on servers with their data on disk.
    shared = Path("/dev/shm")  # noqa: S108
    has_room = shared.is_dir() and shutil.disk_usage(shared).free > 2**31
    data = Path(tempfile.mkdtemp(prefix="doorward-tests-", dir=shared if has_room else None))
    major = int(os.environ.get("DOORWARD_TEST_POSTGRES", "18"))
    runner = asyncio.Runner()
    server = runner.run(EmbeddedPostgres.start(data, major))
    try:
        runner.run(_make_template(server.dsn))
        yield server.dsn
    finally:
        runner.run(server.stop())
        runner.close()
        shutil.rmtree(data)


async def _make_template(dsn: str) -> None:
    await _admin(dsn, f"create database {TEMPLATE}")
    await migrate(copies.dsn_of(dsn, TEMPLATE))


async def _admin(dsn: str, statement: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture
async def dsn(postgres: str) -> AsyncIterator[str]:
    """The address of an empty, migrated database that only this test uses."""
    name = f"t_{uuid4().hex}"
    yield await copies.create(postgres, name, TEMPLATE)
    await copies.drop(postgres, name)


@pytest.fixture
async def database(dsn: str) -> AsyncIterator[Database]:
    """An open database that only this test uses."""
    database = await Database.open(dsn)
    yield database
    await database.close()


class MovableClock(clocks.MovableClock):
    """A clock that the test moves itself, instead of through the API."""

    def advance(self, workspace_id: UUID, by: timedelta) -> None:
        """Moves a workspace's time, on or back."""
        ahead = self.ahead(workspace_id) + by
        self._take({**self._ahead, workspace_id: ahead})


@pytest.fixture
def clock() -> MovableClock:
    """A clock that the test can move."""
    return MovableClock()


@pytest.fixture(scope="session")
def keyring() -> Keyring:
    """Keys of a test installation."""
    return Keyring(bytes(range(32)))
