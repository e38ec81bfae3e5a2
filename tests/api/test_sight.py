"""What an end user's session sees of a workspace, and that it sees nothing else."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain
from typing import Any
from uuid import UUID, uuid4

import pytest

from doorward.api.table import ROUTES
from doorward.events import catalogue
from doorward.events.catalogue import Occasion
from doorward.resources.event import Event
from doorward.store import client_sessions
from doorward.store.client_sessions import Wanted
from doorward.store.events import insert_events
from doorward.store.personal import Personal
from doorward.wire.route import Scheme
from tests.api.conftest import Caller, Server
from tests.api.town import System, Town

UUIDS = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
EVER = "2000-01-01T00:00:00Z"
Ids = frozenset[UUID]


@dataclass(frozen=True)
class Place:
    """A system, with what is in it. stranger: somebody who is nobody's identity."""

    system: System
    open_door: UUID
    shut_door: UUID
    stranger: UUID
    strangers_card: UUID
    event: UUID

    @property
    def account(self) -> UUID:
        return self.system.connected_account_id


@dataclass(frozen=True)
class World:
    """Three systems; jane has a user in the second, who can open one of its doors."""

    north: Place
    south: Place
    west: Place
    jane: UUID
    user: UUID
    card: UUID
    event_of_user: UUID
    event_of_identity: UUID
    omar: UUID

    @property
    def everything(self) -> Ids:
        places = [
            {p.account, p.system.acs_system_id, p.open_door, p.shut_door, p.stranger}
            | {p.strangers_card, p.event}
            for p in (self.north, self.south, self.west)
        ]
        own = {self.jane, self.user, self.card, self.event_of_user, self.event_of_identity}
        return frozenset(chain(*places, own, {self.omar}))

    def of_account(self, place: Place) -> Ids:
        """What a session sees that has an account: all of its system."""
        everything = {place.account, place.system.acs_system_id, place.open_door, place.shut_door}
        everything |= {place.stranger, place.strangers_card, place.event}
        own = {self.jane, self.user, self.card, self.event_of_user}
        return frozenset(everything | (own if place is self.south else set()))

    @property
    def of_jane(self) -> Ids:
        """What a session sees that has jane."""
        own = {self.jane, self.user, self.card, self.event_of_user, self.event_of_identity}
        # The account is named in what she sees, and is not itself seen.
        return frozenset(own | {self.south.system.acs_system_id, self.south.open_door})


@pytest.fixture
async def world(town: Town, north: System) -> World:
    await town.database.execute(
        "update connected_account set customer_key = 'acme' where workspace_id = $1",
        town.workspace_id,
    )
    places = [await place(town, north, "11")]
    for name, number in (("South", "22"), ("West", "33")):
        places.append(await place(town, await town.system(name), number))
    jane, omar = [await town.identity(Personal(name)) for name in ("Jane", "Omar")]
    south = places[1]
    user = await town.user(south.system, Personal("Jane"), identity=jane)
    card = await town.credential(south.system, user, "1-99")
    later = (town.now + timedelta(days=1), None)
    for door, span in ((south.open_door, (None, None)), (south.shut_door, later)):
        await town.join(await town.group(south.system, "Group", door, span=span), user)
    await town.user(places[2].system, Personal("Omar"), identity=omar)
    of_user = catalogue.acs_user_created(
        occasion(town), south.account, south.system.acs_system_id, user
    )
    # Of an account that nobody sees: the person alone is what it can be found by.
    of_identity = Event(**shape(town), user_identity_id=jane)
    await tell(town, of_user, of_identity)
    return World(
        north=places[0],
        south=south,
        west=places[2],
        jane=jane,
        user=user,
        card=card,
        event_of_user=of_user.event_id,
        event_of_identity=of_identity.event_id,
        omar=omar,
    )


async def place(town: Town, system: System, number: str) -> Place:
    open_door, shut_door = [await town.entrance(system, name) for name in ("Open", "Shut")]
    stranger = await town.user(system, Personal("Stranger"))
    card = await town.credential(system, stranger, f"2-{number}", open_door, shut_door)
    event = catalogue.acs_entrance_added(
        occasion(town), system.connected_account_id, system.acs_system_id, open_door
    )
    await tell(town, event)
    return Place(system, open_door, shut_door, stranger, card, event.event_id)


def occasion(town: Town) -> Occasion:
    return Occasion(town.workspace_id, town.now, town.now)


def shape(town: Town) -> dict[str, Any]:
    at_door = catalogue.AtDoor(uuid4(), uuid4(), uuid4())
    event = catalogue.lock_access_denied(occasion(town), at_door, "deny_no_access")
    always = ("event_id", "event_type", "workspace_id", "created_at", "occurred_at")
    return {name: getattr(event, name) for name in (*always, "connected_account_id", "reason")}


