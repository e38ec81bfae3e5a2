"""Proxies in front: whom they may speak for, who may speak for them, and who may come besides."""

import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest

from doorward.errors import StartError
from doorward.wire.http.edge import Edge
from doorward.wire.http.proxies import Proxies, read_proxies
from tests.wire.raw import Answer, Wire, exchange
from tests.wire.toy import KEY, PUBLISHED_KEY, make_api, serving

# Loopback addresses all, one of them a proxy's.
PROXY, STRANGER = "127.0.0.2", "127.0.0.1"
FORWARDED = (
    "X-Forwarded-Proto: https",
    "X-Forwarded-Host: doors.example.com",
    "X-Forwarded-For: 192.0.2.7",
)


@pytest.fixture(scope="module")
def served() -> Iterator[str]:
    """The toy API behind a proxy."""
    edge = Edge(proxies=read_proxies([PROXY, "10.1.0.0/16", "2001:db8::/32"], is_exclusive=True))
    with serving(make_api(), edge) as address:
        yield address


def ask(
    address: str, *headers: str, sender: str = PROXY, key: str = KEY, host: str = "x"
) -> Answer:
    """Lists people from an address of this machine's."""
    parts = urlsplit(address)
    lines = ["GET /acs/users/list HTTP/1.1", f"Host: {host}", f"Authorization: Bearer {key}"]
    sent = "\r\n".join([*lines, *headers, "Connection: close", "", ""])
    with socket.create_connection(
        (parts.hostname, parts.port), timeout=10, source_address=(sender, 0)
    ) as connected:
        wire = Wire(connected)
        wire.send(sent.encode())
        [answer] = wire.answers()
    return answer


def next_page(answer: Answer) -> str:
    """Where the next page is said to be, without what is behind the path."""
    url = str(httpx.Response(200, content=answer.body).json()["pagination"]["next_page_url"])
    return url.partition("/acs")[0]


def test_a_named_proxy_is_believed(served: str) -> None:
    assert next_page(ask(served, *FORWARDED)) == "https://doors.example.com"


def test_of_a_list_the_last_is_the_proxys_own(served: str) -> None:
    forged = ("X-Forwarded-Proto: http, https", "X-Forwarded-Host: evil.example, doors.example.com")
    assert next_page(ask(served, *forged)) == "https://doors.example.com"


def test_a_proxy_that_tells_nothing(served: str) -> None:
    assert next_page(ask(served)) == "http://x"


@pytest.mark.parametrize("scheme", ["ftp", "", "https://"])
def test_a_proxy_that_tells_no_scheme(served: str, scheme: str) -> None:
    assert next_page(ask(served, f"X-Forwarded-Proto: {scheme}")) == "http://x"


def test_a_proxy_that_passes_on_a_host_that_is_none(served: str) -> None:
    answer = ask(served, "X-Forwarded-Host: x/evil")
    assert (answer.status, answer.kind) == (400, "invalid_request")


def test_nobody_else_is_believed(served: str) -> None:
    assert next_page(ask(served, *FORWARDED, sender=STRANGER)) == "http://x"


def test_without_proxies_nobody_is_believed(address: str) -> None:
    assert next_page(ask(address, *FORWARDED)) == "http://x"


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        (PROXY, True),
        (STRANGER, True),
        ("::1", True),
        ("::ffff:10.1.2.3", True),
        ("10.1.2.3", True),
        ("2001:db8::7", True),
        ("10.2.0.1", False),
        ("::ffff:10.2.0.1", False),
        ("192.0.2.1", False),
        ("2001:db9::7", False),
    ],
)
def test_who_may_come_over_plain_http(address: str, expected: bool) -> None:
    names = [PROXY, "10.1.0.0/16", "2001:db8::/32"]
    assert read_proxies(names, is_exclusive=True).admit(address) is expected
    assert read_proxies(names, is_exclusive=False).admit(address)


def test_everybody_else_is_turned_away(monkeypatch: pytest.MonkeyPatch) -> None:
    # There is no other machine to come from.
    monkeypatch.setattr(Proxies, "admit", lambda *_: False)
    with serving(make_api()) as address:
        [answer] = exchange(address, b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
    assert (answer.status, answer.kind) == (400, "invalid_request")
    assert answer.headers["connection"] == "close"


@pytest.mark.parametrize("name", ["proxy.example.com", "10.0.0.0/33", "10.0.0.1/8", "*", ""])
def test_names_that_are_no_address(name: str) -> None:
    with pytest.raises(StartError, match="--proxy"):
        read_proxies([name], is_exclusive=True)


@pytest.mark.parametrize(
    ("forwarded", "expected"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("198.51.100.1, 192.0.2.7", "192.0.2.7"),
        ("192.0.2.7, 10.1.0.9", "192.0.2.7"),
        ("192.0.2.7, unknown", PROXY),
        ("10.1.0.9", PROXY),
        ("", PROXY),
    ],
)
def test_whom_a_proxy_speaks_for(forwarded: str, expected: str) -> None:
    scope = {"client": (PROXY, 1), "headers": []}
    proxies = read_proxies([PROXY, "10.1.0.0/16"], is_exclusive=True)
    proxies.apply(scope, {b"x-forwarded-for": forwarded.encode()})
    assert scope["client"][0] == expected


@pytest.mark.parametrize(
    "header",
    [
        "X-Forwarded-For: 192.0.2.7",
        "X-Forwarded-Host: x.example",
        "X-Forwarded-Proto: https",
        "X-Forwarded-Prefix: /doors",
        "Forwarded: for=_x",
        "Via: 1.1 p",
        "X-Real-IP: 192.0.2.7",
        "CF-Connecting-IP: 192.0.2.7",
        "True-Client-IP: 192.0.2.7",
    ],
)
def test_published_tokens_do_not_count_through_a_proxy_on_this_machine(
    address: str, header: str
) -> None:
    assert ask(address, key=PUBLISHED_KEY, host="127.0.0.1").status == 200
    answer = ask(address, header, key=PUBLISHED_KEY, host="127.0.0.1")
    assert (answer.status, answer.kind) == (401, "unauthorized")


def test_published_tokens_do_not_count_in_http_1_0(address: str) -> None:
    lines = ("Host: 127.0.0.1", f"Authorization: Bearer {PUBLISHED_KEY}", "Connection: close")
    for version, status in (("1.1", 200), ("1.0", 401)):
        sent = "\r\n".join([f"GET /acs/users/list HTTP/{version}", *lines, "", ""])
        assert [each.status for each in exchange(address, sent.encode())] == [status]
