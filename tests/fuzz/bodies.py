"""Fuzzes JSON bodies: every route's parameters, wrong as values and damaged as text."""

import json
from random import Random
from typing import Any, NamedTuple

from doorward.errors import ApiError
from doorward.wire.body import DEPTH_LIMIT, parse_body
from tests.fuzz.answers import must_be_refusal
from tests.fuzz.corpus import (
    BY_PATH,
    Place,
    any_place,
    depth_of,
    must_be_sound,
    names,
    odd_value,
    parameters,
)
from tests.fuzz.engine import Target
from tests.fuzz.mutate import NUMBERS, mutate

_WORDS = (
    *(b"{", b"}", b"[", b"]", b'"', b":", b",", b"\\", b"null", b"true", b"false", b"{}", b"[]"),
    *(b"\\u0000", b"\\ud800", b"\\udc00", b"\\ud83d\\ude00", b"\\u", b"\\x", b"\0", b"\xff"),
    *(b"\xc3", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\n", b"\t", b"\x1f", b"//", b'"_errors":'),
    *(b'"__proto__":{}', b"[" * 40, b'{"a":' * 40, b"]" * 40, b"'", b"\xe2\x80\xa8"),
)


# Beyond it parsers keep different digits.
_EXACT = 2**53


class Case(NamedTuple):
    """A body on its way to a route."""

    path: str
    body: bytes


class Bodies(Target[Case]):
    """The result is a Given, or a documented 400; what is taken, any JSON parser takes alike."""

    name = "body"
    share = 35

    def make(self, random: Random) -> Case:
        """A body of the route's own parameters, with values exchanged or bytes damaged, or both."""
        place = any_place(random)
        values = parameters(place, random)
        kind = random.random()
        if kind < 0.002:
            return Case(place.route.path, _giant(place, random))
        if kind < 0.6:
            values = _exchanged(values, place, random)
        body = _text(values, random)
        if kind > 0.5:
            body = mutate(body, (*_WORDS, *NUMBERS), random, random.choice((1, 1, 1, 4)))
        return Case(place.route.path, body)

    def check(self, case: Case) -> None:
        """Parses and reads it."""
        place = BY_PATH[case.path]
        try:
            values = parse_body(case.body, b"application/json", "POST")
            if case.body:
                _must_be_the_same(values, case.body)
            given = place.parameters.read(b"", values)
        except ApiError as error:
            must_be_refusal(error, len(case.body), {"invalid_input"})
            return
        must_be_sound(place, given)


def _must_be_the_same(values: dict[str, Any], body: bytes) -> None:
    # Two parsers that take the same bytes for different values are how filters are fooled.
    assert _plain(values) == _plain(json.loads(body.decode())), "another parser reads it otherwise"
    assert depth_of(values) <= DEPTH_LIMIT, "nested too deep"


def _plain(value: Any) -> Any:
    match value:
        case bool():
            return str(value)
        case int() | float():
            return float(value) if abs(value) < _EXACT else str(value)[:9]
        case list():
            return [_plain(one) for one in value]
        case dict():
            return {name: _plain(one) for name, one in value.items()}
        case _:
            return value


def _exchanged(values: dict[str, Any], place: Place, random: Random) -> dict[str, Any]:
    """Values with some of them exchanged for others of any type, somewhere in the tree."""
    for _ in range(random.randint(1, 3)):
        name = random.choice(names(place))
        match values.get(name):
            case dict() as inner:
                inner[random.choice(("_errors", "k", *inner))] = odd_value(random)
            case list() as items:
                items.insert(random.randint(0, len(items)), odd_value(random))
            case _:
                values[name] = odd_value(random)
    return values


def _text(values: dict[str, Any], random: Random) -> bytes:
    is_ascii = random.random() < 0.5
    text = json.dumps(values, ensure_ascii=is_ascii).encode()
    if random.random() < 0.1:
        # Every name twice, with other values before.
        text = text[:-1] + b"," + json.dumps(values).encode()[1:] if values else b'{"a":1,"a":2}'
    return text


def _giant(place: Place, random: Random) -> bytes:
    name = json.dumps(random.choice(names(place))).encode()
    size = random.randrange(1000, 100_000)
    value = random.choice(
        (
            b'"' + b"x" * size + b'"',
            b"[" + b"1," * size + b"1]",
            b"[" + b'"x",' * size + b"null]",
            b"[" * size + b"]" * size,
            b"[" * size,
            b'{"a":' * size + b"1" + b"}" * size,
            b"1" * size,
            b"{" + b",".join(b'"k%d":[]' % number for number in range(size // 10)) + b"}",
            b'"' + b"\\u0000" * (size // 6) + b'"',
            b'"' + b"\\ud800" * (size // 6) + b'"',
        )
    )
    return b"{" + name + b":" + value + b"}"
