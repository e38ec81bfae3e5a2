"""The OpenAPI document of the route table.

OpenAPI 3.0 with the official document's extensions (`x-response-key`, `x-title`, `x-route-path`),
in the form that the official command line reads with `--remote-schema`: one thing that its reader
refuses, and every command fails.
"""

import re
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from inspect import getdoc
from typing import Any

import msgspec
from msgspec import inspect

from doorward.wire.examples import example
from doorward.wire.idempotency import LONGEST_KEY
from doorward.wire.paging import Pagination
from doorward.wire.parameters import Parameters
from doorward.wire.readers import Field
from doorward.wire.responses import HEADERS, error_schemas, error_table, responses
from doorward.wire.route import Route
from doorward.wire.schemas import Schema, object_schema, resource_name, schema
from doorward.wire.security import security, security_schemes

_PREFACE = """\
Who may enter where, and doors that follow. Every call takes its parameters as JSON with POST; what
reads or deletes takes them in the query with GET or DELETE as well.

The token goes into `Authorization: Bearer …`: an API key is for one workspace, a personal access
token names the workspace in the header `seam-workspace`.

A success answers 200. Everything else answers `{"error": {"type": …, "message": …}, "ok": false}`.

<details><summary>Every type of error</summary>

{errors}

</details>
"""
_IDEMPOTENCY_KEY: Schema = {
    "in": "header",
    "name": "Idempotency-Key",
    "required": False,
    "description": "A text of the caller's own, new for every thing to make: the same key with the"
    " same parameters is answered as it was the first time, for 24 hours, and makes nothing"
    " again.",
    "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY, "pattern": "^[ -~]+$"},
}
_USER_IDENTIFIER_KEY: Schema = {
    "in": "header",
    "name": "seam-user-identifier-key",
    "required": False,
    "description": "Whom a publishable key is used for, instead of the parameter"
    " `user_identifier_key`. Other tokens take no notice of it.",
    "schema": {"type": "string", "maxLength": 255},
}
_ACTION = "action_type"


def document(routes: Sequence[Route]) -> dict[str, Any]:
    """The document of these routes: every path with every verb, and every resource by name."""
    return {
        "openapi": "3.0.3",
        "info": {
            "title": "Doorward",
            "version": version("doorward"),
            "description": _PREFACE.replace("{errors}", error_table()),
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": tag} for tag in sorted({_tag(route) for route in routes})],
        "paths": {route.path: _path_item(route) for route in routes},
        "components": {
            "schemas": _schemas(routes),
            "headers": HEADERS,
            "securitySchemes": security_schemes(routes),
        },
    }


def _path_item(route: Route) -> dict[str, Any]:
    fields = Parameters(route.request, route.page_limit).fields
    return {verb.lower(): _operation(route, verb, fields) for verb in route.verbs}


def _operation(route: Route, verb: str, fields: Sequence[Field]) -> dict[str, Any]:
    is_query, shown = verb in {"GET", "DELETE"}, example(route)
    in_query = [_in_query(field, shown) for field in fields] if is_query else []
    parameters = [*in_query, *_in_headers(route)]
    return {
        "operationId": _operation_id(route.path, verb),
        "summary": route.summary,
        "description": _description(route),
        "tags": [_tag(route)],
        "x-title": route.summary,
        "x-response-key": route.response_key,
        **({"x-action-attempt-type": route.action_type} if route.action_type else {}),
        "security": security(route),
        **({"parameters": parameters} if parameters or is_query else {}),
        **({} if is_query else _in_body(fields, shown)),
        "responses": responses(route),
    }


def _description(route: Route) -> str:
    told = [f"{route.summary}."]
    if msgspec.structs.fields(route.request):
        told.append(f"Parameters: {getdoc(route.request)}")
    if route.scope is not None:
        told.append(f"The token needs the scope `{route.scope}`.")
    if route.is_sandbox_only:
        told.append("In sandbox workspaces alone.")
    return "\n\n".join(told)


def _operation_id(path: str, verb: str) -> str:
    words = re.split(r"[/_]", path.strip("/"))
    return words[0] + "".join(word.capitalize() for word in [*words[1:], verb])


def _tag(route: Route) -> str:
    return "/" + route.path.split("/")[1]


def _in_query(field: Field, shown: dict[str, Any]) -> dict[str, Any]:
    of = schema(field.kind)
    # Pages that send calls fill examples in: all of them together would find nothing.
    of.pop("example", None)
    asked = {
        "in": "query",
        "name": field.name,
        "required": field.is_required,
        "description": of.get("description", ""),
        "schema": of,
    }
    if field.name in shown:
        asked["example"] = shown[field.name]
    return asked | (_OBJECT if of.get("type") == "object" else {})


def _in_headers(route: Route) -> Iterator[Schema]:
    if route.is_creating:
        yield _IDEMPOTENCY_KEY
    if "publishable_key" in route.callers:
        yield _USER_IDENTIFIER_KEY


# The members of an object follow its name in brackets; OpenAPI has no word for a dot. Without an
# example, pages that send calls would make members up.
_OBJECT = {"style": "deepObject", "explode": True, "example": {}}


def _in_body(fields: Sequence[Field], shown: dict[str, Any]) -> dict[str, Any]:
    required = [field.name for field in fields if field.is_required]
    asked = object_schema({field.name: schema(field.kind) for field in fields}, required)
    content = {"application/json": {"schema": asked, "example": shown}}
    return {"requestBody": {"required": bool(required), "content": content}}


def _schemas(routes: Sequence[Route]) -> dict[str, Schema]:
    shared = {**error_schemas(), "pagination": _reply(Pagination)}
    resources = dict.fromkeys(route.resource for route in routes if route.resource is not None)
    return shared | {
        resource_name(resource): {**_by_action(resource), "x-route-path": _home(resource, routes)}
        for resource in resources
    }


def _by_action(resource: type[msgspec.Struct]) -> Schema:
    """A resource's schema; for one that tells of actions, one for each type of action.

    The official reader knows those types of action alone that it finds so.
    """
    whole = _reply(resource)
    properties = whole["properties"]
    types = properties.get(_ACTION, {}).get("enum")
    if not types:
        return whole
    each = [{**properties, _ACTION: {"type": "string", "enum": [one]}} for one in types]
    return {"oneOf": [{**whole, "properties": one} for one in each]}


def _reply(resource: type[msgspec.Struct]) -> Schema:
    return schema(inspect.type_info(resource), is_reply=True)


def _home(resource: type[msgspec.Struct], routes: Sequence[Route]) -> str:
    paths = [route.path for route in routes if route.resource is resource]
    # Where there is one of its own, a resource is at home where it can be got.
    best = min(paths, key=lambda path: (not path.endswith("/get"), not path.endswith("/list")))
    return best.rpartition("/")[0]
