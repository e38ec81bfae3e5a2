"""Fuzzes what comes over a connection: damaged requests, cut anywhere, one behind another."""

import asyncio
import contextlib
import re
import socket
import threading
from collections import defaultdict
from collections.abc import Iterator, Sequence
from random import Random
from typing import NamedTuple

import msgspec
import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from doorward.wire.http.edge import Edge
from doorward.wire.http.protocol import connection_class
from tests.fuzz.answers import must_be_envelope
from tests.fuzz.engine import Target
from tests.fuzz.mutate import mutate, pieces
from tests.fuzz.reference import Request, origin_form, requests
from tests.fuzz.wire_answers import answers
from tests.wire.toy import GROUP, KEY, USER, make_api

# Seconds without a byte after which nothing more is expected, and after which the server hangs.
_QUIET = 0.03
_HANGS = 20

_HOST = b"Host: 127.0.0.1\r\n"
_HEAD = _HOST + b"Authorization: Bearer " + KEY.encode() + b"\r\n"
_JSON = b"Content-Type: application/json\r\n"
_IDS = f"acs_access_group_id={GROUP}&acs_user_id={USER}&_strict=true".encode()
_BODY = msgspec.json.encode({"acs_access_group_id": str(GROUP), "acs_user_id": str(USER)})
_REMOVE = b"/acs/users/remove_from_access_group"
# What must never be executed as long as it is part of another request's body.
_MARKER = b"POST /toy/echo?name=marker HTTP/1.1\r\n" + _HEAD + b"Content-Length: 0\r\n\r\n"


def _with_length(head: bytes, body: bytes) -> bytes:
    return head + b"Content-Length: %d\r\n\r\n" % len(body) + body


def _chunked(head: bytes, body: bytes) -> bytes:
    half = len(body) // 2
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (body[:half], body[half:]))
    return head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"


