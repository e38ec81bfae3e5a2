"""Small made-up worlds: few enough ids and instants that everything meets everything."""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count, product
from random import Random
from typing import NamedTuple
from uuid import UUID

from doorward.policy.buckets import Buckets
from doorward.policy.facts import (
    NO_KEY,
    CredentialState,
    EntranceState,
    Fact,
    GroupState,
    Kind,
    Link,
    ReaderState,
    UserState,
    Window,
    encode_state,
)
from doorward.policy.index import PolicyIndex
from doorward.policy.model import Card, Code, DoorState, Named, Origin, Request
from doorward.policy.packed import Links

INSTANT = datetime(2026, 3, 29, 1, 30, 0, 250_000, tzinfo=UTC)
NOW = 1_774_747_800_250  # the same, in milliseconds

_serial = count(1)


def ids(number: int) -> tuple[UUID, ...]:
    return tuple(UUID(int=next(_serial)) for _ in range(number))


DOORS, READERS, GROUPS, USERS, CREDENTIALS = ids(2), ids(2), ids(3), ids(3), ids(4)
CONTROLLERS = ids(2)
NOWHERE = UUID(int=next(_serial))
LOOKUPS = (b"one", b"two", b"three")
WINDOWS = (
    Window(),
    Window(NOW, None),
    Window(NOW + 1, None),
    Window(None, NOW),
    Window(None, NOW + 1),
    Window(NOW, NOW + 1),
    Window(NOW + 5, NOW - 5),
)
# Counts of the controller that decides, of another one, of both.
USES = (
    {str(CONTROLLERS[0]): 2},
    {str(CONTROLLERS[1]): 2},
    {str(CONTROLLERS[0]): 1, str(CONTROLLERS[1]): 1},
    {str(CONTROLLERS[0]): 2, str(CONTROLLERS[1]): 1},
)
DOOR, READER, GROUP, USER, CREDENTIAL, LOOKUP = (
    DOORS[0],
    READERS[0],
    GROUPS[0],
    USERS[0],
    CREDENTIALS[0],
    LOOKUPS[0],
)


class Said(NamedTuple):
    """A fact before it has a revision."""

    kind: Kind
    key_a: UUID
    key_b: UUID
    state: bytes | None
    lookup: bytes | None = None


def said(
    kind: Kind,
    key_a: UUID,
    key_b: UUID = NO_KEY,
    state: EntranceState
    | ReaderState
    | UserState
    | GroupState
    | CredentialState
    | Link
    | None = None,
    lookup: bytes | None = None,
) -> Said:
    return Said(kind, key_a, key_b, None if state is None else encode_state(state), lookup)


ENTRANCE = said(Kind.ENTRANCE, DOOR, CONTROLLERS[0], EntranceState(7))
CARD = said(Kind.CREDENTIAL, CREDENTIAL, USER, CredentialState("card"), LOOKUP)
MEMBERSHIP = said(Kind.MEMBERSHIP, GROUP, USER, Link())
# One person with one card, whom one group lets through one door.
WORKING = (
    ENTRANCE,
    said(Kind.READER, READER, DOOR, ReaderState()),
    said(Kind.GROUP, GROUP, NO_KEY, GroupState()),
    said(Kind.GROUP_ENTRANCE, GROUP, DOOR, Link()),
    said(Kind.USER, USER, NO_KEY, UserState()),
    MEMBERSHIP,
    CARD,
)
ASKING = Request(DOOR, "card", (Card(LOOKUP),))


def _credentials() -> Iterator[Said]:
    withdrawn = ("disabled", "lost", "stolen", "melted")
    declared = (
        *(CredentialState("card", window=window) for window in WINDOWS),
        *(CredentialState("code", state) for state in withdrawn),
        *(CredentialState("card", use_limit=limit) for limit in (0, 1, 2)),
        *(CredentialState("code", use_limit=3, uses=uses, code_length=4) for uses in USES),
        *(CredentialState("cloud_key", use_limit=limit) for limit in (None, None, 1)),
        CredentialState("card", is_issued=False),
    )
    for credential, owner in product(CREDENTIALS, (*USERS, NO_KEY)):
        for lookup, state in product((*LOOKUPS, None), declared):
            yield said(Kind.CREDENTIAL, credential, owner, state, lookup)


def _places() -> Iterator[Said]:
    for door, controller, is_enabled in product(DOORS, CONTROLLERS, (True, False)):
        yield said(Kind.ENTRANCE, door, controller, EntranceState(9, is_enabled))
    for reader, door in product(READERS, DOORS):
        yield said(Kind.READER, reader, door, ReaderState(direction="exit"))


def _people() -> Iterator[Said]:
    for user, window, is_suspended in product(USERS, WINDOWS, (False, True)):
        yield said(Kind.USER, user, NO_KEY, UserState(is_suspended, window))
    for group, window in product(GROUPS, WINDOWS):
        yield said(Kind.GROUP, group, NO_KEY, GroupState(window))


