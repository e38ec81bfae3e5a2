"""What changed in the database, told to this process within milliseconds and at little cost.

Whoever has committed says so with a NOTIFY of its own, never inside the transaction, where it would
take a lock that all committers share; at most one a tick. What a process that died in between did
not say is found by a look every quarter of a second. Journal positions wake the controllers, the
token generation empties the token cache. While the look-up fails, the doors keep what they have,
and the token cache asks by itself (`is_fresh`): others may reach a database that this process
cannot, and change it.
"""

import asyncio
import contextlib
import math
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Final, NamedTuple, cast
from uuid import UUID

import asyncpg

from doorward.errors import Unavailable
from doorward.store.database import Connection, Database, connect, unavailable

CHANNEL: Final = "doorward"
INTERVAL: Final = 0.25
# A look takes a millisecond. A database that is silent for so long might as well be away.
PATIENCE: Final = 2.0
# Older than two looks: something holds them up.
_FRESH: Final = 0.5
_TICK: Final = 0.01
_RETRY: Final = 0.1


class Position(NamedTuple):
    """A place in a workspace's journal."""

    epoch: int
    revision: int


async def announce(connection: Connection) -> None:
    """Says to every process that something was committed; outside of any transaction."""
    await connection.execute(f"notify {CHANNEL}")


class Watch:
    """Journal positions and the token generation as of the last look.

    on_clocks: called with every look: how far ahead of real time workspaces are that are, and when
    the look began, by the monotonic clock.
    """

    def __init__(self, database: Database, *, interval: float = INTERVAL) -> None:
        self._database = database
        self._interval = interval
        self.on_clocks: list[Callable[[Mapping[UUID, timedelta], float], None]] = []
        self._positions: dict[UUID, Position] = {}
        self._changed = asyncio.Event()
        self._wake = asyncio.Event()
        self._has_committed = False
        self._task: asyncio.Task[None] | None = None
        self.token_generation = -1
        self.is_connected = False
        self._looked_at = -math.inf

    @property
    def is_fresh(self) -> bool:
        """Whether what is known here was true half a second ago, or later."""
        return self.is_connected and time.monotonic() - self._looked_at <= _FRESH

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

    def committed(self, _commit: object = None) -> None:
        """Says to other processes, within a tick, that this one has committed something."""
        self._has_committed = True
        self._wake.set()

    async def changed(self) -> None:
        """Waits until something has changed since this was called, the connection included."""
        await self._changed.wait()

    async def _look_on(self) -> None:
        while True:
            connection = None
            try:
                with unavailable():
                    async with asyncio.timeout(PATIENCE):
                        connection = await connect(
                            self._database.dsn,
                            application_name="doorward watch",
                            # A NOTIFY has a commit record; nobody waits for it on disk.
                            synchronous_commit="off",
                        )
                        await connection.add_listener(CHANNEL, self._heard)
                    await self._look_while_connected(connection)
            # A refusal that is no fault of PostgreSQL's, as of a password, may end as well.
            except (Unavailable, asyncpg.PostgresError) as trouble:
                # Refused at once, or left without an answer: then nobody else need wait for one.
                if isinstance(trouble.__cause__, TimeoutError):
                    await self._database.fell_silent()
                else:
                    self._database.is_silent = False
                self._set_connected(False)
                await asyncio.sleep(_RETRY)
            finally:
                if connection is not None:
                    connection.terminate()

    async def _look_while_connected(self, connection: Connection) -> None:
        while True:
            self._wake.clear()
            async with asyncio.timeout(PATIENCE):
                if self._has_committed:
                    self._has_committed = False
                    await announce(connection)
                await self._look(connection)
            await asyncio.sleep(min(_TICK, self._interval))
            # Not wait_for: in Python 3.11 it may swallow a cancellation.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._interval):
                    await self._wake.wait()

    def _heard(self, connection: object, pid: int, *_said: object) -> None:
        if pid != cast("Connection", connection).get_server_pid():
            self._wake.set()

    async def _look(self, connection: Connection) -> None:
        began = time.monotonic()
        rows = await connection.fetch(
            "select workspace_id, epoch, revision, null::interval from policy_revision"
            " union all select null, null, generation, null from token_generation"
            " union all select workspace_id, null, null, clock_ahead from workspace"
            " where is_sandbox and clock_ahead > '0'"
        )
        ahead = {r[0]: r[3] for r in rows if r[3] is not None}
        for listener in self.on_clocks:
            listener(ahead, began)
        positions = {r[0]: Position(r[1], r[2]) for r in rows if r[1] is not None}
        generation = next(r[2] for r in rows if r[0] is None)
        self._database.is_silent = False
        self._looked_at = began
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
