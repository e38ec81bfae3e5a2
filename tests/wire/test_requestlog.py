"""A line for each request: what it tells, and that nothing of what was sent is ever in it."""

import json
import logging
import re
import socket
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from doorward.api.table import ROUTES
from doorward.logs import logging_to
from doorward.wire.app import Api
from doorward.wire.exchange import Exchange
from doorward.wire.requestlog import log_request
from doorward.wire.route import Caller
from tests.running import ACCESS_TOKEN, API_KEY, WORKSPACE, RunningServer
from tests.wire import toy

# What a caller may send that is nobody else's affair, each easy to find again.
PLANTED = {
    "name": "Zaphod Plantedname",
    "email_address": "planted@example.com",
    "phone_number": "+15550187187",
    "card_number": "42-187187",
    "code": "86091787",
    "token": "seam_testPlanted_TokenTokenTokenTokenTok",
    "search": "planted-search-term",
}
WORDS = (*PLANTED.values(), "planted", "Plantedname", "187187", API_KEY, ACCESS_TOKEN)


def lines_of(records: list[logging.LogRecord]) -> list[dict[str, Any]]:
    return [r.__dict__["fields"] for r in records if r.getMessage() == "request"]


async def call(
    api: Api, caplog: pytest.LogCaptureFixture, *given: Any, **named: Any
) -> tuple[toy.Answer, dict[str, Any], int]:
    caplog.clear()
    with caplog.at_level(logging.DEBUG, "doorward.wire.requestlog"):
        answer = await toy.call(api, *given, **named)
    (line,) = lines_of(caplog.records)
    return answer, line, next(r.levelno for r in caplog.records if r.getMessage() == "request")


@pytest.fixture
def told(api: Api) -> Api:
    api.observers.append(log_request)
    return api


async def test_a_line_tells_who_called_what(told: Api, caplog: pytest.LogCaptureFixture) -> None:
    body = {"name": PLANTED["name"]}
    answer, line, level = await call(told, caplog, "POST", "/toy/echo", body=body)
    assert line.pop("duration_ms") >= 0
    assert line == {
        "request_id": answer.headers["seam-request-id"],
        "workspace_id": toy.WORKSPACE,
        "token_id": UUID(int=1),
        "token_kind": "api_key",
        "verb": "POST",
        "path": "/toy/echo",
        "status": 200,
        "error": None,
    }
    assert level == logging.INFO


@pytest.mark.parametrize(
    ("verb", "path", "token", "expected", "level"),
    [
        ("POST", "/toy/echo", None, ("/toy/echo", 401, "unauthorized"), logging.INFO),
        ("PUT", "/toy/echo", toy.KEY, ("/toy/echo", 405, "method_not_allowed"), logging.INFO),
        ("POST", "/Zaphod", toy.KEY, (None, 404, "not_found"), logging.INFO),
        ("POST", "/toy/fail", toy.KEY, ("/toy/fail", 500, "internal_server_error"), 30),
        ("GET", "/health", None, ("/health", 200, None), logging.INFO),
        ("GET", "/openapi.json", None, ("/openapi.json", 200, None), logging.INFO),
        ("OPTIONS", "/toy/echo", None, (None, 200, None), logging.INFO),
    ],
)
async def test_how_it_ended(
    told: Api,
    caplog: pytest.LogCaptureFixture,
    verb: str,
    path: str,
    token: str | None,
    expected: tuple[str | None, int, str | None],
    level: int,
) -> None:
    answer, line, logged_at = await call(told, caplog, verb, path, token=token)
    assert (line["path"], line["status"], line["error"]) == expected
    assert (line["verb"], logged_at) == (verb, level)
    assert line["request_id"] == answer.headers["seam-request-id"]
    assert (line["token_id"] is None) is (expected[1] in {401, 404} or token is None)


async def test_a_verb_of_somebodys_own_is_not_told(
    told: Api, caplog: pytest.LogCaptureFixture
) -> None:
    _, line, _ = await call(told, caplog, "ZAPHOD", "/toy/echo")
    assert (line["verb"], line["status"]) == (None, 405)


