"""Where TLS connections come in: counted from their acceptance, not from their handshake's end.

The event loop's own listener tells of a connection only when its handshake is over, so that
nobody could count those that never end one.
"""

import asyncio
import contextlib
import logging
import os
import socket
import ssl
from collections.abc import Callable
from typing import Final

from doorward.wire.http.crowd import Room, Seldom
from doorward.wire.http.limits import Limits
from doorward.wire.http.protocol import Connection

# Seconds after which it is tried again to accept, when the system has no file or memory left.
_AGAIN: Final = 0.1

_log = logging.getLogger("doorward.connections")


class Door:
    """A listening socket that speaks TLS; closes and waits like an asyncio.Server.

    make: a connection for each that comes.
    """

    def __init__(
        self,
        listener: socket.socket,
        tls: ssl.SSLContext,
        limits: Limits,
        make: Callable[[], Connection],
    ) -> None:
        self._listener, self._tls, self._limits, self._make = listener, tls, limits, make
        self._loop = asyncio.get_running_loop()
        self._handshakes: set[asyncio.Task[None]] = set()
        self._tells = Seldom()
        listener.setblocking(False)
        self._accepting = self._loop.create_task(self._accept(), name="accept")

    def close(self) -> None:
        """Accepts no more, and ends handshakes that are under way."""
        for task in (self._accepting, *self._handshakes):
            task.cancel()

    async def wait_closed(self) -> None:
        """Returns when nothing of it is left."""
        await asyncio.gather(self._accepting, *self._handshakes, return_exceptions=True)

    async def _accept(self) -> None:
        while True:
            try:
                accepted, _ = await self._loop.sock_accept(self._listener)
            except ConnectionAbortedError:
                continue
            except OSError as trouble:
                self._tell(trouble)
                await asyncio.sleep(_AGAIN)
                continue
            self._let_in(accepted)
            # Whoever connects without end would otherwise keep everybody else waiting.
            await asyncio.sleep(0)

    def _let_in(self, accepted: socket.socket) -> None:
        connection = self._make()
        crowd = connection.crowd
        if crowd.enter(connection) is Room.NONE:
            # Any answer would have to wait for the handshake.
            accepted.close()
            return
        crowd.shaking[connection] = None
        task = self._loop.create_task(self._shake_hands(accepted, connection))
        connection.handshake = task
        self._handshakes.add(task)
        task.add_done_callback(lambda ended: self._forget(ended, accepted, connection))

    def _forget(
        self, ended: asyncio.Task[None], accepted: socket.socket, connection: Connection
    ) -> None:
        self._handshakes.discard(ended)
        if connection.handshake is not None:
            # A task that is cancelled before it runs has not even begun to own its socket.
            accepted.close()
            connection.crowd.leave(connection)

    async def _shake_hands(self, accepted: socket.socket, connection: Connection) -> None:
        # Who cannot, or hangs up, is no trouble of ours (ssl.SSLError is an OSError).
        with contextlib.suppress(OSError):
            await self._loop.connect_accepted_socket(
                lambda: connection,
                accepted,
                ssl=self._tls,
                ssl_handshake_timeout=self._limits.handshake_seconds,
                ssl_shutdown_timeout=self._limits.linger_seconds,
            )

    def _tell(self, trouble: OSError) -> None:
        if self._tells.may():
            reason = os.strerror(trouble.errno) if trouble.errno else type(trouble).__name__
            _log.warning("no connection can be accepted: %s", reason)
