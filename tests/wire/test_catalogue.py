"""The catalogue of errors and the code that answers them know the same ones."""

import ast
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import doorward
from doorward.api.table import ROUTES
from doorward.wire.catalogue import ERRORS, RESOURCES
from doorward.wire.refusals import refusals

SOURCE = Path(doorward.__file__).parent
# What says which errors there are, and answers none.
DECLARING = {SOURCE / "wire" / "catalogue.py", SOURCE / "wire" / "refusals.py"}
TREES = {path: ast.parse(path.read_text("utf-8")) for path in sorted(SOURCE.rglob("*.py"))}


def _raised() -> Iterator[tuple[str, int, ast.expr]]:
    """Where an ApiError is made, with its status and the expression of its kind."""
    for path, tree in TREES.items():
        for node in ast.walk(tree):
            match node:
                case ast.Call(
                    func=ast.Name("ApiError"), args=[ast.Constant(value=int(status)), kind, *_]
                ):
                    yield f"{path.relative_to(SOURCE)}:{node.lineno}", status, kind
                case ast.Call(func=ast.Name("ApiError"), args=[ast.Constant(), ast.Starred(), *_]):
                    continue
                case ast.Call(func=ast.Name("ApiError")):
                    pytest.fail(f"{path.relative_to(SOURCE)}:{node.lineno}: no status to read")


def _constants() -> Iterator[str]:
    for path, tree in TREES.items():
        if path not in DECLARING:
            for node in ast.walk(tree):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield node.value


def _fitting(kind: ast.expr) -> set[str]:
    """The catalogue's kinds that an expression may be; a variable part of it may be any words."""
    match kind:
        case ast.Constant(value=str(text)):
            return {text} & ERRORS.keys()
        case ast.JoinedStr(values=parts):
            pattern = "".join(
                re.escape(str(part.value)) if isinstance(part, ast.Constant) else r"\w+"
                for part in parts
            )
            return {name for name in ERRORS if re.fullmatch(pattern, name)}
        case _:
            return set(ERRORS)


RAISED = [pytest.param(status, kind, id=where) for where, status, kind in _raised()]


@pytest.mark.parametrize(("status", "kind"), RAISED)
def test_every_error_that_is_raised_is_in_the_catalogue(status: int, kind: ast.expr) -> None:
    fitting = _fitting(kind)
    assert fitting, ast.unparse(kind)
    assert status in set[int]().union(*(ERRORS[name].statuses for name in fitting))


def test_every_entry_can_be_answered() -> None:
    written = {*_constants()}
    composed = {name for _, _, kind in _raised() for name in _fitting(kind)}
    composed -= {f"{resource}_not_found" for resource in RESOURCES}
    missing = {kind for route in ROUTES for kind in refusals(route).get(404, ())}
    missing |= {f"{text}_not_found" for text in written if text in RESOURCES}
    assert sorted(ERRORS.keys() - written - missing - composed) == []


def test_a_sentence_each() -> None:
    for kind, error in ERRORS.items():
        assert re.fullmatch(r"[a-z]+(_[a-z]+)*", kind)
        assert re.fullmatch(r"[A-Z`].*\.", error.meaning), kind
        assert all(400 <= status < 600 for status in error.statuses)


def test_routes_answer_what_the_catalogue_has() -> None:
    for route in ROUTES:
        for status, kinds in refusals(route).items():
            assert kinds == [*dict.fromkeys(kinds)]
            for kind in kinds:
                assert status in ERRORS[kind].statuses, f"{route.path}: {kind}"


def test_every_entry_is_some_routes() -> None:
    some = {kind for route in ROUTES for kinds in refusals(route).values() for kind in kinds}
    for_keys_alone = replace(ROUTES[0], callers=("publishable_key",))
    some |= {kind for kinds in refusals(for_keys_alone).values() for kind in kinds}
    assert ERRORS.keys() - some == {"not_found", "method_not_allowed"}


def test_every_resource_that_may_be_missing_has_a_word() -> None:
    named = [
        argument.value
        for tree in TREES.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in {"found", "not_found"}
        for argument in node.args
        if isinstance(argument, ast.Constant)
    ]
    assert len(named) > 10
    assert set(named) <= RESOURCES.keys()
