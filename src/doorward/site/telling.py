"""Tells the journal, and so the doors, of people whom a load has made, in parts.

Whoever else changes access waits for one part at most, some 50 ms.
"""

import asyncio
import contextlib
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Final
from uuid import UUID

from doorward.errors import StartError, Unavailable
from doorward.site.loading import Progress, silent
from doorward.store import untold
from doorward.store.database import Database
from doorward.store.watch import announce

# How long one part may hold up a running server's writes, in seconds; how small and large it is.
_PART_SECONDS: Final = 0.05
SIZES: Final = (20, 5_000)
_FIRST: Final = 200
# Seconds between a server's looks at what others have left.
_SWEEP: Final = 2.0


class Pace:
    """How much makes a part, from how long the last one took."""

    def __init__(self) -> None:
        self.size = _FIRST

    @contextmanager
    def measured(self, done: int) -> Iterator[None]:
        """Measures what does so much."""
        start = monotonic()
        yield
        each = max(monotonic() - start, 1e-6) / done
        least, most = SIZES
        self.size = max(least, min(most, int(_PART_SECONDS / each)))


async def tell_of_load(
    database: Database, workspace_id: UUID, *, total: int, progress: Progress
) -> None:
    """Tells of what a load has committed. total: so many facts, for the progress.

    Raises StartError where PostgreSQL goes away meanwhile.
    """
    try:
        await tell_all(database, workspace_id, total=total, progress=progress)
    except Unavailable as trouble:
        raise StartError(
            f"everybody was written, but the doors do not know of all of them yet ({trouble}):"
            " they will within seconds of PostgreSQL and a server running again; do not do it twice"
        ) from trouble


async def tell_all(
    database: Database, workspace_id: UUID, *, total: int = 0, progress: Progress = silent
) -> None:
    """Tells of all that is untold in a workspace; see `tell_of_load`.

    Raises Unavailable; what is left then is told by the next who comes here, or by a server.
    """
    pace, told, done = Pace(), 0, 1
    while done:
        async with database.acquire() as connection:
            with pace.measured(pace.size):
                done = await untold.tell(connection, workspace_id, pace.size)
            await announce(connection)
        told += done
        progress(min(told, total), total)


async def tell_what_others_left(database: Database) -> None:
    """For as long as a server runs, tells of what nobody else does: of what has not moved from one
    look to the next.
    """
    before: dict[UUID, int] = {}
    while True:
        with contextlib.suppress(Unavailable):
            places = await untold.next_places(database)
            for workspace_id, place in places.items():
                if before.get(workspace_id) == place:
                    await tell_all(database, workspace_id)
            before = places
        await asyncio.sleep(_SWEEP)
