"""Readers of single values: JSON in, Python out, with Zod's words for what does not fit."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from msgspec import inspect

from doorward.resources.values import EARLIEST, LATEST, iso
from doorward.wire.issues import expected, received, shortened, wrong

Reader = Callable[[Any], Any]

# Beyond this the clients' own numbers are no longer exact, and PostgreSQL's bigint ends not far.
SAFE_INTEGER = 2**53 - 1

# `msgspec.Meta(extra=COMPARED)` on a time says that it is compared with and never stored.
COMPARED: Final = {"is_compared": True}

_ISO_8601 = re.compile(
    r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?", re.ASCII
)


def read_uuid(value: Any) -> UUID:
    """An id in its 8-4-4-4-12 form, in either case. Raises Invalid."""
    if type(value) is not str:
        raise expected("string", value)
    # msgspec reads 32 digits without hyphens as well; no client writes ids like that.
    if len(value) != 36:
        raise wrong("Invalid uuid")
    try:
        return msgspec.convert(value, UUID)
    except msgspec.ValidationError:
        raise wrong("Invalid uuid") from None


def read_datetime(value: Any) -> datetime:
    """ISO 8601, to UTC; a time without an offset is in UTC, as the clients mean it.

    A date alone is its midnight. Raises Invalid, also outside what can be stored.
    """
    moment = _moment(value)
    if moment < EARLIEST:
        raise wrong(f"Date must be greater than or equal to {iso(EARLIEST)}")
    if moment > LATEST:
        raise wrong(f"Date must be smaller than or equal to {iso(LATEST)}")
    return moment.astimezone(UTC)


def read_compared(value: Any) -> datetime:
    """Like `read_datetime`, but what is outside stands for the nearest that can be stored.

    Nothing that it is compared with lies beyond; programs send year 1 for "ever". Raises Invalid.
    """
    return min(max(_moment(value), EARLIEST), LATEST).astimezone(UTC)


def _moment(value: Any) -> datetime:
    """A time with its own offset: in UTC it may be outside of the calendar."""
    if type(value) is not str:
        raise expected("string", value)
    text = value.upper()
    if not _ISO_8601.fullmatch(text):
        raise wrong("Invalid datetime")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise wrong("Invalid datetime") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def read_bool(value: Any) -> bool:
    """True or false. Raises Invalid."""
    if type(value) is not bool:
        raise expected("boolean", value)
    return value


def read_anything(value: Any) -> Any:
    """A free-form value, as it came."""
    return value


def string_reader(kind: inspect.StrType) -> Reader:
    """Reads a string within its length and pattern."""
    shortest, longest = kind.min_length or 0, kind.max_length
    pattern = re.compile(_whole(kind.pattern)) if kind.pattern else None

    def read(value: Any) -> str:
        if type(value) is not str:
            raise expected("string", value)
        if len(value) < shortest:
            raise wrong(f"String must contain at least {shortest} character(s)")
        if longest is not None and len(value) > longest:
            raise wrong(f"String must contain at most {longest} character(s)")
        if pattern is not None and not pattern.search(value):
            raise wrong("Invalid")
        return value

    return read


def _whole(pattern: str) -> str:
    """A JSON Schema's pattern in Python's words, whose `$` lets a line break follow."""
    return f"{pattern[:-1]}\\Z" if pattern.endswith("$") else pattern


def integer_reader(kind: inspect.IntType) -> Reader:
    """Reads a whole number within its bounds; 1.0 is one, as JSON knows no difference."""
    within = _bounds(kind)

    def read(value: Any) -> int:
        if type(value) is float and value.is_integer():
            value = int(value)
        if type(value) is float:
            raise wrong("Expected integer, received float")
        if type(value) is not int:
            raise expected("number", value)
        within(value)
        return value

    return read


def number_reader(kind: inspect.FloatType) -> Reader:
    """Reads a number within its bounds."""
    within = _bounds(kind)

    def read(value: Any) -> float:
        if type(value) is not int and type(value) is not float:
            raise expected("number", value)
        within(value)
        return float(value)

    return read


def literal_reader(kind: inspect.LiteralType) -> Reader:
    """Reads one of a closed set of strings."""
    choices = frozenset(kind.values)
    listed = " | ".join(f"'{choice}'" for choice in kind.values)

    def read(value: Any) -> str:
        if type(value) is not str:
            raise wrong(f"Expected {listed}, received {received(value)}")
        if value not in choices:
            raise wrong(f"Invalid enum value. Expected {listed}, received '{shortened(value)}'")
        return value

    return read


def _bounds(kind: inspect.IntType | inspect.FloatType) -> Callable[[float], None]:
    least = kind.ge if kind.ge is not None else -SAFE_INTEGER
    most = kind.le if kind.le is not None else SAFE_INTEGER
    above, below = kind.gt, kind.lt

    def within(value: float) -> None:
        if above is not None and value <= above:
            raise wrong(f"Number must be greater than {above}")
        if below is not None and value >= below:
            raise wrong(f"Number must be less than {below}")
        if value < least:
            raise wrong(f"Number must be greater than or equal to {least}")
        if value > most:
            raise wrong(f"Number must be less than or equal to {most}")

    return within
