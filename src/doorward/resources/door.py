"""A door as its controller sees it now: /doorward/doors/list."""

from typing import Literal
from uuid import UUID

from doorward.resources.values import Resource, Timestamp


class LastRead(Resource, frozen=True, kw_only=True):
    """The last credential presented at a door, and what was answered."""

    at: Timestamp
    outcome: Literal["allow", "deny", "need"]
    reason: str
    acs_user_id: UUID | None
    acs_credential_id: UUID | None
    policy_revision: int


class ControllerStatus(Resource, frozen=True, kw_only=True):
    """What decides at a door: whether it hears the server, and what it has confirmed."""

    controller_id: UUID
    name: str
    is_connected: bool
    is_held: bool
    is_running_here: bool
    confirmed_revision: int
    confirmed_epoch: int
    last_contact_at: Timestamp | None


class DoorReader(Resource, frozen=True, kw_only=True):
    """A reader at a door, by which cards and codes come in."""

    reader_id: UUID
    name: str
    direction: Literal["entry", "exit"]


class DoorWarning(Resource, frozen=True, kw_only=True):
    """What whoever runs a door should know of it."""

    warning_code: Literal["codes_can_be_guessed"]
    message: str


class Door(Resource, frozen=True, kw_only=True):
    """An entrance with its lock, its light, its last read, its controller and its readers.

    readers: entry readers first. Where none is named, a card is enrolled at the first of them, and
    presented at the first that is virtual.
    """

    acs_entrance_id: UUID
    acs_system_id: UUID
    display_name: str
    is_locked: bool
    light: Literal["off", "green", "red"]
    last_read: LastRead | None
    controller: ControllerStatus
    readers: list[DoorReader]
    warnings: list[DoorWarning]
