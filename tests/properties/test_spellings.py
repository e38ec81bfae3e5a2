"""Every spelling of a call means the same: for every route, whatever its parameters."""

from collections.abc import Iterator
from itertools import product
from typing import Any
from urllib.parse import quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET, inspect

from doorward.api.table import ROUTES
from doorward.errors import ApiError
from doorward.wire.links import write_query
from doorward.wire.parameters import Given, Parameters
from doorward.wire.readers import Field
from doorward.wire.route import Route
from tests.parameters import Parameter, fields_of_route, known_ids, parameter_sets, plain
from tests.properties.strategies import EXAMPLES
from tests.properties.test_encoding import kinds_of, parameters_of
from tests.properties.world import World, world_on
from tests.wire.toy import Answer, call

EVERY = pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.path)
READING = pytest.mark.parametrize(
    "route", [r for r in ROUTES if "GET" in r.verbs], ids=lambda route: route.path
)
OPEN = ("/health", "/openapi.json")
TRUE = ("true", "yes", "1", "True", "YES", " true ")
FALSE = ("false", "no", "0", "False", "NO", " false ")


@pytest.fixture(scope="module")
def world(postgres: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world_on(postgres, tmp_path_factory.mktemp("spellings")) as world:
        yield world


def understood(route: Route, query: str, body: Parameter) -> Given | tuple[str, str]:
    """What a call asks for, or how it is refused."""
    parameters = Parameters(route.request, route.page_limit)
    try:
        return parameters.read(query.encode(), body)
    except ApiError as error:
        return error.kind, error.message


@READING
def test_head_is_get_without_a_body(world: World, route: Route) -> None:
    for given_ in parameter_sets(route, world.known):
        query = write_query(plain(given_))
        get, head = (world.runner.run(world.call(v, route.path, query)) for v in ("GET", "HEAD"))
        assert_same_but_for_the_body(get, head)


@pytest.mark.parametrize("path", OPEN)
def test_head_of_an_open_page(world: World, path: str) -> None:
    get, head = (world.runner.run(world.call(verb, path)) for verb in ("GET", "HEAD"))
    assert get.status == 200
    assert_same_but_for_the_body(get, head)


def assert_same_but_for_the_body(get: Answer, head: Answer) -> None:
    assert (head.status, head.body) == (get.status, b"")
    assert head.headers.pop("seam-request-id") != get.headers.pop("seam-request-id")
    assert head.headers == get.headers
    assert int(head.headers["content-length"]) == len(get.body)


@pytest.mark.parametrize("path", [*(route.path for route in ROUTES), *OPEN, "/unknown", "/"])
def test_preflight(world: World, path: str) -> None:
    """Of every path, without a token, and for whatever the page asks."""
    for verb, names in product(("POST", "DELETE", "PATCH"), ("authorization", "seam-workspace")):
        headers = {
            "origin": "https://console.test",
            "access-control-request-method": verb,
            "access-control-request-headers": names,
        }
        asked = call(world.server.app, "OPTIONS", path, headers=headers, token=None)
        answer = world.runner.run(asked)
        assert (answer.status, answer.body) == (200, b"")
        told = answer.headers
        assert told["access-control-allow-origin"] == "https://console.test"
        assert verb in told["access-control-allow-methods"].split(", ")
        assert names in told["access-control-allow-headers"].split(", ")


def test_bearer_in_any_case(world: World) -> None:
    for letters in product(*zip("bearer", "BEARER", strict=True)):
        header = {"authorization": f"{''.join(letters)} {world.key}"}
        asked = call(world.server.app, "GET", "/workspaces/get", headers=header, token=None)
        assert world.runner.run(asked).status == 200


@EVERY
def test_parameters_come_in_query_and_body_as_one_likes(route: Route) -> None:
    @settings(max_examples=EXAMPLES // 2, deadline=None)
    @given(parameters_of(route), st.data())
    def check(values: Parameter, data: st.DataObject) -> None:
        names = data.draw(st.sets(st.sampled_from([*values])) if values else st.just(set()))
        query = write_query({name: values[name] for name in names})
        body = {name: value for name, value in values.items() if name not in names}
        assert understood(route, query, body) == understood(route, "", values)

    check()


@EVERY
def test_the_body_counts_where_both_name_a_parameter(route: Route) -> None:
    @settings(max_examples=EXAMPLES // 4, deadline=None)
    @given(parameters_of(route), parameters_of(route))
    def check(values: Parameter, others: Parameter) -> None:
        hidden = {name: value for name, value in others.items() if name in values}
        assert understood(route, write_query(hidden), values) == understood(route, "", values)

    check()


@EVERY
def test_lenient_spellings_mean_the_same(route: Route) -> None:
    """Commas, brackets, blanks around what is no text, other words for true, upper-case ids."""
    kinds = {field.name: kinds_of(field.kind) for field in fields_of_route(route)}

    @settings(max_examples=EXAMPLES // 2, deadline=None)
    @given(parameters_of(route), st.data())
    def check(values: Parameter, data: st.DataObject) -> None:
        flat = {n: v for n, v in values.items() if _has_lenient_spelling(v)}
        pairs = [pair for n, v in flat.items() for pair in _leniently(n, v, kinds[n], data)]
        query = "&".join(f"{quote_plus(name)}={quote_plus(text)}" for name, text in pairs)
        assert understood(route, query, {}) == understood(route, "", flat)

    check()


def _has_lenient_spelling(value: Any) -> bool:
    if isinstance(value, list) and value:
        return any(_list_spellings("x", value))
    return not isinstance(value, dict)


def _leniently(
    name: str, value: Any, kinds: list[inspect.Type], data: st.DataObject
) -> list[tuple[str, str]]:
    if isinstance(value, list) and value:
        return data.draw(st.sampled_from([*_list_spellings(name, value)]))
    return [(name, data.draw(st.sampled_from([*_spellings(value, kinds)])))]


def _list_spellings(name: str, value: list[Any]) -> Iterator[list[tuple[str, str]]]:
    texts = [str(each) for each in value]
    if len(texts) > 1 or not ("," in texts[0] or texts[0].isspace()):
        yield [(name, text) for text in texts]
        yield [(f"{name}[]", text) for text in texts]
    if not any("," in text for text in texts) and ",".join(texts).strip():
        yield [(name, ",".join(texts))]


def _spellings(value: Any, kinds: list[inspect.Type]) -> Iterator[str]:
    text = write_query({"x": value}).removeprefix("x=").removesuffix("&_strict=true")
    if value is True or value is False:
        yield from TRUE if value else FALSE
    elif isinstance(value, int):
        yield from (str(value), f" {value} ", f"{value}.0" if abs(value) < 10**9 else text)
    elif any(isinstance(kind, inspect.UUIDType) for kind in kinds) and value:
        yield from (value.upper(), value.lower())
    elif any(isinstance(kind, inspect.DateTimeType) for kind in kinds) and value:
        yield from (value, f" {value} ", value.replace("T", " "), value.lower())
    else:
        yield value or ""


@EVERY
def test_nothing_after_a_name_is_null_or_an_empty_array(route: Route) -> None:
    for field in fields_of_route(route):
        is_list = any(isinstance(kind, inspect.ListType) for kind in kinds_of(field.kind))
        nothing = understood(route, "", {field.name: [] if is_list else None})
        for query in (f"{field.name}=", field.name, f"{field.name}=&_strict=true"):
            assert understood(route, query, {}) == nothing, query
        if _is_text(field):
            continue
        assert understood(route, f"{field.name}=+%20", {}) == nothing


def _is_text(field: Field) -> bool:
    texts = inspect.StrType | inspect.LiteralType | inspect.UUIDType | inspect.AnyType
    return any(isinstance(kind, texts) for kind in kinds_of(field.kind))


@EVERY
def test_null_is_not_absent(route: Route) -> None:
    """Where null is a value it is told from nothing; elsewhere it is refused in its own words."""
    least: Parameter = plain(parameter_sets(route, known_ids({}))[0])
    for field in fields_of_route(route):
        with_null = understood(route, "", least | {field.name: None})
        without = understood(route, "", {n: v for n, v in least.items() if n != field.name})
        if any(isinstance(kind, inspect.NoneType) for kind in kinds_of(field.kind)):
            if isinstance(with_null, Given) and isinstance(without, Given):
                told = [getattr(one.request, field.attribute, ...) for one in (with_null, without)]
                assert told in ([None, UNSET], [..., ...])
        else:
            assert isinstance(with_null, tuple)
            assert f'"{field.name}"' in with_null[1]
