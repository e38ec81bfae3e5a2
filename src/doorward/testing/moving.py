"""Moving a server's time."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any


class AdvanceTime:
    """Moves the time of a test's workspace forward: for every read and every door at once."""

    def __init__(self, call: Callable[..., Any]) -> None:
        self._call = call

    def __call__(
        self,
        by: timedelta = timedelta(),
        *,
        to: datetime | str | None = None,
        days: float = 0,
        hours: float = 0,
        minutes: float = 0,
        seconds: float = 0,
    ) -> datetime:
        """Moves time on by so much, or to a time that is not before now; answers the new time.

        advance_time(hours=8); advance_time(timedelta(days=30)); advance_time(to=ends_at), the
        latter as a datetime or in ISO 8601; without a zone it is in UTC. Raises CallError where it
        would move back, or beyond a century.
        """
        by += timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
        if to is None:
            if by % timedelta(seconds=1):
                raise ValueError("time moves on by whole seconds; to= takes parts of them")
            return self._move(seconds=by // timedelta(seconds=1))
        if by:
            raise ValueError("say by how much to move time, or to which time; not both")
        if isinstance(to, str):
            to = datetime.fromisoformat(to)
        return self._move(to=(to if to.tzinfo else to.replace(tzinfo=UTC)).isoformat())

    def now(self) -> datetime:
        """What time it is in the workspace, in UTC."""
        return self._move(seconds=0)

    def _move(self, **how: Any) -> datetime:
        told = self._call("/doorward/simulate/advance_time", **how)
        return datetime.fromisoformat(told["workspace_time"]["now"])
