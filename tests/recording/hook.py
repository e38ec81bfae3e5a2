"""Notes what a server is asked and what it answers, in whatever process of the tests it runs.

It imports nothing of Doorward before the server has, and changes nothing that a caller could see,
unless a parameter is to be dropped. The notes are lines of JSON in the folder that VARIABLE names:
`{"path", "sent"}` for every call that reached its handler, with the names of the parameters that
were given; `{"path", "verb", "status", "body"}` for the first answer of every shape.
"""

import importlib.machinery
import json
import os
import re
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import cache, wraps
from importlib.abc import Loader, MetaPathFinder
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from doorward.wire.route import Call, Route

# Not of DOORWARD_…, which tests keep from the servers that they start.
VARIABLE: Final = "TESTS_OF_DOORWARD"
NOTES: Final = "notes.jsonl"
# Holds "/path parameter" while every handler is to be called without that parameter.
DROP: Final = "drop"

_APP: Final = "doorward.wire.app"
_WORD: Final = re.compile(r"[a-z]+(?:[_.][a-z]+)*")
_CHOSEN: Final = frozenset({"type", "code", "method", "status", "state"})
_seen: set[Any] = set()


def install() -> None:
    """Watches all servers of this process, if they are watched at all."""
    from doorward.wire import app

    _watch(app)


def install_on_import() -> None:
    """Watches the servers of this process once it imports what one needs."""
    if VARIABLE in os.environ:
        sys.meta_path.insert(0, _Finder())


class _Finder(MetaPathFinder):
    """Finds the one module as everybody does, and watches it when it is there."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != _APP:
            return None
        sys.meta_path.remove(self)
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _Watching(spec.loader)
        return spec


class _Watching(Loader):
    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self._loader.exec_module(module)
        _watch(module)


def _watch(app: Any) -> None:
    if hasattr(app.Endpoint, "is_real"):
        return  # a run of tests within a test

    class Endpoint(app.Endpoint):  # type: ignore[misc]
        is_real = False

        def __init__(self, route: "Route", *parts: Any) -> None:
            self.is_real = _is_real(route)
            super().__init__(_watched(route) if self.is_real else route, *parts)

    send = app.Api._send

    async def noting(self: Any, exchange: Any, reply: Any, to: Any) -> None:
        if getattr(self._endpoints.get(exchange.path), "is_real", False):
            _note_answer(exchange.path, exchange.verb, reply.status, reply.body)
        await send(self, exchange, reply, to)

    app.Endpoint, app.Api._send = Endpoint, noting


def _is_real(route: "Route") -> bool:
    """Whether it is a call of the API, and not a toy of the wire's own tests."""
    from doorward.api.table import ROUTES

    return any(route is each for each in ROUTES)


def _watched(route: "Route") -> "Route":
    handler = route.handler

    @wraps(handler)
    async def noting(call: "Call[Any]", request: Any) -> Any:
        _note({"path": route.path, "sent": [*_sent(route, call, request)]})
        if (folder := os.environ.get(VARIABLE)) is not None:
            dropped = _read(Path(folder) / DROP)
            path, _, name = dropped.partition(" ")
            if path == route.path:
                call, request = _without(route, name, call, request)
        return await handler(call, request)

    return replace(route, handler=noting)


def _read(file: Path) -> str:
    try:
        return file.read_text()
    except FileNotFoundError:
        return ""


def _sent(route: "Route", call: "Call[Any]", request: Any) -> list[str]:
    """The parameters that were given, and say something else than when they are left out."""
    from msgspec.structs import fields

    given = [
        field.encode_name
        for field in fields(route.request)
        if field.required or getattr(request, field.name) != field.default
    ]
    if call.page is not None:
        given += ["limit"] if call.page.limit != route.page_limit else []
        given += ["page_cursor"] if call.page.after is not None else []
    return given


def _without(route: "Route", name: str, call: "Call[Any]", request: Any) -> "tuple[Call[Any], Any]":
    """What a handler sees that takes no notice of a parameter.

    One that must be there is always the same: the one of the route's example.
    """
    import msgspec

    if name in {"limit", "page_cursor"} and call.page is not None:
        assert route.page_limit is not None
        page = replace(call.page, limit=route.page_limit)
        page = page if name == "limit" else replace(call.page, after=None)
        return replace(call, page=page), request
    field = next(each for each in msgspec.structs.fields(route.request) if each.encode_name == name)
    value = getattr(_example(route.path), field.name) if field.required else field.default
    return call, msgspec.structs.replace(request, **{field.name: value})


@cache
def _example(path: str) -> Any:
    from doorward.api.table import ROUTES
    from doorward.wire.examples import example
    from doorward.wire.parameters import Parameters

    route = next(each for each in ROUTES if each.path == path)
    return Parameters(route.request, route.page_limit).read(b"", example(route)).request


def _note_answer(path: str, verb: str, status: int, body: bytes) -> None:
    content = json.loads(body)
    shape = (path, status, _shape(content))
    if shape not in _seen:
        _seen.add(shape)
        _note({"path": path, "verb": verb, "status": status, "body": content})


def _shape(value: Any, name: str = "") -> Any:
    """What two answers have in common that fit the same schemas."""
    match value:
        case dict() if name.endswith("metadata"):
            return frozenset(type(each) for each in value.values())
        case dict():
            return frozenset((key, _shape(each, key)) for key, each in value.items())
        case list():
            return frozenset(_shape(each, name) for each in value)
        case str():
            return _form(value, name.rpartition("_")[2])
        case _:
            return type(value)


def _form(text: str, last: str) -> Any:
    """A text's value where it is of a closed list, else what it looks like."""
    if last in _CHOSEN and _WORD.fullmatch(text):
        return text
    return len(text) if len(text) in {0, 24, 36} else str


def _note(line: dict[str, Any]) -> None:
    """Appends a line in one write, so that processes do not tear each other's apart."""
    if (folder := os.environ.get(VARIABLE)) is None:
        return
    note = os.open(Path(folder) / NOTES, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(note, json.dumps(line).encode() + b"\n")
    finally:
        os.close(note)
