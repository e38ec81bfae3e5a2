"""Work in keeping with the size of what was sent, counted in steps of the interpreter, not in time.

Twice as much of the same may cost little more than twice the steps; what is quadratic costs four
times as many.
"""

import contextlib
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from doorward.errors import ApiError
from doorward.wire import query
from doorward.wire.body import parse_body
from tests.fuzz.corpus import BY_PATH

SIZE = 6000
PLACE = BY_PATH["/toy/echo"]

QUERIES: dict[str, Callable[[int], bytes]] = {
    "one name many times": lambda size: b"labels=a&" * (size // 9),
    "one name many times, wrong": lambda size: b"device_ids=a&" * (size // 13),
    "brackets": lambda size: b"labels[]=a&" * (size // 11),
    "commas": lambda size: b"labels=" + b"," * size,
    "many names": lambda size: b"&".join(b"n%d=1" % n for n in range(size // 8)),
    "names of an object": lambda size: b"&".join(b"settings.n%d=1" % n for n in range(size // 16)),
    "names far inside": lambda size: b"&".join(
        b"settings." + b"a." * 30 + b"n%d=1" % n for n in range(size // 80)
    ),
    "dots": lambda size: b"settings" + b"." * size + b"=1",
    "few dots often": lambda size: b"settings.......=1&" * (size // 18),
    "ampersands": lambda size: b"&" * size,
    "equals signs": lambda size: b"name" + b"=" * size,
    "percent signs": lambda size: b"name=" + b"%" * size,
    "encoded letters": lambda size: b"name=" + b"%61" * (size // 3),
    "opening brackets": lambda size: b"settings" + b"[" * size + b"]=1",
    "members in brackets": lambda size: b"settings[a][b]=1&" * (size // 17),
    "an object's name many times": lambda size: b"settings.a=1&" * (size // 13),
}
BODIES: dict[str, Callable[[int], bytes]] = {
    "a long array": lambda size: b'{"labels":[' + b'"a",' * (size // 4) + b'"a"]}',
    "an array of wrong things": lambda size: b'{"device_ids":[' + b"1," * (size // 2) + b"1]}",
    "many names": lambda size: b"{" + b",".join(b'"%d":1' % n for n in range(size // 7)) + b"}",
    "one name many times": lambda size: b"{" + b'"labels":[],' * (size // 12) + b'"a":1}',
    "an object of wrong things": lambda size: (
        b'{"custom_metadata_has":{' + b",".join(b'"%d":1' % n for n in range(size // 7)) + b"}}"
    ),
    "many arrays": lambda size: b'{"settings":{"a":[' + b"[]," * (size // 3) + b"[]]}}",
    "NUL after much": lambda size: b'{"settings":[' + b"1," * (size // 2) + b'"\\u0000"]}',
}


@pytest.mark.parametrize("shape", QUERIES)
def test_queries(shape: str) -> None:
    _must_be_linear(lambda size: _read(QUERIES[shape](size), dict))


@pytest.mark.parametrize("shape", BODIES)
def test_bodies(shape: str) -> None:
    _must_be_linear(lambda size: _read(b"", lambda: parse_body(BODIES[shape](size), None, "POST")))


def test_the_count_sees_what_is_quadratic(monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(pairs: list[tuple[str, str]], **_: Any) -> Any:
        own: dict[str, list[str]] = {}
        for name, __ in pairs:
            own[name] = [value for other, value in pairs if other == name]
        return own, {}

    monkeypatch.setattr(query, "_split", slow)
    monkeypatch.setitem(globals(), "SIZE", 1500)
    with pytest.raises(AssertionError, match="steps"):
        test_queries("many names")


def _read(text: bytes, body: Callable[[], dict[str, Any]]) -> None:
    with contextlib.suppress(ApiError):
        PLACE.parameters.read(text, body())


def _must_be_linear(work: Callable[[int], None]) -> None:
    few, many = _steps(lambda: work(SIZE)), _steps(lambda: work(2 * SIZE))
    assert many < 2.5 * few + 1000, f"{few} steps, and {many} for twice as much"


def _steps(work: Callable[[], None]) -> int:
    steps = 0

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal steps
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        steps += event == "opcode"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    return steps
