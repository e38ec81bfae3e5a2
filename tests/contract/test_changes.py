"""Every kind of change between two documents is told, on documents of a few lines."""

import json
from typing import Any

import pytest

from tests.contract.changes import changes, concerned, subjects
from tests.contract.official import Contract

DOOR = {
    "type": "object",
    "properties": {"door_id": {"type": "string"}, "lock": {"$ref": "#/components/schemas/lock"}},
    "required": ["door_id"],
}
EVENT = {
    "discriminator": {"propertyName": "event_type"},
    "oneOf": [{"properties": {"event_type": {"enum": ["door.opened"]}}}],
}
ASKED = {
    "type": "object",
    "properties": {"door_id": {"type": "string", "format": "uuid"}, "side": {"enum": ["in"]}},
    "required": ["door_id"],
}
BODY = {"content": {"application/json": {"schema": ASKED}}}
ANSWER = {
    "type": "object",
    "properties": {"door": {"$ref": "#/components/schemas/door"}},
    "required": ["door"],
}
POST = {
    "x-response-key": "door",
    "security": [{"api_key": []}],
    "requestBody": BODY,
    "responses": {"200": {"content": {"application/json": {"schema": ANSWER}}}},
}
GET = {
    "x-response-key": "door",
    "security": [{"api_key": []}],
    "parameters": [
        {"name": "door_id", "required": True, "schema": {"type": "string", "format": "uuid"}},
        {"name": "side", "schema": {"enum": ["in"]}},
    ],
    "responses": POST["responses"],
}
DOCUMENT: dict[str, Any] = {
    "paths": {"/doors/get": {"post": POST, "get": GET}, "/gates/get": {"post": POST}},
    "components": {
        "schemas": {
            "door": DOOR,
            "lock": {"type": "object", "properties": {"is_shut": {"type": "boolean"}}},
            "event": EVENT,
        },
        "securitySchemes": {},
    },
}
PATH = ("paths", "/doors/get")
PARAMETERS = (*PATH, "post", "requestBody", "content", "application/json", "schema")
SCHEMAS = ("components", "schemas")
GONE = object()

# Where the new document is otherwise, with what, and what is told of it.
CHANGES: list[tuple[tuple[str, ...], Any, list[str]]] = [
    ((*PATH, "delete"), POST, ["/doors/get verb DELETE: new"]),
    ((*PATH, "post", "x-undocumented"), "no", ["/doors/get path: documented → undocumented"]),
    (
        (*PATH, "post", "security"),
        [],
        ["GET caller api_key: new", "/doors/get caller api_key: gone"],
    ),
    (
        (*PATH, "post", "x-response-key"),
        None,
        ["GET answers with: new", "POST answers with: new", "get answers with: gone"],
    ),
    (
        (*PARAMETERS, "required"),
        [],
        ["GET parameter door_id: new (req", "POST parameter door_id: new (opt", "gone"],
    ),
    (("paths", "/gates/get"), GONE, ["/gates/get: gone"]),
    (("paths", "/locks/get"), {"post": POST}, ["/locks/get: new"]),
    ((*SCHEMAS, "door", "properties", "name"), {"type": "string"}, ["door .name: new (optional"]),
    ((*SCHEMAS, "door", "properties", "door_id"), GONE, ["door .door_id: gone"]),
    (
        (*SCHEMAS, "door", "properties", "door_id", "nullable"),
        True,
        ["door .door_id: required, type string → required, type string, nullable True"],
    ),
    ((*SCHEMAS, "door", "required"), [], [".door_id: required, type string → optional, type"]),
    ((*SCHEMAS, "key"), DOOR, ["key: new"]),
]


def _changed(place: tuple[str, ...], value: Any) -> Contract:
    # Not copy.deepcopy: what two places share would be changed in both.
    document = json.loads(json.dumps(DOCUMENT))
    inner = document
    for step in place[:-1]:
        inner = inner[step]
    if value is GONE:
        del inner[place[-1]]
    else:
        inner[place[-1]] = value
    return Contract(document)


@pytest.mark.parametrize(("place", "value", "told"), CHANGES)
def test_changes(place: tuple[str, ...], value: Any, told: list[str]) -> None:
    old, new = Contract(DOCUMENT), _changed(place, value)
    found = changes(old, new, subjects(old) | subjects(new))
    assert len(found) == len(told), found
    assert all(each in line for each, line in zip(told, found, strict=True)), found


def test_a_value_of_a_list_of_values() -> None:
    new = _changed((*PARAMETERS, "properties", "side", "enum"), ["in", "out"])
    found = changes(Contract(DOCUMENT), new, ["/doors/get"])
    assert found == ["/doors/get POST parameter side value out: new"]


def test_a_new_type_of_event() -> None:
    more = {"properties": {"event_type": {"enum": ["door.shut"]}}}
    new = _changed((*SCHEMAS, "event", "oneOf"), [*EVENT["oneOf"], more])
    found = changes(Contract(DOCUMENT), new, ["event"])
    assert "event (door.shut).event_type value door.shut: new" in found
    assert all("door.shut" in line for line in found)


def test_what_others_are_about_is_left_out() -> None:
    new = _changed(("paths", "/gates/get"), GONE)
    assert changes(Contract(DOCUMENT), new, ["/doors/get", "door"]) == []
    assert changes(Contract(DOCUMENT), Contract(DOCUMENT), subjects(new)) == []


def test_what_a_call_shows_is_its_concern() -> None:
    concern = concerned(Contract(DOCUMENT), ["/doors/get", "/not/there"])
    assert concern == {"/doors/get", "door", "lock"}
