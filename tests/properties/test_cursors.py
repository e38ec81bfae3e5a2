"""Cursors reach nothing but the next page of their own list, and pages hold every row once."""

import base64
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from doorward.api.table import ROUTES
from doorward.errors import ApiError
from doorward.wire.examples import example
from doorward.wire.links import write_query
from doorward.wire.paging import Pager
from doorward.wire.parameters import Given, Parameters
from doorward.wire.route import Caller, Route
from tests.parameters import Parameter, fields_of_route, issues
from tests.properties.strategies import EXAMPLES, accepted
from tests.properties.world import World, world_on

PAGED = [route for route in ROUTES if route.page_limit is not None]
EVERY = pytest.mark.parametrize("route", PAGED, ids=lambda route: route.path)
KEY = b"k" * 32
AFTER = (1_700_000_000_000_001, UUID("8d7e0b3a-b889-49a7-9164-4b71a0506a33"))
BASE = datetime(2026, 1, 1, tzinfo=UTC)


def pager(route: Route, key: bytes = KEY) -> Pager:
    return Pager(key, route, Parameters(route.request, route.page_limit))


def filters(route: Route) -> st.SearchStrategy[Given]:
    """What a call can ask a list for, in as many ways as its types have."""
    fields = [field for field in fields_of_route(route) if field.name != "page_cursor"]
    parameters = Parameters(route.request, route.page_limit)
    return (
        st.fixed_dictionaries({}, optional={field.name: accepted(field) for field in fields})
        .filter(lambda values: not issues(route, values))
        .map(lambda values: parameters.read(b"", values))
    )


def with_cursor(given: Given, cursor: str | None) -> Given:
    return Given(given.request, given.limit, cursor)


def cursor_of(route: Route, caller: Caller, given: Given, key: bytes = KEY) -> str:
    cursor = pager(route, key).pagination(caller, given, AFTER, None).next_page_cursor
    assert cursor is not None
    return cursor


def refused(route: Route, caller: Caller, given: Given, key: bytes = KEY) -> str:
    with pytest.raises(ApiError) as error:
        pager(route, key).page(caller, given)
    assert error.value.status == 400
    return error.value.kind


callers = st.builds(
    Caller,
    token_id=st.uuids(),
    kind=st.sampled_from(["api_key", "personal_access_token", "client_session"]),
    workspace_id=st.uuids(),
)


@EVERY
def test_a_cursor_is_of_one_list(route: Route) -> None:
    """Of one workspace, token, route and key, and of the same filters and limit."""

    @settings(max_examples=EXAMPLES, deadline=None)
    @given(callers, callers, filters(route), filters(route), st.sampled_from(PAGED))
    def check(mine: Caller, other: Caller, asked: Given, else_: Given, elsewhere: Route) -> None:
        found = with_cursor(asked, cursor_of(route, mine, asked))
        assert pager(route).page(mine, found).after == AFTER
        strangers = [
            Caller(mine.token_id, mine.kind, other.workspace_id),
            Caller(other.token_id, mine.kind, mine.workspace_id),
            other,
        ]
        for stranger in strangers:
            if (stranger.token_id, stranger.workspace_id) != (mine.token_id, mine.workspace_id):
                assert refused(route, stranger, found) == "invalid_input"
        assert refused(route, mine, found, b"x" * 32) == "invalid_input"
        if elsewhere is not route:
            assert refused(elsewhere, mine, found) == "invalid_input"
        if else_ != asked:
            changed = with_cursor(else_, found.page_cursor)
            assert refused(route, mine, changed) == "mismatched_page_parameters"
        if other_limit := asked.limit - 1:
            shorter = Given(asked.request, other_limit, found.page_cursor)
            assert refused(route, mine, shorter) == "mismatched_page_parameters"

    check()


def _mutations(cursor: str) -> Iterator[str]:
    """Every text one bit or one cut away, and every other way to write the same bytes."""
    for place, letter in enumerate(cursor):
        for bit in range(8):
            yield cursor[:place] + chr(ord(letter) ^ 1 << bit) + cursor[place + 1 :]
        yield cursor[:place]
        yield cursor[place + 1 :]
        yield cursor[:place] + cursor[place + 1 :]
        yield cursor[:place] + letter + cursor[place:]
        for more in ("=", " ", "\n", "\0", "%3D", "é"):
            yield cursor[:place] + more + cursor[place:]
            yield cursor[:place] + more + cursor[place + 1 :]
    content = base64.urlsafe_b64decode(cursor)
    yield from (cursor + more for more in ("=", "==", "A", " ", "\r\n", "AAAA", cursor))
    yield from (cursor.swapcase(), cursor.upper(), cursor[::-1], content.hex())
    yield base64.b32encode(content).decode()
    yield base64.b85encode(content).decode()
    yield base64.b64encode(content).decode()
    for bit in range(len(content) * 8):
        flipped = (int.from_bytes(content) ^ 1 << bit).to_bytes(len(content))
        yield base64.urlsafe_b64encode(flipped).decode()
    for length in range(len(content)):
        yield base64.urlsafe_b64encode(content[:length]).decode()
        yield base64.urlsafe_b64encode(content[length:] + content[:length]).decode()


