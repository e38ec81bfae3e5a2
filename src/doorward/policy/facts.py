"""The facts that policy is made of, as the journal carries them and controllers keep them.

A fact is (kind, key_a, key_b) with a state. A later revision replaces it; a fact without a state
is gone. Applying facts in any order, any number of times, ends in the same policy, because each
carries the revision of its last change.
"""

from enum import StrEnum
from typing import Final
from uuid import UUID

import msgspec

NO_KEY: Final = UUID(int=0)


class Kind(StrEnum):
    """What a fact is about, with the meaning of its two keys."""

    ENTRANCE = "entrance"  # a: acs_entrance_id, b: controller_id
    READER = "reader"  # a: reader_id, b: acs_entrance_id
    GROUP = "group"  # a: acs_access_group_id
    GROUP_ENTRANCE = "group_entrance"  # a: acs_access_group_id, b: acs_entrance_id
    USER = "user"  # a: acs_user_id
    MEMBERSHIP = "membership"  # a: acs_access_group_id, b: acs_user_id
    CREDENTIAL = "credential"  # a: acs_credential_id, b: acs_user_id, or NO_KEY
    CREDENTIAL_ENTRANCE = "credential_entrance"  # a: acs_credential_id, b: acs_entrance_id
    GRANT = "grant"  # a: acs_user_id, b: acs_entrance_id


class Window(msgspec.Struct, frozen=True, omit_defaults=True):
    """A span of time, [starts_at, ends_at) in milliseconds since 1970; None is unbounded."""

    starts_at: int | None = None
    ends_at: int | None = None


class EntranceState(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was declared of an entrance; `unlock_seconds` is how long a read leaves it open."""

    unlock_seconds: int = 5
    is_enabled: bool = True


class ReaderState(msgspec.Struct, frozen=True, omit_defaults=True):
    """A reader: its driver's name, and the direction in which it lets people pass."""

    driver: str = "virtual"
    direction: str = "entry"


class UserState(msgspec.Struct, frozen=True, omit_defaults=True):
    """A person in one access system, without name or address."""

    is_suspended: bool = False
    window: Window = Window()


class GroupState(msgspec.Struct, frozen=True, omit_defaults=True):
    """An access group and the window in which its memberships open doors."""

    window: Window = Window()


class CredentialState(msgspec.Struct, frozen=True, omit_defaults=True):
    """A credential without its number: `access_method` card, code, cloud_key or mobile_key,
    `state` as an operator set it.

    use_limit: how often it may open a door, None without limit; uses: how often it has, by the
    controller that counted, which may know of more; code_length: how many digits a code has, for
    the odds of guessing it. The keyed hash that finds the credential is never part of the journal;
    a slice carries it beside the fact.
    """

    access_method: str
    state: str = "active"
    is_issued: bool = True
    window: Window = Window()
    use_limit: int | None = None
    uses: dict[str, int] = {}
    code_length: int | None = None


class Link(msgspec.Struct, frozen=True):
    """A fact that says no more than that its two keys belong together."""


STATES: Final[dict[Kind, type[msgspec.Struct]]] = {
    Kind.ENTRANCE: EntranceState,
    Kind.READER: ReaderState,
    Kind.GROUP: GroupState,
    Kind.GROUP_ENTRANCE: Link,
    Kind.USER: UserState,
    Kind.MEMBERSHIP: Link,
    Kind.CREDENTIAL: CredentialState,
    Kind.CREDENTIAL_ENTRANCE: Link,
    Kind.GRANT: Link,
}


class Fact(msgspec.Struct, frozen=True):
    """One fact as of a revision. `state` is raw JSON, None when the fact is gone.

    `lookup` is the keyed hash of a credential's number or code, None for every other kind.
    """

    kind: Kind
    key_a: UUID
    key_b: UUID
    revision: int
    state: bytes | None
    lookup: bytes | None = None


def encode_state(state: msgspec.Struct) -> bytes:
    """The JSON of a state as the journal keeps it."""
    return msgspec.json.encode(state)


def decode_state(kind: Kind, state: bytes) -> msgspec.Struct:
    """The typed state of a fact of `kind`. Raises msgspec.ValidationError on a foreign shape."""
    return msgspec.json.decode(state, type=STATES[kind])


def takes_away(fact: Fact) -> bool:
    """Whether a fact can only close doors, whatever the others say: a door may then act on it ahead
    of earlier changes. A window is left out, for it may end sooner and begin sooner at once.
    """
    if fact.state is None:
        return fact.kind not in (Kind.ENTRANCE, Kind.READER)
    state = decode_state(fact.kind, fact.state)
    if isinstance(state, CredentialState):
        return state.state != "active" or not state.is_issued
    return isinstance(state, UserState) and state.is_suspended
