"""Where the fuzzers start: every route's parameters, and values that fit them or just do not."""

import math
from collections.abc import Sequence
from random import Random
from typing import Any, NamedTuple

import msgspec
from msgspec import inspect

from doorward.api.table import ROUTES
from doorward.wire.body import DEPTH_LIMIT
from doorward.wire.parameters import Given, Parameters
from doorward.wire.route import Route
from tests.wire import toy

ID = "8d7e0b3a-b889-49a7-9164-4b71a0506a33"
TEXTS = (
    *("a", "A b", "true", "1", "null", "", " ", "ä€😀", "a.b", "a[]", "a,b", "[]", "{}", "+", "%"),
    *("_strict", "_errors", "error", "x" * 200, ID, ID.upper(), "jane@example.com"),
)
MOMENTS = ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00.123456+02:00", "2026-01-01", "9999-12-31")


class Place(NamedTuple):
    """A route that takes parameters, and what reads them."""

    route: Route
    parameters: Parameters


# Where both tables have a path it is the real one.
BY_PATH = {
    route.path: Place(route, Parameters(route.request, route.page_limit))
    for route in (*toy.ROUTES, *ROUTES)
}
PLACES = tuple(BY_PATH.values())


def any_place(random: Random) -> Place:
    """A route; the toy one that takes every type of parameter is a third of them."""
    return _EVERYTHING if random.random() < 0.33 else random.choice(PLACES)


_EVERYTHING = BY_PATH["/toy/echo"]


def parameters(place: Place, random: Random) -> dict[str, Any]:
    """Values that mostly fit the route's parameters, as JSON."""
    chance = random.choice((0.2, 0.5, 0.9))
    return {
        field.name: value_of(field.kind, random)
        for field in place.parameters.fields
        if field.is_required or random.random() < chance
    }


def value_of(kind: inspect.Type, random: Random) -> Any:
    """A JSON value of a parameter's type; now and then one of another type."""
    if random.random() < 0.04:
        return odd_value(random)
    match kind:
        case inspect.Metadata():
            return value_of(kind.type, random)
        case inspect.UnionType():
            return value_of(random.choice(kind.types), random)
        case inspect.ListType():
            return [value_of(kind.item_type, random) for _ in range(random.choice((0, 1, 2, 5)))]
        case inspect.DictType():
            return {_name(random): value_of(kind.value_type, random) for _ in range(3)}
        case inspect.StructType():
            return {field.encode_name: value_of(field.type, random) for field in kind.fields}
        case _:
            return _scalar(kind, random)


def _scalar(kind: inspect.Type, random: Random) -> Any:
    match kind:
        case inspect.NoneType():
            return None
        case inspect.UUIDType():
            return random.choice((ID, ID, ID.upper(), ID.replace("8", "0")))
        case inspect.BoolType():
            return random.random() < 0.5
        case inspect.IntType() | inspect.FloatType():
            return random.choice((1, 7, 50, 0, -1, 2.5, 1e3, 2**53, 1e308))
        case inspect.DateTimeType():
            return random.choice(MOMENTS)
        case inspect.LiteralType():
            return random.choice(kind.values)
        case inspect.AnyType():
            return odd_value(random)
        case _:
            return random.choice(TEXTS)


def _name(random: Random) -> str:
    return random.choice(TEXTS) or "k"


def odd_value(random: Random) -> Any:
    """Any JSON value."""
    match random.randrange(16):
        case 0:
            return None
        case 1:
            return random.random() < 0.5
        case 2:
            return random.choice((0, -0.0, 1e308, 5e-324, 2**63, 2**64 - 1, -(2**63), 0.1))
        case 3:
            return [odd_value(random) for _ in range(random.randrange(4))]
        case 4:
            return {_name(random): odd_value(random) for _ in range(random.randrange(4))}
        case 5 if random.random() < 0.3:
            return _nested(random.choice((2, 20, 33, 60)), random)
        case 6 if random.random() < 0.3:
            return "a\0b"
        case _:
            return random.choice(TEXTS)


def _nested(levels: int, random: Random) -> Any:
    value: Any = 1
    lists = random.choice((0, 0.3))
    for _ in range(levels):
        value = [value] if random.random() < lists else {"k": value}
    return value


def depth_of(value: Any) -> int:
    """How many arrays and objects are around the innermost value."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max(map(depth_of, inner), default=0) if isinstance(value, dict | list) else 0


def names(place: Place) -> Sequence[str]:
    """The names of the route's parameters, and one that it has not."""
    return [*(field.name for field in place.parameters.fields), "unknown"]


def must_be_sound(place: Place, given: Given) -> None:
    """What was read is of the declared types, within their bounds, and can be written again."""
    written = msgspec.json.encode(given.request)
    again = msgspec.convert(msgspec.to_builtins(given.request), place.route.request)
    assert msgspec.json.encode(again) == written
    plain = msgspec.to_builtins(given.request)
    assert _is_storable(plain), "no JSON number, or NUL"
    # A query's name has so many dots behind its first.
    assert depth_of(plain) <= DEPTH_LIMIT + 2, "nested too deep"
    assert given.limit >= 0
    assert given.page_cursor is None or "\0" not in given.page_cursor


def _is_storable(value: Any) -> bool:
    match value:
        case str():
            return "\0" not in value
        case float():
            return math.isfinite(value)
        case list():
            return all(map(_is_storable, value))
        case dict():
            return all(map(_is_storable, value)) and all(map(_is_storable, value.values()))
        case _:
            return True