# As the clients were seen to send them (Python and JavaScript, Ruby, PHP, the command line, cURL).
_CLIENTS = (
    b"DELETE " + _REMOVE + b"?" + _IDS + b" HTTP/1.1\r\n" + _HEAD + b"accept: */*\r\n"
    b"accept-encoding: gzip, deflate\r\nconnection: keep-alive\r\nuser-agent: python-httpx/0.28\r\n"
    b"seam-sdk-name: seamapi/python\r\nseam-sdk-version: 3.18.0\r\n\r\n",
    b"DELETE " + _REMOVE + b"?" + _IDS + b" HTTP/1.1\r\n" + _HEAD + _JSON + b"\r\n",
    _with_length(b"POST " + _REMOVE + b" HTTP/1.1\r\n" + _HEAD + _JSON, _BODY),
    _with_length(b"PATCH /toy/update HTTP/1.1\r\n" + _HEAD + _JSON, b'{"name":null}'),
    _with_length(b"GET /acs/users/list HTTP/1.1\r\n" + _HEAD + _JSON, b'{"limit":2}'),
    b"GET /toy/echo?labels=a&labels=b&count=1&_strict=true HTTP/1.1\r\n" + _HEAD + b"\r\n",
)
_SEEDS = (
    *_CLIENTS,
    *_CLIENTS,
    _chunked(b"POST " + _REMOVE + b" HTTP/1.1\r\n" + _HEAD + _JSON, _BODY),
    _chunked(b"POST /toy/put HTTP/1.1\r\n" + _HEAD, _MARKER),
    _with_length(b"POST /toy/put HTTP/1.1\r\n" + _HEAD, _MARKER),
    _with_length(b"PUT /toy/put HTTP/1.1\r\n" + _HEAD + _JSON, b"0\r\n\r\n" + _MARKER),
    b"HEAD /acs/users/get?acs_user_id=" + str(USER).encode() + b" HTTP/1.1\r\n" + _HEAD + b"\r\n",
    b"OPTIONS /toy/echo HTTP/1.1\r\n" + _HOST + b"Origin: http://x\r\n\r\n",
    b"GET /health HTTP/1.0\r\n" + _HOST + b"\r\n",
    b"GET http://127.0.0.1/toy/echo?count=1 HTTP/1.1\r\n" + _HEAD + b"\r\n",
    _with_length(b"POST /toy/put HTTP/1.1\r\n" + _HEAD + b"Expect: 100-continue\r\n", b"{}"),
)
_WORDS = (
    *(b"\r\n", b"\n", b"\r", b"\r\n\r\n", b"\n\n", b" ", b"\t", b"\0", b"\x0b", b"\xff", b":"),
    *(b"\r\nContent-Length: 0\r\n", b"\r\nContent-Length: 5\r\n", b"\r\nContent-Length: +5\r\n"),
    *(b"\r\nContent-Length: 5, 5\r\n", b"\r\nContent-Length : 5\r\n", b"\r\nContent-Length: 0x5"),
    *(b"\r\nContent-Length: 99999999999999999999\r\n", b"\r\nContent-Length: -1\r\n"),
    *(b"\r\nTransfer-Encoding: chunked\r\n", b"\r\nTransfer-Encoding: gzip, chunked\r\n"),
    *(b"\r\nTransfer-Encoding : chunked\r\n", b"\r\nTransfer-Encoding:\x0bchunked\r\n"),
    *(b"\r\nTransfer-Encoding: xchunked\r\n", b"\r\nTransfer-Encoding: identity\r\n"),
    *(b"\r\nTransfer-Encoding: chunked, chunked\r\n", b"\r\n Transfer-Encoding: chunked\r\n"),
    *(b"\r\nTransfer_Encoding: chunked\r\n", b"\nTransfer-Encoding: chunked\n"),
    *(
        b"0\r\n\r\n",
        b"5\r\nabcde\r\n",
        b"5;x=y\r\n",
        b"FFFFFFFFFFFFFFFFF\r\n",
        b"-1\r\n",
        b"0x5\r\n",
    ),
    *(
        b"0\r\nX: y\r\n\r\n",
        b" HTTP/1.1",
        b" HTTP/1.0",
        b" HTTP/2.0",
        b" HTTP/0.9",
        b"PRI * HTTP/2.0",
    ),
    *(b"\r\nConnection: close\r\n", b"\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"),
    *(b"\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n", b"\r\nExpect: 100-continue\r\n"),
    *(b"\r\nHost: doors.test\r\n", b"\r\nAuthorization: Bearer x\r\n", b"CONNECT ", b"GET ", b"*"),
    *(b"//", b"http://", b"#", b"?", b"%00", b"\x16\x03\x01", _MARKER),
)


class Case(NamedTuple):
    """What is sent on one connection, piece by piece."""

    pieces: tuple[bytes, ...]


class Recorder:
    """Notes of every connection which requests the application had whole, and what runs."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.executed: defaultdict[int, list[Request]] = defaultdict(list)
        self.verbs: defaultdict[int, list[str]] = defaultdict(list)
        self.running: defaultdict[int, int] = defaultdict(int)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes one request on."""
        port, body = scope["client"][1], bytearray()

        async def noting() -> Message:
            # Who waits for a body that never comes is not at work.
            self.running[port] -= 1
            message = await receive()
            self.running[port] += 1
            if message["type"] == "http.request":
                body.extend(message.get("body", b""))
                if not message.get("more_body"):
                    self._note(port, scope, bytes(body))
            return message

        self.verbs[port].append(scope["method"])
        self.running[port] += 1
        try:
            await self._app(scope, noting, send)
        finally:
            self.running[port] -= 1

    def forget(self, port: int) -> None:
        """Drops what came late on an earlier connection from this port."""
        self.executed.pop(port, None)
        self.verbs.pop(port, None)
        self.running.pop(port, None)

    def _note(self, port: int, scope: Scope, body: bytes) -> None:
        query = scope["query_string"]
        target = scope["raw_path"] + (b"?" + query if query else b"")
        self.executed[port].append(Request(scope["method"], target, body))


