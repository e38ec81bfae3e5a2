"""What the parameters of several calls have in common."""

from typing import Any, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from doorward.errors import not_found

T = TypeVar("T")


class NoParameters(msgspec.Struct):
    """A call that asks for nothing but its answer."""


def is_given(value: Any) -> bool:
    """Whether a parameter was sent; one that was sent as null counts as not."""
    return value is not UNSET and value is not None


def or_none(value: T | UnsetType) -> T | None:
    """A parameter's value, None where it was not sent."""
    return None if isinstance(value, UnsetType) else value


def exactly_one(request: msgspec.Struct, *names: str) -> list[str]:
    """What is wrong when not exactly one of these parameters was sent."""
    count = sum(is_given(getattr(request, name)) for name in names)
    listed = [f"'{name}'" for name in names]
    if count == 0:
        return [f"Either {' or '.join(listed)} is required"]
    return [f"Only one of {' and '.join(listed)} may be given"] if count > 1 else []


def found(resource: T | None, kind: str) -> T:
    """A resource that must be there. Raises ApiError 404 `<kind>_not_found`."""
    if resource is None:
        raise not_found(kind)
    return resource