async def tell(town: Town, *events: Event) -> None:
    async with town.database.acquire() as connection:
        await insert_events(connection, town.workspace_id, events)


@dataclass(frozen=True)
class Session:
    """An end user who calls, by which scheme, and all that it may be told of."""

    caller: Caller
    scheme: Scheme
    seen: Ids


async def sessions(server: Server, town: Town, world: World) -> list[Session]:
    """A session of every sort."""
    account, person = (world.north.account,), world.jane
    of_north, of_jane = world.of_account(world.north), world.of_jane
    customer: Scheme = "client_session_with_customer"
    sorts: list[tuple[Wanted, Scheme, Ids]] = [
        (Wanted(), "client_session", frozenset()),
        (Wanted(connected_account_ids=account), "client_session", of_north),
        (Wanted(user_identity_id=person), "client_session", of_jane),
        (
            Wanted(connected_account_ids=account, user_identity_id=person),
            "client_session",
            of_north | of_jane,
        ),
        (
            Wanted(connected_account_ids=(world.south.account,)),
            "client_session",
            world.of_account(world.south),
        ),
        (Wanted(connected_account_ids=(uuid4(),)), "client_session", frozenset()),
        (Wanted(customer_key="acme"), customer, of_north),
        (Wanted(customer_key="nobody"), customer, frozenset()),
        (
            Wanted(customer_key="acme", is_read_only=True),
            "client_session_with_customer_ro",
            of_north,
        ),
    ]
    return [
        Session(await caller(server, town, wanted), scheme, seen) for wanted, scheme, seen in sorts
    ]


async def caller(server: Server, town: Town, wanted: Wanted) -> Caller:
    async with town.database.acquire() as connection:
        made = await client_sessions.create(connection, town.keyring, town.workspace_id, wanted)
    return await server.caller(town.workspace_id, made.token)


def paths(scheme: Scheme, method: str) -> Iterator[str]:
    for route in ROUTES:
        if scheme in route.callers and route.path.rpartition("/")[2].startswith(method):
            yield route.path


# What a resource's own id is called, and by which a call is asked for one.
OWN = {
    "connected_accounts": "connected_account_id",
    "acs_systems": "acs_system_id",
    "acs_entrances": "acs_entrance_id",
    "acs_users": "acs_user_id",
    "acs_credentials": "acs_credential_id",
    "events": "event_id",
    "user_identities": "user_identity_id",
}


async def listed(api: Caller, path: str, **filters: Any) -> set[UUID]:
    since = {"since": EVER} if path == "/events/list" else {}
    body = await api(path, **since, **filters)
    key = next(key for key in body if key not in {"ok", "pagination"})
    return {UUID(each[OWN[key]]) for each in body[key]}


async def walked(api: Caller, path: str, limit: int = 1) -> list[UUID]:
    """What a list shows on pages of so many."""
    found: list[UUID] = []
    cursor: dict[str, str] = {}
    while True:
        body = await api(path, limit=limit, **cursor)
        key = next(key for key in body if key not in {"ok", "pagination"})
        found += [UUID(each[OWN[key]]) for each in body[key]]
        if not body["pagination"]["has_next_page"]:
            return found
        cursor = {"page_cursor": body["pagination"]["next_page_cursor"]}


LISTS = (
    *("/connected_accounts/list", "/acs/systems/list", "/acs/entrances/list", "/acs/users/list"),
    *("/acs/credentials/list", "/events/list", "/user_identities/list"),
)


async def test_lists_show_exactly_what_is_seen(
    api: Caller, server: Server, town: Town, world: World
) -> None:
    everything = {path: await listed(api, path) for path in LISTS}
    assert world.everything <= set(chain(*everything.values()))
    asked = set()
    for session in await sessions(server, town, world):
        for path in paths(session.scheme, "list"):
            if path in LISTS:
                asked.add(path)
                assert await listed(session.caller, path) == everything[path] & session.seen, path
    assert asked == set(LISTS)


async def test_a_get_answers_for_what_is_seen(server: Server, town: Town, world: World) -> None:
    for session in await sessions(server, town, world):
        for path in paths(session.scheme, "get"):
            name = path.split("/")[-2].removesuffix("s").replace("identitie", "identity")
            if name in {"workspace", "client_session"}:
                continue
            parameter = f"{'acs_' if path.startswith('/acs/') else ''}{name}_id"
            for asked in kind(world, name):
                answer = await session.caller.answer(path, **{parameter: str(asked)})
                assert answer.status_code == (200 if asked in session.seen else 404)


def kind(world: World, name: str) -> list[UUID]:
    """Every id of a kind that there is, and one that there is not."""
    every = (world.north, world.south, world.west)
    found = {
        "connected_account": [p.account for p in every],
        "entrance": [door for p in every for door in (p.open_door, p.shut_door)],
        "event": [*(p.event for p in every), world.event_of_user, world.event_of_identity],
        "user_identity": [world.jane, world.omar],
        "action_attempt": [],
    }
    return [*found[name], uuid4()]


