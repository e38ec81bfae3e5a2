"""A controller's slice of policy in its fast form: built from facts, asked by the ladder.

Every look-up is a dictionary access or two. Keys are the ids as integers, whose hash costs nothing.
"""

from collections.abc import Iterator, Sequence
from typing import Final, Generic, TypeVar
from uuid import UUID

import msgspec

from doorward.policy.facts import (
    NO_KEY,
    CredentialState,
    EntranceState,
    Fact,
    GroupState,
    Kind,
    ReaderState,
    UserState,
    Window,
    decode_state,
)
from doorward.policy.model import (
    Card,
    Code,
    Credential,
    Entrance,
    Named,
    Path,
    Reader,
    User,
)

T = TypeVar("T")
ALWAYS: Final = Window()


class PolicyIndex:
    """The policy of the facts applied so far: the newest of each key, in whatever order they came.

    It is complete up to `revision`; facts of that revision or an older one are taken for known
    and ignored, which is why no memory of removed ones is kept beyond it. A slice that is to hold
    older facts than before (other entrances, a new epoch) is therefore built anew.
    """

    __slots__ = (
        "_by_lookup",
        "_credentials",
        "_entrances",
        "_entrances_of_credential",
        "_groups",
        "_groups_of_entrance",
        "_groups_of_user",
        "_newer",
        "_readers",
        "_readers_of_entrance",
        "_revision",
        "_users",
    )

    def __init__(self) -> None:
        self._revision = 0
        # The revision of each fact, removed ones too, that is newer than the whole.
        self._newer: dict[tuple[Kind, int, int], int] = {}
        self._entrances: _Owned[Entrance] = _Owned()
        self._readers: _Owned[Reader] = _Owned()
        self._credentials: _Owned[_Found] = _Owned()
        self._by_lookup: dict[bytes, tuple[Credential, ...]] = {}
        self._users: dict[int, User] = {}
        self._groups: dict[int, Path] = {}
        self._groups_of_user = _Links()
        self._groups_of_entrance = _Links()
        self._entrances_of_credential = _Links()
        self._readers_of_entrance = _Links()

    @property
    def revision(self) -> int:
        """The journal's revision up to which this policy is complete."""
        return self._revision

    def advance(self, revision: int) -> None:
        """Declare that every fact up to `revision` has been applied; an older one changes nothing.

        Until then each fact's own revision is remembered, so call it after a load and after each
        batch of the journal.
        """
        if revision > self._revision:
            self._revision = revision
            self._newer = {key: at for key, at in self._newer.items() if at > revision}

    def apply(self, fact: Fact) -> None:
        """Take in one fact, unless it or a newer one of its key is known.

        Raises msgspec.ValidationError, and changes nothing, on a state of a foreign shape.
        """
        key = (fact.kind, fact.key_a.int, fact.key_b.int)
        if fact.revision <= self._newer.get(key, self._revision):
            return
        state = None if fact.state is None else decode_state(fact.kind, fact.state)
        self._newer[key] = fact.revision
        self._put(fact, state)

    def entrance(self, acs_entrance_id: UUID) -> EntranceState | None:
        """What was declared of an entrance, None where there is no such entrance here."""
        entrance = self._entrances.only(acs_entrance_id.int)
        return None if entrance is None else entrance.declared

    def entrances(self) -> Iterator[Entrance]:
        """Every entrance of this slice; one that is half moved between controllers twice."""
        return iter(self._entrances)

    def reader(self, reader_id: UUID) -> Reader | None:
        """A reader of this slice."""
        return self._readers.only(reader_id.int)

    def readers(self, acs_entrance_id: UUID) -> list[Reader]:
        """The readers that stand at an entrance, by id."""
        reader_ids = sorted(self._readers_of_entrance.of(acs_entrance_id.int))
        readers = (self._readers.only(reader_id) for reader_id in reader_ids)
        return [reader for reader in readers if reader is not None]

    def credentials(self, factor: Card | Code | Named) -> Sequence[Credential]:
        """Every credential that a factor can mean, by id; none for an unknown one."""
        if isinstance(factor, Named):
            found = self._credentials.of(factor.acs_credential_id.int)
            return [one.credential for one in found]
        return () if factor.lookup is None else self._by_lookup.get(factor.lookup, ())

    def user(self, acs_user_id: UUID) -> User | None:
        """A person of this system."""
        return self._users.get(acs_user_id.int)

    def paths(
        self, acs_user_id: UUID, acs_credential_id: UUID, acs_entrance_id: UUID
    ) -> Iterator[Path]:
        """Every path that leads this person with this credential through this entrance.

        A group opens nothing before it is known itself, with its window.
        """
        here = self._groups_of_entrance.of(acs_entrance_id.int)
        for group_id in self._groups_of_user.of(acs_user_id.int) & here:
            if (path := self._groups.get(group_id)) is not None:
                yield path
        if acs_entrance_id.int in self._entrances_of_credential.of(acs_credential_id.int):
            yield Path("credential", acs_credential_id, ALWAYS)

    def _put(self, fact: Fact, state: msgspec.Struct | None) -> None:
        a, b, is_held = fact.key_a.int, fact.key_b.int, state is not None
        match fact.kind:
            case Kind.MEMBERSHIP:
                self._groups_of_user.put(b, a, is_held)
            case Kind.USER:
                _put(self._users, a, _user(fact, state))
            case Kind.CREDENTIAL:
                self._put_credential(fact, state)
            case Kind.CREDENTIAL_ENTRANCE:
                self._entrances_of_credential.put(a, b, is_held)
            case Kind.GROUP:
                _put(self._groups, a, _group(fact, state))
            case Kind.GROUP_ENTRANCE:
                self._groups_of_entrance.put(b, a, is_held)
            case Kind.ENTRANCE:
                self._entrances.put(a, b, _entrance(fact, state))
            case Kind.READER:
                self._readers_of_entrance.put(b, a, is_held)
                self._readers.put(a, b, _reader(fact, state))

    def _put_credential(self, fact: Fact, state: msgspec.Struct | None) -> None:
        found = _credential(fact, state)
        before = self._credentials.put(fact.key_a.int, fact.key_b.int, found)
        if before is not None and before.lookup is not None:
            rest = [one for one in self._by_lookup[before.lookup] if one is not before.credential]
            _put(self._by_lookup, before.lookup, tuple(rest) or None)
        if found is not None and found.lookup is not None:
            known = (*self._by_lookup.get(found.lookup, ()), found.credential)
            self._by_lookup[found.lookup] = tuple(sorted(known, key=_by_id))


