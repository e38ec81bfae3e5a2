"""An example of every call's parameters, as few of them as the call takes."""

from collections.abc import Iterator
from itertools import combinations
from typing import Any

from doorward.errors import ApiError
from doorward.wire.parameters import Parameters
from doorward.wire.readers import Field
from doorward.wire.route import Route
from doorward.wire.schemas import Schema, schema

_SAMPLES: dict[str | None, Any] = {
    "uuid": "00000000-0000-4000-8000-000000000000",
    "date-time": "2026-01-01T00:00:00Z",
    "email": "jane@example.com",
}


def example(route: Route) -> dict[str, Any]:
    """The required parameters, and the one or two more that the rules of some calls ask for."""
    parameters = Parameters(route.request, route.page_limit)
    candidates = [*_candidates(parameters.fields)]
    fitting = (candidate for candidate in candidates if _is_taken(parameters, candidate))
    return next(fitting, candidates[0])


def _is_taken(parameters: Parameters, candidate: dict[str, Any]) -> bool:
    try:
        parameters.read(b"", candidate)
    except ApiError:
        return False
    return True


def _candidates(fields: tuple[Field, ...]) -> Iterator[dict[str, Any]]:
    schemas = {field.name: schema(field.kind) for field in fields}
    required = {f.name: _sample(schemas[f.name]) for f in fields if f.is_required}
    yield required
    # What has an example of its own says more than a made-up value.
    optional = [name for name in schemas if name not in required]
    optional.sort(key=lambda name: "example" not in schemas[name])
    for count in (1, 2):
        for names in combinations(optional, count):
            yield required | {name: _sample(schemas[name]) for name in names}


def _sample(of: Schema) -> Any:
    if "example" in of or "default" in of:
        return of.get("example", of.get("default"))
    if "enum" in of:
        return of["enum"][0]
    match of.get("type"):
        case "string":
            return _SAMPLES.get(of.get("format"), "1234")
        case "boolean":
            return True
        case "integer" | "number":
            return of.get("minimum", 1)
        case "array":
            return [_sample(of["items"])] * of.get("minItems", 1)
        case _:
            return {}
