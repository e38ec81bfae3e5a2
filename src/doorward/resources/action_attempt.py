"""An action attempt: a momentary command, and what became of it."""

from typing import Literal
from uuid import UUID

from msgspec import UNSET, UnsetType

from doorward.resources.values import Resource

ActionType = Literal["RESET_SANDBOX_WORKSPACE", "UNLOCK_DOOR"]


class ActionResult(Resource, frozen=True, kw_only=True):
    """What a command has achieved; a reset says nothing more of it."""

    was_confirmed_by_device: bool | UnsetType = UNSET


class ActionError(Resource, frozen=True, kw_only=True):
    """Why a command has failed. `type` is the ladder's reason where the door refused."""

    type: str
    message: str


class ActionAttempt(Resource, frozen=True, kw_only=True):
    """A command under way or ended; `result` is there on success alone, `error` on error alone."""

    action_attempt_id: UUID
    action_type: ActionType
    status: Literal["pending", "success", "error"]
    result: ActionResult | None
    error: ActionError | None