class _Found(msgspec.Struct, frozen=True):
    """A credential with the keyed hash that finds it."""

    credential: Credential
    lookup: bytes | None


class _Owned(Generic[T]):
    """Things under two keys, themselves and what they belong to, found by the first.

    A thing belongs to one owner, but while it moves, two facts tell of it, and may come in
    either order.
    """

    __slots__ = ("_held",)

    def __init__(self) -> None:
        self._held: dict[int, tuple[tuple[int, T], ...]] = {}

    def __iter__(self) -> Iterator[T]:
        return (thing for pairs in self._held.values() for _, thing in pairs)

    def put(self, a: int, b: int, thing: T | None) -> T | None:
        """Hold a thing, or nothing, under its keys; returns what was there before."""
        pairs = dict(self._held.get(a, ()))
        before = pairs.pop(b, None)
        if thing is not None:
            pairs[b] = thing
        _put(self._held, a, tuple((owner, pairs[owner]) for owner in sorted(pairs)) or None)
        return before

    def of(self, a: int) -> list[T]:
        """Everything under the first key, by the second."""
        return [thing for _, thing in self._held.get(a, ())]

    def only(self, a: int) -> T | None:
        """The one thing under the first key; None also where two facts contradict each other."""
        pairs = self._held.get(a, ())
        return pairs[0][1] if len(pairs) == 1 else None


class _Links:
    """A relation, followed in one direction."""

    __slots__ = ("_held",)

    NONE: Final[frozenset[int]] = frozenset()

    def __init__(self) -> None:
        self._held: dict[int, set[int]] = {}

    def put(self, source: int, target: int, is_linked: bool) -> None:
        if is_linked:
            self._held.setdefault(source, set()).add(target)
        elif (targets := self._held.get(source)) is not None:
            targets.discard(target)
            if not targets:
                del self._held[source]

    def of(self, source: int) -> set[int] | frozenset[int]:
        return self._held.get(source, self.NONE)


K = TypeVar("K")


def _put(held: dict[K, T], key: K, thing: T | None) -> None:
    if thing is None:
        held.pop(key, None)
    else:
        held[key] = thing


def _by_id(credential: Credential) -> tuple[UUID, UUID]:
    return credential.acs_credential_id, credential.acs_user_id or NO_KEY


def _entrance(fact: Fact, state: msgspec.Struct | None) -> Entrance | None:
    return Entrance(fact.key_a, fact.key_b, state) if isinstance(state, EntranceState) else None


def _reader(fact: Fact, state: msgspec.Struct | None) -> Reader | None:
    return Reader(fact.key_a, fact.key_b, state) if isinstance(state, ReaderState) else None


def _user(fact: Fact, state: msgspec.Struct | None) -> User | None:
    return User(fact.key_a, state) if isinstance(state, UserState) else None


def _group(fact: Fact, state: msgspec.Struct | None) -> Path | None:
    # What a decision asks of a group is the path it gives, the same through every entrance.
    if not isinstance(state, GroupState):
        return None
    return Path("access_group", fact.key_a, state.window)


def _credential(fact: Fact, state: msgspec.Struct | None) -> _Found | None:
    if not isinstance(state, CredentialState):
        return None
    user_id = None if fact.key_b == NO_KEY else fact.key_b
    return _Found(Credential(fact.key_a, user_id, state), fact.lookup)
