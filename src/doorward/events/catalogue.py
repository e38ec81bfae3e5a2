"""The events that Doorward makes, one function a type, with the fields that the API requires."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID, uuid4

from msgspec import UNSET, UnsetType

from doorward.resources.connected_account import ConnectedAccount
from doorward.resources.event import DenialCode, DenialReason, Event, EventType, UnlockMethod
from doorward.resources.values import ErrorEntry, given, iso


@dataclass(frozen=True, slots=True)
class Occasion:
    """What every event has.

    occurred_at: when it happened, by the clock of whoever saw it. created_at: when the server
    learnt of it, by the workspace's clock. A door keeps the event_id it made, so that handing an
    event in twice counts once.
    """

    workspace_id: UUID
    occurred_at: datetime
    created_at: datetime
    event_id: UUID = field(default_factory=uuid4)


@dataclass(frozen=True, slots=True)
class AtDoor:
    """Where somebody asked to pass, and who it was, as far as that was found out."""

    connected_account_id: UUID
    acs_system_id: UUID
    acs_entrance_id: UUID
    acs_user_id: UUID | None = None
    user_identity_id: UUID | None = None


UNLOCK_METHODS: Final[dict[Literal["card", "code", "remote"], UnlockMethod]] = {
    "card": "card",
    "code": "keycode",
    "remote": "remote",
}

# The nearest code of the API's closed list for a reason of the ladder (DESIGN.md); all others are
# a fault of the credential as far as that list can say.
_DENIAL_CODES: Final[dict[str, DenialCode]] = {
    "deny_unknown_credential": "unknown_code",
    "deny_wrong_pin": "unknown_code",
    "deny_expired": "expired_code",
    "deny_credential_expired": "expired_code",
    "deny_credential_disabled": "blocklisted_code",
    "deny_credential_lost": "blocklisted_code",
    "deny_too_many_attempts": "too_many_attempts",
    "deny_privacy_mode": "blocked_by_privacy_mode",
}


def denial_code(reason: str) -> DenialCode:
    """The nearest code of the API for a reason of the ladder."""
    return _DENIAL_CODES.get(reason, "credential_error")


def lock_unlocked(
    occasion: Occasion, at_door: AtDoor, origin: Literal["card", "code", "remote"]
) -> Event:
    """A door opened for somebody: for a card, a code, or a command from afar."""
    return _at_door("lock.unlocked", occasion, at_door, method=UNLOCK_METHODS[origin])


def lock_access_denied(occasion: Occasion, at_door: AtDoor, reason: str) -> Event:
    """A door refused somebody; `reason` is the ladder's."""
    denial = DenialReason(message=reason, reason_code=denial_code(reason))
    return _at_door("lock.access_denied", occasion, at_door, reason=denial)


def acs_user_created(
    occasion: Occasion, connected_account_id: UUID, acs_system_id: UUID, acs_user_id: UUID
) -> Event:
    """A person was made known to an access system: by a call, an identity, the file or a CSV, or by
    others, at a system with a list of its own.
    """
    return _in_system(
        "acs_user.created",
        occasion,
        connected_account_id,
        acs_system_id,
        acs_user_id=acs_user_id,
    )


def acs_user_deleted(
    occasion: Occasion, connected_account_id: UUID, acs_system_id: UUID, acs_user_id: UUID
) -> Event:
    """A person is no longer in an access system: deleted by a call or by the file, or by others."""
    return _in_system(
        "acs_user.deleted",
        occasion,
        connected_account_id,
        acs_system_id,
        acs_user_id=acs_user_id,
    )


def acs_access_group_deleted(
    occasion: Occasion, connected_account_id: UUID, acs_system_id: UUID, acs_access_group_id: UUID
) -> Event:
    """An access group is no more, and nobody comes in through it."""
    return _in_system(
        "acs_access_group.deleted",
        occasion,
        connected_account_id,
        acs_system_id,
        acs_access_group_id=acs_access_group_id,
    )


