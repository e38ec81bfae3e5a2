"""Requests that two programs could read differently: one reading, or none and the end."""

from collections.abc import Iterator

import pytest

from doorward.wire.exchange import Exchange
from tests.wire.raw import exchange, wire
from tests.wire.toy import GROUP, KEY, USER, make_api, serving

HIDDEN_PATH = "/acs/users/remove_from_access_group"
# What somebody would like to have executed unseen.
HIDDEN = (
    f"DELETE {HIDDEN_PATH}?acs_access_group_id={GROUP}&acs_user_id={USER} HTTP/1.1\r\n"
    f"Host: x\r\nAuthorization: Bearer {KEY}\r\n\r\n"
).encode()
GET = b"GET /health HTTP/1.1\r\n"
LAST = b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
GET_HOST = GET + b"Host: x\r\n"
POST = f"POST /toy/key HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {KEY}\r\n".encode()
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
END = b"0\r\n\r\n"

REFUSED = {
    "both lengths": POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n" + END,
    "both lengths, the other way": POST
    + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n"
    + END,
    "two lengths": POST + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    "the same length twice": POST + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
    "a list of lengths": POST + b"Content-Length: 2, 2\r\n\r\n{}",
    "a length with plus": POST + b"Content-Length: +2\r\n\r\n{}",
    "a negative length": POST + b"Content-Length: -2\r\n\r\n{}",
    "a huge length": POST + b"Content-Length: 99999999999999999999\r\n\r\n{}",
    "a hexadecimal length": POST + b"Content-Length: 0x2\r\n\r\n{}",
    "an empty length": POST + b"Content-Length: \r\n\r\n{}",
    "a length in two words": POST + b"Content-Length: 2 2\r\n\r\n{}",
    "chunked, identity": POST + b"Transfer-Encoding: chunked, identity\r\n\r\n" + END,
    "identity, chunked": POST + b"Transfer-Encoding: identity, chunked\r\n\r\n" + END,
    "gzip, chunked": POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n" + END,
    "identity": POST + b"Transfer-Encoding: identity\r\n\r\n",
    "xchunked": POST + b"Transfer-Encoding: xchunked\r\n\r\n" + END,
    "quoted chunked": POST + b'Transfer-Encoding: "chunked"\r\n\r\n' + END,
    "empty encoding": POST + b"Transfer-Encoding: \r\n\r\n" + END,
    "chunked after a vertical tab": POST + b"Transfer-Encoding: \x0bchunked\r\n\r\n" + END,
    "chunked twice": POST + b"Transfer-Encoding: chunked\r\n" * 2 + b"\r\n" + END,
    "junk, then chunked": POST
    + b"Transfer-Encoding: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n"
    + END,
    "chunked in HTTP/1.0": CHUNKED.replace(b"HTTP/1.1", b"HTTP/1.0") + END,
    "a chunk size with junk": CHUNKED + b"2x\r\n{}\r\n" + END,
    "a chunk size with 0x": CHUNKED + b"0x2\r\n{}\r\n" + END,
    "a negative chunk size": CHUNKED + b"-2\r\n{}\r\n" + END,
    "a huge chunk size": CHUNKED + b"f" * 20 + b"\r\n{}\r\n" + END,
    "a chunk size after a blank": CHUNKED + b" 2\r\n{}\r\n" + END,
    "a chunk size before a blank": CHUNKED + b"2 \r\n{}\r\n" + END,
    "no chunk size": CHUNKED + b"\r\n{}\r\n" + END,
    "chunk sizes with bare LF": CHUNKED + b"2\n{}\n0\n\n",
    "a chunk extension with bare LF": CHUNKED + b"2;a\n{}\r\n" + END,
    "a chunk longer than its size": CHUNKED + b"1\r\n{}\r\n" + END,
    "a length among the trailers": CHUNKED + b"2\r\n{}\r\n0\r\nContent-Length: 9\r\n\r\n",
    "bare LF everywhere": b"GET /health HTTP/1.1\nHost: x\n\n",
    "bare LF after the first line": b"GET /health HTTP/1.1\nHost: x\r\n\r\n",
    "bare LF after a header": GET + b"Host: x\nA: b\r\n\r\n",
    "bare LF at the end": GET_HOST + b"\n",
    "bare CR in a header": GET_HOST + b"A: b\rContent-Length: 9\r\n\r\n",
    "bare CR at the end": GET_HOST + b"\r\rx",
    "a folded header": GET_HOST + b"A: b\r\n c\r\n\r\n",
    "a folded header with a tab": GET_HOST + b"A: b\r\n\tc\r\n\r\n",
    "a folded first header": GET + b" Host: x\r\n\r\n",
    "a folded length": POST + b"Content-Length:\r\n 2\r\n\r\n{}",
    "a blank before the colon": GET_HOST + b"A : b\r\n\r\n",
    "a blank before a length's colon": POST + b"Content-Length : 2\r\n\r\n{}",
    "NUL in a value": GET_HOST + b"A: b\x00c\r\n\r\n",
    "a control character in a value": GET_HOST + b"A: b\x01c\r\n\r\n",
    "NUL in a name": GET_HOST + b"A\x00: b\r\n\r\n",
    "an empty name": GET_HOST + b": b\r\n\r\n",
    "no colon": GET_HOST + b"Transfer-Encoding\r\n\r\n",
    "no host": GET + b"\r\n",
    "an empty host": GET + b"Host: \r\n\r\n",
    "two hosts": GET_HOST + b"Host: localhost\r\n\r\n",
    "the same host twice": GET_HOST + b"Host: x\r\n\r\n",
    "a host with a path": GET + b"Host: x/y\r\n\r\n",
    "a host with a user": GET + b"Host: localhost@x\r\n\r\n",
    "another host in the target": b"GET http://y/health HTTP/1.1\r\nHost: x\r\n\r\n",
    "a user in the target": b"GET http://u@x/health HTTP/1.1\r\nHost: x\r\n\r\n",
    "another scheme in the target": b"GET ftp://x/health HTTP/1.1\r\nHost: x\r\n\r\n",
    "an authority as the target": b"GET x:80 HTTP/1.1\r\nHost: x\r\n\r\n",
    "a fragment": b"GET /health#a HTTP/1.1\r\nHost: x\r\n\r\n",
    "a fragment of a query": b"GET /health?a#b HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET *": b"GET * HTTP/1.1\r\nHost: x\r\n\r\n",
    "a target without a slash": b"GET health HTTP/1.1\r\nHost: x\r\n\r\n",
    "a blank in the target": b"GET /he alth HTTP/1.1\r\nHost: x\r\n\r\n",
    "a tab in the target": b"GET /he\talth HTTP/1.1\r\nHost: x\r\n\r\n",
    "NUL in the target": b"GET /he\x00alth HTTP/1.1\r\nHost: x\r\n\r\n",
    "no ASCII in the target": b"GET /h\xffalth HTTP/1.1\r\nHost: x\r\n\r\n",
    "a blank before the verb": b" GET /health HTTP/1.1\r\nHost: x\r\n\r\n",
    "a verb in lower case": b"get /health HTTP/1.1\r\nHost: x\r\n\r\n",
    "an unknown verb": b"FETCH /health HTTP/1.1\r\nHost: x\r\n\r\n",
    "CONNECT": b"CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n",
    "CONNECT to a path": b"CONNECT /health HTTP/1.1\r\nHost: x\r\n\r\n",
    "HTTP/0.9": b"GET /health\r\n",
    "a version of 0.9": b"GET /health HTTP/0.9\r\nHost: x\r\n\r\n",
    "a version of 1.2": b"GET /health HTTP/1.2\r\nHost: x\r\n\r\n",
    "a version of 2.0": b"GET /health HTTP/2.0\r\nHost: x\r\n\r\n",
    "http in lower case": b"GET /health http/1.1\r\nHost: x\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "TLS": bytes.fromhex("16030100c8010000c40303") + b"\0" * 40,
    "noise": b"\xff\xfe\xfd\r\n\r\n",
}

