"""The route table: what a declaration may not say."""

from dataclasses import replace

import pytest

from doorward.wire.route import Route, route_table
from tests.wire.toy import ROUTES, AcsUser, Everything, GetUser, get_user

GET = Route("/acs/users/get", ("GET", "POST"), GetUser, get_user, "Get", "acs_user", AcsUser)


def test_routes_are_found_by_path() -> None:
    assert list(route_table(ROUTES).values()) == list(ROUTES)


@pytest.mark.parametrize(
    ("routes", "problem"),
    [
        ([GET, GET], "/acs/users/get is declared twice"),
        ([replace(GET, verbs=("GET",))], "lacks POST"),
        ([replace(GET, response_key=None)], "a response key or a resource alone"),
        ([replace(GET, resource=None)], "a response key or a resource alone"),
        ([replace(GET, page_limit=5)], "has pages and is no list"),
    ],
)
def test_a_table_that_contradicts_itself(routes: list[Route], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        route_table(routes)


def test_the_parameters_of_paging_are_not_declared() -> None:
    class Limited(Everything):
        limit: int = 5

    plain = replace(GET, request=Limited)
    assert route_table([plain])
    with pytest.raises(ValueError, match="parameters of paging itself"):
        route_table([replace(plain, is_list=True, page_limit=5)])