def acs_credential_issued(
    occasion: Occasion, connected_account_id: UUID, acs_system_id: UUID, acs_credential_id: UUID
) -> Event:
    """A credential can be used from now on: it has its number, or its system has it on a phone."""
    return _in_system(
        "acs_credential.issued",
        occasion,
        connected_account_id,
        acs_system_id,
        acs_credential_id=acs_credential_id,
    )


def acs_credential_reissued(
    occasion: Occasion, connected_account_id: UUID, acs_system_id: UUID, acs_credential_id: UUID
) -> Event:
    """A credential can be used again after it was disabled or lost, or has another code."""
    return _in_system(
        "acs_credential.reissued",
        occasion,
        connected_account_id,
        acs_system_id,
        acs_credential_id=acs_credential_id,
    )


def acs_credential_invalidated(
    occasion: Occasion, connected_account_id: UUID, acs_system_id: UUID, acs_credential_id: UUID
) -> Event:
    """A credential can no longer be used: disabled, lost, stolen, or its owner or phone is gone."""
    return _in_system(
        "acs_credential.invalidated",
        occasion,
        connected_account_id,
        acs_system_id,
        acs_credential_id=acs_credential_id,
    )


def acs_credential_deleted(
    occasion: Occasion, connected_account_id: UUID, acs_system_id: UUID, acs_credential_id: UUID
) -> Event:
    """A credential is no more: deleted, or its owner or its phone is gone."""
    return _in_system(
        "acs_credential.deleted",
        occasion,
        connected_account_id,
        acs_system_id,
        acs_credential_id=acs_credential_id,
    )


def acs_encoder_added(
    occasion: Occasion, connected_account_id: UUID, acs_system_id: UUID, acs_encoder_id: UUID
) -> Event:
    """An access system has a new encoder: the file declares one."""
    return _in_system(
        "acs_encoder.added",
        occasion,
        connected_account_id,
        acs_system_id,
        acs_encoder_id=acs_encoder_id,
    )


def acs_encoder_removed(
    occasion: Occasion, connected_account_id: UUID, acs_system_id: UUID, acs_encoder_id: UUID
) -> Event:
    """An access system has an encoder no more: the file declares it no longer."""
    return _in_system(
        "acs_encoder.removed",
        occasion,
        connected_account_id,
        acs_system_id,
        acs_encoder_id=acs_encoder_id,
    )


def acs_entrance_added(
    occasion: Occasion, connected_account_id: UUID, acs_system_id: UUID, acs_entrance_id: UUID
) -> Event:
    """An access system has a new entrance: the file declares one."""
    return _in_system(
        "acs_entrance.added",
        occasion,
        connected_account_id,
        acs_system_id,
        acs_entrance_id=acs_entrance_id,
    )


def acs_entrance_removed(
    occasion: Occasion, connected_account_id: UUID, acs_system_id: UUID, acs_entrance_id: UUID
) -> Event:
    """An access system has an entrance no more: the file declares it no longer."""
    return _in_system(
        "acs_entrance.removed",
        occasion,
        connected_account_id,
        acs_system_id,
        acs_entrance_id=acs_entrance_id,
    )


def acs_system_added(occasion: Occasion, connected_account_id: UUID, acs_system_id: UUID) -> Event:
    """There is a new access system: the file declares one."""
    return _in_system("acs_system.added", occasion, connected_account_id, acs_system_id)


def acs_system_connected(
    occasion: Occasion, connected_account_id: UUID, acs_system_id: UUID
) -> Event:
    """An access system can be reached: from the moment it is declared, or again."""
    return _in_system("acs_system.connected", occasion, connected_account_id, acs_system_id)


def acs_system_disconnected(
    occasion: Occasion, connected_account_id: UUID, acs_system_id: UUID, error: ErrorEntry
) -> Event:
    """An access system with a list of its own does not answer any more."""
    return _in_system(
        "acs_system.disconnected",
        occasion,
        connected_account_id,
        acs_system_id,
        acs_system_errors=[error],
        acs_system_warnings=[],
        connected_account_errors=[],
        connected_account_warnings=[],
    )


