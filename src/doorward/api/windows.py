"""The span of time that a request asks for, held to the workspace's clock."""

from datetime import datetime

from doorward.errors import invalid_input
from doorward.store.access import Window, instant


def window(starts_at: datetime | None, ends_at: datetime | None, now: datetime) -> Window:
    """A window [starts_at, ends_at) in whole milliseconds, as doors count them.

    Without a start it begins now, without an end it is open. Raises ApiError 400 `invalid_input`
    for one that is over before it begins, or already.
    """
    start = instant(now if starts_at is None else starts_at)
    if ends_at is None:
        return start, None
    end = instant(ends_at)
    if end <= instant(now):
        raise invalid_input("'ends_at' must be in the future")
    if end <= start:
        raise invalid_input("'ends_at' must be after 'starts_at'")
    return start, end
