"""A parameter that handlers do not see is noticed by a test that looks, and by no other."""

from typing import Any
from uuid import UUID

import msgspec
import pytest

from doorward.api.table import ROUTES
from doorward.wire.examples import example
from doorward.wire.route import Call, Caller, Page
from tests.mutation.__main__ import _tried, draw, plan
from tests.mutation.inert import INERT
from tests.recording import hook
from tests.recording.sent import parameters

TABLE = {route.path: route for route in ROUTES}
LOOKS = "tests/api/acs/test_systems.py::test_a_system"
LOOKS_ELSEWHERE = "tests/api/test_workspaces.py::test_workspace"
SOMEBODY = "8d7e0b3a-b889-49a7-9164-4b71a0506a33"


def test_a_draw_is_repeated_by_its_seed() -> None:
    assert draw(7, 50) == draw(7, 50) != draw(8, 50)
    assert len({*draw(7, 50)}) == 50
    assert {*draw(7, 10_000)} == parameters() - INERT.keys()
    assert INERT.keys() < parameters()


def test_the_quickest_tests_are_tried_first() -> None:
    seconds = {"b": 2.0, "a": 1.0, "c": 300.0, "e": 302.0, "d": 301.0}
    timed = {"tests/cli/a": 0.1, **{f"tests/api/{test}": each for test, each in seconds.items()}}
    assert plan({"/a b": timed}, ["/a b", "/a c"]) == {
        "/a b": ["tests/api/a", "tests/api/b", "tests/api/c"],
        "/a c": [],
    }


def test_who_looks_notices() -> None:
    parameter = "/acs/systems/get acs_system_id"
    assert _tried(
        {parameter: [LOOKS_ELSEWHERE, LOOKS], "/acs/systems/list search": [LOOKS_ELSEWHERE]}
    ) == {
        parameter: LOOKS,
        "/acs/systems/list search": "",
    }


@pytest.mark.parametrize(
    ("path", "name", "given", "left"),
    [
        ("/acs/systems/list", "search", {"search": "x"}, {}),
        ("/acs/users/suspend", "acs_user_id", {"acs_user_id": SOMEBODY}, {}),
        (
            "/acs/systems/get",
            "acs_system_id",
            {"acs_system_id": SOMEBODY},
            example(TABLE["/acs/systems/get"]),
        ),
    ],
)
def test_what_a_handler_sees(
    path: str, name: str, given: dict[str, Any], left: dict[str, Any]
) -> None:
    route = TABLE[path]
    request = msgspec.convert(given, route.request)
    _, seen = hook._without(route, name, _call(None), request)
    assert msgspec.to_builtins(seen) == left


def test_pages_begin_anew_and_are_of_the_usual_size() -> None:
    route, page = TABLE["/acs/users/list"], Page(3, (7, UUID(SOMEBODY)))
    usual = Page(route.page_limit or 0, page.after)
    assert hook._without(route, "limit", _call(page), None)[0].page == usual
    assert hook._without(route, "page_cursor", _call(page), None)[0].page == Page(3)


def _call(page: Page | None) -> Call[None]:
    caller = Caller(UUID(SOMEBODY), "api_key", UUID(SOMEBODY))
    return Call(None, caller, "a request", page)
