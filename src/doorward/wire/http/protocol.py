"""A connection: requests in, answers out, in their order, within the limits."""

import asyncio
from collections import deque
from enum import Enum, auto
from typing import Any, ClassVar, Final, cast
from urllib.parse import unquote

import httptools
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from doorward.errors import ApiError
from doorward.wire.cors import cors_headers
from doorward.wire.errors import refused
from doorward.wire.gate import OVERLOADED
from doorward.wire.http.answering import Cycle, Exit, written
from doorward.wire.http.crowd import Crowd, Room
from doorward.wire.http.deadline import Deadline
from doorward.wire.http.edge import Edge
from doorward.wire.http.head import (
    check_head,
    check_length,
    check_once,
    expects_continue,
    read_target,
)
from doorward.wire.http.refusals import (
    BODY_TOO_LARGE,
    HEAD_TOO_LARGE,
    NO_HTTP,
    NO_PROXY,
    NO_TUNNEL,
    TOO_LATE,
    URL_TOO_LONG,
)
from doorward.wire.reply import Reply

# So much is parsed at a time, in bytes: what the parser may hold back unseen.
PIECE: Final = 64 * 1024


class _Place(Enum):
    """Where in its requests a connection is."""

    BETWEEN = auto()
    HEAD = auto()
    BODY = auto()


class _Stop(Exception):
    """Nothing that follows is looked at."""


