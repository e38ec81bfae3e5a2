"""Types as OpenAPI 3.0 schemas.

Nested objects are written out where they stand: the official command line refuses references
anywhere but directly under a response key.
"""

import re
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import NODEFAULT, inspect

Schema = dict[str, Any]


def resource_name(resource: type[msgspec.Struct]) -> str:
    """A resource's name in the document: AcsUser is acs_user."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", resource.__name__).lower()


def schema(kind: inspect.Type, *, is_reply: bool = False) -> Schema:
    """The schema of a type. In a reply every field but one that may be UNSET is required."""
    match kind:
        case inspect.Metadata() if kind.extra and "one_of" in kind.extra:
            several = inspect.multi_type_info(kind.extra["one_of"])
            nothing = {"nullable": True}
            return {"oneOf": [schema(one, is_reply=is_reply) for one in several], **nothing}
        case inspect.Metadata():
            return {**schema(kind.type, is_reply=is_reply), **(kind.extra_json_schema or {})}
        case inspect.UnionType():
            return _union(kind, is_reply)
        case inspect.ListType():
            bounds = _present(minItems=kind.min_length, maxItems=kind.max_length)
            return {"type": "array", "items": schema(kind.item_type, is_reply=is_reply), **bounds}
        case inspect.DictType():
            return _record(kind, is_reply)
        case inspect.StructType():
            return _struct(kind, is_reply)
        case _:
            return _scalar(kind)


def object_schema(properties: dict[str, Schema], required: Sequence[str]) -> Schema:
    """The schema of an object; OpenAPI wants no empty list of required names."""
    listed = {"required": list(required)} if required else {}
    return {"type": "object", "properties": properties, **listed}


def _scalar(kind: inspect.Type) -> Schema:
    match kind:
        case inspect.UUIDType():
            return {"type": "string", "format": "uuid"}
        case inspect.DateTimeType():
            return {"type": "string", "format": "date-time"}
        case inspect.BoolType():
            return {"type": "boolean"}
        case inspect.StrType():
            return _string(kind)
        case inspect.IntType():
            return {"type": "integer", **_bounds(kind)}
        case inspect.FloatType():
            return {"type": "number", **_bounds(kind)}
        case inspect.LiteralType():
            return _literal(kind)
        case inspect.AnyType():
            return {}
        case _:
            raise TypeError(f"the API cannot hold {kind}")


def _string(kind: inspect.StrType) -> Schema:
    bounds = _present(minLength=kind.min_length, maxLength=kind.max_length, pattern=kind.pattern)
    return {"type": "string", **bounds}


def _literal(kind: inspect.LiteralType) -> Schema:
    is_boolean = all(isinstance(value, bool) for value in kind.values)
    return {"type": "boolean" if is_boolean else "string", "enum": list(kind.values)}


def _bounds(kind: inspect.IntType | inspect.FloatType) -> Schema:
    # OpenAPI 3.0 says of a bound that it is exclusive, 3.1 names another bound.
    return _present(
        minimum=kind.ge if kind.gt is None else kind.gt,
        exclusiveMinimum=None if kind.gt is None else True,
        maximum=kind.le if kind.lt is None else kind.lt,
        exclusiveMaximum=None if kind.lt is None else True,
    )


def _record(kind: inspect.DictType, is_reply: bool) -> Schema:
    values = schema(kind.value_type, is_reply=is_reply) or True
    # With properties, if none, the official command line reads an argument as an object; without
    # them it sends the argument's text.
    properties: Schema = {} if is_reply else {"properties": {}}
    bounds = _present(maxProperties=kind.max_length)
    return {"type": "object", **properties, "additionalProperties": values, **bounds}


def _union(kind: inspect.UnionType, is_reply: bool) -> Schema:
    several = [one for one in kind.types if not isinstance(one, inspect.NoneType)]
    nullable = {"nullable": True} if kind.includes_none else {}
    if len(several) == 1:
        return {**schema(several[0], is_reply=is_reply), **nullable}
    alternatives = [schema(one, is_reply=is_reply) for one in several]
    return {"oneOf": alternatives, **_discriminator(several), **nullable}


def _discriminator(several: Sequence[inspect.Type]) -> Schema:
    names = {one.tag_field for one in several if isinstance(one, inspect.StructType)}
    name = names.pop() if len(names) == 1 else None
    return {"discriminator": {"propertyName": name}} if name else {}


def _struct(kind: inspect.StructType, is_reply: bool) -> Schema:
    properties: dict[str, Schema] = {}
    required = []
    if kind.tag_field:
        properties[kind.tag_field] = {"type": "string", "enum": [kind.tag]}
        required.append(kind.tag_field)
    for field in kind.fields:
        properties[field.encode_name] = schema(field.type, is_reply=is_reply)
        if field.required or (is_reply and _has_default(field)):
            required.append(field.encode_name)
    return object_schema(properties, required)


def _has_default(field: inspect.Field) -> bool:
    # msgspec tells UNSET as no default at all.
    return field.default is not NODEFAULT or field.default_factory is not NODEFAULT


def _present(**members: Any) -> Schema:
    return {name: value for name, value in members.items() if value is not None}
