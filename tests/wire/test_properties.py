"""Whatever is asked of whatever route: success, or an error in the envelope of a known type."""

from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from doorward.wire.parameters import Parameters
from doorward.wire.route import Route
from tests.wire.toy import KEY, ROUTES, Answer, call, make_api

API = make_api()
# What the wire itself may answer to parameters, tokens and verbs (seam-api section 2).
KNOWN: dict[int, set[str | None]] = {
    200: {None},
    400: {
        "invalid_input",
        "invalid_query_params",
        "invalid_content_type",
        "missing_workspace_id",
        "mismatched_page_parameters",
    },
    401: {
        "unauthorized",
        "client_session_not_found",
        "client_session_token_used_for_api_key",
        "access_token_used_for_api_key",
    },
    404: {"acs_user_not_found", "not_found"},
    405: {"method_not_allowed"},
}

HARMLESS = [route for route in ROUTES if route.path != "/toy/fail"]
json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
routes = st.sampled_from(HARMLESS)


def known(answer: Answer) -> bool:
    """Whether the answer is one that a client understands."""
    kind = None if answer.status == 200 else answer.error["type"]
    if answer.status != 200:
        assert isinstance(answer.error["message"], str)
        assert answer.json["ok"] is False
    if kind == "invalid_input":
        assert_formatted(answer.error.get("validation_errors", {"_errors": []}))
    return kind in KNOWN[answer.status]


def assert_formatted(node: dict[str, Any]) -> None:
    """Every level lists its errors, as the JavaScript client takes for granted."""
    assert all(isinstance(message, str) for message in node["_errors"])
    for name, inner in node.items():
        if name != "_errors":
            assert_formatted(inner)


@given(st.data(), routes)
async def test_any_json_value_in_any_parameter(data: st.DataObject, route: Route) -> None:
    names = [field.name for field in Parameters(route.request, route.page_limit).fields]
    body = data.draw(st.dictionaries(st.sampled_from([*names, "unknown"]), json))
    assert known(await call(API, "POST", route.path, body=body))


@given(routes, json)
async def test_any_json_body(route: Route, body: Any) -> None:
    assert known(await call(API, "POST", route.path, body=msgspec.json.encode(body)))


@given(st.data(), routes)
async def test_any_text_in_any_parameter(data: st.DataObject, route: Route) -> None:
    names = [field.name for field in Parameters(route.request, route.page_limit).fields]
    name = st.tuples(st.sampled_from([*names, "x"]), st.sampled_from(["", "[]", ".a", ".a.b"]))
    text = st.text("0123456789abcdef-+,.%&=[]TZ truefalse\0é") | st.text()
    pairs = data.draw(st.lists(st.tuples(name.map("".join), text), max_size=6))
    query = "&".join(f"{name}={text}" for name, text in pairs).encode(errors="surrogatepass")
    assert known(await call(API, data.draw(st.sampled_from(route.verbs)), route.path, query))


@given(routes, st.sampled_from(["GET", "POST", "DELETE"]), st.binary(), st.binary())
async def test_any_bytes(route: Route, verb: str, query: bytes, body: bytes) -> None:
    assert known(await call(API, verb, route.path, query, body))


header = st.text(st.characters(max_codepoint=255))
tokens = st.sampled_from(["Bearer ", "bearer", "Basic ", ""]).flatmap(
    lambda scheme: st.sampled_from([KEY, "seam_at1", "seam_cst", "ey", ""]).flatmap(
        lambda token: header.map(lambda rest: scheme + token + rest)
    )
)


@given(routes, tokens, st.none() | header, header)
@settings(max_examples=50)
async def test_any_headers(
    route: Route, authorization: str, workspace: str | None, content_type: str
) -> None:
    headers = {"authorization": authorization, "content-type": content_type, "host": content_type}
    if workspace is not None:
        headers["seam-workspace"] = workspace
    assert known(await call(API, "POST", route.path, body={}, headers=headers))
