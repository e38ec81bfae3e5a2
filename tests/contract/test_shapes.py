"""The checker finds what it is there to find."""

from typing import Any

import pytest

from tests.contract.shapes import Schema, differences, merged, promises

TEXT: Schema = {"type": "string"}
NAMED: dict[str, Schema] = {
    "door": {
        "type": "object",
        "required": ["id"],
        "properties": {
            "id": {"type": "string", "format": "uuid"},
            "at": {"type": "string", "format": "date-time", "nullable": True},
            "kind": {"type": "string", "enum": ["in", "out"]},
            "level": {"type": "integer", "minimum": 0},
            "name": {"type": "string", "minLength": 1},
            "notes": {"type": "object", "additionalProperties": TEXT},
            "warnings": {
                "type": "array",
                "items": {
                    "discriminator": {"propertyName": "code"},
                    "oneOf": [
                        {
                            "type": "object",
                            "required": ["code", "since"],
                            "properties": {"code": {"enum": ["jammed"]}, "since": TEXT},
                        }
                    ],
                },
            },
        },
    }
}
ANSWER: Schema = {
    "type": "object",
    "required": ["door"],
    "properties": {"door": {"$ref": "#/components/schemas/door"}},
}
ID = "8d7e0b3a-b889-49a7-9164-4b71a0506a33"


@pytest.mark.parametrize(
    ("member", "told"),
    [
        ({}, []),
        ({"at": None, "level": 2, "name": "x", "notes": {"a": "b"}, "kind": "in"}, []),
        ({"at": "2026-01-31T08:00:00.000Z"}, []),
        ({"warnings": [{"code": "jammed", "since": "noon"}]}, []),
        ({"id": "8"}, ["door.id: format"]),
        ({"id": ID.upper()}, ["door.id: format"]),
        ({"id": None}, ["door.id: null"]),
        ({"id": 8}, ["door.id: type"]),
        ({"at": "2026-01-31 08:00"}, ["door.at: format"]),
        ({"at": "2026-01-31T08:00:00"}, ["door.at: format"]),
        ({"kind": "up"}, ["door.kind: enum up"]),
        ({"level": True}, ["door.level: type"]),
        ({"level": 1.5}, ["door.level: type"]),
        ({"level": -1}, ["door.level: minimum"]),
        ({"name": ""}, ["door.name: length"]),
        ({"notes": {"a": 1}}, ["door.notes.a: type"]),
        ({"notes": []}, ["door.notes: type"]),
        ({"colour": "red"}, ["door.colour: unknown"]),
        ({"warnings": [{"code": "jammed"}]}, ["door.warnings(jammed).since: missing"]),
        ({"warnings": [{"code": "lost"}]}, ["door.warnings.code: lost"]),
    ],
)
def test_differences(member: dict[str, Any], told: list[str]) -> None:
    found = differences({"door": {"id": ID, **member}}, ANSWER, NAMED, "/doors/get")
    assert list(found) == told


def test_what_is_missing_and_what_is_nobodys() -> None:
    found = differences({"gate": 1, "door": {}}, ANSWER, NAMED, "/doors/get")
    assert sorted(found) == ["/doors/get.gate: unknown", "door.id: missing"]


def test_merged() -> None:
    by_id = {"properties": {"id": TEXT, "at": TEXT}, "required": ["id", "at"]}
    by_name = {"properties": {"name": TEXT, "at": TEXT}, "required": ["name", "at"]}
    schema = {"allOf": [{"oneOf": [by_id, by_name]}, {"properties": {"limit": TEXT}}]}
    assert merged(schema) == {
        "type": "object",
        "properties": {"id": TEXT, "at": TEXT, "name": TEXT, "limit": TEXT},
        "required": ["at"],
    }


def test_promises() -> None:
    ours = {"type": "array", "items": {"enum": ["a", "b"]}, "description": "ours"}
    theirs = {"type": "array", "items": {"enum": ["b", "a"], "format": "uuid"}, "maxItems": 2}
    assert list(promises(ours, theirs)) == ["maxItems", "items.format"]
