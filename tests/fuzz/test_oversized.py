"""Oversized everything, sent to a real server: the right refusal, and bounded memory."""

import re
import selectors
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest

from tests.fuzz.answers import must_be_envelope
from tests.fuzz.wire_answers import Answer, answers
from tests.running import API_KEY, RunningServer, running

_MIB = 1024 * 1024
# Seconds after which the server hangs.
_HANGS = 60
# How much more memory than before all of these the server may ever have had, in bytes.
_GROWTH = 96 * _MIB
# Of the largest thing of a kind, so many at a time.
_AT_A_TIME = 50

_HEAD = f"Host: 127.0.0.1\r\nAuthorization: Bearer {API_KEY}\r\n".encode()
_POST = b"POST /acs/users/list HTTP/1.1\r\n" + _HEAD + b"Connection: close\r\n"
_GET = b"GET /acs/users/list"
_CHUNK = b"10000\r\n" + b" " * 65536 + b"\r\n"

Bytes = Iterable[bytes]


def _times(piece: bytes, times: int) -> Iterator[bytes]:
    return (piece for _ in range(times))


def _declared(body: bytes) -> bytes:
    return _POST + b"Content-Length: %d\r\n\r\n" % len(body) + body


def _url() -> Bytes:
    return [_GET + b"?search=" + b"x" * _MIB + b" HTTP/1.1\r\n" + _HEAD + b"\r\n"]


def _url_without_end() -> Bytes:
    return [_GET + b"?search=", *_times(b"x" * 65536, 1600)]


def _many_parameters() -> Bytes:
    query = b"&".join(b"n%d=1" % number for number in range(100_000))
    return [_GET + b"?" + query + b" HTTP/1.1\r\n" + _HEAD + b"\r\n"]


def _header() -> Bytes:
    return [_GET + b" HTTP/1.1\r\n" + _HEAD + b"X-Long: " + b"x" * _MIB + b"\r\n\r\n"]


def _header_without_end() -> Bytes:
    return [_GET + b" HTTP/1.1\r\n" + _HEAD + b"X-Long: ", *_times(b"x" * 65536, 1600)]


def _name_without_end() -> Bytes:
    return [_GET + b" HTTP/1.1\r\n" + _HEAD, *_times(b"x" * 65536, 1600)]


def _many_headers() -> Bytes:
    many = b"".join(b"x-%d: y\r\n" % number for number in range(10_000))
    return [_GET + b" HTTP/1.1\r\n" + _HEAD + many + b"\r\n"]


def _declared_body() -> Bytes:
    return [_POST + b"Content-Length: %d\r\n\r\n" % (100 * _MIB), *_times(b" " * 65536, 1600)]


def _nobodys_body() -> Bytes:
    head = b"POST /acs/users/list HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    return [head + b"Content-Length: %d\r\n\r\n" % (100 * _MIB), *_times(b" " * 65536, 1600)]


def _chunked_body() -> Bytes:
    return [_POST + b"Transfer-Encoding: chunked\r\n\r\n", *_times(_CHUNK, 1600), b"0\r\n\r\n"]


def _tiny_chunks() -> Bytes:
    chunks = _times(b"1\r\n \r\n" * 10_000, 160)
    return [_POST + b"Transfer-Encoding: chunked\r\n\r\n", *chunks, b"0\r\n\r\n"]


def _chunk_extension() -> Bytes:
    return [_POST + b"Transfer-Encoding: chunked\r\n\r\n1;", *_times(b"x" * 65536, 1600)]


