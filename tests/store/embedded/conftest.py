"""Data folders whose cluster is made once, and servers that are gone after the test."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Protocol

import asyncpg
import pytest

from doorward.store.embedded import EmbeddedPostgres, RootMode
from doorward.store.embedded.sockets import socket_folder


class Start(Protocol):
    """`EmbeddedPostgres.start`."""

    async def __call__(
        self, data: Path, major: int = ..., *, root_mode: RootMode | None = ...
    ) -> EmbeddedPostgres: ...


class Ask(Protocol):
    """One statement on a connection of its own; its first value."""

    async def __call__(self, dsn: str, statement: str) -> object: ...


# Two thirds of a cluster are templates for other databases, and it is copied for every test.
_SEED = (
    "create table kept as select 1 as number",
    "update pg_database set datistemplate = false",
    "drop database template0 with (force)",
    "drop database template1 with (force)",
)


def _seed(folder: Path, major: int) -> Path:
    async def make() -> None:
        async with await EmbeddedPostgres.start(folder, major) as postgres:
            for statement in _SEED:
                await _ask(postgres.dsn, statement)

    asyncio.run(make())
    return folder


@pytest.fixture(scope="session")
def seed16(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stopped data folder of PostgreSQL 16 with one row in the table `kept`; to be copied."""
    return _seed(tmp_path_factory.mktemp("seed16") / "data", 16)


@pytest.fixture(scope="session")
def seed18(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stopped data folder of PostgreSQL 18 with one row in the table `kept`; to be copied."""
    return _seed(tmp_path_factory.mktemp("seed18") / "data", 18)


@pytest.fixture
def data(tmp_path: Path, seed18: Path) -> Path:
    """A data folder of PostgreSQL 18 with the table `kept`."""
    folder = tmp_path / "data"
    shutil.copytree(seed18, folder)
    return folder


@pytest.fixture(autouse=True)
def nothing_left(tmp_path: Path) -> Iterator[None]:
    """Fails a test that leaves a process on its folder, or the socket's; clusters are large."""
    yield
    assert not [command for command in _commands() if os.fsencode(tmp_path) in command]
    assert not socket_folder(tmp_path / "data").exists()
    shutil.rmtree(tmp_path)


def _commands() -> Iterator[bytes]:
    for folder in Path("/proc").iterdir():
        try:
            yield (folder / "cmdline").read_bytes()
        except OSError:
            continue


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """`EmbeddedPostgres.start`; what it has started is stopped after the test."""
    started: list[EmbeddedPostgres] = []

    async def start_one(
        data: Path, major: int = 18, *, root_mode: RootMode | None = None
    ) -> EmbeddedPostgres:
        started.append(await EmbeddedPostgres.start(data, major, root_mode=root_mode))
        return started[-1]

    yield start_one
    for postgres in started:
        await postgres.stop()


@pytest.fixture
def ask() -> Ask:
    """One statement on a connection of its own; its first value."""
    return _ask


async def _ask(dsn: str, statement: str) -> object:
    connection = await asyncpg.connect(dsn)
    try:
        value: object = await connection.fetchval(statement)
    finally:
        await connection.close()
    return value
