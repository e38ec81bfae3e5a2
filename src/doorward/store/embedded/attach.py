"""The database of a data folder for commands, whether a Doorward server runs on it or not."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from doorward.store.embedded.binaries import DEFAULT_MAJOR
from doorward.store.embedded.cluster import cluster_folder
from doorward.store.embedded.data import explained, make_data_folder
from doorward.store.embedded.identity import RootMode
from doorward.store.embedded.lock import COMMAND_PATIENCE, DataLock, in_use, serving
from doorward.store.embedded.processes import running_postmaster
from doorward.store.embedded.sockets import dsn
from doorward.store.embedded.supervisor import EmbeddedPostgres

_STEP = 0.05


def attach(data: Path) -> str | None:
    """The address of the database of the Doorward server that runs on `data`.

    None if no server does, or its database takes no connections now. A database that another
    command has started for itself does not count: it ends with that command.

    Raises:
        StartError: the folder is another user's.
    """
    with explained(data):
        folder = data.resolve()
        found = running_postmaster(cluster_folder(folder)) if serving(folder) else None
    return dsn(found.socket_folder) if found and found.is_ready else None


@asynccontextmanager
async def open_database(
    data: Path, major: int = DEFAULT_MAJOR, *, root_mode: RootMode | None = None
) -> AsyncIterator[str]:
    """The address of the database of `data`: a running server's, or else of one started meanwhile.

    Waits for a server that is starting, and for other commands that have the folder.

    Raises:
        StartError: neither can be had.
    """
    folder = make_data_folder(data)
    found = await _find(folder)
    if isinstance(found, str):
        yield found
        return
    async with await EmbeddedPostgres.start_locked(
        folder, found, major, root_mode=root_mode
    ) as own:
        yield own.dsn


async def _find(folder: Path) -> str | DataLock:
    """The address of a running server's database, or the right to start one."""
    deadline = time.monotonic() + COMMAND_PATIENCE
    while True:
        if address := attach(folder):
            return address
        with explained(folder):
            taken = DataLock.take(folder, "command")
        if isinstance(taken, DataLock):
            return taken
        if time.monotonic() > deadline:
            raise in_use(folder, taken)
        await asyncio.sleep(_STEP)
