"""A TCP proxy before PostgreSQL that can be slow, silent, shut, or cut a connection anywhere."""

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_CHUNK = 65536


class Proxy:
    """Forwards 127.0.0.1:port to a Unix socket, in a thread of its own.

    delay: seconds that every piece is late. is_refusing: nobody gets through, and whoever was is
    cut off. drops_requests, drops_answers: what is sent that way is read and lost. cut_after: each
    connection ends when so many more bytes have come from PostgreSQL; None for never.
    """

    def __init__(self, target: str) -> None:
        self._target = target
        self._loop = asyncio.new_event_loop()
        self._links: set[asyncio.StreamWriter] = set()
        self.port = 0
        self.heal()

    def heal(self) -> None:
        """Forwards everything again at once."""
        self.delay = 0.0
        self.is_refusing = self.drops_requests = self.drops_answers = False
        self.cut_after: int | None = None

    def refuse(self) -> None:
        """Cuts everybody off, and lets nobody in."""
        self.is_refusing = True
        self.cut()

    def cut(self) -> None:
        """Cuts everybody off who is connected now."""
        self._loop.call_soon_threadsafe(self._cut)

    def _cut(self) -> None:
        for writer in self._links:
            writer.transport.abort()

    @contextmanager
    def running(self) -> Iterator["Proxy"]:
        """Takes connections for as long as the block lasts."""
        server = self._loop.run_until_complete(asyncio.start_server(self._accept, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        thread = threading.Thread(target=self._loop.run_forever)
        thread.start()
        try:
            yield self
        finally:
            self._loop.call_soon_threadsafe(self._cut)
            asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
            self._loop.call_soon_threadsafe(self._loop.stop)
            thread.join()
            server.close()
            self._loop.close()

    async def _end(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.is_refusing:
            writer.transport.abort()
            return
        ends = {writer}
        try:
            up_reader, up_writer = await asyncio.open_unix_connection(self._target)
            ends.add(up_writer)
            self._links |= ends
            async with asyncio.TaskGroup() as group:
                group.create_task(self._forward(reader, up_writer, is_answer=False))
                group.create_task(self._forward(up_reader, writer, is_answer=True))
        except* (OSError, asyncio.CancelledError):
            pass
        finally:
            self._links -= ends
            for end in ends:
                end.transport.abort()

    async def _forward(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_answer: bool
    ) -> None:
        sent = 0
        while piece := await reader.read(_CHUNK):
            await asyncio.sleep(self.delay)
            sent = sent + len(piece) if is_answer and self.cut_after is not None else 0
            if self.cut_after is not None and sent > self.cut_after:
                writer.write(piece[: len(piece) - (sent - self.cut_after)])
                with contextlib.suppress(OSError):
                    await writer.drain()
                break
            if not (self.drops_answers if is_answer else self.drops_requests):
                writer.write(piece)
                await writer.drain()
        raise ConnectionResetError
