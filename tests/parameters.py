"""Sets of valid parameters for every route, derived from its request struct and nothing else."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from itertools import combinations, pairwise
from typing import Any
from uuid import UUID

from msgspec import inspect

from doorward.wire.issues import Invalid
from doorward.wire.parameters import Parameters
from doorward.wire.readers import Field, build, read_fields, reader
from doorward.wire.route import Route

NOBODYS = "0a0a0a0a-0a0a-4a0a-8a0a-0a0a0a0a0a0a"
# What URLs, forms, shells and lenient parsers have a meaning of their own for. The first is a name
# that the sandbox knows.
TEXTS = (
    "Jane Doe",
    'a+b & c,d=e.f%20g;h/i?j#k~\'()*! žluťoučký ☃ 𝄞 "quoted" \\ $HOME',
    " leading and trailing ",
    "ada+x%40&y@example.com",
    "+15555550100",
    "acs_user.created",
    "42-10001",
    "true",
    "null",
    "0012",
    "[]",
    "a,b",
    "https://doors.test/a?b=c,d&e=%20",
)
# Calls that are answered with no success, whatever they ask for: of all that there is nothing here.
REFUSED = {
    "/user_identities/generate_instant_key",
    "/user_identities/grant_access_to_device",
    "/user_identities/revoke_access_to_device",
}
NUMBERS = (1, 2, 7, 333, 1000, 0, 2.5, -1)

Parameter = dict[str, Any]
# The ids that a parameter of this name may have, the most fitting one first.
Known = Callable[[str], str]


class Moment(str):
    """An instant as JSON has it; a client is handed its own language's type for it."""

    __slots__ = ()


# The last one is to come; a list of two is in order.
MOMENTS = (
    Moment("2020-01-01T00:00:00.000Z"),
    Moment("2026-07-01T12:34:56.789Z"),
    Moment("2090-12-31T23:59:59.999Z"),
)


@cache
def fields_of_route(route: Route) -> tuple[Field, ...]:
    """Every parameter of a route, those of paging included."""
    return Parameters(route.request, route.page_limit).fields


def parameter_sets(route: Route, known: Known) -> list[Parameter]:
    """Sets of parameters that the route accepts: the fewest, each alone, as many as go together.

    Rules over several parameters rule some combinations out, so they are filled from the
    first field on and from the last in turn.
    """
    fields, fitting = fields_of_route(route), _fitting(route, known)
    values = {f.name: values_of(f.kind, f.name, fitting) for f in fields}
    assert all(several or name == "page_cursor" for name, several in values.items()), route.path
    fields = tuple(f for f in fields if values[f.name])
    made = [_fewest(route, fields, values)]
    for turn in range(max(len(values[f.name]) for f in fields) if fields else 0):
        chosen = {name: several[turn % len(several)] for name, several in values.items() if several}
        made.append(_most(route, fields if turn % 2 else fields[::-1], chosen))
    made = [one for one in made if one or not issues(route, one)]
    made += _each_alone(route, fields, values)
    unique = {repr(sorted(one.items())): one for one in made}
    return list(unique.values())


def _fitting(route: Route, known: Known) -> Known:
    """Where a call needs an object of its own kind, that is known by its path and its name."""

    def found(name: str) -> str:
        own = known(f"{route.path} {name}")
        return known(name) if own == NOBODYS else own

    return found


def _fewest(
    route: Route, fields: Sequence[Field], values: Mapping[str, Sequence[Any]]
) -> Parameter:
    required = {f.name: values[f.name][0] for f in fields if f.is_required}
    optional = [f.name for f in fields if not f.is_required]
    for count in range(3):
        for names in combinations(optional, count):
            tried = required | {name: values[name][0] for name in names}
            if not issues(route, tried):
                return tried
    raise AssertionError(f"{route.path} accepts nothing")


def _most(route: Route, fields: Sequence[Field], chosen: Mapping[str, Any]) -> Parameter:
    given = {f.name: chosen[f.name] for f in fields if f.is_required}
    for name in (f.name for f in fields if not f.is_required):
        tried = {**given, name: chosen[name]}
        if issues(route, tried) <= issues(route, given):
            given = tried
    without = [{n: given[n] for n in given if n != name} for name in given]
    return next((one for one in (given, *without) if not issues(route, one)), {})


