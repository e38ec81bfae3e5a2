"""One route at work: authenticate, check the verb, read the parameters, call, encode."""

from typing import Any

import msgspec
from starlette.types import Receive, Scope

from doorward.errors import ApiError
from doorward.wire.auth import Authenticator, authenticate
from doorward.wire.body import parse_body, read_body
from doorward.wire.errors import refused
from doorward.wire.exchange import Exchange
from doorward.wire.links import origin
from doorward.wire.paging import Pager
from doorward.wire.parameters import Given, Parameters
from doorward.wire.reply import Reply
from doorward.wire.route import Call, Caller, Listed, Route

_encode = msgspec.json.Encoder().encode
_VOID = Reply(200, b"{}")


class Endpoint:
    """Answers the calls of one route; what can be prepared is prepared once."""

    def __init__(
        self, route: Route, authenticator: Authenticator, services: Any, cursor_key: bytes
    ) -> None:
        self._route = route
        self._authenticator = authenticator
        self._services = services
        self._parameters = Parameters(route.request, route.page_limit)
        self._pager = (
            None if route.page_limit is None else Pager(cursor_key, route, self._parameters)
        )
        self._verbs = frozenset((*route.verbs, "HEAD") if "GET" in route.verbs else route.verbs)
        self._wrong_verb = _wrong_verb(route)

    async def answer(self, exchange: Exchange, scope: Scope, receive: Receive) -> Reply:
        """The answer to one call. Raises ApiError, Unavailable, and ClientGone.

        Authentication comes before the verb, and the verb before the parameters, as the API has it
        (seam-api section 1.3).
        """
        headers, verb = exchange.headers, exchange.verb
        caller = await authenticate(self._authenticator, headers, self._route.callers)
        exchange.caller = caller
        if verb not in self._verbs:
            return self._wrong_verb
        body = parse_body(await read_body(receive), headers.get(b"content-type"), verb)
        given = self._parameters.read(scope["query_string"], body)
        page = None if self._pager is None else self._pager.page(caller, given)
        call = Call(self._services, caller, exchange.request_id, page)
        result = await self._route.handler(call, given.request)
        return self._reply(result, caller, given, origin(scope["scheme"], headers.get(b"host")))

    def _reply(self, result: Any, caller: Caller, given: Given, address: str | None) -> Reply:
        key = self._route.response_key
        if key is None:
            return _VOID
        if self._pager is None:
            return Reply(200, _encode({key: result, "ok": True}))
        assert isinstance(result, Listed)
        pagination = self._pager.pagination(caller, given, result.next_after, address)
        return Reply(200, _encode({key: result.rows, "pagination": pagination, "ok": True}))


def _wrong_verb(route: Route) -> Reply:
    message = f"only {','.join(route.verbs)} accepted"
    allowed = ", ".join(route.verbs).encode()
    return refused(ApiError(405, "method_not_allowed", message), ((b"allow", allowed),))
