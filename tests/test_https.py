"""A server that speaks HTTPS with a certificate of a private authority, and its clients."""

import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from seam.seam import Seam

from doorward.server import _is_at_home, _proxies
from doorward.settings import load
from tests.certificates import Authority, Pair
from tests.running import API_KEY, USER, WORKSPACE, RunningServer, command, running, seed_card


@dataclass(frozen=True)
class Secure:
    """A server with its certificate, and the authority that clients have to trust."""

    server: RunningServer
    pair: Pair
    authority: Authority

    def run(self, *arguments: str) -> tuple[int, str, str]:
        """Runs a command against it, with the environment that the documentation tells."""
        known = {"SEAM_ENDPOINT": self.server.endpoint, "SEAM_API_KEY": API_KEY}
        done = command(*arguments, **known, SSL_CERT_FILE=str(self.authority.file))
        return done.returncode, done.stdout, done.stderr


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secure]:
    folder = tmp_path_factory.mktemp("https")
    authority = Authority(folder)
    pair = authority.issue()
    options = ("--tls-cert", str(pair.chain), "--tls-key", str(pair.key))
    trusted = ssl.create_default_context(cafile=authority.file)
    with running(folder / "data", *options, tls=trusted) as server:
        yield Secure(server, pair, authority)


def test_the_address_is_printed_as_it_is(secure: Secure) -> None:
    assert f"Doorward answers at {secure.server.endpoint} " in secure.server.output()
    assert f"http://127.0.0.1:{secure.server.port}" not in secure.server.output()


def test_the_line_to_paste_leads_there(secure: Secure) -> None:
    line = next(each for each in secure.server.output().splitlines() if "env --port" in each)
    script = f"{line}\nprintf %s $SEAM_ENDPOINT"
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == secure.server.endpoint


def test_the_official_client(secure: Secure, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(secure.authority.file))
    seam = Seam(api_key=API_KEY, endpoint=secure.server.endpoint)
    try:
        assert seam.workspaces.get().workspace_id == WORKSPACE
    finally:
        seam.client.close()


def test_the_commands(secure: Secure) -> None:
    entrance, card = seed_card(secure.server)
    assert secure.run("api", "workspaces", "get")[0] == 0
    assert secure.run("present", "--entrance", entrance, "--card", card)[0] == 0
    assert secure.run("explain", "--user", USER, "--entrance", entrance)[0] == 0
    done = secure.run("doors", "--once")
    assert done[0] == 0
    assert "Server room" in done[1], done


def test_a_client_that_does_not_know_the_authority(secure: Secure) -> None:
    known = {"SEAM_ENDPOINT": secure.server.endpoint, "SEAM_API_KEY": API_KEY}
    done = command("api", "workspaces", "get", **known)
    assert done.returncode == 1
    assert "SSL_CERT_FILE" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_the_next_page_is_https_too(secure: Secure) -> None:
    with secure.server.client() as client:
        answer = client.post("/acs/users/list", json={"limit": 1}).json()
    assert answer["pagination"]["next_page_url"].startswith(f"{secure.server.endpoint}/acs/users/")


def test_a_renewed_certificate_is_taken_up(secure: Secure) -> None:
    renewed = secure.authority.issue()
    deadline = time.monotonic() + 20
    while _serial(secure) != renewed.serial():
        assert time.monotonic() < deadline, secure.server.output()
        time.sleep(0.05)


def _serial(secure: Secure) -> int:
    trusted = ssl.create_default_context(cafile=secure.authority.file)
    with (
        socket.create_connection(("127.0.0.1", secure.server.port), timeout=10) as plain,
        trusted.wrap_socket(plain, server_hostname="127.0.0.1") as connected,
    ):
        shown = connected.getpeercert()
    assert shown is not None
    return int(str(shown["serialNumber"]), 16)


@pytest.mark.parametrize(
    ("options", "is_exclusive"),
    [
        ({"tls_cert": Path("x"), "tls_key": Path("y")}, False),
        ({"tls_cert": Path("x"), "tls_key": Path("y"), "proxy": "192.0.2.1"}, False),
        ({"insecure_http": True}, False),
        ({"proxy": "192.0.2.1"}, True),
    ],
)
def test_who_else_may_come_where_others_can(options: dict[str, Any], is_exclusive: bool) -> None:
    settings = load(host="0.0.0.0", **options)  # noqa: S104
    assert _proxies(settings).is_exclusive is is_exclusive
    assert not _is_at_home(settings)


def test_a_proxy_on_this_machine_is_not_home() -> None:
    assert _is_at_home(load())
    assert not _is_at_home(load(proxy="127.0.0.1"))
