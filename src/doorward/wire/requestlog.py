"""A line in the log for each request: who called what, and how it ended. Nothing that was sent."""

import logging
import time

from doorward.wire.exchange import VERBS, Exchange

_log = logging.getLogger(__name__)


def log_request(exchange: Exchange) -> None:
    """An Observer: one line, without query, headers and body.

    verb and path are null where they are none of ours, for they may hold anything then; status is
    null where the client hung up before its answer. The time is in milliseconds.
    """
    level = logging.WARNING if exchange.status >= 500 else logging.INFO
    if not _log.isEnabledFor(level):
        return
    caller = exchange.caller
    fields = {
        "request_id": exchange.request_id,
        "workspace_id": caller.workspace_id if caller else None,
        "token_id": caller.token_id if caller else None,
        "token_kind": caller.kind if caller else None,
        "verb": exchange.verb if exchange.verb in VERBS else None,
        "path": exchange.path,
        "status": exchange.status or None,
        "error": exchange.error,
        "duration_ms": round((time.monotonic() - exchange.started) * 1000, 3),
    }
    _log.log(level, "request", extra={"fields": fields})
