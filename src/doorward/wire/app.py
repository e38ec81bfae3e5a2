"""The API as an ASGI application: finds the route of a call and answers in the API's form."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from starlette.types import Receive, Scope, Send

from doorward.errors import ApiError, Unavailable
from doorward.wire.authenticator import Authenticator
from doorward.wire.body import ClientGone
from doorward.wire.cors import PREFLIGHT, cors_headers
from doorward.wire.docs import page
from doorward.wire.endpoint import Bounds, Endpoint
from doorward.wire.errors import failed, refused, unavailable
from doorward.wire.exchange import Exchange, Observer
from doorward.wire.gate import Crowded, Gate, pause, turn_away
from doorward.wire.openapi import document
from doorward.wire.rate import RateLimit
from doorward.wire.reply import Reply, send_reply
from doorward.wire.route import Route, route_table


class Health(msgspec.Struct, frozen=True):
    """Whether the server can answer, and how each of its parts is."""

    is_ready: bool
    parts: dict[str, str] = {}


@dataclass(frozen=True, slots=True)
class Limits:
    """What keeps callers from taking more than there is.

    rate: calls a second of one token, 0 for any number. in_flight: calls answered at a time, and
    large bodies waited for; half as many of one token. deadline: seconds after which a call is
    answered 503.
    """

    rate: float = 0
    in_flight: int = 256
    deadline: float = 10.0


_DEFAULT = Limits()
# Answers GET and HEAD of a path that is no call of the API, to anybody unless it asks for more.
Page = Callable[[Exchange], Awaitable[Reply]]
_NO_PAGES: Mapping[str, Page] = {}


class Api:
    """Serves every route of a table, `GET /openapi.json`, the page `/docs`, and `GET /health`.

    routes: the whole table. authenticator: knows the tokens. services: what every handler gets.
    cursor_key: the secret that signs cursors, the same in all processes. health: asked anew for
    every `GET /health`, which answers 200, or 503 when the server is not ready. limits: what holds
    for calls of the table, and for nothing else. pages: more of them, by path. observers: told of
    every exchange when it is over.
    """

    def __init__(
        self,
        routes: Sequence[Route],
        authenticator: Authenticator,
        services: Any,
        *,
        cursor_key: bytes,
        health: Callable[[], Awaitable[Health]],
        limits: Limits = _DEFAULT,
        pages: Mapping[str, Page] = _NO_PAGES,
    ) -> None:
        table = route_table(routes)
        self._gate = Gate(limits.in_flight)
        bounds = Bounds(RateLimit(limits.rate), Gate(limits.in_flight), self._gate)
        self._deadline = limits.deadline
        self._endpoints = {
            path: Endpoint(route, authenticator, services, cursor_key, bounds)
            for path, route in table.items()
        }
        self.observers: list[Observer] = []
        self._health = health
        self._docs = page()
        self._openapi = Reply(200, msgspec.json.encode(document(routes)))
        self._open: dict[str, Page] = {
            **pages,
            "/health": self._tell_health,
            "/openapi.json": self._tell_openapi,
            **dict.fromkeys(self._docs, self._tell_docs),
        }

    @property
    def in_flight(self) -> int:
        """How many calls of the table are being answered."""
        return self._gate.busy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one HTTP request; of ASGI's other scopes it knows only to decline."""
        if scope["type"] != "http":
            await _decline(scope["type"], receive, send)
            return
        exchange = Exchange(scope["method"], dict(scope["headers"]))
        try:
            reply = await self._answer(exchange, scope, receive)
            exchange.status, exchange.error = reply.status, reply.error
            await self._send(exchange, reply, send)
        except ClientGone:
            return
        finally:
            for observe in self.observers:
                observe(exchange)

    async def _send(self, exchange: Exchange, reply: Reply, send: Send) -> None:
        with_body = exchange.verb != "HEAD"
        headers = cors_headers(exchange.headers)
        await send_reply(send, reply, exchange.request_id, headers, with_body=with_body)

    async def _answer(self, exchange: Exchange, scope: Scope, receive: Receive) -> Reply:
        try:
            return await self._dispatch(exchange, scope, receive)
        except ApiError as error:
            return refused(error)
        except Unavailable:
            return unavailable()
        except ClientGone:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the caller gets the envelope
            return failed(error, exchange.path, exchange.request_id)

    async def _dispatch(self, exchange: Exchange, scope: Scope, receive: Receive) -> Reply:
        if len(exchange.headers) != len(scope["headers"]):
            twice = _twice(scope["headers"])
            if twice is not None:
                return refused(twice, _LAST)
        if exchange.verb == "OPTIONS":
            return Reply(200, b"", PREFLIGHT)
        # As it was sent: an encoded slash or letter is another path, as it is to proxies.
        raw_path: bytes | None = scope.get("raw_path")
        path = scope["path"] if raw_path is None else raw_path.decode("latin-1")
        endpoint = self._endpoints.get(path)
        if endpoint is not None:
            exchange.path = path
            return await self._call(endpoint, exchange, scope, receive)
        if path not in self._open:
            raise ApiError(404, "not_found", "There is no such path")
        exchange.path = path
        if exchange.verb not in {"GET", "HEAD"}:
            raise ApiError(405, "method_not_allowed", "only GET accepted")
        return await self._open[path](exchange)

    async def _call(
        self, endpoint: Endpoint, exchange: Exchange, scope: Scope, receive: Receive
    ) -> Reply:
        if self._gate.is_shut:
            return await turn_away()
        try:
            async with asyncio.timeout(self._deadline) as deadline:
                return await endpoint.answer(exchange, scope, receive)
        except TimeoutError:
            if not deadline.expired():
                raise
            raise _too_late(exchange) from None
        except ApiError as error:
            if error.status == 429:
                await pause()
            raise
        except Crowded:
            # Its body has to be forgotten before the pause, not after.
            pass
        return await turn_away()

    async def _tell_health(self, _: Exchange) -> Reply:
        health = await self._health()
        told = {"ok": health.is_ready, **health.parts}
        return Reply(200 if health.is_ready else 503, msgspec.json.encode(told))

    async def _tell_openapi(self, _: Exchange) -> Reply:
        return self._openapi

    async def _tell_docs(self, exchange: Exchange) -> Reply:
        assert exchange.path is not None
        return self._docs[exchange.path].answer(exchange.headers)


# Two of these could mean one thing to a proxy and another to us.
_SINGLE = frozenset(
    {
        b"authorization",
        b"client-session-token",
        b"content-type",
        b"host",
        b"idempotency-key",
        b"seam-client-session-token",
        b"seam-publishable-key",
        b"seam-user-identifier-key",
        b"seam-workspace",
    }
)


# Who sends what can be read in two ways is not listened to any further.
_LAST = ((b"connection", b"close"),)


def _twice(headers: Iterable[tuple[bytes, bytes]]) -> ApiError | None:
    for name, count in Counter(name for name, _ in headers).items():
        if count > 1 and name in _SINGLE:
            message = f"The header {name.decode()} was sent more than once"
            return ApiError(400, "invalid_request", message)
    return None


def _too_late(exchange: Exchange) -> Exception:
    if exchange.is_reading:
        return ApiError(408, "request_timeout", "The request was not whole in time")
    return Unavailable("the deadline has passed")


async def _decline(kind: str, receive: Receive, send: Send) -> None:
    await receive()
    if kind == "websocket":
        await send({"type": "websocket.close"})
    elif kind == "lifespan":
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
