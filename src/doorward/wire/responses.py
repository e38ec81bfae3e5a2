"""What a route answers, as OpenAPI responses: its success, and every error that it can meet."""

from typing import Any

from doorward.wire.catalogue import ERRORS
from doorward.wire.refusals import everywhere, refusals
from doorward.wire.route import Route
from doorward.wire.schemas import Schema, object_schema, resource_name

_TEXT: Schema = {"type": "string"}
_TRUE: Schema = {"type": "boolean", "enum": [True]}
_FALSE: Schema = {"type": "boolean", "enum": [False]}
# What an error of a status is about, in a few words; the document's preface tells the kinds.
_ABOUT = {
    400: "The request or its parameters are wrong.",
    401: "The token is missing or not good for this call.",
    403: "The token may not do this.",
    404: "What a parameter names is not there.",
    408: "The request took too long to arrive.",
    409: "A call with the same Idempotency-Key is not over yet.",
    413: "The body is too large.",
    414: "The address is too long.",
    422: "The Idempotency-Key belongs to another call.",
    429: "Too many calls with this token.",
    431: "The headers are too large.",
    500: "Doorward failed.",
    503: "Doorward cannot answer now.",
}
_WAITING = {409, 429, 503}
HEADERS: dict[str, Schema] = {
    "seam-request-id": {
        "description": "Names the request in Doorward's log.",
        "required": True,
        "schema": {"type": "string", "format": "uuid"},
    },
    "Retry-After": {
        "description": "Seconds after which the call may be repeated.",
        "schema": {"type": "integer", "minimum": 1},
    },
    "Idempotent-Replayed": {
        "description": "`true` where the answer was given before, under the same Idempotency-Key.",
        "schema": {"type": "string", "enum": ["true"]},
    },
}


def reference(name: str) -> Schema:
    """The schema of that name among the document's components."""
    return {"$ref": f"#/components/schemas/{name}"}


# The command line takes every schema that is an object outright for a resource with a path.
_ENVELOPE: dict[str, Schema] = {
    "error": {
        "allOf": [
            object_schema(
                {
                    "error": object_schema(
                        {
                            "type": _TEXT | {"description": "What went wrong, for programs."},
                            "message": _TEXT | {"description": "What went wrong, for people."},
                            "validation_errors": reference("validation_errors"),
                        },
                        ["type", "message"],
                    ),
                    "ok": _FALSE,
                },
                ["error", "ok"],
            )
        ]
    },
    "validation_errors": {
        "description": "What is wrong with each parameter, under its name; what is wrong with"
        " several together stands in `_errors` itself. With `invalid_input` alone.",
        "allOf": [
            {
                **object_schema({"_errors": {"type": "array", "items": _TEXT}}, ["_errors"]),
                "additionalProperties": reference("validation_errors"),
            }
        ],
    },
}
_EVERYWHERE = everywhere()


def error_schemas() -> dict[str, Schema]:
    """The schemas that errors refer to, by name."""
    shared = {_name(status): _one_of(kinds) for status, kinds in _EVERYWHERE.items()}
    return {**_ENVELOPE, **shared}


def responses(route: Route) -> dict[str, Any]:
    """The responses of every verb of a route, by status."""
    return {
        "200": _success(route),
        **{str(status): _error(status, kinds) for status, kinds in refusals(route).items()},
    }


def error_table() -> str:
    """What every kind of error means, as a table in Markdown."""
    rows = sorted(ERRORS.items(), key=lambda named: (named[1].status, named[0]))
    lines = [
        f"| {' or '.join(map(str, sorted(error.statuses)))} | `{kind}` | {error.meaning} |"
        for kind, error in rows
    ]
    return "\n".join(["| status | `error.type` | meaning |", "| --- | --- | --- |", *lines])


def _success(route: Route) -> dict[str, Any]:
    if route.response_key is None or route.resource is None:
        nothing = {"schema": {"type": "object", "maxProperties": 0}}
        return _response("Done.", nothing, "seam-request-id")
    resource = reference(resource_name(route.resource))
    answered: dict[str, Schema] = {
        route.response_key: {"type": "array", "items": resource} if route.is_list else resource
    }
    if route.page_limit is not None:
        answered["pagination"] = reference("pagination")
    answered["ok"] = _TRUE
    content = {"schema": object_schema(answered, list(answered))}
    replayed = ["Idempotent-Replayed"] if route.is_creating else []
    return _response("Done.", content, "seam-request-id", *replayed)


def _error(status: int, kinds: list[str]) -> dict[str, Any]:
    is_common = kinds == _EVERYWHERE.get(status)
    schema = reference(_name(status)) if is_common else _one_of(kinds)
    waits = ["Retry-After"] if status in _WAITING else []
    return _response(_ABOUT[status], {"schema": schema}, "seam-request-id", *waits)


def _one_of(kinds: list[str]) -> Schema:
    kind = {"properties": {"type": {"type": "string", "enum": kinds}}}
    shown = {"type": kinds[0], "message": ERRORS[kinds[0]].meaning}
    return {
        "allOf": [reference("error"), {"properties": {"error": kind}}],
        "example": {"error": shown, "ok": False},
    }


def _name(status: int) -> str:
    return f"error_{status}"


def _response(about: str, content: dict[str, Any], *headers: str) -> dict[str, Any]:
    told = {name: {"$ref": f"#/components/headers/{name}"} for name in headers}
    return {"description": about, "headers": told, "content": {"application/json": content}}
