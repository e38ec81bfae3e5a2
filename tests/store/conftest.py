"""Fixtures of the store's tests."""

from collections.abc import AsyncIterator

import pytest

from doorward.store.database import Database
from doorward.store.writer import Writer


@pytest.fixture
async def writer(database: Database) -> AsyncIterator[Writer]:
    """A running writer."""
    writer = Writer(database)
    await writer.start()
    yield writer
    await writer.stop()
