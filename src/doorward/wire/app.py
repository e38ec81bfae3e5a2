"""The API as an ASGI application: finds the route of a call and answers in the API's form."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec
from starlette.types import Receive, Scope, Send

from doorward.errors import ApiError, Unavailable
from doorward.wire.auth import Authenticator
from doorward.wire.body import ClientGone
from doorward.wire.cors import PREFLIGHT, cors_headers
from doorward.wire.endpoint import Endpoint
from doorward.wire.errors import failed, refused, unavailable
from doorward.wire.exchange import Exchange, Observer
from doorward.wire.openapi import document
from doorward.wire.reply import Reply, send_reply
from doorward.wire.route import Route, route_table


class Health(msgspec.Struct, frozen=True):
    """Whether the server can answer, and how each of its parts is."""

    is_ready: bool
    parts: dict[str, str] = {}


class Api:
    """Serves every route of a table, `GET /openapi.json` and `GET /health`.

    routes: the whole table. authenticator: knows the tokens. services: what every handler gets.
    cursor_key: the secret that signs cursors, the same in all processes. health: asked anew for
    every `GET /health`, which answers 200, or 503 when the server is not ready. observers: told of
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
    ) -> None:
        table = route_table(routes)
        self._endpoints = {
            path: Endpoint(route, authenticator, services, cursor_key)
            for path, route in table.items()
        }
        self.observers: list[Observer] = []
        self._health = health
        self._openapi = Reply(200, msgspec.json.encode(document(routes)))
        self._open = {"/health": self._tell_health, "/openapi.json": self._tell_openapi}

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
            return failed(error, exchange.verb, exchange.path, exchange.request_id)

    async def _dispatch(self, exchange: Exchange, scope: Scope, receive: Receive) -> Reply:
        if exchange.verb == "OPTIONS":
            return Reply(200, b"", PREFLIGHT)
        # As it was sent: an encoded slash or letter is another path, as it is to proxies.
        raw_path: bytes | None = scope.get("raw_path")
        path = scope["path"] if raw_path is None else raw_path.decode("latin-1")
        endpoint = self._endpoints.get(path)
        if endpoint is not None:
            exchange.path = path
            return await endpoint.answer(exchange, scope, receive)
        if path not in self._open:
            raise ApiError(404, "not_found", "There is no such path")
        exchange.path = path
        if exchange.verb not in {"GET", "HEAD"}:
            raise ApiError(405, "method_not_allowed", "only GET accepted")
        return await self._open[path]()

    async def _tell_health(self) -> Reply:
        health = await self._health()
        told = {"ok": health.is_ready, **health.parts}
        return Reply(200 if health.is_ready else 503, msgspec.json.encode(told))

    async def _tell_openapi(self) -> Reply:
        return self._openapi


async def _decline(kind: str, receive: Receive, send: Send) -> None:
    await receive()
    if kind == "websocket":
        await send({"type": "websocket.close"})
    elif kind == "lifespan":
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
