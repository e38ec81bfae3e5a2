"""Pages: following cursors and links to the end, and cursors where they do not belong."""

from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.errors import ApiError
from doorward.wire.app import Api
from doorward.wire.links import origin
from doorward.wire.paging import Pager
from doorward.wire.parameters import Given, Parameters
from doorward.wire.route import Caller, Route
from tests.wire.toy import (
    CURSOR_KEY,
    OTHER_KEY,
    OTHER_WORKSPACE,
    PAT,
    ROUTES,
    SECOND_KEY,
    USERS,
    WORKSPACE,
    Answer,
    ListUsers,
    call,
)

PATH = "/acs/users/list"
ROUTE = next(route for route in ROUTES if route.path == PATH)
IDS = [str(user.acs_user_id) for user in USERS]
CALLER = Caller(UUID(int=1), "api_key", WORKSPACE)
AFTER = (1_700_000_000_000_000, UUID(int=7))


def ids(answer: Answer) -> list[str]:
    assert answer.status == 200, answer.body
    return [user["acs_user_id"] for user in answer.json["acs_users"]]


def make_pager(key: bytes = CURSOR_KEY, route: Route = ROUTE) -> Pager:
    return Pager(key, route, Parameters(ListUsers, 10))


def a_cursor(request: ListUsers | None = None, limit: int = 10) -> str:
    found = Given(request or ListUsers(), limit)
    cursor = make_pager().pagination(CALLER, found, AFTER, None).next_page_cursor
    assert cursor is not None
    return cursor


def refusal(pager: Pager, caller: Caller, found: Given) -> str:
    with pytest.raises(ApiError) as error:
        pager.page(caller, found)
    assert error.value.status == 400
    return error.value.kind


async def test_a_list_to_its_end_by_body_and_query_in_turn(api: Api) -> None:
    found: list[str] = []
    cursor = None
    for verb in ("GET", "POST", "GET"):
        asked = {"limit": 10, **({"page_cursor": cursor} if cursor else {})}
        query = "&".join(f"{name}={value}" for name, value in asked.items())
        answer = await (
            call(api, verb, PATH, f"{query}&_strict=true")
            if verb == "GET"
            else call(api, verb, PATH, body=asked)
        )
        found += ids(answer)
        cursor = answer.json["pagination"]["next_page_cursor"]
    assert found == IDS
    assert answer.json["pagination"] == {
        "next_page_cursor": None,
        "has_next_page": False,
        "next_page_url": None,
    }


async def test_a_list_to_its_end_by_links(api: Api) -> None:
    answer = await call(api, "POST", PATH, body={"acs_system_ids": ["a b", "c,d"], "limit": 9})
    found = ids(answer)
    while url := answer.json["pagination"]["next_page_url"]:
        parts = urlsplit(url)
        assert (parts.scheme, parts.netloc, parts.path) == ("http", "doors.test", PATH)
        answer = await call(api, "GET", parts.path, parts.query)
        found += ids(answer)
    assert found == IDS


async def test_a_list_without_pages_has_no_pagination(api: Api) -> None:
    answer = await call(api, "GET", "/acs/access_groups/list_users", "limit=1")
    assert ids(answer) == IDS
    assert set(answer.json) == {"acs_users", "ok"}


async def test_other_parameters_must_stay(api: Api) -> None:
    cursor = (await call(api, "GET", PATH)).json["pagination"]["next_page_cursor"]
    for query in ("search=x", "limit=9", "acs_system_ids="):
        answer = await call(api, "GET", PATH, f"{query}&page_cursor={cursor}")
        assert (answer.status, answer.error["type"]) == (400, "mismatched_page_parameters")
    for query in ("", "limit=10", "unknown=1", "limit=10.0&_strict=true"):
        answer = await call(api, "GET", PATH, f"{query}&page_cursor={cursor}")
        assert ids(answer) == IDS[10:20]


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": f"Bearer {OTHER_KEY}"},
        {"authorization": f"Bearer {SECOND_KEY}"},
        {"authorization": f"Bearer {PAT}", "seam-workspace": str(WORKSPACE)},
        {"authorization": f"Bearer {PAT}", "seam-workspace": str(OTHER_WORKSPACE)},
    ],
)
async def test_a_cursor_is_nothing_to_anybody_else(api: Api, headers: dict[str, str]) -> None:
    cursor = (await call(api, "GET", PATH)).json["pagination"]["next_page_cursor"]
    answer = await call(api, "POST", PATH, body={"page_cursor": cursor}, headers=headers)
    assert answer.status == 400
    assert answer.error == {
        "type": "invalid_input",
        "message": 'Invalid cursor for "page_cursor"',
        "validation_errors": {"_errors": [], "page_cursor": {"_errors": ["Invalid cursor"]}},
    }


