"""The OpenAPI document: what the official command line's reader insists on."""

import re
from collections.abc import Iterator
from typing import Any, cast

import httpx
import pytest

from doorward.wire.openapi import document, resource_name
from tests.wire.toy import ROUTES, Echo

DOCUMENT = document(ROUTES)
SCHEMAS = DOCUMENT["components"]["schemas"]
OPERATIONS = [
    (path, verb, operation)
    for path, item in DOCUMENT["paths"].items()
    for verb, operation in item.items()
]
SNAKE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


def operation(path: str, verb: str) -> dict[str, Any]:
    return cast("dict[str, Any]", DOCUMENT["paths"][path][verb])


def success(path: str) -> dict[str, Any]:
    answer = operation(path, "post")["responses"]["200"]
    return cast("dict[str, Any]", answer["content"]["application/json"]["schema"])


def body(path: str) -> dict[str, Any]:
    content = operation(path, "post")["requestBody"]["content"]
    return cast("dict[str, Any]", content["application/json"]["schema"])


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"]
        for inner in node.values():
            yield from references(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from references(inner)


def test_it_is_served_to_everybody(address: str) -> None:
    assert httpx.get(f"{address}/openapi.json").json() == DOCUMENT


def test_every_route_has_every_verb() -> None:
    served = {(route.path, verb.lower()) for route in ROUTES for verb in route.verbs}
    assert {(path, verb) for path, verb, _ in OPERATIONS} == served
    ids = [operation["operationId"] for _, _, operation in OPERATIONS]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(("path", "verb", "operation"), OPERATIONS)
def test_every_operation_has_what_its_reader_needs(
    path: str, verb: str, operation: dict[str, Any]
) -> None:
    assert "x-response-key" in operation
    assert operation["x-title"]
    assert operation["tags"] == ["/" + path.split("/")[1]]
    assert ("parameters" in operation) == (verb in {"get", "delete"})
    assert ("requestBody" in operation) == (verb in {"post", "patch", "put"})
    for answer in operation["responses"].values():
        assert answer["description"]
    for security in operation["security"]:
        assert set(security) <= set(DOCUMENT["components"]["securitySchemes"])


def test_references_lead_somewhere_and_stand_under_response_keys_alone() -> None:
    targets = set(references(DOCUMENT))
    assert {target.rpartition("/")[2] for target in targets} <= set(SCHEMAS)
    assert list(references(SCHEMAS)) == []
    bodies = [operation.get("requestBody") for _, _, operation in OPERATIONS]
    assert list(references(bodies)) == []


def test_every_resource_is_at_home_where_calls_are() -> None:
    namespaces = {path.rpartition("/")[0] for path in DOCUMENT["paths"]}
    resources = {name: schema for name, schema in SCHEMAS.items() if "properties" in schema}
    homes = {n: schema["x-route-path"] for n, schema in resources.items() if n != "pagination"}
    assert homes == {"acs_user": "/acs/users", "echo": "/toy"}
    assert set(homes.values()) <= namespaces
    names = {name for schema in resources.values() for name in schema["properties"]}
    assert all(SNAKE.fullmatch(name) for name in names)
    assert resource_name(Echo) == "echo"


def test_a_void_call() -> None:
    remove = operation("/acs/users/remove_from_access_group", "delete")
    assert remove["operationId"] == "acsUsersRemoveFromAccessGroupDelete"
    assert remove["x-response-key"] is None
    assert remove["security"] == [
        {"api_key": []},
        {"pat_with_workspace": [], "seam_workspace": []},
        {"console_session_with_workspace": [], "seam_workspace": []},
    ]
    ids = {"type": "string", "format": "uuid"}
    assert remove["parameters"] == [
        {"in": "query", "name": "acs_access_group_id", "required": True, "schema": ids},
        {"in": "query", "name": "acs_user_id", "required": False, "schema": ids},
        {"in": "query", "name": "user_identity_id", "required": False, "schema": ids},
    ]
    assert body("/acs/users/remove_from_access_group") == {
        "type": "object",
        "properties": {
            "acs_access_group_id": ids,
            "acs_user_id": ids,
            "user_identity_id": ids,
        },
        "required": ["acs_access_group_id"],
    }


def test_a_paged_list() -> None:
    users = {"type": "array", "items": {"$ref": "#/components/schemas/acs_user"}}
    assert success("/acs/users/list") == {
        "type": "object",
        "properties": {
            "acs_users": users,
            "pagination": {"$ref": "#/components/schemas/pagination"},
            "ok": {"type": "boolean"},
        },
        "required": ["acs_users", "pagination", "ok"],
    }
    asked = body("/acs/users/list")["properties"]
    assert asked["limit"] == {
        "type": "integer",
        "minimum": 0,
        "exclusiveMinimum": True,
        "maximum": 1000,
        "default": 10,
        "description": "The most rows that a page has.",
    }
    assert asked["page_cursor"]["nullable"] is True
    assert "pagination" not in success("/acs/access_groups/list_users")["properties"]


def test_a_resource() -> None:
    assert SCHEMAS["acs_user"] == {
        "type": "object",
        "properties": {
            "acs_user_id": {"type": "string", "format": "uuid"},
            "created_at": {"type": "string", "format": "date-time"},
            "full_name": {"type": "string", "nullable": True},
            "email": {"type": "string"},
        },
        "required": ["acs_user_id", "created_at", "full_name"],
        "x-route-path": "/acs/users",
    }
    assert SCHEMAS["pagination"]["required"] == [
        "next_page_cursor",
        "has_next_page",
        "next_page_url",
    ]


def test_parameters_of_every_type() -> None:
    texts = {"type": "array", "items": {"type": "string"}, "maxItems": 4}
    starts = {"type": "string", "format": "date-time"}
    assert body("/toy/echo")["properties"] == {
        "acs_user_id": {"type": "string", "format": "uuid"},
        "name": {"type": "string", "minLength": 1, "maxLength": 20, "nullable": True},
        "digits": {"type": "string", "pattern": r"^\d+$"},
        "count": {
            "type": "integer",
            "minimum": 0,
            "maximum": 100,
            "exclusiveMaximum": True,
            "nullable": True,
        },
        "factor": {"type": "number"},
        "is_managed": {"type": "boolean"},
        "created_before": starts,
        "state": {"type": "string", "enum": ["open", "shut"]},
        "device_ids": {"type": "array", "items": {"type": "string", "format": "uuid"}},
        "labels": texts,
        "counts": {"type": "array", "items": {"type": "integer"}},
        "custom_metadata_has": {
            "type": "object",
            "properties": {},
            "additionalProperties": {"oneOf": [{"type": "string"}, {"type": "boolean"}]},
        },
        "settings": {"type": "object", "properties": {}, "additionalProperties": True},
        "access_schedule": {
            "type": "object",
            "properties": {"starts_at": starts, "ends_at": {**starts, "nullable": True}},
            "required": ["starts_at"],
            "nullable": True,
        },
    }