@EVERY
def test_a_changed_cursor_is_none(route: Route) -> None:
    caller = Caller(uuid4(), "api_key", uuid4())
    asked = Parameters(route.request, route.page_limit).read(b"", example(route))
    cursor = cursor_of(route, caller, asked)
    changed = {one for one in _mutations(cursor) if one != cursor}
    assert len(changed) > 1500
    for one in changed:
        assert refused(route, caller, with_cursor(asked, one)) == "invalid_input", one


def test_a_cursor_with_both_alphabets_has_one_spelling() -> None:
    """The standard alphabet's plus and slash stand for no minus and underscore."""
    caller = Caller(uuid4(), "api_key", uuid4())
    route = PAGED[0]
    parameters = Parameters(route.request, route.page_limit)
    limits = (parameters.read(b"", {"limit": limit}) for limit in range(1, 1000))
    asked, cursor = next(
        (one, text) for one in limits if {"-", "_"} <= {*(text := cursor_of(route, caller, one))}
    )
    for respelt in (cursor.replace("-", "+"), cursor.replace("_", "/")):
        assert refused(route, caller, with_cursor(asked, respelt)) == "invalid_input"


@pytest.fixture(scope="module")
def world(postgres: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world_on(postgres, tmp_path_factory.mktemp("cursors")) as world:
        yield world


class People:
    """The people of one access system, who come and go."""

    def __init__(self, world: World, acs_system_id: UUID) -> None:
        self._world = world
        self._system_id = acs_system_id
        self.there: dict[UUID, int] = {}
        self.stayed: set[UUID] = set()

    async def arrive(self, instants: list[int]) -> None:
        """Somebody at each instant, which is in microseconds."""
        rows = [(uuid4(), instant) for instant in instants]
        await self._world.looker.executemany(
            "insert into acs_user (workspace_id, acs_user_id, acs_system_id, created_at)"
            " values ($1, $2, $3, $4)",
            [
                (self._world.town.workspace_id, id_, self._system_id, at(instant))
                for id_, instant in rows
            ],
        )
        self.there |= dict(rows)

    async def leave(self, places: list[int]) -> None:
        """Some of those who are there, by place."""
        ids = {[*self.there][place % len(self.there)] for place in places if self.there}
        await self._world.looker.execute(
            "delete from acs_user where acs_user_id = any($1::uuid[])", [*ids]
        )
        self.there = {id_: instant for id_, instant in self.there.items() if id_ not in ids}
        self.stayed -= ids

    async def clear(self) -> None:
        """Nobody is there, and whoever comes first is taken for staying."""
        await self._world.looker.execute(
            "delete from acs_user where acs_system_id = $1", self._system_id
        )
        self.there, self.stayed = {}, set()


def at(instant: int) -> datetime:
    return BASE + timedelta(microseconds=instant)


instants = st.lists(st.integers(0, 12), max_size=8)
turns = st.lists(st.tuples(instants, st.lists(st.integers(0, 40), max_size=4)), max_size=6)


def test_pages_hold_everybody_once_while_people_come_and_go(world: World) -> None:
    system = world.runner.run(world.town.system("Coming and going")).acs_system_id
    people = People(world, system)

    @settings(max_examples=max(EXAMPLES, 60), deadline=None)
    @given(
        st.lists(st.integers(0, 12), max_size=25),
        turns,
        st.integers(1, 7),
        st.none() | st.integers(0, 13_000),
    )
    def check(first: list[int], more: list[Any], limit: int, until: int | None) -> None:
        asked: Parameter = {"acs_system_id": str(system), "limit": limit}
        if until is not None:
            asked["created_before"] = at(until // 1000).isoformat()
        before = 10**9 if until is None else until // 1000
        seen, ever = world.runner.run(_walk(world, people, first, more, asked))
        assert len(seen) == len({*seen})
        assert {id_ for id_ in people.stayed if ever[id_] < before} <= {*seen}
        assert all(ever[id_] < before for id_ in seen)
        assert seen == sorted(seen, key=lambda id_: (ever[id_], id_))

    check()


async def _walk(
    world: World, people: People, first: list[int], more: list[Any], asked: Parameter
) -> tuple[list[UUID], dict[UUID, int]]:
    """Goes through the pages, and lets people come and leave between them."""
    await people.clear()
    await people.arrive(first)
    people.stayed = {*people.there}
    ever = dict(people.there)
    seen: list[UUID] = []
    cursor, turn = None, iter(more)
    for number in range(1000):
        page = asked | ({"page_cursor": cursor} if cursor else {})
        by_query = {"verb": "GET", "query": write_query(page)}
        spelling: dict[str, Any] = {"verb": "POST", "body": page} if number % 2 else by_query
        answer = await world.call(path="/acs/users/list", **spelling)
        assert answer.status == 200, answer.body
        seen += [UUID(user["acs_user_id"]) for user in answer.json["acs_users"]]
        cursor = answer.json["pagination"]["next_page_cursor"]
        if cursor is None:
            return seen, ever
        arriving, leaving = next(turn, ([], []))
        await people.arrive(arriving)
        ever |= people.there
        await people.leave(leaving)
    raise AssertionError("the list has no end")