class Connection(HttpToolsProtocol):
    """Serves the requests of one connection.

    A request that is refused ends it: answers that are due before are given, then the refusal in
    the API's envelope, and nothing that follows is looked at.
    """

    edge: ClassVar[Edge] = Edge()
    crowd: ClassVar[Crowd] = Crowd(edge.limits)

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._limits = self.edge.limits
        self.handshake: asyncio.Task[None] | None = None
        self._deadline = Deadline(self.loop, self._on_time)
        self._place = _Place.BETWEEN
        self._timed: _Place | None = _Place.BETWEEN
        self._running: Cycle | None = None
        self._waiting: deque[Cycle] = deque()
        self._refusal: Reply | None = None
        self._stopped: Reply | None = None
        # Bytes since the head began, or since the body last grew; of headers; thrown away.
        self._unseen = self._size = self._wasted = 0
        self._is_upgrading = self._is_passed_on = self._is_reserve = False
        self._is_deaf = self._has_ended = self._is_leaving = False

    # The connection's beginning and end

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Turns away who may not come, or comes when the house is full."""
        super().connection_made(transport)
        self.handshake = None
        self._exit = cast("asyncio.Transport", Exit(transport, self.leave))
        room = self.crowd.enter(self)
        address = self.client[0] if self.client else ""
        if not address or room is Room.NONE:
            self._write(OVERLOADED)
            self._is_deaf = self._is_leaving = True
            transport.close()
        elif not self.edge.proxies.admit(address):
            self._refuse(NO_PROXY)
        else:
            self._is_passed_on = address in self.edge.proxies
            self._is_reserve = room is Room.RESERVE
            self._rest(self._limits.head_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        """Lets every request that is not answered know."""
        self.crowd.leave(self)
        self._deadline.close()
        if self._running is not None:
            self._running.drop()
        self._is_deaf = self._is_leaving = True
        self._waiting.clear()
        super().connection_lost(exc)

    def eof_received(self) -> bool | None:  # type: ignore[override]
        """Answers what was whole when the client stopped sending; TLS knows no half of an end."""
        self._is_deaf = self._has_ended = True
        self._withdraw()
        if self._running is None or self._is_leaving or self.scheme == "https":
            return None
        if self._refusal is None:
            (self._waiting[-1] if self._waiting else self._running).keep_alive = False
        return True

    def leave(self) -> None:
        """Closes once the client has what was written to it.

        Closing while it still sends would be a reset, which may take the answer away from it.
        """
        self.crowd.wake(self)
        self._is_deaf = self._is_leaving = True
        has_all = self._place is _Place.BETWEEN and self._refusal is None
        if has_all or self._has_ended:
            self._deadline.wait(self._limits.answer_seconds)
            self.transport.close()
            return
        self._deadline.wait(self._limits.linger_seconds)
        self.flow.resume_reading()
        if self.transport.can_write_eof():
            self.transport.write_eof()

    def give_way(self) -> None:
        """Ends at once, between requests or in the handshake."""
        if self.handshake is not None:
            self.handshake.cancel()
        else:
            self.leave()
            self._deadline.wait(0)

    # What arrives

    def data_received(self, data: bytes) -> None:
        """Parses, piece by piece, until there is something to refuse."""
        if len(data) <= PIECE:
            self._take(data)
            return
        for start in range(0, len(data), PIECE):
            self._take(data[start : start + PIECE])

    def _take(self, piece: bytes) -> None:
        if self._is_deaf:
            self._waste(len(piece))
            return
        try:
            self._parse(piece)
        except httptools.HttpParserError as error:
            self._stop(error)
            return
        self._unseen = 0 if self._place is _Place.BETWEEN else self._unseen + len(piece)
        if self._unseen > self._limits.url + self._limits.headers + PIECE:
            self._refuse(HEAD_TOO_LARGE)
        elif self._place is not self._timed:
            self._start_clock()

    def _parse(self, piece: bytes) -> None:
        while piece:
            try:
                self.parser.feed_data(piece)
            except httptools.HttpParserUpgrade as upgrade:
                piece = self._as_plain() + piece[upgrade.args[0] :]
            else:
                return

    def _as_plain(self) -> bytes:
        """The head once more, without the wish for another protocol, for a parser that obeys it."""
        self._is_upgrading = False
        version = self.parser.get_http_version().encode()
        lines = [b"%s %s HTTP/%s" % (self.parser.get_method(), self.url, version)]
        lines += [b"%s: %s" % pair for pair in self.headers if pair[0] != b"upgrade"]
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        return b"\r\n".join([*lines, b"", b""])

    def _stop(self, error: httptools.HttpParserError) -> None:
        if self._stopped is not None:
            self._refuse(self._stopped)
        elif isinstance(error, httptools.HttpParserCallbackError):
            raise error  # a fault of ours
        else:
            self._refuse(NO_HTTP)

    def _waste(self, size: int) -> None:
        self._wasted += size
        if self._wasted > self._limits.drain:
            self.transport.abort()

    # What the parser calls

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self.crowd.wake(self)
        self._place, self._timed = _Place.HEAD, None
        self._size = 0

    def on_url(self, url: bytes) -> None:
        """A part of the request's target."""
        self.url += url
        if len(self.url) > self._limits.url:
            raise self._stop_with(URL_TOO_LONG)

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header; what follows a body says nothing that could still count."""
        if self._place is not _Place.HEAD:
            return
        self.headers.append((name.lower(), value))
        self._size += len(name) + len(value) + 4
        if self._size > self._limits.headers or len(self.headers) > self._limits.header_count:
            raise self._stop_with(HEAD_TOO_LARGE)

    def on_headers_complete(self) -> None:
        """A request can be begun with, or has to wait for the answer to the one before."""
        method, version = self.parser.get_method(), self.parser.get_http_version()
        if self.parser.should_upgrade() and method != b"CONNECT":
            self._is_upgrading = True
            return
        try:
            cycle = self._new_cycle(method, version)
        except ApiError as error:
            raise self._stop_with(refused(error)) from error
        self.cycle = cycle
        self._place, self._unseen, self._wasted = _Place.BODY, 0, 0
        if self._running is None:
            self._run(cycle)
        else:
            self._waiting.append(cycle)
            self.flow.pause_reading()

    def on_body(self, body: bytes) -> None:
        """A part of the body, for the API unless it has answered without."""
        self._unseen = 0
        cycle = self.cycle
        if cycle.response_complete or cycle.disconnected:
            self._wasted += len(body)
            if self._wasted > self._limits.drain:
                raise self._stop_with(BODY_TOO_LARGE)
            return
        cycle.body += body
        if len(cycle.body) > HIGH_WATER_LIMIT:
            self.flow.pause_reading()
        cycle.message_event.set()

    def on_message_complete(self) -> None:
        """A request is whole."""
        if self._is_upgrading:
            return
        self._place = _Place.BETWEEN
        self.cycle.more_body = False
        self.cycle.message_event.set()

    def _stop_with(self, reply: Reply) -> _Stop:
        # The parser tells no more of an error than that there was one.
        self._stopped = reply
        return _Stop()

    def _new_cycle(self, method: bytes, version: str) -> Cycle:
        """The request that a head asks for. Raises ApiError or _Stop for one that is refused."""
        if method == b"CONNECT":
            raise self._stop_with(NO_TUNNEL)
        known = dict(self.headers)
        if len(known) < len(self.headers):
            check_once(self.headers)
        check_head(version, known)
        check_length(known)
        path, query = read_target(method, self.url, known.get(b"host"))
        is_closed = self._is_reserve and path != b"/health"
        if is_closed or len(self._waiting) >= self._limits.pipelined:
            raise self._stop_with(OVERLOADED)
        self._describe(method, version, path, query)
        if self._is_passed_on:
            self.edge.proxies.apply(cast("dict[str, Any]", self.scope), known)
        keeps = version == "1.1" and self.parser.should_keep_alive() and not self._is_reserve
        return self._cycle_of(expects_continue(version, known), keeps)

    def _describe(self, method: bytes, version: str, path: bytes, query: bytes) -> None:
        scope, text = self.scope, path.decode("ascii")
        scope["method"], scope["http_version"] = method.decode("ascii"), version
        scope["path"] = unquote(text) if "%" in text else text
        scope["raw_path"], scope["query_string"] = path, query
        if version == "1.0":
            # What speaks it today is a proxy that says no more of itself, such as nginx unset.
            self.headers.append((b"via", b"1.0"))

    def _cycle_of(self, expects: bool, keeps: bool) -> Cycle:
        return Cycle(
            scope=self.scope,
            transport=self._exit,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=False,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=expects,
            keep_alive=keeps,
            on_response=self.on_response_complete,
        )

    # What leaves

    def _run(self, cycle: Cycle) -> None:
        self._running = cycle
        self._start_asgi_task(cycle, self.app)

    def on_response_complete(self) -> None:
        """The next answer, or what is left to say before the end."""
        self.server_state.total_requests += 1
        self._running = None
        if self._is_leaving:
            return
        self.flow.resume_reading()
        if self._waiting:
            self._run(self._waiting.popleft())
        elif self._refusal is not None:
            self._tell(self._refusal)
        elif self._place is _Place.BETWEEN and not self.flow.write_paused:
            self._rest(self._limits.idle_seconds)

    def _refuse(self, reply: Reply) -> None:
        """Answers what is no request when the answers before it are given, and ends."""
        self._is_deaf = True
        is_answered = self._withdraw()
        self._refusal = reply
        if self._running is not None:
            self._deadline.stop()
        elif is_answered:
            self.leave()
        else:
            self._tell(reply)

    def _withdraw(self) -> bool:
        """Takes back a request that will never be whole; says whether it has been answered."""
        if self._place is not _Place.BODY:
            return False
        cycle = cast("Cycle", self.cycle)
        cycle.drop()
        if self._waiting:
            self._waiting.pop()
        elif cycle is self._running:
            self._running = None
        return cycle.response_started

    def _tell(self, reply: Reply) -> None:
        self._write(reply)
        self.leave()

    def _write(self, reply: Reply) -> None:
        # None before the first request.
        seen = dict(self.headers or ())
        headers = [*self.server_state.default_headers, *cors_headers(seen)]
        self.transport.write(written(reply, headers, self.edge.observers))

    # Time

    def pause_writing(self) -> None:
        """The client is slow to take its answers."""
        super().pause_writing()
        self._deadline.wait(self._limits.answer_seconds)

    def resume_writing(self) -> None:
        """The client has taken them."""
        super().resume_writing()
        if not self._is_leaving:
            self._start_clock()

    def _start_clock(self) -> None:
        self._timed = self._place
        if self._place is _Place.HEAD:
            self._deadline.wait(self._limits.head_seconds)
        elif self._place is _Place.BODY:
            self._deadline.wait(self._limits.body_seconds)
        elif self._running is None:
            self._rest(self._limits.idle_seconds)
        else:
            self._deadline.stop()

    def _rest(self, seconds: float) -> None:
        """Waits for a request, in a place that may be somebody else's before."""
        if self._is_reserve:
            seconds = self._limits.reserve_seconds
        else:
            self.crowd.rest(self)
        self._deadline.wait(seconds)

    def _on_time(self) -> None:
        if self.flow.write_paused or self._is_leaving:
            self.transport.abort()
        elif self.flow.read_paused:
            # It is us who keep the client waiting.
            self._deadline.wait(self._limits.body_seconds)
        elif self._place is _Place.BETWEEN:
            self.leave()
        else:
            self._refuse(TOO_LATE)


def connection_class(edge: Edge) -> type[Connection]:
    """What uvicorn takes as `http`: connections that share this edge."""

    class Shared(Connection):
        """A connection to one server."""

    Shared.edge, Shared.crowd = edge, Crowd(edge.limits)
    return Shared