class Sockets(Target[Case]):
    """Well-formed answers, no request that another parser does not see, no 500, no hang."""

    name = "socket"
    share = 2

    def __init__(self) -> None:
        self._recorder = Recorder(make_api())
        self._runner = asyncio.Runner()
        self._open = contextlib.ExitStack()
        self._open.callback(self._runner.close)
        self._port = self._open.enter_context(_serving(self._recorder))

    def close(self) -> None:
        """Stops the server."""
        self._open.close()

    def make(self, random: Random) -> Case:
        """One or several requests, one of them damaged, cut into pieces."""
        sent = [random.choice(_SEEDS) for _ in range(random.choice((1, 1, 2, 3)))]
        if random.random() < 0.95:
            damaged = random.randrange(len(sent))
            sent[damaged] = mutate(sent[damaged], _WORDS, random, 3)
        if random.random() < 0.5:
            sent.append(_MARKER)
        whole = b"".join(sent) or b"\r\n"
        return Case(tuple(pieces(whole, random)))

    def faults(self, cases: Sequence[Case]) -> Iterator[tuple[int, Exception]]:
        """Sends all of them at a time, and asks afterwards whether the server still lives."""
        results = self._runner.run(self._exchange_all(cases))
        for place, result in enumerate(results):
            if isinstance(result, Exception):
                yield place, result

    async def _exchange_all(self, cases: Sequence[Case]) -> list[BaseException | None]:
        results = await asyncio.gather(*map(self._exchange, cases), return_exceptions=True)
        await self._must_be_alive()
        return results

    async def _exchange(self, case: Case) -> None:
        async with asyncio.timeout(_HANGS):
            reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
            port = writer.get_extra_info("sockname")[1]
            self._recorder.forget(port)
            received, is_cut_off = bytearray(), False
            try:
                await self._talk(reader, writer, case, port, received)
            except OSError:
                is_cut_off = True
            finally:
                writer.close()
        executed, verbs = self._recorder.executed.pop(port, []), self._recorder.verbs.pop(port, [])
        sent = b"".join(case.pieces)
        _must_be_requests(executed, requests(sent))
        if is_cut_off:
            # Whoever goes on after what says that it is the last may lose the answer to it.
            assert re.search(rb"HTTP/1\.0|close", sent, re.IGNORECASE), "cut off"
        else:
            _must_be_answers(bytes(received), verbs, len(executed))

    async def _talk(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        case: Case,
        port: int,
        into: bytearray,
    ) -> None:
        for piece in case.pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)
        if not await self._read(reader, into, port):
            writer.write_eof()
            into += await reader.read(-1)

    async def _read(self, reader: asyncio.StreamReader, into: bytearray, port: int) -> bool:
        """Reads until the server closes (True), or has been quiet and works on nothing (False)."""
        while True:
            try:
                async with asyncio.timeout(_QUIET):
                    chunk = await reader.read(65536)
            except TimeoutError:
                if not self._recorder.running[port]:
                    return False
                continue
            if not chunk:
                return True
            into += chunk

    async def _must_be_alive(self) -> None:
        async with asyncio.timeout(_HANGS):
            reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
            writer.write(b"GET /health HTTP/1.1\r\n" + _HOST + b"Connection: close\r\n\r\n")
            assert (await reader.read(-1)).startswith(b"HTTP/1.1 200 "), "the server is gone"
            writer.close()


@contextlib.contextmanager
def _serving(app: ASGIApp) -> Iterator[int]:
    """Serves on a free port of 127.0.0.1 with the connections of the real server."""
    listener = socket.create_server(("127.0.0.1", 0))
    connections = connection_class(Edge())
    server = uvicorn.Server(
        uvicorn.Config(app, http=connections, ws="none", lifespan="off", log_config=None)
    )
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


def _must_be_requests(executed: list[Request], of_reference: list[Request]) -> None:
    allowed = iter(of_reference)
    for request in executed:
        seen = request._replace(target=origin_form(request.target))
        assert any(seen == one for one in allowed), f"executed, and no request: {request}"


def _must_be_answers(received: bytes, verbs: list[str], executed: int) -> None:
    found = answers(received, verbs)
    assert len(found) >= executed, f"{executed} requests, {len(found)} answers"
    for answer in found:
        assert answer.status != 500, answer
        if answer.status != 200 and answer.body:
            must_be_envelope(answer.status, msgspec.json.decode(answer.body))
