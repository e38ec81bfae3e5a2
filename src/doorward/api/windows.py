"""The span of time that a request asks for, held to the workspace's clock."""

from datetime import datetime

from doorward.errors import invalid_input
from doorward.store.access import Window, instant


def window(starts_at: datetime | None, ends_at: datetime | None, now: datetime) -> Window:
    """A window [starts_at, ends_at) in whole milliseconds, as doors count them.

    Without a start it begins now, without an end it is open. Raises ApiError 400 `invalid_input`
    for one that is over before it begins, or already.
    """
    return changed((None, None), (now if starts_at is None else starts_at, ends_at), now)


def changed(old: Window, new: Window, now: datetime) -> Window:
    """A window that takes the place of another, in whole milliseconds; None is no bound.

    A bound that is the old one to the millisecond stays exactly as it is, and so does an end that
    is over. Raises ApiError 400 `invalid_input` for a new end that is past, and for a window that
    is over before it begins.
    """
    start, end = _bound(old[0], new[0]), _bound(old[1], new[1])
    if end is None:
        return start, None
    if end != old[1] and end <= instant(now):
        raise invalid_input("'ends_at' must be in the future")
    if start is not None and instant(end) <= instant(start):
        raise invalid_input("'ends_at' must be after 'starts_at'")
    return start, end


def _bound(old: datetime | None, new: datetime | None) -> datetime | None:
    if new is None:
        return None
    return old if old is not None and instant(old) == instant(new) else instant(new)
