"""How far sandbox workspaces are ahead of real time."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final
from uuid import UUID

from doorward.clock import MovableClock
from doorward.store.database import Database
from doorward.store.select import Source
from doorward.store.watch import announce

# A century: whatever is to be tried out lies within it, and no calculation leaves the calendar.
MOST_AHEAD: Final = timedelta(days=36525)


async def read_clock(source: Source) -> MovableClock:
    """The clock of a command that is done in a moment: what counts at its start."""
    clock = MovableClock()
    clock.heard(await read_moved(source), since=0)
    return clock


async def read_moved(source: Source) -> Mapping[UUID, timedelta]:
    """Every sandbox workspace that is ahead, and how far."""
    rows = await source.fetch(
        "select workspace_id, clock_ahead from workspace where is_sandbox and clock_ahead > '0'"
    )
    return {row[0]: row[1] for row in rows}


async def advance_by(database: Database, workspace_id: UUID, step: timedelta) -> timedelta | None:
    """Moves a clock on; answers how far ahead it is then, None where that is too far.

    Every server hears of it within its next look. Raises Unavailable.
    """
    return await _move(database, workspace_id, "clock_ahead + $2", step)


async def advance_to(database: Database, workspace_id: UUID, ahead: timedelta) -> timedelta | None:
    """Sets how far ahead a clock is; None where that is too far, or where it is further by now.

    Every server hears of it within its next look. Raises Unavailable.
    """
    return await _move(database, workspace_id, "$2", ahead)


async def _move(
    database: Database, workspace_id: UUID, target: str, by: timedelta
) -> timedelta | None:
    async with database.acquire() as connection:
        ahead: timedelta | None = await connection.fetchval(
            f"update workspace set clock_ahead = {target} where workspace_id = $1 and is_sandbox"  # noqa: S608
            f" and {target} between clock_ahead and $3 returning clock_ahead",
            workspace_id,
            by,
            MOST_AHEAD,
        )
        await announce(connection)
    return ahead