def _each_alone(
    route: Route, fields: Sequence[Field], values: Mapping[str, Sequence[Any]]
) -> Iterator[Parameter]:
    """Every parameter with as few others as it needs, so that filters let something through."""
    for name in (f.name for f in fields if values[f.name]):
        needed = {f.name for f in fields if f.is_required} | {name}
        others = [f.name for f in fields if f.name not in needed]
        tried = (
            {one: values[one][0] for one in (*needed, *more)} | {name: value}
            for count in range(3)
            for more in combinations(others, count)
            for value in values[name]
        )
        fitting = next((one for one in tried if not issues(route, one)), None)
        assert fitting is not None, f"{route.path} accepts no {name}"
        yield fitting


def issues(route: Route, given: Parameter) -> int:
    """How many things are wrong with a route's parameters."""
    try:
        found = read_fields(fields_of_route(route), plain(given))
        for name in ("limit", "page_cursor") if route.page_limit is not None else ():
            found.pop(name, None)
        build(route.request, found)
    except Invalid as invalid:
        return len(invalid.issues)
    return 0


def values_of(kind: inspect.Type, name: str, known: Known) -> list[Any]:
    """Values that a parameter of this type and name accepts, of every kind that there is."""
    read = reader(kind)
    return [value for value in _candidates(kind, name, known) if _is_read(read, value)]


def _is_read(read: Callable[[Any], Any], value: Any) -> bool:
    try:
        read(plain(value))
    except Invalid:
        return False
    return True


def plain(value: Any) -> Any:
    """The value as JSON has it, with a text for a moment."""
    return json.loads(json.dumps(value))


def _candidates(kind: inspect.Type, name: str, known: Known) -> list[Any]:
    match kind:
        case inspect.Metadata():
            return _candidates(kind.type, name, known)
        case inspect.UnionType():
            several = [_candidates(one, name, known) for one in kind.types]
            return [value for values in several for value in values]
        case inspect.ListType():
            return _lists(values_of(kind.item_type, name.removesuffix("s"), known))
        case inspect.DictType():
            return _records(values_of(kind.value_type, name, known))
        case inspect.StructType():
            return _objects(kind, known)
        case inspect.AnyType():
            return ["x", {"a": {"b c": "d", "e": ["f", "g"]}}]
        case _:
            return _scalars(kind, name, known)


def _scalars(kind: inspect.Type, name: str, known: Known) -> list[Any]:
    match kind:
        case inspect.NoneType():
            return [None]
        case inspect.UUIDType():
            return [known(name), known(name).upper(), NOBODYS]
        case inspect.BoolType():
            return [True, False]
        case inspect.IntType() | inspect.FloatType():
            return [*NUMBERS]
        case inspect.DateTimeType():
            return [*MOMENTS]
        case inspect.LiteralType():
            return [*kind.values]
        case inspect.StrType() if name == "page_cursor":
            return []  # only a cursor is one, and the clients' paginators send those
        case _:
            return [known(name), *TEXTS] if name.endswith("_id") else [*TEXTS]


def _lists(items: list[Any]) -> list[Any]:
    pairs = [list(pair) for pair in pairwise(items)]
    return [*([items[0]] for _ in items[:1]), *pairs, [], [*items[-1:]]]


def _records(values: list[Any]) -> list[Any]:
    first, last = values[0], values[-1]
    return [{"site": first}, {"a b": last, "ü&=+%2E": values[len(values) // 2]}]


def _objects(kind: inspect.StructType, known: Known) -> list[Any]:
    values = {f.encode_name: values_of(f.type, f.encode_name, known) for f in kind.fields}
    needed = {f.encode_name for f in kind.fields if f.required}
    whole = {name: several[0] for name, several in values.items()}
    other = {name: several[-1] for name, several in values.items()}
    return [whole, {name: whole[name] for name in whole if name in needed} or whole, other]


def is_id(kind: inspect.Type) -> bool:
    """Whether a parameter takes an id, or a list of them."""
    match kind:
        case inspect.ListType():
            return is_id(kind.item_type)
        case inspect.UnionType():
            return any(map(is_id, kind.types))
        case inspect.Metadata():
            return is_id(kind.type)
        case _:
            return isinstance(kind, inspect.UUIDType)


def known_ids(ids: Mapping[str, UUID | str]) -> Known:
    """The ids by name; one that nobody has for a name that is not among them."""
    return lambda name: str(ids.get(name, NOBODYS))
