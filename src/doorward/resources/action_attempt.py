"""An action attempt: a momentary command, and what became of it."""

from typing import Annotated, Any, Literal
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType

from doorward.resources.acs_credential import AcsCredential
from doorward.resources.values import Resource, Timestamp

ActionType = Literal[
    "ENCODE_CREDENTIAL",
    "RESET_SANDBOX_WORKSPACE",
    "SCAN_CREDENTIAL",
    "SCAN_TO_ASSIGN_CREDENTIAL",
    "UNLOCK_DOOR",
]


class ActionResult(Resource, frozen=True, kw_only=True):
    """What a command to unlock has achieved; a reset says nothing more of it."""

    was_confirmed_by_device: bool | UnsetType = UNSET


class CredentialOnEncoder(Resource, frozen=True, kw_only=True):
    """What a card holds that lies on an encoder."""

    card_number: str | None
    created_at: Timestamp | None
    ends_at: Timestamp | None
    is_issued: bool | None
    starts_at: Timestamp | None


class ScanWarning(Resource, frozen=True, kw_only=True):
    """A difference between the card and what is known of it."""

    warning_code: Literal[
        "acs_credential_on_encoder_out_of_sync", "acs_credential_on_seam_not_found"
    ]
    warning_message: str


class ScanResult(Resource, frozen=True, kw_only=True):
    """What a scan has found: on the card, and of its credential; None for what is not there."""

    acs_credential_on_encoder: CredentialOnEncoder | None
    acs_credential_on_seam: AcsCredential | None
    warnings: list[ScanWarning]


class ActionError(Resource, frozen=True, kw_only=True):
    """Why a command has failed. `type` is the ladder's reason where a door refused."""

    type: str
    message: str


# msgspec takes no union of structs that nothing in them tells apart: here `action_type` does. The
# document is told of them by doorward.wire.schemas.
Result = Annotated[Any, Meta(extra={"one_of": (ActionResult, ScanResult, AcsCredential)})]


class ActionAttempt(Resource, frozen=True, kw_only=True):
    """A command under way or ended; `result` is there on success alone, `error` on error alone.

    result: the credential that was encoded or assigned, what was scanned, or that a door opened.
    """

    action_attempt_id: UUID
    action_type: ActionType
    status: Literal["pending", "success", "error"]
    result: Result | None
    error: ActionError | None