def _links() -> Iterator[Said]:
    for group, user in product(GROUPS, USERS):
        yield said(Kind.MEMBERSHIP, group, user, Link())
    for group, door in product(GROUPS, DOORS):
        yield said(Kind.GROUP_ENTRANCE, group, door, Link())
    for credential, door in product(CREDENTIALS, DOORS):
        yield said(Kind.CREDENTIAL_ENTRANCE, credential, door, Link())
    for user, door in product(USERS, DOORS):
        yield said(Kind.GRANT, user, door, Link())


def _by_kind(facts: Iterable[Said]) -> tuple[tuple[Said, ...], ...]:
    kinds: dict[Kind, list[Said]] = {}
    for fact in facts:
        kinds.setdefault(fact.kind, []).append(fact)
    return tuple(tuple(kind) for kind in kinds.values())


# Everything that can be said in these worlds, a row for each kind, and in one row.
SAYABLE = _by_kind((*_places(), *_people(), *_links(), *_credentials()))
EVERYTHING = tuple(fact for kind in SAYABLE for fact in kind)
# Of it what is about the one person, card, group and door of the working world.
_WORKING_IDS = {fact[:3] for fact in WORKING} | {
    (Kind.GRANT, USER, DOOR),
    (Kind.CREDENTIAL_ENTRANCE, CREDENTIAL, DOOR),
}
AIMED = _by_kind(
    fact
    for fact in EVERYTHING
    if fact[:3] in _WORKING_IDS and (fact.lookup == LOOKUP or fact.kind is not Kind.CREDENTIAL)
)


def gone(fact: Said) -> Said:
    return Said(fact.kind, fact.key_a, fact.key_b, None)


def numbered(facts: Iterable[Said]) -> list[Fact]:
    """The facts as a journal has them, revisions from 1."""
    return [Fact(*fact[:3], at, *fact[3:]) for at, fact in enumerate(facts, 1)]


def index_of(facts: Iterable[Said]) -> PolicyIndex:
    """The index after a journal of these facts, complete."""
    index = PolicyIndex()
    last = 0
    for fact in numbered(facts):
        index.apply(fact)
        last = fact.revision
    index.advance(last)
    return index


def records(table: Buckets) -> list[tuple[bytes, bytes]]:
    """All records of a compact table with their notes, in order."""
    return sorted(record for bucket in table.buckets() for record in bucket)


def linked(links: Links) -> dict[UUID, set[UUID]]:
    """What each subject of a compact relation is linked with."""
    numbers = links._numbers
    return {
        UUID(bytes=subject): {UUID(int=numbers.id_of(number)) for number in links.of(subject)}
        for subject, _ in records(links._subjects)
    }


def history(random: Random) -> list[Said]:
    """What is said one after the other: mostly the working world, then much that changes it."""
    facts = [fact for fact in WORKING if random.random() < 0.95]
    return facts + [any_fact(random) for _ in range(random.randrange(12))]


def any_fact(random: Random) -> Said:
    """Anything that can be said, half of it about the working world; of places less than of rights,
    because where there is no door nothing else is asked.
    """
    rows = random.choice((SAYABLE, AIMED))
    weights = [1 if row[0].kind in (Kind.ENTRANCE, Kind.READER) else 6 for row in rows]
    fact = random.choice(random.choices(rows, weights)[0])
    return fact if random.random() < 0.8 else gone(fact)


def request(random: Random) -> Request:
    origin: Origin = random.choice(("card", "card", "code", "code", "remote"))
    factors = tuple(_factor(random) for _ in range(random.choice((0, 1, 1, 1, 1, 1, 1, 2))))
    door = random.choice((*(DOOR,) * 10, DOORS[1], NOWHERE))
    return Request(door, origin, factors)


def _factor(random: Random) -> Card | Code | Named:
    lookup = random.choice((*(LOOKUP,) * 8, *LOOKUPS, b"unknown"))
    makers: tuple[Callable[[], Card | Code | Named], ...] = (
        lambda: Card(lookup),
        lambda: Card(lookup),
        lambda: Card(lookup),
        lambda: Code(lookup),
        lambda: Named(random.choice((*(CREDENTIAL,) * 5, *CREDENTIALS, NOWHERE))),
        lambda: Card(None, random.choice((None, "unreadable", "parity", "format_not_enabled"))),
        lambda: Card(lookup, "parity"),
    )
    return random.choice(makers)()


def door_state(random: Random) -> DoorState:
    return DoorState(
        random.choice((None,) * 8 + ("schedule", "operator")),
        random.choice((None,) * 4 + (NOW - 1, NOW, NOW + 1, NOW + 5)),
        random.choice((None, CONTROLLERS[0], CONTROLLERS[0], CONTROLLERS[1])),
        {random.choice(CREDENTIALS): random.randrange(4) for _ in range(random.randrange(3))},
    )


def instant(random: Random) -> datetime:
    return INSTANT + timedelta(milliseconds=random.choice((0, 0, 0, -1, 1, -10, 10)))
