"""The rooms' one-way imports, and that each room says what may live in it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src" / "doorward"
STATEMENT = re.compile(r"\s*(select .* from|insert into|update \w+ set|delete from) ", re.DOTALL)
EVERYBODY = {"clock", "errors", "faults", "settings"}
# Each room, and the rooms it may import beside itself and what everybody may.
ALLOWED = {
    "server": {
        *("console", "api", "doors", "sync", "events", "site", "wire", "store", "policy", "logs")
    },
    "cli": {"server", "api", "doors", "sync", "events", "site", "wire", "store", "policy"},
    "testing": {"server", "site", "store", "policy"},
    "console": {"wire", "store", "policy", "resources"},
    "api": {"events", "wire", "store", "policy", "resources"},
    "doors": {"events", "store", "policy", "resources"},
    "sync": {"events", "store", "policy", "resources"},
    "events": {"store", "policy", "resources"},
    "site": {"events", "store", "policy", "resources"},
    "wire": {"store", "policy", "resources"},
    "store": {"policy", "resources"},
    "policy": set(),
    "resources": set(),
    "clock": set(),
    "errors": set(),
    "faults": set(),
    "logs": set(),
    "settings": set(),
    "__main__": {"cli"},
    "__init__": set(),
}


def _modules() -> list[Path]:
    return sorted(SOURCE.rglob("*.py"))


def _room(module: Path) -> str:
    return module.relative_to(SOURCE).parts[0].removesuffix(".py")


def _imports(module: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(module.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("module", _modules(), ids=str)
def test_imports_point_one_way(module: Path) -> None:
    room = _room(module)
    pure = room in {"policy", "resources"}
    allowed = ALLOWED[room] | {room} | (set() if pure else EVERYBODY)
    ours = {name.split(".")[1] for name in _imports(module) if name.startswith("doorward.")}
    assert ours <= allowed, f"{room} may not import {ours - allowed}"


@pytest.mark.parametrize("module", _modules(), ids=str)
def test_first_lines_say_what_lives_there(module: Path) -> None:
    assert ast.get_docstring(ast.parse(module.read_text("utf-8")))


@pytest.mark.parametrize("module", _modules(), ids=str)
def test_sql_lives_in_the_store_alone(module: Path) -> None:
    if _room(module) == "store":
        return
    imported = {name.split(".")[0] for name in _imports(module)}
    assert "asyncpg" not in imported
    if module.relative_to(SOURCE).as_posix() == "doors/disk.py":
        return  # a controller's own file, in SQLite
    texts = [
        node.value
        for node in ast.walk(ast.parse(module.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    assert not [text for text in texts if STATEMENT.match(text)]
