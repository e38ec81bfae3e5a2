"""How an answer is written: the API's through uvicorn, a refusal as it stands."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from doorward.wire.exchange import Exchange, Observer
from doorward.wire.reply import Reply


class Cycle(RequestResponseCycle):
    """One request and its answer."""

    async def send(self, message: Any) -> None:
        """Sends a part of the answer, the last one on this connection if it has to be."""
        # A client that was never told to go on may send its body or not: nobody could tell which.
        if self.more_body and self.waiting_for_100_continue:
            self.keep_alive = False
        await super().send(message)

    def drop(self) -> None:
        """Tells the API that the request will never be whole."""
        self.disconnected = True
        self.message_event.set()


class Exit:
    """What an answer sees of the transport: closing is the connection's own affair."""

    __slots__ = ("close", "is_closing", "write")

    def __init__(self, transport: asyncio.Transport, leave: Callable[[], None]) -> None:
        self.write = transport.write
        self.is_closing = transport.is_closing
        self.close = leave


def written(
    reply: Reply, headers: Iterable[tuple[bytes, bytes]], observers: Sequence[Observer]
) -> bytes:
    """An answer outside of any request, with these headers, after which the connection ends."""
    # What was sent may be no verb and no path, so that there is none to name.
    exchange = Exchange("", {}, status=reply.status, error=reply.error)
    for observe in observers:
        observe(exchange)
    told = dict(
        [
            *headers,
            (b"content-type", reply.content_type),
            (b"content-length", b"%d" % len(reply.body)),
            (b"seam-request-id", exchange.request_id.encode()),
            *reply.headers,
            (b"connection", b"close"),
        ]
    )
    lines = [b"%s: %s\r\n" % pair for pair in told.items()]
    return b"".join([STATUS_LINE[reply.status], *lines, b"\r\n", reply.body])
