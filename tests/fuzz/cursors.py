"""Fuzzes cursors: damaged ones, and whole ones of other tokens, workspaces, routes and filters."""

import string
from base64 import urlsafe_b64decode, urlsafe_b64encode
from random import Random
from typing import Any, NamedTuple
from uuid import UUID

from doorward.errors import ApiError
from doorward.wire.paging import Pager
from doorward.wire.parameters import Given
from doorward.wire.route import Caller
from tests.fuzz.answers import must_be_refusal
from tests.fuzz.corpus import PLACES, Place
from tests.fuzz.engine import Target
from tests.fuzz.mutate import mutate
from tests.wire.toy import CURSOR_KEY, OTHER_WORKSPACE, WORKSPACE

_PAGED = [place for place in PLACES if place.route.page_limit is not None]
# Of several filters one must be given.
_NEEDED = {("/acs/encoders/list", "acs_system_id")}
_CALLERS = [
    Caller(UUID(int=token), "api_key", workspace)
    for token in (1, 2)
    for workspace in (WORKSPACE, OTHER_WORKSPACE)
]
_KEYS = (CURSOR_KEY, b"l" * 32)
_LIMITS = (1, 2, 10)
_ALPHABET = string.ascii_letters + string.digits + "-_"
_WORDS = (*(b"=", b"==", b"\n", b" ", b"+", b"/", b"%3D", b"\0", b"\xc3\xa4", b"A", b"_", b"."),)


class Context(NamedTuple):
    """Where a cursor counts: the key, the route, the caller and the page size, by number."""

    key: int
    place: int
    caller: int
    limit: int


class Case(NamedTuple):
    """A cursor made in one context, damaged or not, and used in another or the same."""

    made: Context
    after: tuple[int, UUID]
    cursor: str
    used: Context
    original: str


class Cursors(Target[Case]):
    """A cursor is taken in its own context and unchanged, and then starts where it was to."""

    name = "cursor"
    share = 15

    def __init__(self) -> None:
        self._pagers = {
            (key, number): Pager(_KEYS[key], place.route, place.parameters)
            for key in range(len(_KEYS))
            for number, place in enumerate(_PAGED)
        }

    def make(self, random: Random) -> Case:
        """A whole cursor, and one of: damage to it, another context, both, neither."""
        made = _context(random)
        after = (random.randrange(-(2**40), 2**52), UUID(int=random.getrandbits(128)))
        original = self._seal(made, after)
        kind = random.random()
        cursor = _damaged(original, random) if kind < 0.7 else original
        return Case(made, after, cursor, _other(made, random) if kind > 0.5 else made, original)

    def check(self, case: Case) -> None:
        """Opens it."""
        given = _given(case.used, case.cursor)
        pager = self._pagers[case.used.key, case.used.place]
        is_whole = case.cursor == case.original
        try:
            page = pager.page(_CALLERS[case.used.caller], given)
        except ApiError as error:
            assert not (is_whole and case.made == case.used), "a good cursor was refused"
            must_be_refusal(error, len(case.cursor), {self._expected(case)})
            return
        assert is_whole, "a damaged cursor was taken"
        assert case.made == case.used, "a cursor was taken elsewhere"
        assert (page.after, page.limit) == (case.after, given.limit)

    def _expected(self, case: Case) -> str:
        is_only_filter = case.made == case.used._replace(limit=case.made.limit)
        is_mismatch = case.cursor == case.original and is_only_filter
        return "mismatched_page_parameters" if is_mismatch else "invalid_input"

    def _seal(self, made: Context, after: tuple[int, UUID]) -> str:
        pager = self._pagers[made.key, made.place]
        sealed = pager.pagination(_CALLERS[made.caller], _given(made, None), after, None)
        assert sealed.next_page_cursor is not None
        return sealed.next_page_cursor


def _context(random: Random) -> Context:
    return Context(
        0,
        random.randrange(len(_PAGED)),
        random.randrange(len(_CALLERS)),
        random.randrange(len(_LIMITS)),
    )


def _other(made: Context, random: Random) -> Context:
    change: dict[str, Any] = random.choice(
        (
            {"key": 1},
            {"place": random.randrange(len(_PAGED))},
            {"caller": random.randrange(len(_CALLERS))},
            {"limit": random.randrange(len(_LIMITS))},
        )
    )
    return made._replace(**change)


def _given(context: Context, cursor: str | None) -> Given:
    place: Place = _PAGED[context.place]
    body: dict[str, Any] = {"limit": _LIMITS[context.limit], "page_cursor": cursor}
    for field in place.parameters.fields:
        if field.is_required or (place.route.path, field.name) in _NEEDED:
            body[field.name] = str(WORKSPACE)
    return place.parameters.read(b"", body)


def _damaged(cursor: str, random: Random) -> str:
    match random.randrange(5):
        case 0:
            return mutate(cursor.encode(), _WORDS, random, 2).decode("latin-1")
        case 1:
            at = random.randrange(len(cursor))
            return cursor[:at] + random.choice(_ALPHABET) + cursor[at + 1 :]
        case 2:
            sealed = mutate(urlsafe_b64decode(cursor), (b"\0", b"\1"), random, 2)
            return urlsafe_b64encode(sealed).decode()
        case 3:
            return cursor[: random.randrange(len(cursor))]
        case _:
            flipped = bytearray(urlsafe_b64decode(cursor))
            flipped[random.randrange(len(flipped))] ^= 1 << random.randrange(8)
            return urlsafe_b64encode(flipped).decode()
