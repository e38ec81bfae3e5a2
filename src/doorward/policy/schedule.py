"""The calendar: when a window is open."""

from datetime import UTC, datetime, timedelta
from typing import Final, Literal

from doorward.policy.facts import Window

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND: Final = timedelta(milliseconds=1)


def milliseconds(instant: datetime) -> int:
    """Whole milliseconds since 1970, rounded down; an instant without a zone is in UTC."""
    aware = instant if instant.tzinfo is not None else instant.replace(tzinfo=UTC)
    return (aware - EPOCH) // MILLISECOND


def outside(window: Window, now: int) -> Literal["before", "after"] | None:
    """On which side of a window, [starts_at, ends_at), `now` lies; None while it is open.

    `now` is in milliseconds since 1970.
    """
    if window.starts_at is not None and now < window.starts_at:
        return "before"
    if window.ends_at is not None and now >= window.ends_at:
        return "after"
    return None
