"""The error envelope (seam-api section 2), and what a fault of ours leaves in the log."""

import logging
from typing import Any

import msgspec

from doorward.errors import ApiError
from doorward.faults import told
from doorward.wire.reply import Headers, Reply

# Seconds after which a client may try again when PostgreSQL is away.
RETRY_AFTER = 1

_encode = msgspec.json.Encoder().encode
_log = logging.getLogger("doorward.wire")


def refused(error: ApiError, headers: Headers = ()) -> Reply:
    """The envelope of an error that the API defines."""
    content: dict[str, Any] = {"type": error.kind, "message": error.message}
    if error.validation_errors is not None:
        content["validation_errors"] = error.validation_errors
    if error.retry_after is not None:
        headers = (*headers, (b"retry-after", b"%d" % error.retry_after))
    if error.status in {408, 413}:
        # What is left of the body is not worth reading to keep the connection.
        headers = (*headers, (b"connection", b"close"))
    return Reply(error.status, _encode({"error": content, "ok": False}), headers, error.kind)


def unavailable() -> Reply:
    """503: PostgreSQL cannot answer, or what became of a change is unknown."""
    message = "The database cannot be reached, or did not tell the outcome; try again"
    return refused(ApiError(503, "service_unavailable", message, retry_after=RETRY_AFTER))


def failed(error: Exception, path: str | None, request_id: str) -> Reply:
    """500 for a fault of ours, which is logged under the request's id."""
    fields = {"request_id": request_id}
    # Told in the message, so that no other set-up of `logging` comes to print the error's own.
    _log.error("%s failed, request %s\n%s", path, request_id, told(error), extra={"fields": fields})
    message = f"Doorward failed; its log tells more under request {request_id}"
    return refused(ApiError(500, "internal_server_error", message))
