"""One route at work: authenticate, check rate and verb, read the parameters, call, encode."""

from dataclasses import dataclass
from typing import Any

import msgspec
from starlette.types import Receive, Scope

from doorward.errors import ApiError
from doorward.store.idempotency import Kept
from doorward.wire.auth import authenticate
from doorward.wire.authenticator import Authenticator
from doorward.wire.body import parse_body, read_body
from doorward.wire.errors import refused
from doorward.wire.exchange import Exchange
from doorward.wire.gate import Gate
from doorward.wire.idempotency import REPLAYED, Idempotency, digest, read_key
from doorward.wire.links import origin
from doorward.wire.paging import Pager
from doorward.wire.parameters import Given, Parameters
from doorward.wire.rate import RateLimit
from doorward.wire.reply import Reply
from doorward.wire.route import Call, Caller, Listed, Route

_encode = msgspec.json.Encoder().encode
_VOID = b"{}"


@dataclass(frozen=True, slots=True)
class Bounds:
    """What all routes share. rate: of each token.

    bodies: those larger than SMALL_BODY of which the rest is waited for. Smaller ones need no
    bound but the number of connections, each of which has one at a time. calls: whole ones, which
    are being answered.
    """

    rate: RateLimit
    bodies: Gate
    calls: Gate


class Endpoint:
    """Answers the calls of one route; what can be prepared is prepared once."""

    def __init__(
        self,
        route: Route,
        authenticator: Authenticator,
        services: Any,
        cursor_key: bytes,
        bounds: Bounds,
    ) -> None:
        self._route = route
        self._bounds = bounds
        self._authenticator = authenticator
        self._services = services
        self._parameters = Parameters(route.request, route.page_limit)
        self._pager = (
            None if route.page_limit is None else Pager(cursor_key, route, self._parameters)
        )
        self._verbs = frozenset((*route.verbs, "HEAD") if "GET" in route.verbs else route.verbs)
        self._wrong_verb = _wrong_verb(route)

    async def answer(self, exchange: Exchange, scope: Scope, receive: Receive) -> Reply:
        """The answer to one call. Raises ApiError, Unavailable, Crowded, and ClientGone.

        Authentication comes before the verb, and the verb before the parameters, as the API has it
        (seam-api section 1.3). What is not whole yet takes no room from calls that are.
        """
        headers, verb = exchange.headers, exchange.verb
        caller = await authenticate(
            self._authenticator, headers, self._route.callers, self._route.scope
        )
        exchange.caller = caller
        self._bounds.rate.take(caller.token_id)
        if verb not in self._verbs:
            return self._wrong_verb
        exchange.is_reading = True
        sent = await read_body(receive, self._bounds.bodies.room(caller.token_id))
        exchange.is_reading = False
        with self._bounds.calls.room(caller.token_id):
            return await self._carry_out(exchange, caller, scope, sent)

    async def _carry_out(
        self, exchange: Exchange, caller: Caller, scope: Scope, sent: bytes
    ) -> Reply:
        headers, verb = exchange.headers, exchange.verb
        body = parse_body(sent, headers.get(b"content-type"), verb)
        given = self._parameters.read(scope["query_string"], body)
        page = None if self._pager is None else self._pager.page(caller, given)
        idempotency = None
        if self._route.is_creating and (key := read_key(headers)) is not None:
            idempotency = Idempotency(key, digest(self._route.path, given.request), self._body)
        call = Call(self._services, caller, exchange.request_id, page, idempotency, verb)
        result = await self._route.handler(call, given.request)
        return self._reply(result, caller, given, origin(scope["scheme"], headers.get(b"host")))

    def _body(self, result: Any) -> bytes:
        key = self._route.response_key
        return _VOID if key is None else _encode({key: result, "ok": True})

    def _reply(self, result: Any, caller: Caller, given: Given, address: str | None) -> Reply:
        if isinstance(result, Kept):
            return Reply(200, result.body, REPLAYED if result.is_replayed else ())
        if self._pager is None:
            return Reply(200, self._body(result))
        key = self._route.response_key
        assert isinstance(result, Listed)
        pagination = self._pager.pagination(caller, given, result.next_after, address)
        return Reply(200, _encode({key: result.rows, "pagination": pagination, "ok": True}))


def _wrong_verb(route: Route) -> Reply:
    message = f"only {','.join(route.verbs)} accepted"
    allowed = ", ".join(route.verbs).encode()
    return refused(ApiError(405, "method_not_allowed", message), ((b"allow", allowed),))
