"""Bodies, query and body together, and the envelope's message for everything that is wrong."""

from collections.abc import Iterable
from typing import Any

import pytest

from doorward.errors import ApiError
from doorward.wire.body import (
    BODY_LIMIT,
    DEPTH_LIMIT,
    DRAIN_LIMIT,
    ClientGone,
    parse_body,
    read_body,
)
from doorward.wire.parameters import LARGEST_PAGE, Given, Parameters
from tests.wire.toy import (
    GROUP,
    USER,
    Everything,
    GetUser,
    ListUsers,
    RemoveFromGroup,
)

REMOVE = Parameters(RemoveFromGroup, None)
LIST = Parameters(ListUsers, 10)


def refused(parameters: Parameters, query: bytes, body: dict[str, Any]) -> ApiError:
    with pytest.raises(ApiError) as error:
        parameters.read(query, body)
    return error.value


def parsed(body: bytes, content_type: bytes | None = b"application/json") -> dict[str, Any]:
    return parse_body(body, content_type, "POST")


def test_query_and_body_are_merged_and_the_body_counts() -> None:
    query = f"acs_access_group_id={GROUP}&acs_user_id={GROUP}&_strict=true".encode()
    given = REMOVE.read(query, {"acs_user_id": str(USER)})
    assert given == Given(RemoveFromGroup(GROUP, USER))


def test_one_missing_parameter() -> None:
    error = refused(Parameters(GetUser, None), b"", {"unknown": 1})
    assert (error.status, error.kind) == (400, "invalid_input")
    assert error.message == "acs_user_id is required"
    assert error.validation_errors == {"_errors": [], "acs_user_id": {"_errors": ["Required"]}}


def test_all_that_is_wrong_is_told_at_once() -> None:
    wrong = {"acs_user_id": 5, "count": "x", "device_ids": [1, "x"], "access_schedule": {}}
    error = refused(Parameters(Everything, None), b"is_managed=maybe", wrong)
    assert error.message == (
        '6 Input Errors: Expected string, received number for "acs_user_id", '
        'Expected number, received string for "count", '
        'Expected boolean, received string for "is_managed", '
        'Expected string, received number for "device_ids.0", '
        'Invalid uuid for "device_ids.1", access_schedule.starts_at is required'
    )
    assert error.validation_errors == {
        "_errors": [],
        "acs_user_id": {"_errors": ["Expected string, received number"]},
        "count": {"_errors": ["Expected number, received string"]},
        "is_managed": {"_errors": ["Expected boolean, received string"]},
        "device_ids": {
            "_errors": [],
            "0": {"_errors": ["Expected string, received number"]},
            "1": {"_errors": ["Invalid uuid"]},
        },
        "access_schedule": {"_errors": [], "starts_at": {"_errors": ["Required"]}},
    }


@pytest.mark.parametrize(
    "body", [{}, {"acs_user_id": str(USER), "user_identity_id": str(USER)}], ids=["neither", "both"]
)
def test_a_rule_over_several_parameters_is_told_bare(body: dict[str, Any]) -> None:
    error = refused(REMOVE, b"", {"acs_access_group_id": str(GROUP), **body})
    message = "Exactly one of acs_user_id, user_identity_id is required"
    assert error.message == message
    assert error.validation_errors == {"_errors": [message]}


def test_pages_have_a_default_and_bounds() -> None:
    assert LIST.read(b"", {}) == Given(ListUsers(), 10)
    assert LIST.read(b"limit=7&page_cursor=abc&search=x", {}) == Given(ListUsers("x"), 7, "abc")
    assert LIST.read(b"page_cursor=", {"limit": LARGEST_PAGE}) == Given(ListUsers(), LARGEST_PAGE)


@pytest.mark.parametrize(
    ("limit", "complaint"),
    [
        (0, "Number must be greater than 0"),
        (-1, "Number must be greater than 0"),
        (LARGEST_PAGE + 1, f"Number must be less than or equal to {LARGEST_PAGE}"),
        (1.5, "Expected integer, received float"),
        ("10", "Expected number, received string"),
        (None, "Expected number, received null"),
    ],
)
def test_limits_out_of_bounds(limit: Any, complaint: str) -> None:
    assert refused(LIST, b"", {"limit": limit}).message == f'{complaint} for "limit"'


def test_a_route_without_pages_ignores_their_parameters() -> None:
    given = Parameters(GetUser, None).read(b"limit=x&page_cursor=y", {"acs_user_id": str(USER)})
    assert given == Given(GetUser(USER))


def test_a_default_above_the_largest_page_is_the_largest() -> None:
    many = Parameters(ListUsers, 11_000)
    assert many.read(b"limit=11000", {}).limit == 11_000
    assert "11000" in refused(many, b"limit=11001", {}).message


