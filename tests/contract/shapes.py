"""Values and schemas against schemas, in the part of OpenAPI 3.0 that the official document uses.

Differences are texts that begin with the place: `acs_user.email: format`. A place begins anew at
every named schema, so that a field is called the same in whatever answer it comes.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

Schema = Mapping[str, Any]

_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "array": (list,),
    "object": (dict,),
}
_ZONED = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")

# What a parameter's schema promises; descriptions, patterns and extensions are left out.
_PROMISES = (
    *("type", "format", "nullable", "default", "minLength", "maxLength", "minItems", "maxItems"),
    *("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum", "additionalProperties"),
)


def differences(
    value: Any, schema: Schema, named: Mapping[str, Schema], place: str
) -> Iterator[str]:
    """What a JSON value breaks of a schema; `named` holds the schemas that it may refer to."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        yield from differences(value, named[name], named, name)
    elif value is None:
        if not schema.get("nullable"):
            yield f"{place}: null"
    elif "oneOf" in schema:
        yield from _one_of(value, schema, named, place)
    elif not _has_type(value, schema.get("type")):
        yield f"{place}: type"
    else:
        yield from _of_scalar(value, schema, place)
        yield from _of_parts(value, schema, named, place)


def _has_type(value: Any, name: str | None) -> bool:
    if name is None:
        return True
    return isinstance(value, _TYPES[name]) and (isinstance(value, bool) <= (name == "boolean"))


def _one_of(value: Any, schema: Schema, named: Mapping[str, Schema], place: str) -> Iterator[str]:
    """The value must fit one; a discriminator says which, so that its own faults are told. So do
    constants of the schemas, where one alone has the value's.
    """
    key = schema.get("discriminator", {}).get("propertyName")
    candidates = schema["oneOf"]
    if key is not None:
        candidates = [
            each
            for each in candidates
            if isinstance(value, dict) and value.get(key) in each["properties"][key]["enum"]
        ]
        if len(candidates) != 1:
            yield f"{place}.{key}: {value.get(key) if isinstance(value, dict) else 'missing'}"
            return
        place = f"{place}({value[key]})"
    told = [list(differences(value, each, named, place)) for each in candidates]
    if all(told):
        own = [each for each, of in zip(told, candidates, strict=True) if _is_kind(value, of)]
        yield from own[0] if len(own) == 1 else [f"{place}: fits none"]


def _is_kind(value: Any, schema: Schema) -> bool:
    """Whether a value has every constant of a schema's fields."""
    constants = {
        name: told["enum"][0]
        for name, told in schema.get("properties", {}).items()
        if len(told.get("enum", ())) == 1
    }
    return isinstance(value, dict) and all(
        value.get(name) == constant for name, constant in constants.items()
    )


def _of_scalar(value: Any, schema: Schema, place: str) -> Iterator[str]:
    if "enum" in schema and value not in schema["enum"]:
        yield f"{place}: enum {value}"
    if not _has_format(value, schema.get("format")):
        yield f"{place}: format"
    if isinstance(value, str | list):
        length = "Length" if isinstance(value, str) else "Items"
        if (
            not schema.get(f"min{length}", 0)
            <= len(value)
            <= schema.get(f"max{length}", len(value))
        ):
            yield f"{place}: length"
    if isinstance(value, int | float) and value < schema.get("minimum", value):
        yield f"{place}: minimum"


def _has_format(value: Any, name: str | None) -> bool:
    match name:
        case "uuid":
            return value == str(UUID(value)) if len(value) == 36 else False
        case "date-time":
            return bool(_ZONED.fullmatch(value)) and datetime.fromisoformat(value) is not None
        case "email":
            return bool(re.fullmatch(r"[^@\s]+@[^@\s]+", value))
        case "uri":
            return bool(re.match(r"[a-z][a-z0-9+.-]*:\S+$", value))
        case "float" | None:
            return True
        case _:
            raise ValueError(f"the checker does not know the format {name}")


def _of_parts(value: Any, schema: Schema, named: Mapping[str, Schema], place: str) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from differences(item, schema["items"], named, place)
    elif isinstance(value, dict):
        fields = schema.get("properties", {})
        yield from (f"{place}.{name}: missing" for name in {*schema.get("required", ())} - {*value})
        for name, member in value.items():
            inner = fields.get(name, schema.get("additionalProperties"))
            if isinstance(inner, Mapping):
                yield from differences(member, inner, named, f"{place}.{name}")
            elif inner is not True and (fields or "required" in schema):
                yield f"{place}.{name}: unknown"


def merged(schema: Schema) -> Schema:
    """An object's schema without allOf and oneOf: all properties, and what is always required."""
    properties = dict(schema.get("properties", {}))
    required = {*schema.get("required", ())}
    parts = [merged(part) for part in schema.get("allOf", ())]
    choices = [merged(part) for part in schema.get("oneOf", ())]
    for part in parts:
        properties |= part["properties"]
    for choice in choices:
        for name, told in choice["properties"].items():
            properties[name] = _either(properties.get(name, {}), told)
    required.update(*(part["required"] for part in parts))
    if choices:
        required |= set.intersection(*({*choice["required"]} for choice in choices))
    return {"type": "object", "properties": properties, "required": sorted(required)}


def _either(one: Schema, other: Schema) -> Schema:
    """What a property may be that two choices have: the values of both."""
    both = {**one, **other}
    if "enum" in one and "enum" in other:
        both["enum"] = [*dict.fromkeys((*one["enum"], *other["enum"]))]
    return both


def promises(ours: Schema, theirs: Schema) -> Iterator[str]:
    """The keywords in which the schemas of one parameter differ."""
    yield from (name for name in _PROMISES if ours.get(name) != theirs.get(name))
    if _sorted(ours.get("enum")) != _sorted(theirs.get("enum")):
        yield "enum"
    if "items" in ours or "items" in theirs:
        inner = promises(ours.get("items", {}), theirs.get("items", {}))
        yield from (f"items.{name}" for name in inner)


def _sorted(values: Iterable[Any] | None) -> list[Any] | None:
    return None if values is None else sorted(values)