async def test_what_a_person_can_open_is_told_of_those_who_are_seen(
    server: Server, town: Town, world: World
) -> None:
    path = "/acs/users/list_accessible_entrances"
    people = [p.stranger for p in (world.north, world.south, world.west)] + [world.user]
    for session in await sessions(server, town, world):
        if session.scheme != "client_session":
            continue
        for user in people:
            answer = await session.caller.answer(path, acs_user_id=str(user))
            assert answer.status_code == (200 if user in session.seen else 404)
            entrances = answer.json().get("acs_entrances", [])
            assert {UUID(each["acs_entrance_id"]) for each in entrances} <= session.seen
        await check_by_identity(session, world, path)


async def check_by_identity(session: Session, world: World, path: str) -> None:
    south = str(world.south.system.acs_system_id)
    pairs = ((world.jane, world.user in session.seen), (world.omar, False), (uuid4(), False))
    for identity, is_seen in pairs:
        asked = {"user_identity_id": str(identity), "acs_system_id": south}
        answer = await session.caller.answer(path, **asked)
        if is_seen:
            assert answer.status_code == 200
        else:
            assert answer.json()["error"]["type"] == "user_identity_not_found"


async def test_an_identity_is_told_of_as_far_as_it_is_seen(
    server: Server, town: Town, world: World
) -> None:
    """Of its users, systems and doors only those that the session sees too."""
    await town.database.execute(
        "update connected_account set customer_key = 'globex' where connected_account_id = $1",
        world.south.account,
    )
    other = await town.user(world.north.system, Personal("Jane"), identity=world.jane)
    customer = await caller(server, town, Wanted(customer_key="globex"))
    shown = (await customer("/user_identities/get", user_identity_id=world.jane))["user_identity"]
    assert shown["acs_user_ids"] == [str(world.user)]
    group = await town.group(world.north.system, "Group", world.north.open_door)
    await town.join(group, other)
    account = (world.south.account,)
    for wanted, is_own in (
        (Wanted(connected_account_ids=account), False),
        (Wanted(user_identity_id=world.jane), True),
        (Wanted(connected_account_ids=account, user_identity_id=world.jane), True),
    ):
        session = await caller(server, town, wanted)
        (shown,) = (await session("/user_identities/list"))["user_identities"]
        users = {str(world.user), *([str(other)] if is_own else [])}
        assert {*shown["acs_user_ids"]} == users
        jane = {"user_identity_id": world.jane}
        listed_systems = await session.names("/user_identities/list_acs_systems", **jane)
        assert listed_systems == (["North", "South"] if is_own else ["South"])
        opened = await listed(session, "/user_identities/list_accessible_entrances", **jane)
        assert opened == {world.south.open_door, *([world.north.open_door] if is_own else [])}
        for path in ("list_acs_systems", "list_accessible_entrances"):
            refusal = await session.error(f"/user_identities/{path}", user_identity_id=world.omar)
            assert refusal == (404, "user_identity_not_found")


async def test_an_unmanaged_identity_is_managed_by_who_sees_it(
    server: Server, town: Town, world: World
) -> None:
    await town.database.execute(
        "update user_identity set is_managed = false where workspace_id = $1", town.workspace_id
    )
    jane = await caller(server, town, Wanted(user_identity_id=world.jane))
    assert await jane.names("/user_identities/unmanaged/list") == ["Jane"]
    asked = {"is_managed": True}
    path = "/user_identities/unmanaged/update"
    refusal = await jane.error(path, "PATCH", user_identity_id=world.omar, **asked)
    assert refusal == (404, "user_identity_not_found")
    await jane(path, "PATCH", user_identity_id=world.jane, **asked)
    assert await jane.names("/user_identities/list") == ["Jane"]


async def test_a_system_out_of_sight_is_as_one_that_is_not_there(
    server: Server, town: Town, world: World
) -> None:
    """Also where a session asks about its own person, whom it does see."""
    jane = await caller(server, town, Wanted(user_identity_id=world.jane))
    path, own = "/acs/users/list_accessible_entrances", {"user_identity_id": str(world.jane)}
    for system in (world.north.system.acs_system_id, world.west.system.acs_system_id, uuid4()):
        refusal = await jane.error(path, **own, acs_system_id=str(system))
        assert refusal == (404, "acs_system_not_found")


async def test_how_many_are_in_a_system_is_told_to_those_who_see_them(
    server: Server, town: Town, world: World
) -> None:
    for session in await sessions(server, town, world):
        for system in (await session.caller("/acs/systems/list"))["acs_systems"]:
            sees_all = UUID(system["connected_account_id"]) in session.seen
            assert ("acs_user_count" in system) == sees_all
            assert ("acs_access_group_count" in system) == sees_all


