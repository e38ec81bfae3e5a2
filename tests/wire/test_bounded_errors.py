"""However large and wrong a request is, its refusal is small, and found in a bounded time."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
from msgspec import inspect

from doorward.api.table import ROUTES
from doorward.errors import ApiError
from doorward.wire.body import BODY_LIMIT, parse_body
from doorward.wire.errors import refused
from doorward.wire.issues import MOST_ISSUES
from doorward.wire.parameters import Parameters
from doorward.wire.readers import Field
from doorward.wire.route import Route
from tests.fuzz.test_bounded import _steps
from tests.parameters import fields_of_route, parameter_sets, plain

LARGEST_ANSWER = 64 * 1024
# One pass over a list that is as long as any may be, at most.
MOST_STEPS = 1_500_000
# A look at the first wrong items, of however many.
FEW_STEPS = 20_000

ID = "8d7e0b3a-b889-49a7-9164-4b71a0506a33"
# Values of so many bytes of JSON.
SHAPES: dict[str, Callable[[int], Any]] = {
    "a long text": lambda size: "x" * size,
    "a long text of which each character is told in six": lambda size: "\x01" * (size // 6),
    "many texts": lambda size: ["x"] * (size // 4),
    "long texts": lambda size: ["\x01" * (size // 150)] * 25,
    "many numbers": lambda size: [1] * (size // 2),
    "many ids": lambda size: [ID] * min(size // 39, 10_000),
    "many ids and none": lambda size: [ID] * min(size // 39, 9_999) + ["x"],
    "many lists": lambda size: [[]] * (size // 3),
    "many names": lambda size: {f"n{n}": n for n in range(size // 20)},
    "long names": lambda size: {"\x01" * (size // 300) + str(n): [] for n in range(45)},
    "a long name": lambda size: {"x" * size: None},
}
EVERY = pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.path)


def nobody(_name: str) -> str:
    return ID


def answer(route: Route, given: dict[str, Any]) -> bytes:
    """The refusal of a request, nothing where it is understood."""
    try:
        Parameters(route.request, route.page_limit).read(b"", given)
    except ApiError as error:
        return refused(error).body
    return b""


def requests(route: Route) -> Iterator[dict[str, Any]]:
    fields = fields_of_route(route)
    needed = plain(parameter_sets(route, nobody)[0])
    for make in SHAPES.values():
        large = make(BODY_LIMIT - 4096)
        for field in fields:
            yield needed | {field.name: large}
            yield {field.name: large}
        share = make((BODY_LIMIT - 4096) // max(len(fields), 1))
        yield {field.name: share for field in fields}


@EVERY
def test_a_refusal_is_small(route: Route) -> None:
    for given in requests(route):
        told = answer(route, given)
        assert len(told) < LARGEST_ANSWER
        if told:
            most = MOST_ISSUES + len(fields_of_route(route))
            assert messages(json.loads(told)["error"]["validation_errors"]) <= most


def messages(node: dict[str, Any]) -> int:
    inner = [messages(each) for name, each in node.items() if name != "_errors"]
    return len(node["_errors"]) + sum(inner)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_refusal_takes_bounded_work(shape: str) -> None:
    large = SHAPES[shape](BODY_LIMIT - 4096)
    for route, field in one_of_each_kind():
        needed = plain(parameter_sets(route, nobody)[0])
        assert steps(route, needed | {field.name: large}) < MOST_STEPS, (route.path, field.name)


def test_many_wrong_items_are_not_all_looked_at() -> None:
    wrong: dict[str, Any] = {"since": "2020-01-01"}
    (route,) = [route for route in ROUTES if route.path == "/events/list"]
    assert steps(route, wrong | {"event_ids": [1] * 10_000}) < FEW_STEPS
    unknown, known = [
        steps(route, wrong | {"event_types": [name] * 10_000}) for name in ("x", "lock.unlocked")
    ]
    assert unknown < known


def steps(route: Route, given: dict[str, Any]) -> int:
    """How many steps of the interpreter reading a request takes, and telling what is wrong."""
    parameters = Parameters(route.request, route.page_limit)

    def read() -> None:
        try:
            parameters.read(b"", given)
        except ApiError as error:
            refused(error)

    return _steps(read)


def one_of_each_kind() -> list[tuple[Route, Field]]:
    kinds = {
        (repr(field.kind), getattr(route.request, "check", None)): (route, field)
        for route in ROUTES
        for field in fields_of_route(route)
        if "List" in repr(field.kind) or "Dict" in repr(field.kind)
    }
    return list(kinds.values())


def test_every_list_has_a_bound() -> None:
    for route in ROUTES:
        for field in fields_of_route(route):
            for kind in kinds_within(field.kind):
                if isinstance(kind, inspect.ListType | inspect.DictType):
                    assert kind.max_length is not None, (route.path, field.name)


def kinds_within(kind: inspect.Type) -> Iterator[inspect.Type]:
    yield kind
    match kind:
        case inspect.Metadata():
            yield from kinds_within(kind.type)
        case inspect.UnionType():
            for each in kind.types:
                yield from kinds_within(each)
        case inspect.ListType():
            yield from kinds_within(kind.item_type)
        case inspect.DictType():
            yield from kinds_within(kind.value_type)


def test_wrong_types_of_events_are_told_once_each() -> None:
    (route,) = [route for route in ROUTES if route.path == "/events/list"]
    sent = msgspec.json.encode({"since": "2020-01-01", "event_types": ["x"] * 200_000})
    told = answer(route, parse_body(sent, None, "POST"))
    assert "at most 10000" in json.loads(told)["error"]["message"]
    told = answer(route, {"since": "2020-01-01", "event_types": ["x" * 100] * 10_000})
    assert len(told) < 8 * 1024
