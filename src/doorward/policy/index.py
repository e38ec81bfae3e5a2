"""A controller's slice of policy in its fast form: built from facts, asked by the ladder.

People, credentials and links, of which there may be millions, are compact tables of bytes; what
there are few of are objects in dictionaries. A state is kept as the raw JSON of its fact.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Final
from uuid import UUID

import msgspec

from doorward.policy.buckets import Buckets
from doorward.policy.facts import (
    EntranceState,
    Fact,
    Kind,
    ReaderState,
    UserState,
    decode_state,
)
from doorward.policy.held import Owned, Sets
from doorward.policy.holders import Holders
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
from doorward.policy.rights import Rights

_ID: Final = 16
_decode_user: Final = msgspec.json.Decoder(UserState).decode


class PolicyIndex:
    """The policy of the facts applied so far: the newest of each key, in whatever order they came.

    It is complete up to `revision`; facts of that revision or an older one are taken for known
    and ignored, which is why no memory of removed ones is kept beyond it. A slice that is to hold
    older facts than before (other entrances, a new epoch) is therefore built anew.
    """

    __slots__ = (
        "_entrances",
        "_holders",
        "_newer",
        "_readers",
        "_readers_of_entrance",
        "_revision",
        "_rights",
        "_users",
    )

    def __init__(self) -> None:
        self._revision = 0
        # The revision of each fact, removed ones too, that is newer than the whole.
        self._newer: dict[tuple[Kind, int, int], int] = {}
        self._entrances: Owned[Entrance] = Owned()
        self._readers: Owned[Reader] = Owned()
        self._readers_of_entrance = Sets()
        self._rights = Rights()
        self._users = Buckets(_ID, _ID, _ID)
        self._holders = Holders()

    @property
    def revision(self) -> int:
        """The journal's revision up to which this policy is complete."""
        return self._revision

    def advance(self, revision: int) -> None:
        """Declare that every fact up to `revision` has been applied; an older one changes nothing.

        Until then each fact's own revision is remembered, so call it after each batch of the
        journal.
        """
        if revision > self._revision:
            self._revision = revision
            self._newer = {key: at for key, at in self._newer.items() if at > revision}

    def load(self, facts: Iterable[Fact], revision: int) -> None:
        """Take in facts of a whole that is complete at `revision`, each key at most once.

        Only of facts that are newer still is the revision remembered: a million people fit into
        memory without their history. Declare the whole with advance() when all of it is in.
        Raises msgspec.ValidationError on a state of a foreign shape.
        """
        for fact in facts:
            if fact.revision > revision:
                self.apply(fact)
            else:
                self._put(fact, _checked(fact))

    def apply(self, fact: Fact) -> None:
        """Take in one fact, unless it or a newer one of its key is known.

        Raises msgspec.ValidationError, and changes nothing, on a state of a foreign shape.
        """
        key = (fact.kind, fact.key_a.int, fact.key_b.int)
        if fact.revision <= self._newer.get(key, self._revision):
            return
        state = _checked(fact)
        self._put(fact, state)
        # Last: what could not be taken in is not known, and is tried again.
        self._newer[key] = fact.revision

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
            return self._holders.named(factor.acs_credential_id)
        return () if factor.lookup is None else self._holders.looked_up(factor.lookup)

    def user(self, acs_user_id: UUID) -> User | None:
        """A person of this system."""
        state = self._users.note(acs_user_id.bytes)
        return None if state is None else User(acs_user_id, _decode_user(state))

    def paths(
        self, acs_user_id: UUID, acs_credential_id: UUID, acs_entrance_id: UUID
    ) -> Iterator[Path]:
        """Every path that leads this person with this credential through this entrance."""
        return self._rights.paths(acs_user_id, acs_credential_id, acs_entrance_id)

    def codes(self) -> Iterator[list[tuple[int, set[UUID]]]]:
        """How many digits each code has, and the entrances that it may open at whatever time.

        One walk over all credentials, a few at a time: of 20,000 in 1,700 steps of 0.1 ms at most,
        so let others have their turn in between. What changes meanwhile may be missed.
        """
        behind = self._rights.entrances_behind_groups()
        for credentials in self._holders.buckets():
            yield [
                (one.declared.code_length, self._rights.opened_by(one, behind))
                for one in credentials
                if one.declared.code_length is not None
            ]

    def _put(self, fact: Fact, state: bytes | None) -> None:
        a, b, is_held = fact.key_a, fact.key_b, state is not None
        match fact.kind:
            case Kind.USER:
                self._put_user(a.bytes, state)
            case Kind.CREDENTIAL:
                self._put_credential(fact, state)
            case Kind.ENTRANCE:
                self._entrances.put(a.int, b.int, _entrance(fact, state))
            case Kind.READER:
                self._readers_of_entrance.put(b.int, a.int, is_held)
                self._readers.put(a.int, b.int, _reader(fact, state))
            case Kind.GROUP:
                self._rights.put_group(a, state)
            case _:
                self._rights.link(fact.kind, a, b, is_held)

    def _put_user(self, person: bytes, state: bytes | None) -> None:
        if state is None:
            self._users.remove(person)
        else:
            self._users.put(person, state)

    def _put_credential(self, fact: Fact, state: bytes | None) -> None:
        owned = fact.key_a.bytes + fact.key_b.bytes
        if state is None:
            self._holders.remove(owned)
        else:
            self._holders.put(owned, state, fact.lookup)


@lru_cache(maxsize=4096)
def _known(kind: Kind, state: bytes) -> bytes:
    """The state itself, once it has been read; equal ones, which are most, are one object."""
    decode_state(kind, state)
    return state


def _checked(fact: Fact) -> bytes | None:
    return None if fact.state is None else _known(fact.kind, fact.state)


def _entrance(fact: Fact, state: bytes | None) -> Entrance | None:
    if state is None:
        return None
    return Entrance(fact.key_a, fact.key_b, msgspec.json.decode(state, type=EntranceState))


def _reader(fact: Fact, state: bytes | None) -> Reader | None:
    if state is None:
        return None
    return Reader(fact.key_a, fact.key_b, msgspec.json.decode(state, type=ReaderState))
