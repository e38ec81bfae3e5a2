"""The OpenAPI document of the route table.

OpenAPI 3.0 with the official document's extensions (`x-response-key`, `x-title`, `x-route-path`),
in the form that the official command line reads with `--remote-schema`: one thing that its reader
refuses, and every command fails.
"""

import re
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from typing import Any

import msgspec
from msgspec import inspect

from doorward.wire.paging import Pagination
from doorward.wire.parameters import Parameters
from doorward.wire.readers import Field
from doorward.wire.route import Route, Scheme
from doorward.wire.schemas import Schema, object_schema, schema

_BEARERS: dict[Scheme, str] = {
    "api_key": "API Key",
    "client_session": "Client Session Token",
    "client_session_with_customer": "Customer Client Session Token",
    "client_session_with_customer_ro": "Customer Client Session Token (Read-Only)",
    "console_session_with_workspace": "Console Session Token",
    "console_session_without_workspace": "Console Session Token",
    "pat_with_workspace": "API Token",
    "pat_without_workspace": "API Token",
}
_HEADERS = {
    "client_session_token": "client-session-token",
    "publishable_key": "seam-publishable-key",
    "seam_client_session_token": "seam-client-session-token",
    "seam_workspace": "seam-workspace",
}
_SECURITY_SCHEMES: dict[str, Schema] = {
    **{
        name: {"type": "http", "scheme": "bearer", "bearerFormat": form}
        for name, form in _BEARERS.items()
    },
    **{name: {"type": "apiKey", "in": "header", "name": of} for name, of in _HEADERS.items()},
}


def _security(scheme: Scheme) -> dict[str, list[str]]:
    # Whoever may act in several workspaces names one.
    names = [scheme, "seam_workspace"] if scheme in _NAMING_A_WORKSPACE else [scheme]
    return {name: [] for name in names}


_NAMING_A_WORKSPACE = {"pat_with_workspace", "console_session_with_workspace"}

_ERRORS = {
    "400": "A parameter is missing or wrong, or the call cannot be carried out as asked",
    "401": "The token is missing, unknown, or of another kind",
    "404": "Something that a parameter names does not exist in the workspace",
    "500": "Doorward failed",
    "503": "The database cannot be reached",
}

_TEXT = {"type": "string"}
_OK = {"type": "boolean"}

# The command line takes every schema that is an object outright for a resource with a path.
_ERROR: Schema = {
    "allOf": [
        object_schema(
            {
                "error": object_schema(
                    {"type": _TEXT, "message": _TEXT, "validation_errors": {"type": "object"}},
                    ["type", "message"],
                ),
                "ok": _OK,
            },
            ["error", "ok"],
        )
    ]
}


def document(routes: Sequence[Route]) -> dict[str, Any]:
    """The document of these routes: every path with every verb, and every resource by name."""
    return {
        "openapi": "3.0.3",
        "info": {"title": "Doorward", "version": version("doorward")},
        "servers": [{"url": "/"}],
        "tags": [{"name": tag} for tag in sorted({_tag(route) for route in routes})],
        "paths": {route.path: _path_item(route) for route in routes},
        "components": {"schemas": _schemas(routes), "securitySchemes": _SECURITY_SCHEMES},
    }


def resource_name(resource: type[msgspec.Struct]) -> str:
    """A resource's name in the document: AcsUser is acs_user."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", resource.__name__).lower()


def _path_item(route: Route) -> dict[str, Any]:
    fields = Parameters(route.request, route.page_limit).fields
    return {verb.lower(): _operation(route, verb, fields) for verb in route.verbs}


def _operation(route: Route, verb: str, fields: Sequence[Field]) -> dict[str, Any]:
    asked = _in_query(fields) if verb in {"GET", "DELETE"} else _in_body(fields)
    suffix = " Only in a sandbox workspace." if route.is_sandbox_only else ""
    return {
        "operationId": _operation_id(route.path, verb),
        "summary": route.path,
        "description": route.summary + suffix,
        "tags": [_tag(route)],
        "x-title": route.summary,
        "x-response-key": route.response_key,
        "security": [_security(scheme) for scheme in route.callers],
        **asked,
        "responses": {"200": _success(route), **{code: _error(code) for code in _ERRORS}},
    }


def _operation_id(path: str, verb: str) -> str:
    words = re.split(r"[/_]", path.strip("/"))
    return words[0] + "".join(word.capitalize() for word in [*words[1:], verb])


def _tag(route: Route) -> str:
    return "/" + route.path.split("/")[1]


def _in_query(fields: Iterable[Field]) -> dict[str, Any]:
    return {
        "parameters": [
            {
                "in": "query",
                "name": field.name,
                "required": field.is_required,
                "schema": schema(field.kind),
            }
            for field in fields
        ]
    }


def _in_body(fields: Sequence[Field]) -> dict[str, Any]:
    required = [field.name for field in fields if field.is_required]
    asked = object_schema({field.name: schema(field.kind) for field in fields}, required)
    return {"requestBody": {"required": bool(required), **_json(asked)}}


def _success(route: Route) -> dict[str, Any]:
    if route.response_key is None or route.resource is None:
        return {"description": "Done", **_json({"type": "object"})}
    resource = _reference(resource_name(route.resource))
    answered: dict[str, Schema] = {
        route.response_key: {"type": "array", "items": resource} if route.is_list else resource
    }
    if route.page_limit is not None:
        answered["pagination"] = _reference("pagination")
    answered["ok"] = _OK
    return {"description": "OK", **_json(object_schema(answered, list(answered)))}


def _error(code: str) -> dict[str, Any]:
    return {"description": _ERRORS[code], **_json(_reference("error"))}


def _json(content: Schema) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": content}}}


def _reference(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _schemas(routes: Sequence[Route]) -> dict[str, Schema]:
    shared = {"error": _ERROR, "pagination": _reply(Pagination)}
    resources = dict.fromkeys(route.resource for route in routes if route.resource is not None)
    return shared | {
        resource_name(resource): {**_reply(resource), "x-route-path": _home(resource, routes)}
        for resource in resources
    }


def _reply(resource: type[msgspec.Struct]) -> Schema:
    return schema(inspect.type_info(resource), is_reply=True)


def _home(resource: type[msgspec.Struct], routes: Sequence[Route]) -> str:
    paths = [route.path for route in routes if route.resource is resource]
    # Where there is one of its own, a resource is at home where it can be got.
    best = min(paths, key=lambda path: (not path.endswith("/get"), not path.endswith("/list")))
    return best.rpartition("/")[0]
