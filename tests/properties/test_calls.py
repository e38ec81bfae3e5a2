"""Any JSON value in any parameter of any call: success, or a documented error and no change."""

import json
from base64 import b64encode
from collections.abc import Iterator
from itertools import product
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import inspect

from doorward.api.table import ROUTES
from doorward.wire.catalogue import ERRORS
from doorward.wire.links import write_query
from doorward.wire.route import Route
from tests.parameters import REFUSED, Parameter, fields_of_route, parameter_sets, plain
from tests.properties.strategies import EXAMPLES, accepted, anything
from tests.properties.world import World, world_on
from tests.wire.test_properties import assert_formatted
from tests.wire.toy import Answer

# What an index cannot hold, also where it is compressed, and what a bound just lets through.
_NOISE = Random("oversized")
OVERSIZED = (
    "x" * 100_000,
    b64encode(_NOISE.randbytes(75_000)).decode(),
    "".join(_NOISE.choices([chr(code) for code in range(0x4E00, 0x9000)], k=30_000)),
    b64encode(_NOISE.randbytes(3_000)).decode(),
    "".join(chr(_NOISE.randrange(0x10000, 0x20000)) for _ in range(255)),
    "@".join(b64encode(_NOISE.randbytes(30_000)).decode() for _ in range(2)),
    "+" + "".join(_NOISE.choices("0123456789", k=100_000)),
)

EVERY = pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.path)
# The town has native systems alone; `tests/sync` makes others misbehave.
OF_SIMULATED_SYSTEMS = {
    f"/doorward/simulate/{name}"
    for name in ("change_code", "create_acs_user", "delete_acs_user", "forget", "misbehave")
}


@pytest.fixture(scope="module")
def quiet(postgres: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world without doors, in which nothing happens by itself."""
    with world_on(postgres, tmp_path_factory.mktemp("quiet")) as world:
        yield world


@pytest.fixture(scope="module")
def lively(postgres: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world with doors, which hear of no change."""
    with world_on(postgres, tmp_path_factory.mktemp("lively"), with_doors=True) as world:
        yield world


@pytest.fixture
def world(request: pytest.FixtureRequest, route: Route) -> World:
    """Calls about doors need some."""
    kind = "lively" if route.path.startswith("/doorward/") else "quiet"
    world: World = request.getfixturevalue(kind)
    world.runner.run(world.renew())
    return world


def asked(route: Route, world: World) -> st.SearchStrategy[Parameter]:
    """Parameters that a route accepts, of which some are changed to valid ones or to anything."""
    fields = fields_of_route(route)
    sets = st.sampled_from([plain(one) for one in parameter_sets(route, world.known)])
    if not fields:
        return st.dictionaries(st.text(max_size=3), anything, max_size=2)
    changes = st.lists(
        st.sampled_from(fields).flatmap(
            lambda field: st.tuples(st.just(field.name), accepted(field) | anything)
        ),
        max_size=2,
    )
    left_out = st.sets(st.sampled_from([field.name for field in fields]), max_size=1)
    return st.builds(_changed, sets, changes, left_out | st.just(set()))


def _changed(given: Parameter, changes: list[tuple[str, Any]], left_out: set[str]) -> Parameter:
    return {name: v for name, v in (given | dict(changes)).items() if name not in left_out}


@EVERY
def test_any_value_in_any_parameter(route: Route, world: World) -> None:
    before = world.runner.run(world.digest())
    reached = set()

    def check(parameters: Parameter) -> None:
        nonlocal before
        answers = world.runner.run(_answers(world, route, parameters))
        for answer in answers:
            assert_documented(route, answer)
            reached.add(answer.status)
        after = world.runner.run(world.digest())
        if all(answer.status != 200 for answer in answers) or route.verbs[0] == "GET":
            assert {name for name in after if after[name] != before[name]} == set()
        before = after

    for parameters in parameter_sets(route, world.known):
        check(plain(parameters))
    assert (200 in reached) == (route.path not in REFUSED | OF_SIMULATED_SYSTEMS)
    slow = [HealthCheck.too_slow]
    settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=slow)(
        given(asked(route, world))(check)
    )()


@EVERY
def test_oversized_texts_are_found_nowhere_or_refused(route: Route, world: World) -> None:
    sets = [plain(each) for each in parameter_sets(route, world.known)]
    for field in fields_of_route(route):
        fitting = [each for each in sets if field.name in each] or sets[:1]
        for text, others in product(OVERSIZED, fitting):
            for value in oversized(field.kind, text):
                asked = others | {field.name: value}
                answer = world.runner.run(world.call("POST", route.path, body=asked))
                assert_documented(route, answer)


def oversized(kind: inspect.Type, text: str) -> Iterator[Any]:
    """A value of a type in which the text stands wherever a text may."""
    match kind:
        case inspect.Metadata():
            yield from oversized(kind.type, text)
        case inspect.UnionType():
            for one in kind.types:
                yield from oversized(one, text)
        case inspect.ListType():
            yield from ([value] for value in oversized(kind.item_type, text))
        case inspect.DictType():
            yield {text: text}
        case inspect.StrType():
            yield text


async def _answers(world: World, route: Route, parameters: Parameter) -> list[Answer]:
    """The call in JSON, and in a query with every other verb."""
    query = write_query(parameters)
    by_query = [await world.call(verb, route.path, query) for verb in route.verbs]
    return [await world.call("POST", route.path, body=parameters), *by_query]


def assert_documented(route: Route, answer: Answer) -> None:
    """A success with its key, or the envelope with a type from the list and its status."""
    body = json.loads(answer.body)
    assert answer.headers["seam-request-id"]
    if answer.status == 200:
        assert body == {} if route.is_void else (body["ok"] and route.response_key in body)
        return
    assert set(body) == {"error", "ok"}
    assert body["ok"] is False
    error = body["error"]
    assert answer.status < 500, error
    assert answer.status in ERRORS[error["type"]].statuses, error
    assert isinstance(error["message"], str)
    if "validation_errors" in error:
        assert error["type"] == "invalid_input"
        assert_formatted(error["validation_errors"])
