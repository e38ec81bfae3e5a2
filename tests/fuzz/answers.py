"""What a refusal must look like, wherever it comes from."""

from collections.abc import Collection
from typing import Any

import msgspec

from doorward.errors import ApiError
from doorward.wire.catalogue import ERRORS
from doorward.wire.errors import refused

# A refusal quotes what it refuses, at most so often, and a little more beside.
_ECHOES = 16
_BESIDE = 64 * 1024


def must_be_refusal(error: ApiError, size: int, kinds: Collection[str]) -> None:
    """A documented 400 of one of these kinds, its envelope not much larger than the request."""
    assert error.kind in kinds, error.kind
    assert error.status == 400, (error.status, error.kind)
    reply = refused(error)
    must_be_envelope(reply.status, msgspec.json.decode(reply.body))
    assert len(reply.body) <= _BESIDE + _ECHOES * size, f"{len(reply.body)} bytes for {size}"


def must_be_envelope(status: int, body: Any) -> str:
    """A documented error in its envelope; answers its type."""
    assert set(body) == {"error", "ok"}, body
    assert body["ok"] is False
    error = body["error"]
    assert error["type"] in ERRORS, error["type"]
    assert status in ERRORS[error["type"]].statuses, (status, error["type"])
    assert status != 500
    assert error["message"]
    assert isinstance(error["message"], str)
    if error["type"] == "invalid_input" and "validation_errors" in error:
        _must_be_formatted(error["validation_errors"])
    return str(error["type"])


def _must_be_formatted(node: Any) -> None:
    # The JavaScript client throws where a level lacks _errors.
    assert isinstance(node, dict), node
    assert isinstance(node["_errors"], list), node
    assert all(isinstance(message, str) for message in node["_errors"])
    for name, inner in node.items():
        if name != "_errors":
            _must_be_formatted(inner)
