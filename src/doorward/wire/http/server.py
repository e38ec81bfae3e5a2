"""uvicorn as Doorward runs it: on a socket that is open already, with our connections."""

import asyncio
import contextlib
import logging
import resource
import socket
import ssl
from collections.abc import Iterator
from typing import Any, cast

import uvicorn

from doorward.wire.http.door import Door
from doorward.wire.http.edge import Edge
from doorward.wire.http.protocol import Connection, connection_class

# How long open requests may still take after Ctrl-C, in seconds.
_DRAIN = 5
# What is open beside connections: databases, the doors' files, libraries.
_OTHER_FILES = 256
# Connections that may wait to be accepted; without TLS all of them are, before any is counted.
_BACKLOG = 2048

_DEFAULT = Edge()
_log = logging.getLogger("doorward.connections")


class Server(uvicorn.Server):
    """Serves an ASGI application; signals are left to whoever runs it.

    tls: for HTTPS; a handshake has edge.limits.handshake_seconds.
    """

    def __init__(self, app: Any, edge: Edge = _DEFAULT, tls: ssl.SSLContext | None = None) -> None:
        config = uvicorn.Config(
            app,
            http=connection_class(edge),
            lifespan="off",
            ws="none",
            proxy_headers=False,
            access_log=False,
            # The levels alone: its lines go the way of all others.
            log_config=None,
            log_level="warning",
            server_header=False,
            timeout_graceful_shutdown=_DRAIN,
        )
        super().__init__(config)
        self._tls, self._limits = tls, edge.limits
        _allow_files(edge.limits.connections + edge.limits.reserve + _OTHER_FILES)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Does nothing: the parts of the server stop in an order that only their owner knows."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listens. uvicorn's own counts nobody whose TLS handshake is under way."""
        await self.lifespan.startup()
        self.servers = [await self._listen(each) for each in sockets or ()]
        self.started = True

    async def _listen(self, listener: socket.socket) -> asyncio.Server:
        if self._tls is not None:
            door = Door(listener, self._tls, self._limits, self._connection)
            return cast("asyncio.Server", door)
        loop = asyncio.get_running_loop()
        return await loop.create_server(self._connection, sock=listener, backlog=_BACKLOG)

    def _connection(self) -> Connection:
        protocol: Any = self.config.http_protocol_class
        made: Connection = protocol(self.config, self.server_state, self.lifespan.state)
        return made


def _allow_files(count: int) -> None:
    """Raises the number of files that this process may open, as far as the system lets it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = count + _BACKLOG if hard == resource.RLIM_INFINITY else hard
    if most < count:
        _log.warning(
            "this process may open %d files, fewer than the %d that it may need: raise the limit"
            " (LimitNOFILE) or lower --connections",
            most,
            count,
        )
    wanted = min(count + _BACKLOG, most)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
