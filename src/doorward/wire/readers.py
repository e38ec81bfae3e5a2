"""Readers of whole parameters: what a request struct's field types ask of a JSON value.

A request struct may use UUID, str, int, float, bool, datetime, Literal of strings, list and dict
of these, structs of its own for nested objects, and `| None` on any of them; `msgspec.Meta`
bounds are kept, and times are what can be stored, unless they are `COMPARED`. A field without a
default is required; one that defaults to UNSET may be absent. A struct may define
`check(self) -> Iterable[str]`, the rules over several parameters.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

import msgspec
from msgspec import inspect

from doorward.wire.issues import MOST_ISSUES, REQUIRED, Invalid, Issue, expected, wrong
from doorward.wire.scalars import (
    COMPARED,
    Reader,
    integer_reader,
    literal_reader,
    number_reader,
    read_anything,
    read_bool,
    read_compared,
    read_datetime,
    read_uuid,
    string_reader,
)


class Field(NamedTuple):
    """One parameter: its name on the wire and in the struct, its type, and how to read it."""

    name: str
    attribute: str
    kind: inspect.Type
    is_required: bool
    read: Reader


def fields_of(request: type[msgspec.Struct]) -> tuple[Field, ...]:
    """The parameters of a request struct. Raises TypeError for a type that none may have."""
    info = inspect.type_info(request)
    assert isinstance(info, inspect.StructType)
    return tuple(
        Field(field.encode_name, field.name, field.type, field.required, reader(field.type))
        for field in info.fields
    )


def read_fields(fields: Sequence[Field], values: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the fields that are there, by attribute; what else is there is ignored.

    Raises Invalid with the issues of all fields.
    """
    found: dict[str, Any] = {}
    issues: list[Issue] = []
    for name, attribute, _, is_required, read in fields:
        if name in values:
            try:
                found[attribute] = read(values[name])
            except Invalid as invalid:
                issues.extend(issue.under(name) for issue in invalid.issues)
        elif is_required:
            issues.append(Issue(REQUIRED, (name,)))
    if issues:
        raise Invalid(*issues)
    return found


def build(request: type[msgspec.Struct], values: Mapping[str, Any]) -> Any:
    """The struct of values already read. Raises Invalid for what its `check` says."""
    built = request(**values)
    check = getattr(built, "check", None)
    messages = list(islice(check(), MOST_ISSUES)) if check else []
    if messages:
        raise Invalid(*map(Issue, messages))
    return built


def reader(kind: inspect.Type) -> Reader:
    """How to read a value of this type. Raises TypeError for one that a parameter cannot have."""
    match kind:
        case inspect.Metadata(inspect.DateTimeType()) if kind.extra == COMPARED:
            return read_compared
        case inspect.Metadata():
            return reader(kind.type)
        case inspect.UnionType():
            return _union_reader(kind)
        case inspect.ListType():
            return _list_reader(kind)
        case inspect.DictType():
            return _record_reader(kind)
        case inspect.StructType():
            return _struct_reader(kind)
        case _:
            return _scalar_reader(kind)


def _scalar_reader(kind: inspect.Type) -> Reader:
    match kind:
        case inspect.UUIDType():
            return read_uuid
        case inspect.StrType():
            return string_reader(kind)
        case inspect.IntType():
            return integer_reader(kind)
        case inspect.FloatType():
            return number_reader(kind)
        case inspect.BoolType():
            return read_bool
        case inspect.DateTimeType():
            return read_datetime
        case inspect.LiteralType():
            return literal_reader(kind)
        case inspect.AnyType():
            return read_anything
        case _:
            raise TypeError(f"a parameter cannot be of {kind}")


def _union_reader(kind: inspect.UnionType) -> Reader:
    readers = [reader(one) for one in kind.types if not isinstance(one, inspect.NoneType)]
    read = readers[0] if len(readers) == 1 else _first_that_reads(readers)
    if not kind.includes_none:
        return read
    return lambda value: None if value is None else read(value)


def _first_that_reads(readers: Sequence[Reader]) -> Reader:
    def read(value: Any) -> Any:
        for attempt in readers:
            try:
                return attempt(value)
            except Invalid:
                continue
        raise wrong("Invalid input")

    return read


def _list_reader(kind: inspect.ListType) -> Reader:
    read_item = reader(kind.item_type)
    fewest, most = kind.min_length or 0, kind.max_length

    def read(value: Any) -> list[Any]:
        if type(value) is not list:
            raise expected("array", value)
        if len(value) < fewest:
            raise wrong(f"Array must contain at least {fewest} element(s)")
        if most is not None and len(value) > most:
            raise wrong(f"Array must contain at most {most} element(s)")
        return _each(read_item, enumerate(value))

    return read


def _record_reader(kind: inspect.DictType) -> Reader:
    read_value, most = reader(kind.value_type), kind.max_length

    def read(value: Any) -> dict[str, Any]:
        if type(value) is not dict:
            raise expected("object", value)
        if most is not None and len(value) > most:
            raise wrong(f"Object must contain at most {most} element(s)")
        return dict(zip(value, _each(read_value, value.items()), strict=True))

    return read


def _each(read_item: Reader, keyed: Iterable[tuple[object, Any]]) -> list[Any]:
    found: list[Any] = []
    issues: list[Issue] = []
    for key, value in keyed:
        try:
            found.append(read_item(value))
        except Invalid as invalid:
            issues.extend(issue.under(str(key)) for issue in invalid.issues)
            if len(issues) >= MOST_ISSUES:
                break
    if issues:
        raise Invalid(*issues)
    return found


def _struct_reader(kind: inspect.StructType) -> Reader:
    fields = fields_of(kind.cls)

    def read(value: Any) -> Any:
        if type(value) is not dict:
            raise expected("object", value)
        return build(kind.cls, read_fields(fields, value))

    return read
