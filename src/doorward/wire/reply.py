"""An answer on its way out: status, body, and the headers that every answer has."""

from dataclasses import dataclass

from starlette.types import Send

Headers = tuple[tuple[bytes, bytes], ...]


@dataclass(frozen=True, slots=True)
class Reply:
    """What a call is answered with. error: the envelope's error.type, None for a success."""

    status: int
    body: bytes
    headers: Headers = ()
    error: str | None = None
    content_type: bytes = b"application/json; charset=utf-8"


async def send_reply(
    send: Send, reply: Reply, request_id: str, headers: Headers, *, with_body: bool
) -> None:
    """Sends a reply, without its body to a HEAD.

    The clients read the request id from the header `seam-request-id` alone (seam-api section 2).
    """
    # A 304 could only tell the length of what it does not send (RFC 9110, section 8.6).
    length = ((b"content-length", b"%d" % len(reply.body)),) if reply.status != 304 else ()
    start = {
        "type": "http.response.start",
        "status": reply.status,
        "headers": [
            (b"content-type", reply.content_type),
            *length,
            (b"seam-request-id", request_id.encode()),
            *reply.headers,
            *headers,
        ],
    }
    await send(start)
    await send({"type": "http.response.body", "body": reply.body if with_body else b""})
