"""Fuzzes the query decoder: every route's parameters, damaged on their way."""

from random import Random
from typing import NamedTuple

from doorward.errors import ApiError
from doorward.wire.links import write_query
from tests.fuzz.answers import must_be_refusal
from tests.fuzz.corpus import BY_PATH, Place, any_place, must_be_sound, names, odd_value, parameters
from tests.fuzz.engine import Target
from tests.fuzz.mutate import mutate

# Far more than a server's limit on addresses lets through.
LONGEST = 128 * 1024

_WORDS = (
    *(b"&", b"=", b"&&", b"==", b".", b"..", b"[]", b"[0]", b"%5B%5D", b"%5b%5d", b",", b"+", b"%"),
    *(b"%00", b"\0", b"%ff", b"%C3%A4", b"%c3", b"%ed%a0%80", b"\xc3\xa4", b"\xff", b"%2500"),
    *(b"_strict=true", b"&_strict=true", b"_strict=", b"true", b"yes", b"No", b"null", b"%20"),
    *(b";", b"#", b"?", b"/", b"%2e", b"%26", b"%3D", b"._errors", b".__proto__", b"%F0%9F%98%80"),
    *(b".a" * 31, b".a" * 32, b".a" * 33, b"&a=1" * 50),
)


class Case(NamedTuple):
    """A query string on its way to a route."""

    path: str
    query: bytes


class Queries(Target[Case]):
    """The result is a Given, or a documented 400; unknown parameters and repetition change none."""

    name = "query"
    share = 40

    def make(self, random: Random) -> Case:
        """Mostly a query of the route's own parameters with a few things done to it."""
        place = any_place(random)
        if random.random() < 0.002:
            return Case(place.route.path, _giant(place, random))
        values = parameters(place, random)
        if random.random() < 0.4:
            values |= {random.choice(names(place)): odd_value(random)}
        query = write_query(values).encode()
        if random.random() < 0.5:
            query = query.replace(b"&_strict=true", b"")
        words = (*_WORDS, *(name.encode() for name in names(place)))
        return Case(place.route.path, mutate(query, words, random, random.choice((0, 1, 1, 2, 4))))

    def check(self, case: Case) -> None:
        """Reads it twice, the second time with a parameter more that no route has."""
        place = BY_PATH[case.path]
        first = _read(place, case.query)
        assert first == _read(place, case.query + b"&zz_nobodys=1"), "not the same again"


def _read(place: Place, query: bytes) -> object:
    try:
        given = place.parameters.read(query, {})
    except ApiError as error:
        must_be_refusal(error, len(query), {"invalid_input", "invalid_query_params"})
        return (error.kind, error.message, error.validation_errors)
    must_be_sound(place, given)
    return given


def _giant(place: Place, random: Random) -> bytes:
    name = random.choice(names(place)).encode()
    unit = random.choice(
        (
            *(name + b"=1&", name + b"[]=&", name + b".k=1&", name + b".k.k.k.k=1&", b"1,", b"%61"),
            *(b".", b"%", b"[]", b"&", b"=", b"+", b"a.", b"%00", b"%ff", b",", name + b".%d=&"),
        )
    )
    repeated = unit * (random.randrange(1024, LONGEST) // len(unit))
    if unit.endswith(b"%d=&"):
        repeated = b"".join(unit % place for place in range(random.randrange(4000)))
    return random.choice((b"", name + b"=", name + b".")) + repeated
