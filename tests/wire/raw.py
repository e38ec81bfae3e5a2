"""A bare connection, for requests that no HTTP library would send, and what comes back."""

import contextlib
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import msgspec


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer, taken apart."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def error(self) -> Any:
        """The envelope's error, after what every envelope has."""
        assert self.headers["content-type"].startswith("application/json")
        assert len(self.headers["seam-request-id"]) == 36
        told = msgspec.json.decode(self.body)
        assert told["ok"] is False
        return told["error"]

    @property
    def kind(self) -> str:
        """The envelope's error.type."""
        return str(self.error["type"])


class Wire:
    """Sends bytes, and reads answers one by one."""

    def __init__(self, connected: socket.socket) -> None:
        self.socket = connected
        self._unread = bytearray()

    def send(self, data: bytes) -> None:
        """Sends all of it; a server that has closed is no failure."""
        with contextlib.suppress(ConnectionError):
            self.socket.sendall(data)

    def answer(self, *, has_body: bool = True) -> Answer:
        """The next answer, which must be whole."""
        while b"\r\n\r\n" not in self._unread:
            self._read()
        head, _, rest = self._unread.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines)
        size = int(headers.get("content-length", "0")) if has_body else 0
        self._unread = rest
        while len(self._unread) < size:
            self._read()
        body, self._unread = bytes(self._unread[:size]), self._unread[size:]
        return Answer(int(first.split()[1]), headers, body)

    def _read(self) -> None:
        chunk = self.socket.recv(65536)
        assert chunk, f"the server closed after {bytes(self._unread[-80:])!r}"
        self._unread += chunk

    def answers(self) -> list[Answer]:
        """All answers until the server closes."""
        found: list[Answer] = []
        while not self.is_closed():
            found.append(self.answer())
        return found

    def is_closed(self) -> bool:
        """Waits for the next byte; whether there is none because the server has closed."""
        if self._unread:
            return False
        try:
            self._unread += self.socket.recv(65536)
        except ConnectionError:
            return True
        return not self._unread


@contextlib.contextmanager
def wire(address: str) -> Iterator[Wire]:
    """A connection to a server that is expected to say something within ten seconds."""
    parts = urlsplit(address)
    with socket.create_connection((parts.hostname, parts.port), timeout=10) as connected:
        yield Wire(connected)


def exchange(address: str, data: bytes) -> list[Answer]:
    """Sends bytes, and returns the answers until the server closes."""
    with wire(address) as connected:
        connected.send(data)
        return connected.answers()
