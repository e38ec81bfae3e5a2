"""How another HTTP parser, h11, reads a connection: the requests that may have been executed."""

import re
from typing import NamedTuple

import h11

_HOST_LINE = re.compile(rb"^host:[^\n]*\n", re.IGNORECASE | re.MULTILINE)
_LENGTH_LINES = [
    re.compile(rb"^%b:" % name, re.IGNORECASE | re.MULTILINE)
    for name in (b"content-length", b"transfer-encoding")
]
_LARGEST = 4 * 1024 * 1024


class Request(NamedTuple):
    """One whole request: what was asked, and the body that came with it."""

    verb: str
    target: bytes
    body: bytes


def requests(sent: bytes) -> list[Request]:
    """The whole requests before the first thing that is no HTTP, or ends the connection."""
    found: list[Request] = []
    # Empty lines before a request are passed over (RFC 9112, 2.2), which h11 does not.
    while left := sent.lstrip(b"\r\n"):
        left, has_one_host = _plain(left)
        if _has_two_ends(left):
            break
        connection = h11.Connection(h11.SERVER, max_incomplete_event_size=_LARGEST)
        connection.receive_data(left)
        try:
            request = _next(connection)
        except h11.ProtocolError:
            break
        if request is None:
            break
        if has_one_host:
            found.append(request)
        if connection.our_state is not h11.DONE:
            break
        sent = connection.trailing_data[0]
    return found


def _plain(sent: bytes) -> tuple[bytes, bool]:
    """The bytes with one Host in the first head, and whether they had it.

    A request with none or two is refused, but where it ends is beyond doubt. Words of its first
    line may be further apart (RFC 9112, 3).
    """
    head = re.match(rb".*?\r?\n\r?\n", sent, re.DOTALL)
    if head is None:
        return sent, True
    first, lines = re.split(rb"(?<=\n)", head[0], maxsplit=1)
    first, rest = re.sub(rb" +", b" ", first), sent[head.end() :]
    if len(_HOST_LINE.findall(lines)) == 1 or first.rstrip().endswith(b"1.0"):
        return first + lines + rest, True
    return first + b"Host: x\r\n" + _HOST_LINE.sub(b"", lines) + rest, False


def _has_two_ends(sent: bytes) -> bool:
    """Whether a head names both a length and a transfer coding, which only h11 lets pass."""
    head = re.match(rb".*?\r?\n\r?\n", sent, re.DOTALL)
    return head is not None and all(line.search(head[0]) for line in _LENGTH_LINES)


def _next(connection: h11.Connection) -> Request | None:
    head: h11.Request | None = None
    body = b""
    while True:
        event = connection.next_event()
        match event:
            case h11.Request():
                head = event
            case h11.Data():
                body += bytes(event.data)
            case h11.EndOfMessage():
                assert head is not None
                _answer(connection)
                return Request(head.method.decode(), origin_form(head.target), body)
            case _:
                return None


def _answer(connection: h11.Connection) -> None:
    # A refusal, so that neither CONNECT nor Upgrade ends the conversation.
    connection.send(h11.Response(status_code=404, headers=[("content-length", "0")]))
    connection.send(h11.EndOfMessage())


def origin_form(target: bytes) -> bytes:
    """Path and query of a target."""
    if not target.startswith(b"/") and b"://" in target:
        rest = target.partition(b"://")[2]
        at = min((rest.find(mark) for mark in (b"/", b"?") if mark in rest), default=len(rest))
        target = rest[at:]
    return target.partition(b"#")[0]
