"""What a site file says, with the line where it says it. Names refer to the file's own keys."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal
from uuid import UUID, uuid5

from doorward.policy.cards import CardNumber, CodeNumber
from doorward.resources.provider import NATIVE
from doorward.store.tokens import TokenKind

# Ids that a file does not give are uuid5 of this namespace, so that every apply finds them again.
_NAMESPACE: Final = UUID("f3bc06e0-b9be-4ded-9afa-ae09e144df7b")


def derived_workspace_id(name: str) -> UUID:
    """The id of a workspace whose file gives none."""
    return uuid5(_NAMESPACE, name)


def derived_id(workspace_id: UUID, kind: str, key: str) -> UUID:
    """The id of an object whose file gives none, from its kind and its key in the file."""
    return uuid5(workspace_id, f"{kind}/{key}")


@dataclass(frozen=True, slots=True)
class Workspace:
    """The one workspace that a file declares."""

    line: int
    workspace_id: UUID
    name: str
    company_name: str
    is_sandbox: bool
    is_publishable_key_auth_enabled: bool


@dataclass(frozen=True, slots=True)
class System:
    """An access system with the connected account that stands for it.

    provider: its kind (doorward.resources.provider); all but the native one are simulated.
    """

    line: int
    key: str
    acs_system_id: UUID
    connected_account_id: UUID
    name: str
    time_zone: str
    provider: str = NATIVE.external_type

    @property
    def is_native(self) -> bool:
        """Whether controllers of ours decide at its doors."""
        return self.provider == NATIVE.external_type


@dataclass(frozen=True, slots=True)
class Controller:
    """What decides at the doors of a system."""

    line: int
    key: str
    controller_id: UUID
    system: str
    name: str


@dataclass(frozen=True, slots=True)
class Reader:
    """A reader at an entrance; its key is `<entrance>/<reader>`."""

    line: int
    key: str
    reader_id: UUID
    entrance: str
    name: str
    driver: str
    direction: Literal["entry", "exit"]


@dataclass(frozen=True, slots=True)
class Entrance:
    """Where people ask to pass. Its system is its controller's; others decide where it has none."""

    line: int
    key: str
    acs_entrance_id: UUID
    system: str
    controller: str | None
    name: str
    is_enabled: bool
    unlock_seconds: int
    can_unlock_with_card: bool
    can_unlock_with_code: bool


@dataclass(frozen=True, slots=True)
class Encoder:
    """What writes cards of a system."""

    line: int
    key: str
    acs_encoder_id: UUID
    system: str
    name: str


@dataclass(frozen=True, slots=True)
class Window:
    """A span of time in UTC, [starts_at, ends_at); None is unbounded."""

    starts_at: datetime | None = None
    ends_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class AccessGroup:
    """An access group and the keys of the entrances that it opens, with their lines."""

    line: int
    key: str
    acs_access_group_id: UUID
    system: str
    name: str
    window: Window
    entrances: dict[str, int]


@dataclass(frozen=True, slots=True)
class Contact:
    """A person's values, each None where it is not given."""

    name: str | None = None
    email: str | None = None
    phone: str | None = None


@dataclass(frozen=True, slots=True)
class Identity:
    """A person across systems."""

    line: int
    key: str
    user_identity_id: UUID
    user_identity_key: str | None
    contact: Contact


@dataclass(frozen=True, slots=True)
class User:
    """A person in one system, with the keys of her groups and their lines."""

    line: int
    key: str
    acs_user_id: UUID
    system: str
    identity: str | None
    contact: Contact
    window: Window
    groups: dict[str, int]


@dataclass(frozen=True, slots=True)
class Credential:
    """A card or a code; its key is `<user>/<credential>`."""

    line: int
    key: str
    acs_credential_id: UUID
    user: str
    name: str
    number: CardNumber | CodeNumber
    window: Window
    entrances: dict[str, int]


@dataclass(frozen=True, slots=True)
class PublishedToken:
    """A secret that is printed in documentation, of a sandbox workspace alone."""

    line: int
    key: str
    kind: TokenKind
    name: str
    text: str
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Site:
    """A site file, whole and free of contradictions."""

    file: str
    workspace: Workspace
    systems: dict[str, System]
    controllers: dict[str, Controller]
    entrances: dict[str, Entrance]
    readers: dict[str, Reader]
    encoders: dict[str, Encoder]
    access_groups: dict[str, AccessGroup]
    identities: dict[str, Identity]
    users: dict[str, User]
    credentials: dict[str, Credential]
    tokens: dict[str, PublishedToken]
    # The file's own bytes, from which it can be read again.
    data: bytes = field(default=b"", repr=False)
