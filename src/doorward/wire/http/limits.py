"""What one connection, and all of them together, may take up."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on what arrives before anybody has said who they are.

    url, headers: bytes of the request's target, and of all header lines. header_count: header
    lines. drain: bytes of a body that nobody wants any more, read for the client's sake.
    pipelined: requests that may wait for the answer to the one before them.

    connections: open ones at a time; `reserve` more may ask for /health, within reserve_seconds.

    Seconds: head from its first byte (of the first one: from the connection) to its last;
    body from the head's end to its own; idle between requests, longer than clients and proxies
    keep a connection, so that they close it and not we; rest between requests before a connection
    may have to make room for another; answer for a client to take what was written to it; linger
    for a client to stop sending after it was refused; handshake for TLS.
    """

    url: int = 16 * 1024
    headers: int = 64 * 1024
    header_count: int = 100
    drain: int = 8 * 1024 * 1024
    pipelined: int = 100
    connections: int = 1000
    reserve: int = 32
    reserve_seconds: float = 2
    head_seconds: float = 10
    body_seconds: float = 30
    idle_seconds: float = 75
    answer_seconds: float = 30
    linger_seconds: float = 2
    rest_seconds: float = 1
    handshake_seconds: float = 10