def test_a_cursor_is_of_one_route_and_one_key() -> None:
    found = Given(ListUsers(), 10, a_cursor())
    assert make_pager().page(CALLER, found).after == AFTER
    elsewhere = Route("/acs/groups/list", ("GET", "POST"), ListUsers, ROUTE.handler, "Elsewhere")
    assert refusal(make_pager(route=elsewhere), CALLER, found) == "invalid_input"
    assert refusal(make_pager(key=b"other" * 8), CALLER, found) == "invalid_input"


@given(st.data())
def test_a_changed_cursor_is_refused(data: st.DataObject) -> None:
    cursor = a_cursor()
    place = data.draw(st.integers(0, len(cursor) - 1))
    letter = data.draw(st.characters(max_codepoint=127).filter(lambda one: one != cursor[place]))
    changed = cursor[:place] + letter + cursor[place + 1 :]
    assert refusal(make_pager(), CALLER, Given(ListUsers(), 10, changed)) == "invalid_input"


def test_a_cursor_has_one_spelling() -> None:
    found = (a_cursor(ListUsers(str(number))) for number in range(1000))
    number, cursor = next((i, text) for i, text in enumerate(found) if "-" in text)
    respelt = Given(ListUsers(str(number)), 10, cursor.replace("-", "+"))
    assert refusal(make_pager(), CALLER, respelt) == "invalid_input"


@given(st.text() | st.text(alphabet="AQ-_+/=", min_size=76, max_size=76))
def test_no_other_text_is_a_cursor(text: str) -> None:
    assert refusal(make_pager(), CALLER, Given(ListUsers(), 10, text)) == "invalid_input"


requests = st.builds(
    ListUsers,
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1),
    st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))),
)


@given(requests, requests, st.integers(1, 1000), st.integers(1, 1000), st.uuids(), st.uuids())
def test_a_cursor_reaches_no_other_filter_token_or_workspace(
    made_for: ListUsers, used_for: ListUsers, limit: int, other: int, token: UUID, workspace: UUID
) -> None:
    cursor = a_cursor(made_for, limit)
    assert make_pager().page(CALLER, Given(made_for, limit, cursor)).after == AFTER
    if (made_for, limit) != (used_for, other):
        kind = refusal(make_pager(), CALLER, Given(used_for, other, cursor))
        assert kind == "mismatched_page_parameters"
    for stranger in (
        Caller(token, "api_key", WORKSPACE),
        Caller(CALLER.token_id, "api_key", workspace),
    ):
        found = Given(made_for, limit, cursor)
        assert refusal(make_pager(), stranger, found) == "invalid_input"


@given(requests, st.integers(1, 1000))
def test_a_link_asks_for_the_same_or_there_is_none(request: ListUsers, limit: int) -> None:
    found = Given(request, limit)
    pagination = make_pager().pagination(CALLER, found, AFTER, "http://doors.test")
    if pagination.next_page_url is None:
        assert "" in (request.acs_system_ids or ()) or len(str(request)) > 500
        return
    query = urlsplit(pagination.next_page_url).query.encode()
    again = Parameters(ListUsers, 10).read(query, {})
    assert again == Given(request, limit, pagination.next_page_cursor)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        (b"127.0.0.1:8765", "http://127.0.0.1:8765"),
        (b"[::1]:8765", "http://[::1]:8765"),
        (b"doors.example.com", "http://doors.example.com"),
        (None, None),
        (b"", None),
        (b"evil.test/path?", None),
        (b"user@evil.test", None),
        (b"a b", None),
        (b"doors.test\n", None),
        (b"d\xc3\xb6rs.test", None),
    ],
)
def test_the_link_is_to_the_host_that_was_asked(host: bytes | None, expected: str | None) -> None:
    assert origin("http", host) == expected


@pytest.mark.parametrize("changes", [{"verbs": ("POST",)}, {}], ids=["POST only", "too long"])
def test_there_is_no_link_that_could_not_be_followed(changes: dict[str, Any]) -> None:
    settings: dict[str, Any] = {"verbs": ("GET", "POST"), **changes}
    route = Route(PATH, request=ListUsers, handler=ROUTE.handler, summary="List", **settings)
    request = ListUsers(acs_system_ids=["a" * 36] * (0 if changes else 300))
    pagination = make_pager(route=route).pagination(
        CALLER, Given(request, 10), AFTER, "http://doors.test"
    )
    assert pagination.has_next_page
    assert pagination.next_page_cursor is not None
    assert pagination.next_page_url is None
