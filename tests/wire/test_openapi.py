"""The OpenAPI document: what the official command line's reader insists on."""

import ast
import inspect
import re
from collections.abc import Iterator
from dataclasses import replace
from types import ModuleType
from typing import Any, cast, get_args

import httpx
import pytest

from doorward.api.table import ROUTES as REAL_ROUTES
from doorward.wire import auth, idempotency, presented
from doorward.wire.catalogue import ERRORS
from doorward.wire.examples import example
from doorward.wire.openapi import document
from doorward.wire.parameters import Parameters
from doorward.wire.refusals import refusals
from doorward.wire.route import Route, Scheme
from doorward.wire.schemas import resource_name
from doorward.wire.security import security, security_schemes
from tests.wire.toy import ROUTES, Echo, get_user

DOCUMENT = document(ROUTES)
SCHEMAS = DOCUMENT["components"]["schemas"]
OPERATIONS = [
    (path, verb, operation)
    for path, item in DOCUMENT["paths"].items()
    for verb, operation in item.items()
]
SESSION_HEADERS = ("client_session_token", "seam_client_session_token")
# What reads a caller's headers, and what of it is HTTP's own or a proxy's.
READ_FROM_HEADERS = (auth, idempotency, presented)
OF_HTTP = {"authorization", "host", "origin"} | {name.decode() for name in auth._FORWARDING}
SNAKE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


def operation(path: str, verb: str) -> dict[str, Any]:
    return cast("dict[str, Any]", DOCUMENT["paths"][path][verb])


def success(path: str) -> dict[str, Any]:
    answer = operation(path, "post")["responses"]["200"]
    return cast("dict[str, Any]", answer["content"]["application/json"]["schema"])


def body(path: str) -> dict[str, Any]:
    content = operation(path, "post")["requestBody"]["content"]
    return cast("dict[str, Any]", content["application/json"]["schema"])


def body_example(path: str) -> Any:
    return operation(path, "post")["requestBody"]["content"]["application/json"]["example"]


def parameters(path: str, verb: str) -> dict[str, Any]:
    return {each["name"]: each for each in operation(path, verb)["parameters"]}


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
    has_headers = {"publishable_key": []} in operation["security"]
    assert ("parameters" in operation) == (verb in {"get", "delete"} or has_headers)
    assert ("requestBody" in operation) == (verb in {"post", "patch", "put"})
    for answer in operation["responses"].values():
        assert answer["description"]
    for way in operation["security"]:
        assert set(way) <= set(DOCUMENT["components"]["securitySchemes"])


def test_references_lead_somewhere_and_stand_under_response_keys_alone() -> None:
    targets = set(references(DOCUMENT))
    for target in targets:
        _, _, kind, name = target.split("/")
        assert name in DOCUMENT["components"][kind]
    resources = [schema for name, schema in SCHEMAS.items() if "error" not in name]
    assert list(references(resources)) == []
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
    asked = {"in": "query", "description": "", "schema": ids}
    shown = {"example": "00000000-0000-4000-8000-000000000000"}
    assert remove["parameters"] == [
        {**asked, "name": "acs_access_group_id", "required": True, **shown},
        {**asked, "name": "acs_user_id", "required": False, **shown},
        {**asked, "name": "user_identity_id", "required": False},
    ]
    answer = remove["responses"]["200"]["content"]["application/json"]
    assert answer == {"schema": {"type": "object", "maxProperties": 0}}
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
            "ok": {"type": "boolean", "enum": [True]},
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


def test_objects_in_a_query_are_told_in_brackets() -> None:
    asked = parameters("/toy/echo", "get")
    objects = {name for name, each in asked.items() if each.get("style") == "deepObject"}
    assert objects == {"custom_metadata_has", "settings", "access_schedule"}
    assert all(asked[name]["explode"] and asked[name]["example"] == {} for name in objects)


def test_errors_of_a_route() -> None:
    answers = operation("/acs/users/list", "get")["responses"]
    assert set(answers) == {"200", *map(str, refusals(ROUTES[3]))}
    wrong = answers["400"]
    assert set(wrong["headers"]) == {"seam-request-id"}
    content = wrong["content"]["application/json"]
    envelope, kinds = content["schema"]["allOf"]
    assert envelope == {"$ref": "#/components/schemas/error"}
    told = kinds["properties"]["error"]["properties"]["type"]["enum"]
    assert {"invalid_input", "mismatched_page_parameters"} <= set(told)
    assert "workspace_not_sandbox" not in told
    assert content["schema"]["example"]["error"]["type"] == "invalid_input"
    late = answers["408"]["content"]["application/json"]["schema"]
    assert late == {"$ref": "#/components/schemas/error_408"}
    for status in ("429", "503"):
        assert "Retry-After" in answers[status]["headers"]