def unlock_door_ended(
    occasion: Occasion,
    connected_account_id: UUID | None,
    action_attempt_id: UUID,
    *,
    is_success: bool,
) -> Event:
    """A command to unlock an entrance from afar has worked, or has not."""
    event_type: EventType = (
        "action_attempt.unlock_door.succeeded"
        if is_success
        else "action_attempt.unlock_door.failed"
    )
    return _event(
        event_type,
        occasion,
        connected_account_id=given(connected_account_id),
        action_attempt_id=action_attempt_id,
        action_type="UNLOCK_DOOR",
        status="success" if is_success else "error",
    )


def connected_account_disconnected(occasion: Occasion, account: ConnectedAccount) -> Event:
    """An account cannot be reached any more: it was simulated in a sandbox workspace."""
    errors = [
        ErrorEntry(created_at=each.created_at, error_code=each.error_code, message=each.message)
        for each in account.errors
    ]
    return _of_account(
        "connected_account.disconnected",
        occasion,
        account,
        connected_account_errors=errors,
        connected_account_warnings=account.warnings,
    )


def connected_account_synced_again(occasion: Occasion, account: ConnectedAccount) -> Event:
    """An account was synced for the first time since it could be reached again."""
    return _of_account(
        "connected_account.completed_first_sync_after_reconnection", occasion, account
    )


def connected_account_deleted(occasion: Occasion, account: ConnectedAccount) -> Event:
    """An account is no more, nor are its systems."""
    return _of_account(
        "connected_account.deleted",
        occasion,
        account,
        connected_account_type=account.account_type,
        customer_key=account.customer_key,
    )


def connected_account_connected(
    occasion: Occasion,
    connected_account_id: UUID,
    custom_metadata: dict[str, str | bool] | UnsetType = UNSET,
) -> Event:
    """An account was connected: declared, for ours has no Connect Webview, or reached again."""
    return _event(
        "connected_account.connected",
        occasion,
        connected_account_id=connected_account_id,
        connected_account_custom_metadata=custom_metadata,
    )


def client_session_deleted(occasion: Occasion, client_session_id: UUID) -> Event:
    """A client session was taken away: by a call, or with its person."""
    return _event("client_session.deleted", occasion, client_session_id=client_session_id)


def phone_deactivated(occasion: Occasion, device_id: UUID) -> Event:
    """A phone was taken away: by a call, or with its person."""
    return _event("phone.deactivated", occasion, device_id=device_id)


def _of_account(
    event_type: EventType, occasion: Occasion, account: ConnectedAccount, **fields: Any
) -> Event:
    return _event(
        event_type,
        occasion,
        connected_account_id=account.connected_account_id,
        connected_account_custom_metadata=account.custom_metadata,
        **fields,
    )


def _at_door(event_type: EventType, occasion: Occasion, at_door: AtDoor, **fields: Any) -> Event:
    return _in_system(
        event_type,
        occasion,
        at_door.connected_account_id,
        at_door.acs_system_id,
        acs_entrance_id=at_door.acs_entrance_id,
        acs_user_id=given(at_door.acs_user_id),
        user_identity_id=given(at_door.user_identity_id),
        **fields,
    )


def _in_system(
    event_type: EventType,
    occasion: Occasion,
    connected_account_id: UUID,
    acs_system_id: UUID,
    **fields: Any,
) -> Event:
    return _event(
        event_type,
        occasion,
        connected_account_id=connected_account_id,
        acs_system_id=acs_system_id,
        **fields,
    )


def _event(event_type: EventType, occasion: Occasion, **fields: Any) -> Event:
    return Event(
        event_id=occasion.event_id,
        event_type=event_type,
        workspace_id=occasion.workspace_id,
        created_at=iso(occasion.created_at),
        occurred_at=iso(occasion.occurred_at),
        **fields,
    )
