"""Options of `doorward api`, derived from the route, and their values as JSON.

A value is only brought into the form of its type; whether it is right is for the server to say.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final

from msgspec import inspect

from doorward.errors import UsageError
from doorward.wire import parameters as wire
from doorward.wire.readers import Field
from doorward.wire.route import Route

_BOOLEANS: Final = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_NAMES: Final[dict[type[inspect.Type], str]] = {
    inspect.UUIDType: "uuid",
    inspect.IntType: "integer",
    inspect.FloatType: "number",
    inspect.BoolType: "boolean",
    inspect.DateTimeType: "time",
    inspect.DictType: "object",
    inspect.StructType: "object",
}


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a call: its name in the API, its type without null, whether null may be."""

    name: str
    type: inspect.Type
    is_nullable: bool
    is_required: bool

    @property
    def is_boolean(self) -> bool:
        """Whether the option alone already says true."""
        return isinstance(self.type, inspect.BoolType)

    @property
    def kind(self) -> str:
        """Its type, as help shows it."""
        return _kind(self.type) + (" or null" if self.is_nullable else "")

    def value(self, texts: Sequence[str]) -> Any:
        """The JSON value of what was given, once or repeatedly. Raises UsageError."""
        if self.is_nullable and list(texts) == ["null"]:
            return None
        if isinstance(self.type, inspect.ListType):
            return [self._scalar(item, self.type.item_type) for item in _items(texts)]
        if len(texts) > 1:
            raise UsageError(f"--{self.name} is given twice")
        return self._scalar(texts[0], self.type)

    def _scalar(self, text: str, kind: inspect.Type) -> Any:
        try:
            return _convert(text, kind)
        except (ValueError, KeyError):
            raise UsageError(f"--{self.name} takes a value of type {_kind(kind)}") from None


def parameters(route: Route) -> list[Parameter]:
    """The parameters of a call, the required ones first."""
    found = [_parameter(field) for field in wire.Parameters(route.request, route.page_limit).fields]
    return sorted(found, key=lambda parameter: not parameter.is_required)


def read(tokens: Sequence[str], known: Sequence[Parameter]) -> dict[str, Any]:
    """The parameters given as `--name value`, `--name=value`, or `--name` for a boolean.

    Names may be spelt with underscores or dashes. Raises UsageError for what cannot be read; an
    unknown name too, because the server would ignore it, and with it what somebody meant.
    """
    by_name = {parameter.name: parameter for parameter in known}
    given: dict[str, list[str]] = {}
    for name, text in _options(tokens, by_name):
        given.setdefault(name, []).append(text)
    return {name: by_name[name].value(texts) for name, texts in given.items()}


def _options(tokens: Sequence[str], by_name: dict[str, Parameter]) -> Iterator[tuple[str, str]]:
    rest = list(tokens)
    while rest:
        option, equals, text = rest.pop(0).partition("=")
        name = _name(option, by_name)
        if equals:
            yield name, text
        elif rest and not rest[0].startswith("--"):
            yield name, rest.pop(0)
        elif by_name[name].is_boolean:
            yield name, "true"
        else:
            raise UsageError(f"{option} needs a value")


def _name(option: str, by_name: dict[str, Parameter]) -> str:
    name = option.removeprefix("--").replace("-", "_")
    if not option.startswith("--"):
        raise UsageError(f"{option} is no option; options begin with --")
    if name not in by_name:
        close = get_close_matches(name, by_name, 1)
        hint = f"; did you mean --{close[0]}?" if close else ""
        raise UsageError(f"this call has no parameter {option}{hint}")
    return name


def _parameter(field: Field) -> Parameter:
    kind = _bare(field.kind)
    choices = kind.types if isinstance(kind, inspect.UnionType) else (kind,)
    types = [_bare(choice) for choice in choices]
    kept = [choice for choice in types if not isinstance(choice, inspect.NoneType)]
    return Parameter(
        field.name,
        type=kept[0],
        is_nullable=len(kept) < len(types),
        is_required=field.is_required,
    )


def _bare(kind: inspect.Type) -> inspect.Type:
    return _bare(kind.type) if isinstance(kind, inspect.Metadata) else kind


def _kind(kind: inspect.Type) -> str:
    kind = _bare(kind)
    if isinstance(kind, inspect.LiteralType):
        return "|".join(str(value) for value in kind.values)
    if isinstance(kind, inspect.ListType):
        return f"list of {_kind(kind.item_type)}"
    return _NAMES.get(type(kind), "text")


def _items(texts: Sequence[str]) -> list[str]:
    return [item for text in texts for item in text.split(",") if item]


def _convert(text: str, kind: inspect.Type) -> Any:
    match _bare(kind):
        case inspect.BoolType():
            return _BOOLEANS[text.lower()]
        case inspect.IntType():
            return int(text)
        case inspect.FloatType():
            return float(text)
        case inspect.DictType() | inspect.StructType():
            return _object(text)
        case _:
            return text


def _object(text: str) -> dict[str, Any]:
    value = json.loads(text)
    if not isinstance(value, dict):
        raise ValueError(text)  # noqa: TRY004 - it is the text that is wrong
    return value
