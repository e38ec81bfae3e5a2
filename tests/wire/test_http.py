"""Calls over real HTTP: verbs, envelopes, headers, and clients that do not behave."""

import asyncio
import contextlib
import logging
import re
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from doorward.wire.app import Api
from doorward.wire.body import BODY_LIMIT, DRAIN_LIMIT
from tests.wire.toy import GROUP, KEY, ROUTES, USER, ToyHealth, call

REMOVE = "/acs/users/remove_from_access_group"
IDS = {"acs_access_group_id": str(GROUP), "acs_user_id": str(USER)}
QUERY = f"acs_access_group_id={GROUP}&acs_user_id={USER}&_strict=true"
UUID_FORM = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def error(response: httpx.Response) -> dict[str, Any]:
    """The envelope's error, after what every envelope has."""
    assert response.headers["content-type"].startswith("application/json")
    assert UUID_FORM.fullmatch(response.headers["seam-request-id"])
    body = response.json()
    assert set(body) == {"error", "ok"}
    assert body["ok"] is False
    told: dict[str, Any] = body["error"]
    assert isinstance(told["type"], str)
    assert isinstance(told["message"], str)
    return told


@contextlib.contextmanager
def connection(address: str) -> Iterator[socket.socket]:
    """A bare connection, for requests that no HTTP library would send."""
    parts = urlsplit(address)
    with socket.create_connection((parts.hostname, parts.port), timeout=10) as raw:
        yield raw


def exchange(address: str, request: bytes) -> bytes:
    """Sends bytes and reads until the server closes."""
    with connection(address) as raw:
        raw.sendall(request)
        answer = b""
        while chunk := raw.recv(65536):
            answer += chunk
    return answer


def raw_headers(*lines: str) -> bytes:
    known = ("Host: x", f"Authorization: Bearer {KEY}", "Connection: close")
    return "\r\n".join([*lines, *known, "", ""]).encode()


@pytest.mark.parametrize(
    "send",
    [
        lambda http: http.request("DELETE", f"{REMOVE}?{QUERY}"),
        lambda http: http.post(REMOVE, json=IDS),
        lambda http: http.request("DELETE", REMOVE, json=IDS),
        lambda http: http.post(f"{REMOVE}?{QUERY}"),
        lambda http: http.post(f"{REMOVE}?acs_user_id=x&acs_access_group_id={GROUP}", json=IDS),
        lambda http: http.post(REMOVE, json={**IDS, "unknown": 1}),
        lambda http: http.post(REMOVE, json={k: v.upper() for k, v in IDS.items()}),
        lambda http: http.post(REMOVE, content=iter([str(IDS).replace("'", '"').encode()])),
    ],
    ids=["DELETE", "POST", "DELETE JSON", "POST query", "both", "more", "upper case", "chunks"],
)
def test_a_void_call_in_every_spelling(http: httpx.Client, send: Any) -> None:
    response = send(http)
    assert (response.status_code, response.content) == (200, b"{}")
    assert response.headers["content-type"].startswith("application/json")
    assert UUID_FORM.fullmatch(response.headers["seam-request-id"])


def test_the_ruby_clients_delete(address: str) -> None:
    head = raw_headers(f"DELETE {REMOVE}?{QUERY} HTTP/1.1", "Content-Type: application/json")
    answer = exchange(address, head)
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.endswith(b"\r\n\r\n{}")


def test_the_documentations_get_with_a_body(http: httpx.Client) -> None:
    response = http.request("GET", "/acs/users/get", json={"acs_user_id": str(USER)})
    assert response.json() == {
        "acs_user": {
            "acs_user_id": str(USER),
            "created_at": "2026-01-01T00:00:00.000Z",
            "full_name": None,
        },
        "ok": True,
    }


@pytest.mark.parametrize(("verb", "path"), [("PATCH", "/toy/update"), ("PUT", "/toy/put")])
def test_updates(http: httpx.Client, verb: str, path: str) -> None:
    body = {"name": None, "access_schedule": {"starts_at": "2026-01-01T00:00:00Z"}}
    for method in (verb, "POST"):
        response = http.request(method, path, json=body)
        assert response.json()["echo"]["given"] == body


def test_request_ids_are_of_one_request(http: httpx.Client) -> None:
    ids = {http.get("/health").headers["seam-request-id"] for _ in range(5)}
    assert len(ids) == 5


@pytest.mark.parametrize(
    ("verb", "path", "message"),
    [
        ("GET", REMOVE, "only DELETE,POST accepted"),
        ("HEAD", REMOVE, None),
        ("PUT", "/acs/users/get", "only GET,POST accepted"),
        ("TRACE", "/acs/users/get", "only GET,POST accepted"),
    ],
)
def test_a_wrong_verb(http: httpx.Client, verb: str, path: str, message: str | None) -> None:
    response = http.request(verb, path)
    assert response.status_code == 405
    assert response.headers["allow"] == ", ".join(verbs(path))
    if message is not None:
        assert error(response) == {"type": "method_not_allowed", "message": message}


def verbs(path: str) -> tuple[str, ...]:
    return next(route.verbs for route in ROUTES if route.path == path)


@pytest.mark.parametrize(
    "path", ["/acs", "/acs/users", "/acs/users/get/", "/acs/users/GET", "//acs/users/get", "/%00"]
)
@pytest.mark.parametrize("verb", ["GET", "POST", "DELETE"])
def test_an_unknown_path(http: httpx.Client, verb: str, path: str) -> None:
    response = http.request(verb, path, headers={"authorization": "no"})
    assert response.status_code == 404
    assert error(response)["type"] == "not_found"


