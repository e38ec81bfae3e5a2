"""Fixtures of the site's tests: a database with a site, and how to apply another file to it."""

from collections.abc import AsyncIterator, Awaitable
from typing import Protocol

import pytest

from doorward.site.apply import apply
from doorward.site.report import Report
from doorward.store.database import Database
from doorward.store.secrets import Keyring
from doorward.store.writer import Writer
from tests.conftest import MovableClock
from tests.site.files import OFFICE, parsed


class Apply(Protocol):
    """Applies a file's text to the test's database."""

    def __call__(
        self,
        text: str = OFFICE,
        *,
        plan_only: bool = False,
        grant_again: bool = False,
        prune: bool = False,
    ) -> Awaitable[Report]: ...


@pytest.fixture
def apply_text(database: Database, keyring: Keyring, clock: MovableClock) -> Apply:
    """Applies a file's text."""

    async def run(
        text: str = OFFICE,
        *,
        plan_only: bool = False,
        grant_again: bool = False,
        prune: bool = False,
    ) -> Report:
        return await apply(
            database,
            keyring,
            parsed(text),
            clock=clock,
            actor="test",
            plan_only=plan_only,
            grant_again=grant_again,
            prune=prune,
        )

    return run


@pytest.fixture
async def office(apply_text: Apply) -> Apply:
    """The same, once the office has been applied."""
    await apply_text()
    return apply_text


@pytest.fixture
async def writer(database: Database) -> AsyncIterator[Writer]:
    """A running writer, as a server has one."""
    writer = Writer(database)
    await writer.start()
    yield writer
    await writer.stop()
