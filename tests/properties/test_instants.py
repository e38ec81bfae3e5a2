"""Any instant in any parameter: what a call accepts, every read can show afterwards."""

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import inspect

from doorward.api.table import ROUTES
from doorward.wire.route import Route
from tests.parameters import Parameter, fields_of_route, parameter_sets, plain
from tests.properties.strategies import EXAMPLES
from tests.properties.test_calls import assert_documented
from tests.properties.world import World, world_on

# What there is no instant for in UTC, what asyncpg stores as infinity, and the last that are taken.
EXTREMES = (
    "0001-01-01T00:00:00Z",
    "0001-01-01T00:00:00+14:00",
    "0001-01-02",
    "1969-12-31T23:59:59.999999Z",
    "1970-01-01T00:00:00Z",
    "9998-12-31T23:59:59.999999Z",
    "9999-12-31",
    "9999-12-31T23:59:59.999999Z",
    "9999-12-31T23:59:59-12:00",
)
OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda count: timezone(timedelta(minutes=count)))
INSTANTS = st.datetimes(timezones=OFFSETS).map(datetime.isoformat) | st.sampled_from(EXTREMES)
# Whoever is asked to be suspended must have been readable, and so on.
READS = (
    ("/acs/users/get", "acs_user_id"),
    ("/acs/users/list", None),
    ("/acs/users/suspend", "acs_user_id"),
    ("/acs/users/unsuspend", "acs_user_id"),
    ("/acs/users/list_accessible_entrances", "acs_user_id"),
    ("/acs/credentials/get", "acs_credential_id"),
    ("/acs/credentials/list", None),
    ("/client_sessions/list", None),
)


def with_instant(kind: inspect.Type, text: str) -> Iterator[Any]:
    """Values of a type in which the instant stands wherever one may."""
    match kind:
        case inspect.Metadata():
            yield from with_instant(kind.type, text)
        case inspect.UnionType():
            for one in kind.types:
                yield from with_instant(one, text)
        case inspect.ListType():
            yield from ([value, value] for value in with_instant(kind.item_type, text))
        case inspect.StructType():
            for field in kind.fields:
                yield from ({field.encode_name: one} for one in with_instant(field.type, text))
        case inspect.DateTimeType():
            yield text


def calls_with(route: Route, world: World, text: str) -> Iterator[Parameter]:
    """Parameters that a route accepts, with an instant in place of each that it takes."""
    sets = [plain(each) for each in parameter_sets(route, world.known)]
    for field in fields_of_route(route):
        fitting = next((each for each in sets if field.name in each), sets[0])
        for value in with_instant(field.kind, text):
            yield fitting | {field.name: value}


TAKING = [
    route
    for route in ROUTES
    if any([*with_instant(field.kind, "")] for field in fields_of_route(route))
]


@pytest.fixture(scope="module")
def world(postgres: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world with doors, for the calls that explain them."""
    with world_on(postgres, tmp_path_factory.mktemp("instants"), with_doors=True) as world:
        yield world


@pytest.mark.parametrize("route", TAKING, ids=lambda route: route.path)
def test_what_is_accepted_can_be_read(route: Route, world: World) -> None:
    world.runner.run(world.renew())

    async def ask(path: str, body: Parameter) -> Any:
        return await world.call("POST", path, body=body)

    def check(text: str) -> None:
        for parameters in calls_with(route, world, text):
            assert_documented(route, world.runner.run(ask(route.path, parameters)))
            for path, name in READS:
                body = {name: world.known(name)} if name else {"limit": 1000}
                answer = world.runner.run(ask(path, body))
                assert answer.status == 200, (path, parameters, answer.body)

    for text in EXTREMES:
        check(text)
    slow = [HealthCheck.too_slow]
    settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=slow)(
        given(INSTANTS)(check)
    )()


COLUMNS = [
    *(
        (table, column)
        for table in ("acs_user", "acs_access_group", "acs_credential")
        for column in ("starts_at", "ends_at")
    ),
    ("client_session", "expires_at"),
    ("token", "expires_at"),
]


@pytest.mark.parametrize("infinity", ["-infinity", "infinity"])
@pytest.mark.parametrize(("table", "column"), COLUMNS)
def test_no_table_takes_infinity(world: World, table: str, column: str, infinity: str) -> None:
    world.runner.run(world.renew())
    assert world.runner.run(world.database.fetchval(f"select count(*) from {table}"))
    change = f"update {table} set {column} = $1::text::timestamptz"
    with pytest.raises(asyncpg.CheckViolationError):
        world.runner.run(world.database.execute(change, infinity))
