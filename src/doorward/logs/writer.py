"""Writes lines to a file descriptor on a thread of its own, so that nobody waits for its reader."""

import contextlib
import logging
import os
import select
import threading
from collections.abc import Iterator
from typing import Final

# Characters that may wait to be written; a reader that is further behind loses lines.
CAPACITY: Final = 4 * 2**20
# Lines are gathered for this long, so that a busy server writes seldom, in seconds.
_GATHERING: Final = 0.02
# How often a descriptor that takes nothing and never blocks is tried again, in milliseconds.
_PATIENCE: Final = 100

_log = logging.getLogger(__name__)


class LogWriter:
    """A bounded queue of lines, and the thread that writes them.

    descriptor: where to; it may block for as long as it likes. capacity: in characters.
    lost: how many lines were given up, because too many waited or nobody can read them any more.
    """

    def __init__(self, descriptor: int, capacity: int = CAPACITY) -> None:
        self._descriptor = descriptor
        self._capacity = capacity
        self._lines: list[str] = []
        self._size = 0
        self._guard = threading.Lock()
        self._news = threading.Event()
        self._ending = threading.Event()
        self._told_lost = 0
        self.lost = 0

    def put(self, line: str) -> None:
        """Takes a line without its end. Never waits for the descriptor."""
        with self._guard:
            if self._size + len(line) > self._capacity:
                self.lost += 1
                return
            self._lines.append(line)
            self._size += len(line)
        if not self._news.is_set():
            self._news.set()

    @contextlib.contextmanager
    def running(self, patience: float) -> Iterator["LogWriter"]:
        """Writes until the end of the block, and then what is left for at most `patience` seconds.

        A daemon thread: nothing but the process's end frees one that waits in a write.
        """
        thread = threading.Thread(target=self._work, name="log", daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._ending.set()
            self._news.set()
            thread.join(patience)

    def _work(self) -> None:
        while not self._ending.is_set():
            self._news.wait()
            self._news.clear()
            self._write_waiting()
            self._ending.wait(_GATHERING)
        self._write_waiting()

    def _write_waiting(self) -> None:
        with self._guard:
            lines, self._lines = self._lines, []
        if lines:
            self._write("\n".join((*lines, "")).encode("utf-8", "backslashreplace"), len(lines))
            with self._guard:
                # What is being written still counts: a reader that hangs may hold all of it.
                self._size -= sum(map(len, lines))
        self._tell_lost()

    def _write(self, data: bytes, lines: int) -> None:
        left = memoryview(data)
        while left:
            try:
                left = left[os.write(self._descriptor, left) :]
            except BlockingIOError:
                poll = select.poll()
                poll.register(self._descriptor, select.POLLOUT)
                poll.poll(_PATIENCE)
            except OSError:
                with self._guard:
                    self.lost += lines
                return

    def _tell_lost(self) -> None:
        if self.lost != self._told_lost:
            count, self._told_lost = self.lost - self._told_lost, self.lost
            _log.warning("lines lost, because nobody read the log fast enough: %d", count)
