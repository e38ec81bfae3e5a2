"""JSON values as request structs ask for them, and values that nobody asked for."""

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st
from msgspec import inspect

from doorward.wire.issues import Invalid
from doorward.wire.readers import Field, reader

# How many examples a property of one route is tried with.
EXAMPLES = int(os.environ.get("DOORWARD_EXAMPLES", "24"))

Values = st.SearchStrategy[Any]
_LETTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
_ODD = ("%20", "a[]", "[a]", "true", "null", "_strict")
_SPECIAL = st.sampled_from([*"+&,.=%;/?#[]' \"\\~*-_", *_ODD])
_PRINTABLE = st.characters(min_codepoint=32, max_codepoint=126)
texts = st.lists(_SPECIAL | st.text(_LETTERS, max_size=6), max_size=4).map("".join)
names = st.text(_LETTERS, max_size=6) | _SPECIAL
moments = st.datetimes(
    datetime(1970, 1, 1),  # noqa: DTZ001 - the strategy adds it
    datetime(2999, 12, 31),  # noqa: DTZ001
    timezones=st.just(UTC),
).map(lambda moment: moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"))
numbers = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
anything = st.recursive(
    st.none() | st.booleans() | numbers | texts | st.uuids().map(str) | moments | st.just("a\0"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=6,
)


def accepted(field: Field) -> Values:
    """Values that a parameter accepts."""
    return of_type(field.kind)


def of_type(kind: inspect.Type) -> Values:
    """Values that the reader of a type accepts."""
    read = reader(kind)

    def is_read(value: Any) -> bool:
        try:
            read(value)
        except Invalid:
            return False
        return True

    return _of_type(kind).filter(is_read)


def _of_type(kind: inspect.Type) -> Values:
    match kind:
        case inspect.Metadata():
            return _of_type(kind.type)
        case inspect.UnionType():
            return st.one_of(*map(_of_type, kind.types))
        case inspect.ListType():
            most = min(kind.max_length or 4, 4)
            items = of_type(kind.item_type)
            return st.lists(items, min_size=kind.min_length or 0, max_size=most)
        case inspect.DictType():
            return st.dictionaries(names, of_type(kind.value_type), max_size=3)
        case inspect.StructType():
            return _object(kind)
        case _:
            return _scalar(kind)


def _object(kind: inspect.StructType) -> Values:
    members = {f.encode_name: of_type(f.type) for f in kind.fields}
    required = {f.encode_name for f in kind.fields if f.required}
    return st.fixed_dictionaries(
        {name: members[name] for name in required},
        optional={name: members[name] for name in members if name not in required},
    )


_SIMPLE: Mapping[type[inspect.Type], Values] = {
    inspect.NoneType: st.none(),
    inspect.UUIDType: st.uuids().map(str) | st.uuids().map(lambda one: str(one).upper()),
    inspect.BoolType: st.booleans(),
    inspect.FloatType: st.floats(allow_nan=False, allow_infinity=False),
    inspect.DateTimeType: moments,
}


def _scalar(kind: inspect.Type) -> Values:
    match kind:
        case inspect.IntType():
            least = kind.ge if kind.ge is not None else (kind.gt or 0) + 1
            return st.integers(least, kind.le if kind.le is not None else 2**53 - 1)
        case inspect.LiteralType():
            return st.sampled_from([*kind.values])
        case inspect.StrType() if kind.pattern:
            return st.from_regex(kind.pattern, fullmatch=True, alphabet=_PRINTABLE)
        case inspect.AnyType():
            inner = st.dictionaries(names, texts, max_size=2)
            return st.dictionaries(names, texts | inner, max_size=3)
        case inspect.StrType():
            return st.text(_LETTERS, min_size=1, max_size=3) | texts
        case _:
            return _SIMPLE[type(kind)]