def test_an_error_of_a_handler(http: httpx.Client) -> None:
    response = http.post(REMOVE, json={**IDS, "acs_user_id": str(GROUP)})
    assert response.status_code == 404
    assert error(response) == {"type": "acs_user_not_found", "message": "acs_user not found"}
    limited = http.post("/toy/fail", json={"name": "limited"})
    assert (limited.status_code, limited.headers["retry-after"]) == (429, "7")


def test_no_database(http: httpx.Client) -> None:
    response = http.post("/toy/fail", json={"name": "unavailable"})
    assert (response.status_code, response.headers["retry-after"]) == (503, "1")
    assert error(response)["type"] == "service_unavailable"
    assert "hunter2" not in response.text


async def test_a_fault_of_ours(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, "doorward.wire"):
        answer = await call(api, "POST", "/toy/fail", body={"name": "PIN 4711"})
    assert (answer.status, answer.error["type"]) == (500, "internal_server_error")
    assert answer.headers["seam-request-id"] in caplog.text
    assert answer.headers["seam-request-id"] in answer.error["message"]
    assert "RuntimeError" in caplog.text
    assert "ValueError" in caplog.text
    assert "toy.py" in caplog.text
    for secret in ("4711", KEY):
        assert secret not in caplog.text + answer.body.decode()


def test_head_is_get_without_a_body(http: httpx.Client) -> None:
    get = http.get("/acs/users/get", params={"acs_user_id": str(USER)})
    head = http.head("/acs/users/get", params={"acs_user_id": str(USER)})
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == get.headers["content-length"]
    assert http.head("/health").status_code == 200


async def test_head_needs_no_server_to_drop_the_body(api: Api) -> None:
    answer = await call(api, "HEAD", "/openapi.json")
    assert (answer.status, answer.body) == (200, b"")
    assert int(answer.headers["content-length"]) > 1000


def test_health_needs_no_token(address: str, health: ToyHealth) -> None:
    response = httpx.get(f"{address}/health")
    assert (response.status_code, response.json()) == (200, {"ok": True, "database": "up"})
    health.is_ready = False
    try:
        response = httpx.get(f"{address}/health")
        assert (response.status_code, response.json()) == (503, {"ok": False, "database": "away"})
    finally:
        health.is_ready = True
    assert httpx.post(f"{address}/health").status_code == 405


def test_preflight(address: str) -> None:
    asked = {
        "origin": "https://console.test",
        "access-control-request-method": "DELETE",
        "access-control-request-headers": "authorization,seam-workspace",
    }
    for path in (REMOVE, "/unknown"):
        response = httpx.options(address + path, headers=asked)
        assert (response.status_code, response.content) == (200, b"")
        assert response.headers["access-control-allow-origin"] == "https://console.test"
        assert response.headers["access-control-allow-credentials"] == "true"
        allowed = response.headers["access-control-allow-headers"].split(", ")
        assert {"authorization", "content-type", "seam-workspace", "seam-sdk-name"} <= {*allowed}
        assert "DELETE" in response.headers["access-control-allow-methods"].split(", ")


def test_pages_of_other_origins_may_read_answers_and_errors(http: httpx.Client) -> None:
    for response in (
        http.post(REMOVE, json=IDS, headers={"origin": "null"}),
        http.post("/unknown", headers={"origin": "null"}),
    ):
        assert response.headers["access-control-allow-origin"] == "null"
        assert response.headers["access-control-expose-headers"].startswith("seam-request-id,")
        assert response.headers["vary"] == "origin"
    assert "access-control-allow-origin" not in http.post(REMOVE, json=IDS).headers


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded"])
def test_other_content_types(http: httpx.Client, content_type: str) -> None:
    response = http.post(REMOVE, content="acs_user_id=1", headers={"content-type": content_type})
    assert response.status_code == 400
    assert error(response)["type"] == "invalid_content_type"


@pytest.mark.parametrize("size", [BODY_LIMIT + 1, 4 * BODY_LIMIT])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_too_large(http: httpx.Client, size: int, chunked: bool) -> None:
    whole = b'{"name": "' + b"a" * size
    content = iter([whole[:BODY_LIMIT], whole[BODY_LIMIT:]]) if chunked else whole
    response = http.post("/toy/put", content=content, headers={"content-type": "application/json"})
    assert response.status_code == 413
    assert error(response)["type"] == "payload_too_large"
    assert response.headers["connection"] == "close"
    assert http.get("/health").status_code == 200


def test_a_body_without_end_is_cut(address: str) -> None:
    head = raw_headers("POST /toy/put HTTP/1.1", f"Content-Length: {100 * DRAIN_LIMIT}")
    with connection(address) as raw, contextlib.suppress(ConnectionError):
        raw.sendall(head)
        for _ in range(100 * DRAIN_LIMIT // BODY_LIMIT):
            raw.sendall(b"a" * BODY_LIMIT)
        pytest.fail("the server read all of it")
    assert httpx.get(f"{address}/health").status_code == 200


async def test_clients_that_hang_up_leave_no_trace(
    address: str, caplog: pytest.LogCaptureFixture
) -> None:
    head = raw_headers("POST /toy/put HTTP/1.1", "Content-Length: 100")
    with caplog.at_level(logging.INFO):
        for cut in (head[:30], head, head + b'{"name":'):
            with connection(address) as raw:
                raw.sendall(cut)
        async with httpx.AsyncClient() as client:
            assert (await client.get(f"{address}/health")).status_code == 200
        await asyncio.sleep(0.05)
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_only_http_is_served(api: Api) -> None:
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "whatever"}

    async def send(message: Any) -> None:
        sent.append(message["type"])

    await api({"type": "websocket"}, receive, send)
    await api({"type": "lifespan"}, receive, send)
    assert sent == ["websocket.close", "lifespan.startup.complete", "lifespan.shutdown.complete"]
