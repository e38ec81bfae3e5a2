"""What a decision is made from and what it says: policy, state, request, decision."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, Protocol
from uuid import UUID

import msgspec

from doorward.policy.facts import (
    CredentialState,
    EntranceState,
    ReaderState,
    UserState,
    Window,
)

Outcome = Literal["allow", "deny", "need"]
Origin = Literal["card", "code", "remote"]
Direction = Literal["entry", "exit"]


class Card(msgspec.Struct, frozen=True):
    """A card as read: the keyed hash of format and fields, or why there is none."""

    lookup: bytes | None
    cause: Literal["unreadable", "parity", "format_not_enabled"] | None = None


class Code(msgspec.Struct, frozen=True):
    """A code as entered: the keyed hash of its digits."""

    lookup: bytes


class Named(msgspec.Struct, frozen=True):
    """A credential named by its id: an explanation's or a remote request's, never a reader's."""

    acs_credential_id: UUID


class Request(msgspec.Struct, frozen=True):
    """Somebody asks at a reader: where, in which direction, with which factors so far.

    The first factor says who asks. A remote request without factors is made in nobody's name:
    whoever let it in has authorised it, and only the entrance itself can refuse it.
    """

    acs_entrance_id: UUID
    origin: Origin
    factors: tuple[Card | Code | Named, ...]
    reader_id: UUID | None = None
    direction: Direction = "entry"


class Entrance(msgspec.Struct, frozen=True):
    """An entrance of the slice, and the controller that decides for it."""

    acs_entrance_id: UUID
    controller_id: UUID
    declared: EntranceState


class Reader(msgspec.Struct, frozen=True):
    """A reader of the slice, and the entrance it stands at."""

    reader_id: UUID
    acs_entrance_id: UUID
    declared: ReaderState


class Credential(msgspec.Struct, frozen=True):
    """A credential of the slice, and the person it belongs to."""

    acs_credential_id: UUID
    acs_user_id: UUID | None
    declared: CredentialState


class User(msgspec.Struct, frozen=True):
    """A person of the slice."""

    acs_user_id: UUID
    declared: UserState


class Path(msgspec.Struct, frozen=True):
    """One way in: the source that gives it, and the window in which it does.

    source_id: of the access group, of the credential that has the entrance of its own, or of the
    person to whom it was granted.
    """

    source: Literal["access_group", "credential", "grant"]
    source_id: UUID
    window: Window


class Policy(Protocol):
    """What people declared, at one revision, as far as one controller needs it."""

    @property
    def revision(self) -> int:
        """The journal's revision up to which this policy is complete."""

    def entrance(self, acs_entrance_id: UUID) -> EntranceState | None:
        """What was declared of an entrance, None where there is no such entrance here."""

    def credentials(self, factor: Card | Code | Named) -> Sequence[Credential]:
        """Every credential that a factor can mean, by id; none for an unknown one.

        A card is one credential's, but people of different entrances may have the same code.
        """

    def user(self, acs_user_id: UUID) -> User | None:
        """A person of this system."""

    def paths(
        self, acs_user_id: UUID, acs_credential_id: UUID, acs_entrance_id: UUID
    ) -> Iterable[Path]:
        """Every path that leads this person with this credential through this entrance."""


class DoorState(msgspec.Struct, frozen=True):
    """What was observed at a door and is no policy.

    unlocked_by: who holds the entrance unlocked, None when it is locked as usual.
    codes_blocked_until: in milliseconds since 1970, when codes are listened to again after too many
    wrong ones at this reader; None while nothing is wrong. controller_id: who decides. uses: how
    often credentials with a limit have opened a door of this controller, by credential.
    """

    unlocked_by: Literal["schedule", "operator"] | None = None
    codes_blocked_until: int | None = None
    controller_id: UUID | None = None
    uses: Mapping[UUID, int] = {}


class Decision(msgspec.Struct, frozen=True):
    """The answer at the door. `rule` is the rung that decided, 1 to 16.

    `unlock_seconds` is the one state change of an allowed request so far: how long the lock opens.
    """

    outcome: Outcome
    reason: str
    rule: int
    policy_revision: int
    acs_entrance_id: UUID
    acs_credential_id: UUID | None = None
    acs_user_id: UUID | None = None
    cause: str | None = None
    unlock_seconds: int = 0
    flags: Sequence[str] = ()


class Rung(msgspec.Struct, frozen=True):
    """One rung of the ladder as an explanation shows it.

    verdict: "passed" (does not decide), "decides", or "not_reached".
    """

    rule: int
    name: str
    verdict: Literal["passed", "decides", "not_reached"]
    reason: str | None = None
    detail: str | None = None
