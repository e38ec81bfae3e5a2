"""Which server the command talks to, and what it says when that goes wrong."""

import json
import socket
import socketserver
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import pytest

from tests.certificates import Authority, Pair
from tests.cli import answers
from tests.cli.conftest import KEY, Run
from tests.cli.fake import FakeServer

PRESENT = ("present", "--entrance", answers.FRONT, "--card", "42-12345")


@pytest.fixture(autouse=True)
def a_door(fake: FakeServer) -> None:
    fake.answers("/doorward/doors/present", answers.decision("allow", "allow", 16))


def test_sends_the_key_and_no_workspace(run: Run, fake: FakeServer) -> None:
    run(*PRESENT)
    headers = fake.requests[0].headers
    assert headers["authorization"] == f"Bearer {KEY}"
    assert "seam-workspace" not in headers


def test_sends_a_token_with_its_workspace(
    run: Run, fake: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SEAM_API_KEY")
    monkeypatch.setenv("SEAM_PERSONAL_ACCESS_TOKEN", "seam_at1x_y")
    assert "SEAM_PERSONAL_ACCESS_TOKEN needs SEAM_WORKSPACE_ID" in run(*PRESENT).err
    monkeypatch.setenv("SEAM_WORKSPACE_ID", answers.SYSTEM)
    assert run(*PRESENT).code == 0
    headers = fake.requests[0].headers
    assert headers["authorization"] == "Bearer seam_at1x_y"
    assert headers["seam-workspace"] == answers.SYSTEM


@pytest.mark.parametrize("variable", ["SEAM_ENDPOINT", "SEAM_API_KEY"])
@pytest.mark.usefixtures("fake")
def test_says_how_to_set_what_is_missing(
    run: Run, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.delenv(variable)
    assert run(*PRESENT) == (
        1,
        "",
        (
            f"doorward: {variable} is not set; for the sandbox, run:"
            ' eval "$(/somewhere/bin/doorward env)"\n'
        ),
    )


@pytest.mark.parametrize("endpoint", ["127.0.0.1:8765", "localhost", "http://", "http://[::1"])
def test_refuses_what_is_no_address(
    run: Run, monkeypatch: pytest.MonkeyPatch, endpoint: str
) -> None:
    monkeypatch.setenv("SEAM_ENDPOINT", endpoint)
    ended = run(*PRESENT)
    assert ended.code == 1
    assert "is no address such as http://127.0.0.1:8765" in ended.err


def test_refuses_a_key_that_no_header_can_carry(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEAM_API_KEY", "seam_\u2026")
    assert "has characters that no token has" in run(*PRESENT).err


def test_says_that_nobody_answers(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    monkeypatch.setenv("SEAM_ENDPOINT", f"http://127.0.0.1:{port}/")
    assert run(*PRESENT) == (
        1,
        "",
        (
            f"doorward: no server at http://127.0.0.1:{port}; start one with:"
            " /somewhere/bin/doorward serve\n"
        ),
    )


def test_says_that_plain_http_is_spoken_there(
    run: Run, monkeypatch: pytest.MonkeyPatch, fake: FakeServer
) -> None:
    address = fake.endpoint.removeprefix("http://")
    monkeypatch.setenv("SEAM_ENDPOINT", f"https://{address}")
    ended = run(*PRESENT)
    assert ended.code == 1
    assert f"what answers at https://{address} does not speak TLS" in ended.err
    assert f"set SEAM_ENDPOINT=http://{address}\n" in ended.err


@pytest.mark.usefixtures("fake")
def test_says_that_tls_is_spoken_there(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with _hanging_up(Authority(tmp_path).issue()) as address:
        monkeypatch.setenv("SEAM_ENDPOINT", f"http://{address}")
        ended = run(*PRESENT)
    told = f"the server at http://{address} speaks TLS; set SEAM_ENDPOINT=https://{address}"
    assert ended == (1, "", f"doorward: {told}\n")


@pytest.mark.usefixtures("fake")
def test_says_that_a_server_hangs_up(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with _hanging_up() as address:
        monkeypatch.setenv("SEAM_ENDPOINT", f"http://{address}")
        ended = run(*PRESENT)
    assert ended.code == 1
    assert f"the server at http://{address} did not answer" in ended.err


@contextmanager
def _hanging_up(pair: Pair | None = None) -> Iterator[str]:
    """The address of a server that answers nothing, with TLS or without."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(65536)

    with socketserver.TCPServer(("127.0.0.1", 0), Handler) as server:
        if pair:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(pair.chain, pair.key)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_a_loopback_address_is_reached_past_a_proxy(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    assert run(*PRESENT).code == 0


def test_says_an_error_of_the_api_in_one_line(run: Run, fake: FakeServer) -> None:
    fake.refuses("/doorward/doors/present", 404, "acs_entrance_not_found", "no such entrance")
    assert run(*PRESENT) == (
        1,
        "",
        "doorward: no such entrance (acs_entrance_not_found, HTTP 404)\n",
    )


@pytest.mark.parametrize("body", [b"<html>", [1], {"detail": "gone"}], ids=["html", "list", "own"])
def test_says_that_another_kind_of_server_answers(run: Run, fake: FakeServer, body: object) -> None:
    fake.answers("/doorward/doors/present", body, 502)
    ended = run(*PRESENT)
    assert ended.code == 1
    assert "is no Doorward server: it answered HTTP 502" in ended.err


def test_a_name_cannot_steer_the_terminal(run: Run, fake: FakeServer) -> None:
    evil = "Jane\x1b]0;x\x07\x9b2J"
    fake.answers("/acs/users/get", {"acs_user": answers.user(name=evil), "ok": True})
    told = run(*PRESENT).out
    assert "Jane\ufffd]0;x\ufffd\ufffd2J" in told
    shown = run("api", "acs", "users", "get", "--acs-user-id", answers.JANE).out
    assert json.loads(shown)["acs_user"]["display_name"] == evil
    fake.refuses("/doorward/doors/present", 400, "invalid_input", evil)
    refused = run(*PRESENT).err
    assert not {"\x1b", "\x07", "\x9b"}.intersection(told + shown + refused)
