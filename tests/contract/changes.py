"""What changed between two OpenAPI documents, in what clients depend on.

A document is flattened to facts, `(about, what) → how`, and two sets of facts are compared. *About*
is a path, or a resource's name.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tests.contract.official import Contract
from tests.contract.shapes import Schema

Facts = dict[tuple[str, str], str]

# What a value may be; descriptions and extensions are left out.
_PROMISES = (
    *("type", "format", "nullable", "default", "minLength", "maxLength", "minItems", "maxItems"),
    *("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum", "pattern"),
)


def changes(old: Contract, new: Contract, about: Iterable[str]) -> list[str]:
    """What is otherwise in the new document, of these paths and resources, as lines of text."""
    wanted = {*about}
    before, after = (
        {k: v for k, v in facts(each).items() if k[0] in wanted} for each in (old, new)
    )
    return [*_changes(before, after)]


def subjects(contract: Contract) -> set[str]:
    """Everything that a document has facts about."""
    return {about for about, _ in facts(contract)}


def concerned(contract: Contract, paths: Iterable[str]) -> set[str]:
    """These paths, and the resources that their answers show."""
    there = contract.paths & {*paths}
    found = {*there}
    waiting = [contract.answer(path) for path in there]
    while waiting:
        for name in _references(waiting.pop()) - found:
            found.add(name)
            waiting.append(contract.resources[name])
    return found


def facts(contract: Contract) -> Facts:
    """All facts of a document."""
    return {
        **{(path, what): how for path in contract.paths for what, how in _of_path(contract, path)},
        **{
            (name, what): how
            for name, schema in contract.resources.items()
            for what, how in _of_value(schema, "")
        },
    }


def _changes(before: Facts, after: Facts) -> Iterator[str]:
    new_subjects = {about for about, _ in after} - {about for about, _ in before}
    old_subjects = {about for about, _ in before} - {about for about, _ in after}
    for about in sorted(new_subjects | old_subjects):
        yield f"{about}: {'new' if about in new_subjects else 'gone'}"
    for about, what in sorted(before.keys() | after.keys()):
        was, now = before.get((about, what)), after.get((about, what))
        if was != now and about not in new_subjects | old_subjects:
            yield f"{about} {what}: {_change(was, now)}"


def _change(was: str | None, now: str | None) -> str:
    match was, now:
        case None, _:
            return f"new ({now})" if now else "new"
        case _, None:
            return "gone"
        case _:
            return f"{was} → {now}"


def _of_path(contract: Contract, path: str) -> Iterator[tuple[str, str]]:
    yield "path", "documented" if path in contract.documented else "undocumented"
    told = {verb: dict(_of_operation(contract, path, verb)) for verb in contract.verbs(path)}
    for verb, own in told.items():
        yield f"verb {verb}", ""
        for what, how in own.items():
            # What all verbs say is said once.
            is_common = all(other.get(what) == how for other in told.values())
            yield (what if is_common else f"{verb} {what}"), how


def _of_operation(contract: Contract, path: str, verb: str) -> Iterator[tuple[str, str]]:
    operation = contract.operation(path, verb)
    yield "answers with", str(operation.get("x-response-key"))
    yield "action attempt", str(operation.get("x-action-attempt-type"))
    for scheme in operation.get("security", ()):
        yield from ((f"caller {name}", "") for name in scheme)
    asked = contract.parameters(path, verb)
    for name, schema in asked.schemas.items():
        need = "required" if name in asked.required else "optional"
        yield from _of_value(schema, f"parameter {name}", need)
    content = operation["responses"].get("200", {}).get("content", {})
    yield from _of_value(content.get("application/json", {}).get("schema", {}), "answer")


def _of_value(schema: Schema, place: str, need: str = "") -> Iterator[tuple[str, str]]:
    """What a value at a place may be, and what its members may be."""
    told = (f"{name} {schema[name]}" for name in _PROMISES if name in schema)
    of = schema.get("$ref", "").rpartition("/")[2]
    yield place or "itself", ", ".join(each for each in (need, of, *told) if each)
    yield from ((f"{place} value {value}".strip(), "") for value in schema.get("enum", ()))
    required = schema.get("required", ())
    for name, member in schema.get("properties", {}).items():
        inner = "required" if name in required else "optional"
        yield from _of_value(member, f"{place}.{name}", inner)
    for name, member in _inside(schema):
        yield from _of_value(member, f"{place}{name}")


def _inside(schema: Schema) -> Iterator[tuple[str, Schema]]:
    """The schemas of items, of further members, and of each variant under the name it goes by."""
    if "items" in schema:
        yield "[]", schema["items"]
    if isinstance(schema.get("additionalProperties"), Mapping):
        yield "[*]", schema["additionalProperties"]
    key = schema.get("discriminator", {}).get("propertyName")
    for kind in ("oneOf", "anyOf", "allOf"):
        for number, variant in enumerate(schema.get(kind, ())):
            yield f"({_name_of(variant, key) or number})", variant


def _name_of(variant: Schema, key: str | None) -> str:
    named: Iterable[Any] = variant.get("properties", {}).get(key, {}).get("enum", ())
    return "/".join(map(str, named))


def _references(node: Any) -> set[str]:
    """The names of the schemas that one refers to."""
    if isinstance(node, list):
        return set().union(*map(_references, node))
    if not isinstance(node, dict):
        return set()
    own = {node["$ref"].rpartition("/")[2]} if "$ref" in node else set()
    return own.union(*map(_references, node.values()))
