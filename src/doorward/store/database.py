"""The way to PostgreSQL: a pool for reads, connections of one's own, and what its faults mean."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any

import asyncpg

from doorward.errors import Unavailable

if TYPE_CHECKING:
    Connection = asyncpg.Connection[asyncpg.Record]
    Pool = asyncpg.Pool[asyncpg.Record]
else:
    Connection = asyncpg.Connection
    Pool = asyncpg.Pool

# What a client of PostgreSQL meets while the server is away, starting, stopping, full, or held up.
_TROUBLE = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.LockNotAvailableError,
    asyncpg.QueryCanceledError,
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.OperatorInterventionError,
)

_SETTINGS = {
    "application_name": "doorward",
    "timezone": "UTC",
    # A million rows and an outdated plan must not hold a door's policy up for longer than this.
    "lock_timeout": "5s",
    "statement_timeout": "30s",
    "idle_in_transaction_session_timeout": "60s",
    "synchronous_commit": "on",
    "jit": "off",
}


@contextmanager
def unavailable() -> Iterator[None]:
    """Turns every fault that is PostgreSQL's and not the caller's into `Unavailable`."""
    try:
        yield
    except _TROUBLE as trouble:
        raise Unavailable(str(trouble) or type(trouble).__name__) from trouble


async def _keep_session(_connection: object) -> None:
    """Replaces asyncpg's reset of a returned connection: no code here leaves session state."""


class Database:
    """One PostgreSQL database: a small pool, and its address for connections of one's own."""

    def __init__(self, dsn: str, pool: Pool) -> None:
        self.dsn = dsn
        self._pool = pool

    @classmethod
    async def open(cls, dsn: str, *, pool_size: int = 8) -> "Database":
        """Opens the pool. Raises `Unavailable` when PostgreSQL does not answer."""
        with unavailable():
            pool = await asyncpg.create_pool(
                dsn,
                # Connections are made when somebody needs one: a floor would be restored, and
                # complained of, all the while that PostgreSQL is away.
                min_size=0,
                max_size=pool_size,
                timeout=5,
                command_timeout=40,
                reset=_keep_session,
                server_settings=_SETTINGS,
            )
            await pool.fetchval("select 1")
        return cls(dsn, pool)

    async def close(self) -> None:
        """Closes the pool; whatever still runs is cut off after two seconds."""
        try:
            async with asyncio.timeout(2):
                await self._pool.close()
        except TimeoutError:
            self._pool.terminate()

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[Connection]:
        """A pooled connection, on which no session state may be left behind."""
        with unavailable():
            async with self._pool.acquire(timeout=5) as connection:
                yield connection  # type: ignore[misc]  # a proxy of the connection

    async def connect(self) -> Connection:
        """A connection of one's own, which the caller closes."""
        with unavailable():
            return await connect(self.dsn)

    async def fetch(self, query: str, *args: Any) -> "list[asyncpg.Record]":
        """All rows of a query. Raises `Unavailable`."""
        with unavailable():
            return await self._pool.fetch(query, *args)

    async def fetchrow(self, query: str, *args: Any) -> "asyncpg.Record | None":
        """The first row of a query, if any. Raises `Unavailable`."""
        with unavailable():
            return await self._pool.fetchrow(query, *args)

    async def fetchval(self, query: str, *args: Any) -> Any:
        """The first column of the first row, None without one. Raises `Unavailable`."""
        with unavailable():
            return await self._pool.fetchval(query, *args)

    async def execute(self, query: str, *args: Any) -> str:
        """Runs a statement, answers its command tag. Raises `Unavailable`."""
        with unavailable():
            return await self._pool.execute(query, *args)


async def connect(dsn: str) -> Connection:
    """One connection with Doorward's settings. Raises what asyncpg raises."""
    return await asyncpg.connect(dsn, timeout=5, command_timeout=40, server_settings=_SETTINGS)