def test_validation_errors_nest() -> None:
    (form,) = SCHEMAS["validation_errors"]["allOf"]
    assert form["additionalProperties"] == {"$ref": "#/components/schemas/validation_errors"}
    assert form["required"] == ["_errors"]


def test_the_preface_lists_every_error() -> None:
    told = DOCUMENT["info"]["description"]
    for kind, error in ERRORS.items():
        assert f"`{kind}` | {error.meaning} |" in told


@pytest.mark.parametrize("verb", ["post", "put"])
def test_a_call_that_creates_takes_an_idempotency_key(verb: str) -> None:
    route = replace(ROUTES[2], verbs=("PUT", "POST"), is_creating=True, handler=get_user)
    told = document([route])["paths"][route.path][verb]
    assert [(each["in"], each["name"]) for each in told["parameters"]] == [
        ("header", "Idempotency-Key")
    ]
    assert {"409", "422"} <= set(told["responses"])
    assert "Idempotent-Replayed" in told["responses"]["200"]["headers"]
    assert "parameters" not in operation("/toy/put", "put")


def test_every_way_to_say_who_one_is_can_be_told() -> None:
    every = replace(ROUTES[0], callers=get_args(Scheme))
    in_headers = {"seam_workspace", *SESSION_HEADERS}
    assert set(security_schemes([every])) == {*get_args(Scheme), *in_headers}
    assert set(security_schemes([replace(every, callers=("api_key",))])) == {"api_key"}


@pytest.mark.parametrize(
    "scheme", [scheme for scheme in get_args(Scheme) if scheme.startswith("client_session")]
)
def test_a_client_sessions_token_may_stand_in_either_header(scheme: Scheme) -> None:
    taken = security(replace(ROUTES[0], callers=("api_key", scheme)))
    assert taken == [{"api_key": []}, {scheme: []}, *({name: []} for name in SESSION_HEADERS)]


def test_every_header_that_says_who_calls_is_told() -> None:
    told = document(REAL_ROUTES)
    named = {
        scheme["name"].lower()
        for scheme in told["components"]["securitySchemes"].values()
        if scheme["type"] == "apiKey"
    }
    for item in told["paths"].values():
        for each in item["post"].get("parameters", ()):
            named.add(each["name"].lower())
    answered = {name.lower() for name in told["components"]["headers"]}
    read = {text for module in READ_FROM_HEADERS for text in _read(module)}
    assert named == read - answered - OF_HTTP


def _read(module: ModuleType) -> Iterator[str]:
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        if isinstance(node, ast.Constant) and isinstance(node.value, bytes):
            text = node.value.decode("latin-1")
            if re.fullmatch(r"[a-z]+(-[a-z]+)+|authorization|host|origin", text):
                yield text


def test_whom_a_publishable_key_is_for_may_stand_in_a_header() -> None:
    route = replace(ROUTES[0], callers=("api_key", "publishable_key"))
    (told,) = document([route])["paths"][route.path]["post"]["parameters"]
    assert (told["in"], told["name"]) == ("header", "seam-user-identifier-key")
    assert not told["required"]


def test_a_call_tells_what_else_it_needs() -> None:
    route = replace(ROUTES[2], scope="doors", is_sandbox_only=True)
    told = document([route])["paths"][route.path]["post"]["description"]
    assert told == (
        "Get.\n\nParameters: One required id.\n\nThe token needs the scope `doors`.\n\n"
        "In sandbox workspaces alone."
    )


def test_examples() -> None:
    some_id = "00000000-0000-4000-8000-000000000000"
    assert body_example("/acs/users/get") == {"acs_user_id": some_id}
    assert body_example("/toy/echo") == {}
    assert body_example("/acs/users/remove_from_access_group") == {
        "acs_access_group_id": some_id,
        "acs_user_id": some_id,
    }


@pytest.mark.parametrize("route", REAL_ROUTES, ids=lambda route: route.path)
def test_every_call_has_an_example_that_it_takes(route: Route) -> None:
    given = Parameters(route.request, route.page_limit).read(b"", example(route))
    assert isinstance(given.request, route.request)


@pytest.mark.parametrize("route", REAL_ROUTES, ids=lambda route: route.path)
def test_every_parameter_is_described(route: Route) -> None:
    item = document(REAL_ROUTES)["paths"][route.path]
    for told in item.values():
        content = told.get("requestBody", {}).get("content", {}).get("application/json", {})
        asked = content.get("schema", {}).get("properties", {})
        described = {each["name"]: each for each in told.get("parameters", ())} | asked
        assert [name for name, each in described.items() if not each.get("description")] == []


def test_an_integer_default_is_told() -> None:
    asked = document(REAL_ROUTES)["paths"]["/events/list"]["get"]["parameters"]
    by_name = {each["name"]: each["schema"] for each in asked}
    assert (by_name["limit"]["default"], by_name["unstable_offset"]["default"]) == (500, 0)
