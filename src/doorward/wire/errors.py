"""The error envelope (seam-api section 2), and what a fault of ours leaves in the log."""

import logging
import traceback
from collections.abc import Iterator
from typing import Any

import msgspec

from doorward.errors import ApiError
from doorward.wire.reply import Headers, Reply

# Seconds after which a client may try again when PostgreSQL is away.
RETRY_AFTER = 1

_encode = msgspec.json.Encoder().encode
_log = logging.getLogger("doorward.wire")


def refused(error: ApiError, headers: Headers = ()) -> Reply:
    """The envelope of an error that the API defines."""
    told: dict[str, Any] = {"type": error.kind, "message": error.message}
    if error.validation_errors is not None:
        told["validation_errors"] = error.validation_errors
    if error.retry_after is not None:
        headers = (*headers, (b"retry-after", b"%d" % error.retry_after))
    if error.status == 413:
        # What is left of the body is not worth reading to keep the connection.
        headers = (*headers, (b"connection", b"close"))
    return Reply(error.status, _encode({"error": told, "ok": False}), headers, error.kind)


def unavailable() -> Reply:
    """503: PostgreSQL cannot answer, or what became of a change is unknown."""
    message = "The database cannot be reached, or did not tell the outcome; try again"
    return refused(ApiError(503, "service_unavailable", message, retry_after=RETRY_AFTER))


def failed(error: Exception, verb: str, path: str | None, request_id: str) -> Reply:
    """500 for a fault of ours, which is logged under the request's id."""
    _log.error("%s %s failed, request %s\n%s", verb, path, request_id, "\n".join(_told(error)))
    message = f"Doorward failed; its log tells more under request {request_id}"
    return refused(ApiError(500, "internal_server_error", message))


def _told(error: BaseException | None) -> Iterator[str]:
    # Where and of which type, never the message: it may quote a PIN, a token or a name.
    while error is not None:
        yield f"{type(error).__module__}.{type(error).__qualname__} at"
        yield "".join(traceback.format_tb(error.__traceback__)).rstrip()
        error = error.__cause__ or error.__context__
