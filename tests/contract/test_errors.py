"""What a running server refuses, against what its document says that each call can answer."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from doorward.api.table import ROUTES
from doorward.testing.hosting import Host
from doorward.testing.server import Server
from doorward.wire.examples import example
from doorward.wire.openapi import document
from doorward.wire.route import Route
from tests.running import API_KEY

UNKNOWN = "00000000-0000-4000-8000-00000000dead"
DOCUMENT = document(ROUTES)
SCHEMAS = DOCUMENT["components"]["schemas"]
# Ways to be wrong that every call has: headers, parameters as an array, what it should be.
EVERYWHERE: tuple[tuple[dict[str, str], bytes, int], ...] = (
    ({"authorization": ""}, b"{}", 401),
    ({"authorization": "Bearer seam_nobodys_key"}, b"{}", 401),
    ({}, b"[]", 400),
    ({}, b"{", 400),
    ({}, b"{" + b" " * 2**20 + b"}", 413),
    ({"content-type": "text/plain"}, b"{}", 400),
)


@pytest.fixture(scope="module")
def server(doorward_host: Host) -> Iterator[Server]:
    with doorward_host.serve() as server:
        yield server


@pytest.fixture(scope="module")
def http(server: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.endpoint, timeout=30) as client:
        yield client


def _refused(http: httpx.Client, route: Route, body: bytes, **headers: str) -> httpx.Response:
    sent = {"authorization": f"Bearer {API_KEY}", "content-type": "application/json", **headers}
    kept = {name: value for name, value in sent.items() if value}
    return http.post(route.path, content=body, headers=kept)


def _check(route: Route, answer: httpx.Response) -> str:
    """The answer is one of those that the document tells; answers its type of error."""
    told = DOCUMENT["paths"][route.path]["post"]["responses"].get(str(answer.status_code))
    assert told, f"{route.path}: {answer.status_code} {answer.text}"
    for name in told["headers"]:
        if DOCUMENT["components"]["headers"][name].get("required"):
            assert name in answer.headers
    body: dict[str, Any] = answer.json()
    assert body.keys() == {"error", "ok"}
    assert body["ok"] is False
    error = body["error"]
    assert error.keys() <= {"type", "message", "validation_errors"}
    assert error["type"] in _kinds(told["content"]["application/json"]["schema"])
    if "validation_errors" in error:
        assert error["type"] == "invalid_input"
        _check_form(error["validation_errors"])
    kind: str = error["type"]
    return kind


def _kinds(schema: dict[str, Any]) -> list[str]:
    if "$ref" in schema:
        return _kinds(SCHEMAS[schema["$ref"].rpartition("/")[2]])
    kinds: list[str] = schema["allOf"][1]["properties"]["error"]["properties"]["type"]["enum"]
    return kinds


def _check_form(node: Any) -> None:
    assert all(isinstance(text, str) for text in node["_errors"])
    for name, inner in node.items():
        if name != "_errors":
            _check_form(inner)


# Lists of which one filter must be given: an id that nothing has leaves nothing.
FILTERED = {"/acs/encoders/list"}


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.path)
def test_wrong_requests(http: httpx.Client, route: Route) -> None:
    for headers, body, status in EVERYWHERE:
        answer = _refused(http, route, body, **headers)
        assert answer.status_code == status
        _check(route, answer)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.path)
def test_wrong_parameters_and_unknown_ids(http: httpx.Client, route: Route) -> None:
    shown = example(route)
    wrong = httpx.Request("POST", "http://x", json={name: [[]] for name in shown}).content
    if shown:
        assert _check(route, _refused(http, route, wrong)) == "invalid_input"
    ids = {name: UNKNOWN if name.endswith("_id") else value for name, value in shown.items()}
    if ids != shown:
        body = httpx.Request("POST", "http://x", json=ids).content
        if route.path in FILTERED:
            assert _refused(http, route, body).json()[route.response_key] == []
            return
        answer = _refused(http, route, body)
        assert answer.status_code == 404
        assert _check(route, answer).endswith("_not_found")
