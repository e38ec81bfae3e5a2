"""Reading a request's body: bounded, JSON, an object."""

from collections.abc import Mapping
from contextlib import AbstractContextManager, ExitStack, nullcontext
from typing import Any

import msgspec
from starlette.types import Receive

from doorward.errors import ApiError
from doorward.wire.issues import Issue, received, refusal

# The largest body that is read, in bytes, and how deep arrays and objects may be nested.
BODY_LIMIT = 1024 * 1024
DEPTH_LIMIT = 32

# So much of a body that is too large is read and thrown away: most clients look for an answer
# only when they have sent everything.
DRAIN_LIMIT = 8 * BODY_LIMIT

# A body of more bytes than a connection may hold back anyway takes room while it is waited for.
SMALL_BODY = 64 * 1024

_BOUNDLESS = nullcontext()
_decode = msgspec.json.Decoder().decode


class ClientGone(Exception):
    """The client hung up before its request was whole."""


async def read_body(receive: Receive, room: AbstractContextManager[None] = _BOUNDLESS) -> bytes:
    """The whole body. Raises ApiError 413 `payload_too_large`, and ClientGone.

    room: what to be in while more than SMALL_BODY bytes of it wait for the rest; what it raises is
    raised.
    """
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body"):
        return _bounded(message.get("body", b""))
    with ExitStack() as taken:
        return await _read_chunks(receive, message, room, taken)


async def _read_chunks(
    receive: Receive,
    message: Mapping[str, Any],
    room: AbstractContextManager[None],
    taken: ExitStack,
) -> bytes:
    body, size, is_small = bytearray(), 0, True
    while True:
        if message["type"] != "http.request":
            raise ClientGone
        chunk = message.get("body", b"")
        size += len(chunk)
        if size <= BODY_LIMIT:
            body += chunk
        if not message.get("more_body"):
            break
        if size > DRAIN_LIMIT:
            raise too_large()
        if is_small and size > SMALL_BODY:
            taken.enter_context(room)
            is_small = False
        message = await receive()
    if size > BODY_LIMIT:
        raise too_large()
    return bytes(body)


def _bounded(body: bytes) -> bytes:
    if len(body) > BODY_LIMIT:
        raise too_large()
    return body


def too_large() -> ApiError:
    """413 for a body of more than BODY_LIMIT bytes."""
    return ApiError(413, "payload_too_large", f"The body may have at most {BODY_LIMIT} bytes")


def parse_body(body: bytes, content_type: bytes | None, verb: str) -> dict[str, Any]:
    """The parameters in a JSON body, {} where there is none; of a repeated name the last counts.

    A body without a content type is taken for JSON. Raises ApiError 400: `invalid_content_type`,
    or `invalid_input` for what is no JSON object, is nested deeper than DEPTH_LIMIT, or holds NUL
    (which PostgreSQL refuses) or a lone surrogate.
    """
    if not body:
        return {}
    if content_type is not None and not _is_json(content_type):
        raise ApiError(
            400,
            "invalid_content_type",
            f'The Content-Type of a {verb} with a body must be "application/json"',
        )
    return _object(_json(body))


def _is_json(content_type: bytes) -> bool:
    return content_type.partition(b";")[0].strip().lower() == b"application/json"


def _json(body: bytes) -> Any:
    try:
        value = _decode(body)
    except UnicodeDecodeError:
        raise refusal([Issue("The body is not UTF-8")]) from None
    except (msgspec.DecodeError, RecursionError):
        raise refusal([Issue("The body is not valid JSON")]) from None
    # Both are too rare to walk every body for: the bytes tell where it is worth looking.
    if body.count(b"{") + body.count(b"[") > DEPTH_LIMIT and _is_deeper(value, DEPTH_LIMIT):
        raise refusal([Issue("The body is nested too deep")])
    if b"\\u0000" in body and _holds_nul(value):
        raise refusal([Issue("The body holds the character NUL")])
    return value


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise refusal([Issue(f"Expected object, received {received(value)}")])
    return value


def _is_deeper(value: Any, levels: int) -> bool:
    if not isinstance(value, dict | list):
        return False
    inner = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(_is_deeper(one, levels - 1) for one in inner)


def _holds_nul(value: Any) -> bool:
    match value:
        case str():
            return "\0" in value
        case list():
            return any(map(_holds_nul, value))
        case dict():
            return any(map(_holds_nul, value)) or any(map(_holds_nul, value.values()))
        case _:
            return False