def test_a_client_that_hung_up_has_no_status(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        log_request(Exchange("POST", {}, caller=Caller(UUID(int=1), "api_key", None)))
    (line,) = lines_of(caplog.records)
    assert (line["status"], line["workspace_id"]) == (None, None)


def test_a_fault_quotes_nothing(tmp_path: Path) -> None:
    api = toy.make_api()
    api.observers.append(log_request)
    with (tmp_path / "log").open("w") as stream, logging_to(stream, "json"), toy.serving(api) as at:
        answer = httpx.post(
            f"{at}/toy/fail?digits=86091787",
            json={"name": "Plantedname"},
            headers={"authorization": f"Bearer {toy.KEY}"},
        )
    assert answer.status_code == 500
    text = (tmp_path / "log").read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    fault, request = (line for line in lines if line["logger"].startswith("doorward."))
    assert fault["request_id"] == request["request_id"] == answer.headers["seam-request-id"]
    assert "builtins.RuntimeError at" in fault["exception"]
    for word in ("Plantedname", "86091787", toy.KEY):
        assert word not in text


@pytest.fixture(scope="module")
def driven(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str, list[str]]:
    """A server that was called on every route and beside them, with secrets everywhere: its log,
    its metrics, and the ids of all requests as the clients saw them.
    """
    folder = tmp_path_factory.mktemp("driven")
    server = RunningServer(folder / "data", "--log", "json", "--rate-limit", "0")
    seen: list[str] = []
    with (folder / "stderr").open("wb") as stderr:
        server.start(stderr=stderr.fileno())
        try:
            with httpx.Client(
                base_url=server.endpoint,
                timeout=30,
                event_hooks={"response": [lambda r: seen.append(r.headers["seam-request-id"])]},
            ) as client:
                _drive(client)
            _send_nonsense(server.port)
            metrics = httpx.get(f"{server.endpoint}/metrics").text
        finally:
            assert server.stop() == 0
    return (folder / "stderr").read_text(), metrics, seen


def _drive(client: httpx.Client) -> None:
    key = {"authorization": f"Bearer {API_KEY}"}
    headers = (
        key,
        {"authorization": f"Bearer {ACCESS_TOKEN}", "seam-workspace": WORKSPACE},
        {"authorization": f"Bearer {PLANTED['token']}", "x-planted": PLANTED["name"]},
        {**key, "cookie": f"planted={PLANTED['name']}", "user-agent": PLANTED["email_address"]},
    )
    for route in ROUTES:
        for number, sent in enumerate(headers):
            verb = route.verbs[number % len(route.verbs)]
            client.request(verb, route.path, params=PLANTED, headers=sent, json=PLANTED)
        client.post(route.path, headers=key, content=json.dumps(PLANTED)[:-9])
        client.post(route.path, headers={**key, "content-type": "text/planted"}, content=b"187187")
    for path in ("/health", "/openapi.json", "/metrics", "/planted/187187/Plantedname"):
        client.get(path, params=PLANTED, headers={"accept": "planted/187187"})
        client.request("PATCH", path, params=PLANTED, json=PLANTED)
    client.options("/acs/users/get", params=PLANTED, headers={"origin": "https://planted"})


def _send_nonsense(port: int) -> None:
    for nonsense in (
        b"PLANTED /planted HTTP/1.1\r\nhost: planted\r\n\r\n",
        b"POST /planted HTTP/1.1\r\nhost: 127.0.0.1\r\nplanted 187187: x\r\n\r\n",
        b"GET /planted HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: planted\r\n\r\n",
    ):
        with socket.create_connection(("127.0.0.1", port)) as raw:
            raw.settimeout(10)
            raw.sendall(nonsense)
            while raw.recv(4096):
                pass


def test_every_line_is_json(driven: tuple[str, str, list[str]]) -> None:
    for line in driven[0].splitlines():
        assert {"time", "level", "logger", "event"} <= json.loads(line).keys()


def test_every_request_has_one_line(driven: tuple[str, str, list[str]]) -> None:
    log, _, seen = driven
    lines = [json.loads(line) for line in log.splitlines()]
    requests = {line["request_id"]: line for line in lines if line["event"] == "request"}
    assert len(requests) == sum(line["event"] == "request" for line in lines)
    assert set(seen) <= requests.keys()
    # What is no request, beside whatever asked while the server started and at the end.
    others = [line for name, line in requests.items() if name not in seen]
    errors = [line["error"] for line in others if line["path"] not in {"/health", "/metrics"}]
    assert errors == ["invalid_request"] * 3


def test_every_route_is_named(driven: tuple[str, str, list[str]]) -> None:
    named = {json.loads(line).get("path") for line in driven[0].splitlines()}
    assert {route.path for route in ROUTES} <= named
    assert {line for line in named if line and not re.fullmatch(r"/[a-z_/.]+", line)} == set()


@pytest.mark.parametrize("word", WORDS)
def test_nothing_that_was_sent_is_told(driven: tuple[str, str, list[str]], word: str) -> None:
    log, metrics, _ = driven
    assert word not in log
    assert word not in metrics
    assert WORKSPACE in log
    assert WORKSPACE not in metrics
