"""Values that several resources share: timestamps, errors and warnings."""

from datetime import UTC, datetime
from typing import Annotated, Final, TypeVar

import msgspec

T = TypeVar("T")

Timestamp = Annotated[str, msgspec.Meta(extra_json_schema={"format": "date-time"})]

# What is stored lies between these. asyncpg writes the ends of Python's calendar as infinity, which
# no reply can show; and with a year to spare no offset or addition leaves the calendar.
EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(9998, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)


class Resource(msgspec.Struct, frozen=True, kw_only=True):
    """A reply's object. A field left UNSET is absent from the reply, None is null."""


class ErrorEntry(Resource, frozen=True, kw_only=True):
    """An error of a resource, which stays until its cause is gone."""

    created_at: Timestamp
    error_code: str
    message: str


class WarningEntry(Resource, frozen=True, kw_only=True):
    """A warning of a resource."""

    created_at: Timestamp
    warning_code: str
    message: str


class AccessSchedule(Resource, frozen=True, kw_only=True):
    """The span of time in which a person's or a group's access holds; no end is for ever."""

    starts_at: Timestamp
    ends_at: Timestamp | None


def iso(moment: datetime) -> Timestamp:
    """ISO 8601 in UTC with milliseconds and Z, as every reply writes its times.

    A moment without a zone is in UTC: asyncpg reads PostgreSQL's infinity so.
    """
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return aware.astimezone(UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def iso_or_none(moment: datetime | None) -> Timestamp | None:
    """Like `iso`, with None for None."""
    return None if moment is None else iso(moment)


def schedule(
    starts_at: datetime | None, ends_at: datetime | None, created_at: datetime
) -> AccessSchedule | msgspec.UnsetType:
    """The schedule of a window, UNSET for one without bounds.

    The API always names a start, so a window without one starts when its owner was made.
    """
    if starts_at is None and ends_at is None:
        return msgspec.UNSET
    return AccessSchedule(starts_at=iso(starts_at or created_at), ends_at=iso_or_none(ends_at))


def given(value: T | None) -> T | msgspec.UnsetType:
    """A value that the API leaves out where there is none."""
    return msgspec.UNSET if value is None else value
