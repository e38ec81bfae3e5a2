"""The way to PostgreSQL: a pool for reads, connections of one's own, and what its faults mean."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from traceback import walk_tb
from typing import TYPE_CHECKING, Any, Final, Literal
from weakref import WeakSet

import asyncpg

from doorward.errors import Unavailable

if TYPE_CHECKING:
    Connection = asyncpg.Connection[asyncpg.Record]
    Pool = asyncpg.Pool[asyncpg.Record]
    PoolConnectionProxy = asyncpg.pool.PoolConnectionProxy[asyncpg.Record]
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

# Seconds for a connection, and for a statement, whose own timeout comes first. They bound what runs
# in the background; a call has its deadline, and lets go of its connection then (`acquire`).
_CONNECT: Final = 5.0
_COMMAND: Final = 40.0

IsolationLevel = Literal["read_committed", "repeatable_read", "serializable"]

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
    """Turns every fault that is PostgreSQL's, and not the caller's or ours, into `Unavailable`."""
    try:
        yield
    except (*_TROUBLE, AttributeError) as trouble:
        if _is_own_making(trouble):
            raise
        raise Unavailable(str(trouble) or type(trouble).__name__) from trouble


def _is_own_making(trouble: BaseException) -> bool:
    """Whether a statement was asked wrongly, which no waiting mends.

    asyncpg has one class for that, for connections that are gone, and for pools that are closing.
    """
    if isinstance(trouble, AttributeError):
        return not _is_of_a_cut_connection(trouble)
    if isinstance(trouble, asyncpg.DataError):
        return True
    return isinstance(trouble, asyncpg.InterfaceError) and "argument" in str(trouble)


def _is_of_a_cut_connection(trouble: AttributeError) -> bool:
    """Whether a connection was cut between a statement's preparation and its execution: asyncpg has
    no protocol there any more then, and does not look (0.32, `Connection._do_execute`).
    """
    *_, (frame, _line) = walk_tb(trouble.__traceback__)
    is_asyncpg = frame.f_globals.get("__name__") == asyncpg.connection.__name__
    return is_asyncpg and trouble.obj is None


def _cut(connection: Any) -> None:
    with suppress(asyncpg.InterfaceError):  # it is gone already
        connection.terminate()


async def _keep_session(_connection: object) -> None:
    """Replaces asyncpg's reset of a returned connection: no code here leaves session state."""


class Database:
    """One PostgreSQL database: a small pool, and its address for connections of one's own.

    is_silent: it did not answer when last looked at (`Watch`), so that there is no use in waiting.
    token_changes: how many changes that may end a token were made through here.
    """

    def __init__(self, dsn: str, pool: Pool) -> None:
        self.dsn = dsn
        self.is_silent = False
        self.token_changes = 0
        self._waiting: set[asyncio.Timeout] = set()
        self._busy: set[PoolConnectionProxy] = set()
        self._own: WeakSet[Connection] = WeakSet()
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
                timeout=_CONNECT,
                command_timeout=_COMMAND,
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
        """A pooled connection, on which no session state may be left behind.

        For statements that are transactions by themselves. Raises `Unavailable`.
        """
        self.check()
        with unavailable():
            async with self._unless_silent():
                # Without its timeout: that is a task, and in Python 3.11 may lose a cancellation.
                connection = await self._pool.acquire()
            self._busy.add(connection)
            try:
                yield connection  # type: ignore[misc]  # a proxy of the connection
            except (asyncio.CancelledError, TimeoutError):
                # To cancel the query, asyncpg would ask the server, and wait for its answer
                # before anybody else gets the connection: for ever, if the server hangs.
                _cut(connection)
                raise
            finally:
                self._busy.discard(connection)
                await self._pool.release(connection)

    @asynccontextmanager
    async def transaction(
        self, *, isolation: IsolationLevel = "read_committed", is_readonly: bool = False
    ) -> AsyncIterator[Connection]:
        """A pooled connection in a transaction, which is committed at the end.

        Raises `Unavailable`, also where the commit's outcome is unknown.
        """
        async with self.acquire() as connection:
            transaction = connection.transaction(isolation=isolation, readonly=is_readonly)
            await transaction.start()
            try:
                yield connection
            except (asyncio.CancelledError, TimeoutError, GeneratorExit):
                # Nothing is said to a server that may hang: it rolls back whoever is gone.
                _cut(connection)
                raise
            except BaseException:
                await transaction.rollback()
                raise
            await transaction.commit()

    async def fell_silent(self) -> None:
        """Gives up every connection, also those that are being made: no answer will come there."""
        self.is_silent = True
        now = asyncio.get_running_loop().time()
        for waiting in self._waiting:
            waiting.reschedule(now)
        self._waiting.clear()
        for connection in (*self._busy, *self._own):
            _cut(connection)
        await self._pool.expire_connections()

    def tokens_changed(self) -> None:
        """Says that a change which may end a token was committed here, before anybody is told."""
        self.token_changes += 1

    def check(self) -> None:
        """Raises `Unavailable` while it is known that PostgreSQL takes questions and is silent."""
        if self.is_silent:
            raise Unavailable("PostgreSQL does not answer")

    @asynccontextmanager
    async def _unless_silent(self) -> AsyncIterator[None]:
        """Ends a wait for a connection by TimeoutError when silence is noticed meanwhile."""
        async with asyncio.timeout(None) as waiting:
            self._waiting.add(waiting)
            try:
                yield
            finally:
                self._waiting.discard(waiting)

    async def connect(self, **settings: str) -> Connection:
        """A connection of one's own, which the caller closes. settings: of its session.

        Raises `Unavailable`.
        """
        self.check()
        with unavailable():
            async with self._unless_silent():
                connection = await connect(self.dsn, **settings)
        self._own.add(connection)
        return connection

    async def fetch(self, query: str, *args: Any) -> "list[asyncpg.Record]":
        """All rows of a query. Raises `Unavailable`."""
        async with self.acquire() as connection:
            return await connection.fetch(query, *args)

    async def fetchrow(self, query: str, *args: Any) -> "asyncpg.Record | None":
        """The first row of a query, if any. Raises `Unavailable`."""
        async with self.acquire() as connection:
            return await connection.fetchrow(query, *args)

    async def fetchval(self, query: str, *args: Any) -> Any:
        """The first column of the first row, None without one. Raises `Unavailable`."""
        async with self.acquire() as connection:
            return await connection.fetchval(query, *args)

    async def execute(self, query: str, *args: Any) -> str:
        """Runs a statement, answers its command tag. Raises `Unavailable`."""
        async with self.acquire() as connection:
            return await connection.execute(query, *args)


async def connect(dsn: str, **settings: str) -> Connection:
    """One connection with Doorward's settings, or these instead. Raises what asyncpg raises."""
    return await asyncpg.connect(
        dsn,
        timeout=_CONNECT,
        command_timeout=_COMMAND,
        server_settings=_SETTINGS | settings,
    )