# How many answers there are to a request, the hidden one and a last one.
READ_ONCE = {
    "a length with blanks around it": POST + b"Content-Length: \t2 \r\n\r\n{}",
    "a length with zeros": POST + b"Content-Length: 002\r\n\r\n{}",
    "CHUNKED": POST + b"Transfer-Encoding: CHUNKED\r\n\r\n2\r\n{}\r\n" + END,
    "chunk extensions": CHUNKED + b'2;a=b;c="d\\"e"\r\n{}\r\n0;z\r\n\r\n',
    "a chunk size with zeros": CHUNKED + b"0" * 40 + b"2\r\n{}\r\n" + END,
    "trailers": CHUNKED + b"2\r\n{}\r\n0\r\nAuthorization: Bearer no\r\nHost: y\r\n\r\n",
    "a name that is nearly a length": GET_HOST + b"Content_Length: 400\r\n\r\n",
    "an absolute target": b"GET http://X/health HTTP/1.1\r\nHost: x\r\n\r\n",
    "blanks between the words": b"GET  /health  HTTP/1.1\r\nHost: x\r\n\r\n",
    "empty lines before": b"\r\n\r\n" + GET_HOST + b"\r\n",
    "another protocol wished for": GET_HOST + b"Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
    "another protocol and a body": POST
    + b"Connection: upgrade, keep-alive\r\nUpgrade: websocket\r\nContent-Length: 2\r\n\r\n{}",
    "another protocol and chunks": POST
    + b"Connection: upgrade\r\nUpgrade: h2c\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n"
    + END,
    "an upgrade without saying so": POST + b"Upgrade: h2c\r\nContent-Length: 2\r\n\r\n{}",
    "GET with a body": GET_HOST + b"Content-Length: 5\r\n\r\nGET /",
}