def _trailers() -> Bytes:
    lines = b"".join(b"x-%d: y\r\n" % number for number in range(10_000))
    return [_POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", *_times(lines, 500)]


def _deep_body() -> Bytes:
    return [_declared(b"[" * (_MIB - 1))]


def _deep_object() -> Bytes:
    return [_declared(b'{"a":' * 100_000 + b"1" + b"}" * 100_000)]


def _many_names() -> Bytes:
    names = ",".join(f'"n{number}":[]' for number in range(80_000))
    return [_declared(f"{{{names}}}".encode())]


def _long_number() -> Bytes:
    return [_declared(b'{"limit":' + b"9" * 1_000_000 + b"}")]


def _wrong_items() -> Bytes:
    return [_declared(b'{"acs_system_id":[' + b"1," * 500_000 + b"1]}")]


# What is sent, and the errors that may be answered; None is a success, "" no answer at all.
OVERSIZED: dict[str, tuple[Callable[[], Bytes], set[str | None]]] = {
    "an address": (_url, {"uri_too_long"}),
    "an address without an end": (_url_without_end, {"uri_too_long"}),
    "100,000 parameters": (_many_parameters, {"uri_too_long"}),
    "a header": (_header, {"headers_too_large"}),
    "a header without an end": (_header_without_end, {"headers_too_large"}),
    "a header's name without an end": (_name_without_end, {"headers_too_large"}),
    "10,000 headers": (_many_headers, {"headers_too_large"}),
    "100 MB of body, declared": (_declared_body, {"payload_too_large"}),
    "100 MB of body of nobody": (_nobodys_body, {"unauthorized", "payload_too_large"}),
    "100 MB of body in chunks": (_chunked_body, {"payload_too_large"}),
    "tiny chunks": (_tiny_chunks, {"payload_too_large"}),
    "a chunk's extension": (_chunk_extension, {"invalid_request", "headers_too_large"}),
    "trailers": (_trailers, {"invalid_request", "headers_too_large", "payload_too_large"}),
    "a body nested a million deep": (_deep_body, {"invalid_input"}),
    "objects nested 100,000 deep": (_deep_object, {"invalid_input"}),
    "80,000 names in a body": (_many_names, {None}),
    "a number of a million digits": (_long_number, {"invalid_input"}),
    "half a million wrong items": (_wrong_items, {"invalid_input"}),
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    data = tmp_path_factory.mktemp("oversized") / "data"
    with running(data, "--rate-limit", "0") as server:
        for _ in range(20):
            server.call("/acs/users/list").raise_for_status()
        before = _memory(server, "VmRSS")
        yield server
        grown = _memory(server, "VmHWM") - before
        print(f"memory: {before // _MIB} MiB before, at most {grown // _MIB} MiB more")
        assert grown < _GROWTH


@pytest.fixture(autouse=True)
def _lives(server: RunningServer) -> Iterator[None]:
    yield
    assert server.call("/acs/users/list").status_code == 200


@pytest.mark.parametrize("what", OVERSIZED)
def test_is_refused(server: RunningServer, what: str) -> None:
    send, kinds = OVERSIZED[what]
    [answer] = _talk(server, send())
    _must_be(answer, kinds)


@pytest.mark.parametrize("what", ["a header without an end", "100 MB of body in chunks"])
def test_many_at_a_time(server: RunningServer, what: str) -> None:
    send, kinds = OVERSIZED[what]
    with ThreadPoolExecutor(_AT_A_TIME) as pool:
        for found in pool.map(lambda _: _talk(server, send()), range(_AT_A_TIME)):
            [answer] = found
            _must_be(answer, kinds)


def test_a_megabyte_of_requests_one_behind_another(server: RunningServer) -> None:
    request = b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    times = _MIB // len(request)
    last = request.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    found = _talk(server, [request * times + last])
    assert {answer.status for answer in found[:-1]} == {200}
    assert len(found) == times + 1 or found[-1].status == 503


def test_requests_whose_answers_nobody_takes(server: RunningServer) -> None:
    request = b"GET /openapi.json HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port), timeout=1) as raw:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deadline = time.monotonic() + 2
        try:
            while time.monotonic() < deadline:
                raw.sendall(request * 100)
        except OSError:
            pass  # it stops reading, which is what it should do


def _must_be(answer: Answer, kinds: set[str | None]) -> None:
    body = msgspec.json.decode(answer.body)
    kind = None if answer.status == 200 else must_be_envelope(answer.status, body)
    assert kind in kinds, (answer.status, kind)
    # A refusal is read to its end by whoever sent the request.
    assert len(answer.body) < 256 * 1024


def _talk(server: RunningServer, payload: Bytes) -> list[Answer]:
    """Sends until the server has enough, reading all the time; answers what came back."""
    received, deadline = bytearray(), time.monotonic() + _HANGS
    with (
        socket.create_connection(("127.0.0.1", server.port)) as raw,
        selectors.DefaultSelector() as selector,
    ):
        raw.setblocking(False)
        key = selector.register(raw, selectors.EVENT_READ | selectors.EVENT_WRITE)
        left, pieces = memoryview(b""), iter(payload)
        while True:
            assert time.monotonic() < deadline, f"it hangs: {bytes(received[:200])!r}"
            left = left or memoryview(next(pieces, b""))
            if not left and key.events & selectors.EVENT_WRITE:
                key = selector.modify(raw, selectors.EVENT_READ)
            for _, ready in selector.select(1):
                try:
                    if ready & selectors.EVENT_WRITE and left:
                        left = left[raw.send(left) :]
                    if ready & selectors.EVENT_READ:
                        chunk = raw.recv(_MIB)
                        received += chunk
                        if not chunk:
                            return answers(bytes(received), [])
                except ConnectionError:
                    return answers(bytes(received), [])


def _memory(server: RunningServer, name: str) -> int:
    """What the kernel says of the server's memory, in bytes."""
    status = Path(f"/proc/{server.pid}/status").read_text()
    found = re.search(rf"^{name}:\s+(\d+) kB", status, re.MULTILINE)
    assert found
    return int(found[1]) * 1024