async def test_no_filter_widens_what_is_seen(server: Server, town: Town, world: World) -> None:
    """Whatever id a list is narrowed by, nothing that is out of sight is named in the answer."""
    for session in await sessions(server, town, world):
        hidden = world.everything - session.seen
        for path in paths(session.scheme, "list"):
            if path not in LISTS:
                continue
            route = next(route for route in ROUTES if route.path == path)
            names = [n for n in route.request.__struct_fields__ if n.endswith("_id")]
            for name in names:
                for value in world.everything:
                    found = await listed(session.caller, path, **{name: str(value)})
                    assert not found & hidden, (path, name)


async def test_a_card_out_of_sight_tells_nothing(server: Server, town: Town, world: World) -> None:
    jane = await caller(server, town, Wanted(user_identity_id=world.jane))
    opens = {"acs_credential_id": str(world.south.strangers_card)}
    assert await listed(jane, "/acs/entrances/list", **opens) == set()
    own = {"acs_credential_id": str(world.card)}
    assert await listed(jane, "/acs/entrances/list", **own) == {world.south.open_door}


async def test_what_a_session_is_told_names_nothing_else(
    server: Server, town: Town, world: World
) -> None:
    """Nothing out of sight is named, but for the account and the person that a user belongs to."""
    for session in await sessions(server, town, world):
        own = {world.south.account, world.jane} if world.user in session.seen else set()
        hidden = world.everything - session.seen - own
        for path in paths(session.scheme, "list"):
            if path in LISTS:
                since = {"since": EVER} if path == "/events/list" else {}
                answer = await session.caller.answer(path, **since)
                assert not set(map(UUID, UUIDS.findall(answer.text))) & hidden


async def test_pages_of_what_is_seen(server: Server, town: Town, world: World) -> None:
    """A session's cursor leads through what it sees, and another's is none."""
    north = await caller(server, town, Wanted(connected_account_ids=(world.north.account,)))
    other = await caller(server, town, Wanted(connected_account_ids=(world.south.account,)))
    first = await north("/acs/entrances/list", limit=1)
    cursor = first["pagination"]["next_page_cursor"]
    second = await north("/acs/entrances/list", limit=1, page_cursor=cursor)
    ids = [page["acs_entrances"][0]["acs_entrance_id"] for page in (first, second)]
    assert ids == [str(world.north.open_door), str(world.north.shut_door)]
    assert second["pagination"]["has_next_page"] is False
    refusal = await other.error("/acs/entrances/list", limit=1, page_cursor=cursor)
    assert refusal == (400, "invalid_input")


PAGED = ("/acs/users/list", "/acs/credentials/list", "/user_identities/list")


async def test_pages_show_each_once_and_in_order(
    api: Caller,
    server: Server,
    town: Town,
    world: World,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of an account, and of somebody with users in it and elsewhere."""
    monkeypatch.setattr("doorward.store.select._LOOKED", -3)  # of a page of one: one row
    await town.user(world.north.system, Personal("Jane"), identity=world.jane)
    sights = (
        Wanted(connected_account_ids=(world.north.account,), user_identity_id=world.jane),
        Wanted(connected_account_ids=(world.north.account, world.west.account)),
        Wanted(user_identity_id=world.jane),
    )
    for wanted in sights:
        session = await caller(server, town, wanted)
        for path in PAGED:
            seen = await listed(session, path)
            assert seen
            expected = [each for each in await walked(api, path) if each in seen]
            assert await walked(session, path) == expected
            assert await walked(session, path, 100) == expected


async def test_a_key_asks_for_what_a_user_sees(api: Caller, world: World) -> None:
    accounts = [str(world.south.account)]
    asked = {"user_identifier_key": "jane", "connected_account_ids": accounts}
    session = (await api("/client_sessions/create", **asked))["client_session"]
    by_user = {"user_identifier_key": "jane"}
    assert await listed(api, "/connected_accounts/list", **by_user) == {world.south.account}
    nobody = {"user_identifier_key": "nobody"}
    assert await listed(api, "/connected_accounts/list", **nobody) == set()
    await api("/client_sessions/revoke", client_session_id=session["client_session_id"])
    assert await listed(api, "/connected_accounts/list", **by_user) == set()


async def test_a_customer_sees_through_another_session_no_more_than_itself(
    api: Caller, server: Server, town: Town, world: World
) -> None:
    accounts = [str(world.south.account), str(world.north.account)]
    await api("/client_sessions/create", user_identifier_key="jane", connected_account_ids=accounts)
    acme = await caller(server, town, Wanted(customer_key="acme"))
    found = await listed(acme, "/connected_accounts/list", user_identifier_key="jane")
    assert found == {world.north.account}
