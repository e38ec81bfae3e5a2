"""The clients' query encoding: the same from all writers, and read back as what was written.

What has no form in a query is documented as such and left out here: empty texts and objects, lists
of objects, dots in the names of members, and the difference between true and "true" where both are
accepted.
"""

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import inspect
from seam.null import NULL
from seam.url_search_params_serializer import serialize_url_search_params

from doorward.api.table import ROUTES
from doorward.wire.links import write_query
from doorward.wire.query import coercions, read_query
from doorward.wire.route import Route
from tests.clients.client import ClientMissingError
from tests.clients.drivers import find
from tests.clients.node_packages import node_program
from tests.clients.places import CHECKOUT
from tests.clients.tours import HERE
from tests.parameters import fields_of_route, known_ids, parameter_sets, plain
from tests.properties.strategies import EXAMPLES, accepted

Query = Callable[[dict[str, Any]], str]
EVERY = pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.path)


@pytest.fixture(scope="module")
def javascript() -> Iterator[Query]:
    """The JavaScript clients' own serializer, in a process that stays."""
    try:
        find("javascript")
    except ClientMissingError as error:
        pytest.skip(str(error))
    program = (HERE / "serializer.mjs").read_text()
    with subprocess.Popen(
        [str(node_program()), "--input-type=module", "--eval", program],
        cwd=CHECKOUT.node,
        env={"PATH": os.environ.get("PATH", os.defpath)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        asked, told = process.stdin, process.stdout

        def write(parameters: dict[str, Any]) -> str:
            print(json.dumps(parameters), file=asked, flush=True)
            answer = json.loads(told.readline())
            query: str = answer["query"]
            return f"{query}&_strict=true" if query else ""

        yield write
        asked.close()


def python(parameters: dict[str, Any]) -> str:
    """The Python client's own serializer."""
    return serialize_url_search_params(_with_null(parameters), strict=True)


def _with_null(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _with_null(each) for name, each in value.items()}
    return NULL if value is None else value


@cache
def parameters_of(route: Route) -> st.SearchStrategy[dict[str, Any]]:
    """Valid values of any of a route's parameters, as far as a query can tell them."""
    fields = fields_of_route(route)
    strategies = {f.name: accepted(f).map(_lossless(f.kind)).filter(_is_writable) for f in fields}
    return st.fixed_dictionaries({}, optional=strategies)


def _lossless(kind: inspect.Type) -> Callable[[Any], Any]:
    """What a value becomes where its type cannot be told: the null of a list, true and "true"."""
    kinds = kinds_of(kind)

    def told(value: Any) -> Any:
        if value is None and any(isinstance(one, inspect.ListType) for one in kinds):
            return []
        if isinstance(value, bool) and any(isinstance(one, inspect.StrType) for one in kinds):
            return str(value).lower()
        if isinstance(value, dict):
            return _lossless_members(kinds, value)
        return value

    return told


def _lossless_members(kinds: list[inspect.Type], value: dict[str, Any]) -> dict[str, Any]:
    of_members: dict[str, inspect.Type] = {}
    for kind in kinds:
        if isinstance(kind, inspect.DictType):
            of_members = dict.fromkeys(value, kind.value_type)
        elif isinstance(kind, inspect.StructType):
            of_members = {field.encode_name: field.type for field in kind.fields}
    return {name: _lossless(of_members[name])(each) for name, each in value.items()}


def kinds_of(kind: inspect.Type) -> list[inspect.Type]:
    """The plain types that a value may have."""
    match kind:
        case inspect.Metadata():
            return kinds_of(kind.type)
        case inspect.UnionType():
            return [one for each in kind.types for one in kinds_of(each)]
        case _:
            return [kind]


def _is_writable(value: Any) -> bool:
    """Whether the clients can write it: all of them refuse what these are, or leave it out."""
    if value in ("", {}):
        return False
    if isinstance(value, list):
        return all(isinstance(each, str | int | float) and each != "" for each in value)
    if isinstance(value, dict):
        return all("." not in name and _is_writable(each) for name, each in value.items())
    return True


def _has_objects(value: Any) -> bool:
    return isinstance(value, list) and any(isinstance(each, dict) for each in value)


@EVERY
def test_what_all_clients_write_is_what_is_read(route: Route, javascript: Query) -> None:
    known = coercions(fields_of_route(route))

    def check(parameters: dict[str, Any]) -> None:
        query = python(parameters)
        assert javascript(parameters) == query
        assert write_query(parameters) == query
        assert read_query(query.encode(), known) == parameters

    lossless = {field.name: _lossless(field.kind) for field in fields_of_route(route)}
    for values in map(plain, parameter_sets(route, known_ids({}))):
        told = {name: lossless[name](value) for name, value in values.items()}
        check({name: value for name, value in told.items() if not _has_objects(value)})
    settings(max_examples=EXAMPLES, deadline=None)(given(parameters_of(route))(check))()
