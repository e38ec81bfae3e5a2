"""uvicorn as Doorward runs it: on a socket that is open already, with our connections."""

import asyncio
import contextlib
import resource
import socket
import ssl
from collections.abc import Iterator
from typing import Any

import uvicorn

from doorward.wire.http.edge import Edge
from doorward.wire.http.limits import Limits
from doorward.wire.http.protocol import connection_class

# How long open requests may still take after Ctrl-C, in seconds.
_DRAIN = 5
# What is open beside connections: databases, the doors' files, libraries.
_OTHER_FILES = 256

_DEFAULT = Edge()


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
        self._tls = {} if tls is None else _handshake(tls, edge.limits)
        _allow_files(edge.limits.connections + edge.limits.reserve + _OTHER_FILES)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Does nothing: the parts of the server stop in an order that only their owner knows."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listens. uvicorn's own has no word for how long a handshake may take."""
        await self.lifespan.startup()
        loop = asyncio.get_running_loop()
        self.servers = [
            await loop.create_server(self._connection, sock=each, backlog=2048, **self._tls)
            for each in sockets or ()
        ]
        self.started = True

    def _connection(self) -> asyncio.Protocol:
        protocol: Any = self.config.http_protocol_class
        made: asyncio.Protocol = protocol(self.config, self.server_state, self.lifespan.state)
        return made


def _handshake(tls: ssl.SSLContext, limits: Limits) -> dict[str, Any]:
    return {
        "ssl": tls,
        "ssl_handshake_timeout": limits.handshake_seconds,
        "ssl_shutdown_timeout": limits.linger_seconds,
    }


def _allow_files(count: int) -> None:
    """Raises the number of files that this process may open, as far as the system lets it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count if hard == resource.RLIM_INFINITY else min(count, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
