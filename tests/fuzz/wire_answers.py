"""The answers on a connection, read as strictly as a client may."""

import re
from typing import NamedTuple

_STATUS = re.compile(rb"HTTP/1\.1 ([1-5]\d\d) [ -~]*")
_FIELD = re.compile(rb"([a-z0-9-]+): ([^\x00-\x08\x0a-\x1f\x7f]*)", re.IGNORECASE)


class Answer(NamedTuple):
    """One response."""

    status: int
    headers: dict[str, bytes]
    body: bytes


def answers(received: bytes, verbs: list[str]) -> list[Answer]:
    """Every final response. Raises AssertionError for anything that is none.

    verbs: those of the requests in their order; an answer to HEAD has no body.
    """
    found: list[Answer] = []
    while received:
        head, end, received = received.partition(b"\r\n\r\n")
        assert end, f"an unfinished answer: {head[:200]!r}"
        status, headers = _head(head)
        if status < 200:
            continue
        verb = verbs[len(found)] if len(found) < len(verbs) else None
        length = int(headers["content-length"])
        if verb == "HEAD":
            length = 0
        assert len(received) >= length, "a body that is too short"
        found.append(Answer(status, headers, received[:length]))
        received = received[length:]
    return found


def _head(head: bytes) -> tuple[int, dict[str, bytes]]:
    first, *lines = head.split(b"\r\n")
    matched = _STATUS.fullmatch(first)
    assert matched, f"no status line: {first[:200]!r}"
    fields = [_FIELD.fullmatch(line) for line in lines]
    assert all(fields), f"no header: {head[:500]!r}"
    headers = {field[1].decode().lower(): field[2] for field in fields if field}
    assert int(matched[1]) < 200 or "content-length" in headers
    return int(matched[1]), headers
