"""Reading a query string as the official clients write it (seam-api section 3.2).

Text becomes the JSON value that the parameter's type asks for. Text that is none stays text, so
that the readers of a JSON body tell what is wrong with it, in the same words.
"""

import math
import re
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import unquote_to_bytes

from msgspec import inspect

from doorward.errors import ApiError
from doorward.wire.body import DEPTH_LIMIT
from doorward.wire.issues import shortened
from doorward.wire.readers import Field

# The current clients' mark: they repeat an array's name and never join it with commas.
STRICT = "_strict"

Texts = dict[str, list[str]]
# What a parameter's name is followed by, of its own and under it: (["a"], {"k": ["v"]}).
Coercion = Callable[[list[str], Texts, bool], Any]
Members = Callable[[Texts, bool], dict[str, Any]]

_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_BRACKETED = re.compile(r"([^.\[\]]+)\[([^\[\]]+)\]")
_BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_NO_TEXTS: Texts = {}


def coercions(fields: Sequence[Field]) -> dict[str, Coercion]:
    """How to read the text of each parameter, by its name."""
    return {field.name: _coercion(field.kind) for field in fields}


def read_query(query: bytes, by_name: dict[str, Coercion]) -> dict[str, Any]:
    """The known parameters of a query string, as JSON values; unknown ones are ignored.

    Raises ApiError 400 `invalid_query_params` for text that is not UTF-8, holds NUL, or is nested
    too deep, and for brackets after a known name that mean nothing.
    """
    if not query:
        return {}
    own, nested = _split(_pairs(query), is_strict=False)
    for name in (*own, *nested):
        # A filter that is passed over would let through what it is to keep out.
        if "[" in name and name.partition("[")[0] in by_name:
            raise _unreadable(f"The brackets of '{shortened(name)}' cannot be understood")
    is_strict = own.get(STRICT) == ["true"]
    return _values(own, nested, is_strict, by_name)


def _values(
    own: Texts, nested: dict[str, Texts], is_strict: bool, by_name: dict[str, Coercion]
) -> dict[str, Any]:
    return {
        name: coerce(own.get(name, []), nested.get(name, _NO_TEXTS), is_strict)
        for name, coerce in by_name.items()
        if name in own or name in nested
    }


def _pairs(query: bytes) -> list[tuple[str, str]]:
    pairs = []
    try:
        for part in query.split(b"&"):
            name, _, value = part.partition(b"=")
            pairs.append((_dotted(_text(name)), _text(value)))
    except UnicodeDecodeError:
        raise _unreadable("The query is not UTF-8") from None
    if (b"%00" in query or b"\0" in query) and any("\0" in name + text for name, text in pairs):
        raise _unreadable("The query holds the character NUL")
    return pairs


def _dotted(name: str) -> str:
    # OpenAPI knows members of objects in brackets alone, and so do clients made from a document.
    bracketed = _BRACKETED.fullmatch(name) if name.endswith("]") else None
    return ".".join(bracketed.groups()) if bracketed else name


def _text(raw: bytes) -> str:
    if b"+" in raw:
        raw = raw.replace(b"+", b" ")
    return (unquote_to_bytes(raw) if b"%" in raw else raw).decode()


def _split(pairs: Sequence[tuple[str, str]], *, is_strict: bool) -> tuple[Texts, dict[str, Texts]]:
    own: Texts = {}
    nested: dict[str, Texts] = {}
    for name, text in pairs:
        head, dot, rest = name.partition(".")
        if not dot:
            # A member may really be called so; the current clients mark no arrays.
            own.setdefault(name if is_strict else name.removesuffix("[]"), []).append(text)
        elif rest.count(".") >= DEPTH_LIMIT:
            raise _unreadable("The query is nested too deep")
        else:
            nested.setdefault(head, {}).setdefault(rest, []).append(text)
    return own, nested


def _unreadable(message: str) -> ApiError:
    return ApiError(400, "invalid_query_params", message)


def _coercion(kind: inspect.Type) -> Coercion:
    match kind:
        case inspect.Metadata():
            return _coercion(kind.type)
        case inspect.UnionType():
            return _union_coercion(kind)
        case inspect.ListType():
            return _list_coercion(kind)
        case inspect.StructType():
            return _object_coercion(_struct_members(kind))
        case inspect.DictType():
            return _object_coercion(_record_members(_coercion(kind.value_type)))
        case inspect.AnyType():
            return _free_form
        case _:
            return _scalar_coercion(_of_text(kind))


def _union_coercion(kind: inspect.UnionType) -> Coercion:
    several = [one for one in kind.types if not isinstance(one, inspect.NoneType)]
    # true and "true" cannot be told apart in a query, so of several types it is the text.
    return _coercion(several[0]) if len(several) == 1 else _TEXT


def _scalar_coercion(of_text: Callable[[str], Any]) -> Coercion:
    def coerce(own: list[str], nested: Texts, _: bool) -> Any:
        if nested:
            return dict(nested)
        return of_text(own[0]) if len(own) == 1 else list(own)

    return coerce


def _list_coercion(kind: inspect.ListType) -> Coercion:
    of_item = _coercion(kind.item_type)

    def coerce(own: list[str], nested: Texts, is_strict: bool) -> Any:
        if nested:
            return dict(nested)
        if len(own) == 1 and not (own[0] if is_strict else own[0].strip()):
            return []
        if len(own) == 1 and not is_strict:
            own = own[0].split(",")
        return [of_item([text], _NO_TEXTS, is_strict) for text in own]

    return coerce


def _object_coercion(members: Members) -> Coercion:
    def coerce(own: list[str], nested: Texts, is_strict: bool) -> Any:
        if not own:
            return members(nested, is_strict)
        if len(own) == 1 and not nested and not own[0].strip():
            return None
        return own[0]

    return coerce


def _struct_members(kind: inspect.StructType) -> Members:
    by_name = {field.encode_name: _coercion(field.type) for field in kind.fields}

    def members(texts: Texts, is_strict: bool) -> dict[str, Any]:
        own, nested = _split(_flat(texts), is_strict=is_strict)
        return _values(own, nested, is_strict, by_name)

    return members


def _record_members(value: Coercion) -> Members:
    def members(texts: Texts, is_strict: bool) -> dict[str, Any]:
        own, nested = _split(_flat(texts), is_strict=is_strict)
        return _values(own, nested, is_strict, dict.fromkeys([*own, *nested], value))

    return members


def _flat(texts: Texts) -> list[tuple[str, str]]:
    return [(name, text) for name, several in texts.items() for text in several]


def _free_form(own: list[str], nested: Texts, is_strict: bool) -> Any:
    coerce = _object_coercion(_record_members(_free_form)) if nested else _TEXT
    return coerce(own, nested, is_strict)


def _of_text(kind: inspect.Type) -> Callable[[str], Any]:
    match kind:
        case inspect.IntType() | inspect.FloatType():
            return _number
        case inspect.BoolType():
            return _boolean
        case inspect.DateTimeType():
            return _trimmed
        case _:
            return _same_text


def _number(text: str) -> Any:
    bare = text.strip()
    if not _NUMBER.fullmatch(bare):
        return text if bare else None
    number = float(bare)
    if math.isinf(number):
        return text
    return int(number) if number.is_integer() else number


def _boolean(text: str) -> Any:
    bare = text.strip()
    return _BOOLEANS.get(bare.lower(), text) if bare else None


def _trimmed(text: str) -> str | None:
    return text.strip() or None


def _same_text(text: str) -> str | None:
    return text or None


_TEXT = _scalar_coercion(_same_text)
