"""Long transactions that let go where others wait for them: nobody's removal hangs on a load."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

from doorward.errors import StartError, Unavailable
from doorward.store.database import Connection, Database

# Seconds that others may wait: less than a server's writer does (its lock_timeout, 3 s), by so much
# that there is time to notice, to stop and to roll back. And seconds between looks.
PATIENCE: Final = 2.0
_INTERVAL: Final = 0.1

# Whoever waits behind somebody else who waits has not waited longer. The session ends, not only its
# statement: it may be between two of them, with its locks.
_GIVE_WAY: Final = """
select pg_terminate_backend($1) where exists (
  select from pg_locks where not granted and $1 = any (pg_blocking_pids(pid))
    and clock_timestamp() - waitstart > make_interval(secs => $2))"""


@asynccontextmanager
async def giving_way(
    database: Database, connection: Connection, patience: float = PATIENCE
) -> AsyncIterator[None]:
    """Ends the connection where anybody has waited `patience` seconds for its transaction's locks.

    Raises StartError then. The transaction is begun and ended within.
    """
    over = asyncio.Event()
    looks = asyncio.create_task(_look(database, connection.get_server_pid(), patience, over))
    try:
        yield
    except StartError:
        raise
    except Exception:
        over.set()
        if not await looks:
            raise
        raise StartError(
            "nothing was done: others' changes would have had to wait too long for so many at"
            " once; split the file, or come back when less is going on"
        ) from None
    finally:
        over.set()
        await looks


async def _look(database: Database, pid: int, patience: float, over: asyncio.Event) -> bool:
    """Looks until it is over; answers whether way was given."""
    has_given = False
    while not over.is_set():
        with suppress(Unavailable):
            has_given |= bool(await database.fetchval(_GIVE_WAY, pid, patience))
        with suppress(TimeoutError):
            await asyncio.wait_for(over.wait(), _INTERVAL)
    return has_given
