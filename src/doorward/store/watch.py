"""What changed in the database, told to this process by one cheap look-up every few milliseconds.

Journal positions wake the controllers, the token generation empties the token cache. While the
look-up fails, everybody keeps what they have: nothing can be changed in a database that is away.
"""

import asyncio
import contextlib
from typing import NamedTuple
from uuid import UUID

from doorward.errors import Unavailable
from doorward.store.database import Connection, Database, unavailable

INTERVAL = 0.01
_RETRY = 0.1


class Position(NamedTuple):
    """A place in a workspace's journal."""

    epoch: int
    revision: int


class Watch:
    """Journal positions and the token generation as of the last look."""

    def __init__(self, database: Database, *, interval: float = INTERVAL) -> None:
        self._database = database
        self._interval = interval
        self._positions: dict[UUID, Position] = {}
        self._changed = asyncio.Event()
        self._hurry = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.token_generation = -1
        self.is_connected = False

    async def start(self) -> None:
        """Starts looking."""
        self._task = asyncio.create_task(self._look_on(), name="watch")

    async def stop(self) -> None:
        """Stops looking."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    def position(self, workspace_id: UUID) -> Position | None:
        """The newest known place in a workspace's journal, None for an unknown workspace."""
        return self._positions.get(workspace_id)

    def workspaces(self) -> set[UUID]:
        """Every workspace there is."""
        return set(self._positions)

    def hurry(self, _workspace_ids: set[UUID] | None = None) -> None:
        """Looks at once: this process has just committed."""
        self._hurry.set()

    async def changed(self) -> None:
        """Waits until something has changed since this was called, the connection included."""
        await self._changed.wait()

    async def _look_on(self) -> None:
        while True:
            connection = None
            try:
                with unavailable():
                    connection = await self._database.connect()
                    while True:
                        await self._look(connection)
                        await self._pause(self._interval)
            except Unavailable:
                self._set_connected(False)
                await asyncio.sleep(_RETRY)
            finally:
                if connection is not None:
                    connection.terminate()

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._hurry.wait(), seconds)
        self._hurry.clear()

    async def _look(self, connection: Connection) -> None:
        rows = await connection.fetch(
            "select workspace_id, epoch, revision from policy_revision"
            " union all select null, null, generation from token_generation"
        )
        positions = {r[0]: Position(r[1], r[2]) for r in rows if r[0] is not None}
        generation = next(r[2] for r in rows if r[0] is None)
        self._set_connected(True)
        if positions != self._positions or generation != self.token_generation:
            self._positions = positions
            self.token_generation = generation
            self._announce()

    def _set_connected(self, is_connected: bool) -> None:
        if is_connected != self.is_connected:
            self.is_connected = is_connected
            self._announce()

    def _announce(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