@pytest.mark.parametrize(
    "content_type",
    [b"application/json", b"application/json; charset=utf-8", b"Application/JSON ;x=y", None],
)
def test_json_bodies(content_type: bytes | None) -> None:
    assert parsed(b'{"a": 1, "a": [2]}', content_type) == {"a": [2]}


@pytest.mark.parametrize(
    "content_type",
    [
        b"application/x-www-form-urlencoded",
        b"text/plain",
        b"multipart/form-data; boundary=x",
        b"application/jsonp",
        b"",
    ],
)
def test_other_bodies_are_refused(content_type: bytes) -> None:
    with pytest.raises(ApiError) as error:
        parsed(b"{}", content_type)
    assert (error.value.status, error.value.kind) == (400, "invalid_content_type")
    assert parsed(b"", content_type) == {}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"{", "not valid JSON"),
        (b" ", "not valid JSON"),
        (b"{'a': 1}", "not valid JSON"),
        (b'{"a": NaN}', "not valid JSON"),
        (b'{"a": 1} {}', "not valid JSON"),
        (b'{"a": 1e999}', "not valid JSON"),
        (b'{"a": %s}' % (b"9" * 5000), "not valid JSON"),
        (b"\xef\xbb\xbf{}", "not valid JSON"),
        (b'{"a": "\\ud800"}', "not valid JSON"),
        (b"[" * 500_000, "not valid JSON"),
        ('{"a": 1}'.encode("utf-16"), "not valid JSON"),
        (b'{"a": "\xff"}', "not UTF-8"),
        (b'{"a": "\xed\xa0\x80"}', "not UTF-8"),
        (b'{"a": [{"b": "\\u0000"}]}', "NUL"),
        (b'{"\\u0000": 1}', "NUL"),
        (b'{"a": %s1%s}' % (b"[" * DEPTH_LIMIT, b"]" * DEPTH_LIMIT), "nested too deep"),
        (b"[]", "^Expected object, received array$"),
        (b"null", "^Expected object, received null$"),
        (b'"a"', "^Expected object, received string$"),
        (b"5", "^Expected object, received number$"),
        (b"true", "^Expected object, received boolean$"),
    ],
)
def test_what_is_no_json_object(body: bytes, message: str) -> None:
    with pytest.raises(ApiError, match=message) as error:
        parsed(body)
    assert (error.value.status, error.value.kind) == (400, "invalid_input")
    assert error.value.validation_errors == {"_errors": [error.value.message]}


def test_what_only_looks_like_nul_or_depth() -> None:
    deep = b'{"a": %s1%s}' % (b"[" * (DEPTH_LIMIT - 1), b"]" * (DEPTH_LIMIT - 1))
    assert parsed(deep)
    assert len(parsed(b'{"a": [%s{}]}' % (b"{}," * DEPTH_LIMIT))["a"]) == DEPTH_LIMIT + 1
    assert parsed(rb'{"a": "\\u0000"}') == {"a": r"\u0000"}


class Chunks:
    """A receive channel that hands over these chunks, and then says what it is told to."""

    def __init__(self, chunks: Iterable[bytes], end: dict[str, Any] | None = None) -> None:
        self.messages = [
            {"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks
        ]
        self.messages.append(end or {"type": "http.request", "more_body": False})

    async def __call__(self) -> dict[str, Any]:
        return self.messages.pop(0)


async def test_a_body_comes_whole_or_in_chunks() -> None:
    assert await read_body(Chunks([])) == b""
    assert await read_body(Chunks([b"ab", b"", b"c"])) == b"abc"
    assert len(await read_body(Chunks([b"a" * BODY_LIMIT]))) == BODY_LIMIT


async def test_a_body_over_the_limit_is_read_to_its_end_and_refused() -> None:
    chunks = Chunks([b"a" * BODY_LIMIT, b"a"])
    with pytest.raises(ApiError) as error:
        await read_body(chunks)
    assert (error.value.status, error.value.kind) == (413, "payload_too_large")
    assert chunks.messages == []


async def test_a_body_far_over_the_limit_is_not_read_on() -> None:
    chunks = Chunks([b"a" * BODY_LIMIT] * (DRAIN_LIMIT // BODY_LIMIT + 2))
    with pytest.raises(ApiError):
        await read_body(chunks)
    assert len(chunks.messages) == 2


@pytest.mark.parametrize("chunks", [[], [b"{"]])
async def test_a_client_that_hangs_up_is_told_nothing(chunks: list[bytes]) -> None:
    with pytest.raises(ClientGone):
        await read_body(Chunks(chunks, {"type": "http.disconnect"}))