@pytest.fixture(scope="module")
def told() -> list[Exchange]:
    """Everything that the API answered, and what was refused before it."""
    return []


@pytest.fixture(scope="module")
def served(told: list[Exchange]) -> Iterator[str]:
    """The toy API behind the real connections."""
    api = make_api()
    api.observers.append(told.append)
    with serving(api) as address:
        yield address


@pytest.fixture(autouse=True)
def _nothing_told_yet(told: list[Exchange]) -> None:
    told.clear()


def executed(told: list[Exchange]) -> int:
    return sum(each.path == HIDDEN_PATH and each.status == 200 for each in told)


@pytest.mark.parametrize("sent", REFUSED.values(), ids=REFUSED)
def test_no_reading_at_all(served: str, told: list[Exchange], sent: bytes) -> None:
    answers = exchange(served, sent + HIDDEN)
    assert [(each.status, each.kind) for each in answers] == [(400, "invalid_request")]
    assert answers[0].headers["connection"] == "close"
    assert executed(told) == 0


@pytest.mark.parametrize("sent", REFUSED.values(), ids=REFUSED)
def test_no_reading_however_it_is_cut(served: str, told: list[Exchange], sent: bytes) -> None:
    with wire(served) as connected:
        for byte in (sent + HIDDEN)[:600]:
            connected.send(bytes([byte]))
        answers = connected.answers()
    assert [(each.status, each.kind) for each in answers] == [(400, "invalid_request")]
    assert executed(told) == 0


@pytest.mark.parametrize("sent", REFUSED.values(), ids=REFUSED)
def test_what_was_asked_before_is_answered_first(
    served: str, told: list[Exchange], sent: bytes
) -> None:
    answers = exchange(served, HIDDEN + sent + HIDDEN)
    assert [each.status for each in answers] == [200, 400]
    assert executed(told) == 1


@pytest.mark.parametrize("sent", READ_ONCE.values(), ids=READ_ONCE)
def test_one_reading(served: str, told: list[Exchange], sent: bytes) -> None:
    answers = exchange(served, sent + HIDDEN + LAST)
    assert [each.status for each in answers] == [200, 200, 200]
    assert answers[1].body == b"{}"
    assert executed(told) == 1


@pytest.mark.parametrize("sent", READ_ONCE.values(), ids=READ_ONCE)
def test_one_reading_however_it_is_cut(served: str, told: list[Exchange], sent: bytes) -> None:
    with wire(served) as connected:
        for byte in sent:
            connected.send(bytes([byte]))
        connected.send(HIDDEN + LAST)
        answers = connected.answers()
    assert [each.status for each in answers] == [200, 200, 200]
    assert executed(told) == 1


def test_a_body_is_no_request(served: str, told: list[Exchange]) -> None:
    size = str(len(HIDDEN)).encode()
    for sent in (
        GET_HOST + b"Content-Length: " + size + b"\r\n\r\n" + HIDDEN,
        POST
        + b"Connection: upgrade\r\nUpgrade: h2c\r\nContent-Length: "
        + size
        + b"\r\n\r\n"
        + HIDDEN,
    ):
        assert len(exchange(served, sent + LAST)) == 2
    assert executed(told) == 0


SINGLE = (
    "Authorization",
    "Client-Session-Token",
    "Content-Type",
    "Idempotency-Key",
    "Seam-Client-Session-Token",
    "Seam-Publishable-Key",
    "Seam-User-Identifier-Key",
    "Seam-Workspace",
)


@pytest.mark.parametrize("name", SINGLE)
def test_what_may_be_there_once(served: str, told: list[Exchange], name: str) -> None:
    twice = GET_HOST + f"{name}: a\r\n{name.lower()}: b\r\n\r\n".encode()
    answers = exchange(served, twice + HIDDEN)
    assert [(each.status, each.kind) for each in answers] == [(400, "invalid_request")]
    assert answers[0].headers["connection"] == "close"
    assert executed(told) == 0


@pytest.mark.parametrize("more", [b"", b"Connection: keep-alive\r\n", b"Host: x\r\n"])
def test_http_1_0_is_answered_once(served: str, told: list[Exchange], more: bytes) -> None:
    answers = exchange(served, b"GET /health HTTP/1.0\r\n" + more + b"\r\n" + HIDDEN)
    assert [(each.status, each.headers["connection"]) for each in answers] == [(200, "close")]
    assert executed(told) == 0


def test_nothing_is_executed_after_the_last_request(served: str, told: list[Exchange]) -> None:
    assert [each.status for each in exchange(served, LAST + HIDDEN)] == [200]
    assert executed(told) == 0


def test_the_server_as_a_whole_may_be_asked_for_its_options(served: str) -> None:
    sent = b"OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    assert [each.status for each in exchange(served, sent)] == [200]
