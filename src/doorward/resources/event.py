"""An event: something that happened, as /events shows it and webhooks deliver it.

One struct for all types; doorward.events.catalogue knows which fields each type must have.
"""

from typing import Annotated, Final, Literal, get_args
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from doorward.resources.values import ErrorEntry, Resource, Timestamp, WarningEntry

EventType = Literal[
    "access_code.backup_access_code_pulled",
    "access_code.changed",
    "access_code.code_changed",
    "access_code.created",
    "access_code.delay_in_removing_from_device",
    "access_code.delay_in_setting_on_device",
    "access_code.deleted",
    "access_code.deleted_external_to_seam",
    "access_code.failed_to_remove_from_device",
    "access_code.failed_to_set_on_device",
    "access_code.modified_external_to_seam",
    "access_code.mutations_requested",
    "access_code.name_changed",
    "access_code.removed_from_device",
    "access_code.scheduled_on_device",
    "access_code.set_on_device",
    "access_code.time_frame_changed",
    "access_code.unmanaged.converted_to_managed",
    "access_code.unmanaged.created",
    "access_code.unmanaged.failed_to_convert_to_managed",
    "access_code.unmanaged.removed",
    "access_grant.access_granted_to_all_doors",
    "access_grant.access_granted_to_door",
    "access_grant.access_times_changed",
    "access_grant.access_to_door_lost",
    "access_grant.could_not_create_requested_access_methods",
    "access_grant.created",
    "access_grant.deleted",
    "access_method.card_encoding_required",
    "access_method.created",
    "access_method.delay_in_issuing",
    "access_method.deleted",
    "access_method.failed_to_issue",
    "access_method.issued",
    "access_method.reissued",
    "access_method.revoked",
    "acs_access_group.deleted",
    "acs_credential.deleted",
    "acs_credential.invalidated",
    "acs_credential.issued",
    "acs_credential.reissued",
    "acs_encoder.added",
    "acs_encoder.removed",
    "acs_entrance.added",
    "acs_entrance.removed",
    "acs_system.added",
    "acs_system.connected",
    "acs_system.disconnected",
    "acs_user.created",
    "acs_user.deleted",
    "action_attempt.lock_door.failed",
    "action_attempt.lock_door.succeeded",
    "action_attempt.simulate_keypad_code_entry.failed",
    "action_attempt.simulate_keypad_code_entry.succeeded",
    "action_attempt.simulate_manual_lock_via_keypad.failed",
    "action_attempt.simulate_manual_lock_via_keypad.succeeded",
    "action_attempt.unlock_door.failed",
    "action_attempt.unlock_door.succeeded",
    "camera.activated",
    "client_session.deleted",
    "connect_webview.login_failed",
    "connect_webview.login_succeeded",
    "connected_account.completed_first_sync",
    "connected_account.completed_first_sync_after_reconnection",
    "connected_account.connected",
    "connected_account.created",
    "connected_account.deleted",
    "connected_account.disconnected",
    "connected_account.reauthorization_requested",
    "connected_account.successful_login",
    "device.accessory_keypad_connected",
    "device.accessory_keypad_disconnected",
    "device.added",
    "device.battery_status_changed",
    "device.connected",
    "device.connection_became_flaky",
    "device.connection_stabilized",
    "device.converted_to_unmanaged",
    "device.deleted",
    "device.disconnected",
    "device.doorbell_rang",
    "device.error.subscription_required",
    "device.error.subscription_required.resolved",
    "device.low_battery",
    "device.name_changed",
    "device.removed",
    "device.salto.privacy_mode_activated",
    "device.salto.privacy_mode_deactivated",
    "device.tampered",
    "device.third_party_integration_detected",
    "device.third_party_integration_no_longer_detected",
    "device.unmanaged.connected",
    "device.unmanaged.converted_to_managed",
    "device.unmanaged.disconnected",
    "enrollment_automation.deleted",
    "lock.access_denied",
    "lock.locked",
    "lock.unlocked",
    "noise_sensor.noise_threshold_triggered",
    "phone.deactivated",
    "space.created",
    "space.deleted",
    "space.device_membership_changed",
    "thermostat.climate_preset_activated",
    "thermostat.manually_adjusted",
    "thermostat.temperature_changed",
    "thermostat.temperature_reached_set_point",
    "thermostat.temperature_threshold_exceeded",
    "thermostat.temperature_threshold_no_longer_exceeded",
]

EVENT_TYPES: Final[frozenset[str]] = frozenset(get_args(EventType))
# Doorward's own types, for what the API has no word for, begin so.
OWN_TYPES: Final = "doorward."

EventTypeName = Annotated[str, msgspec.Meta(extra_json_schema={"enum": sorted(EVENT_TYPES)})]

UnlockMethod = Literal["keycode", "manual", "automatic", "unknown", "remote", "card"]
DenialCode = Literal[
    "unknown_code",
    "expired_code",
    "blocklisted_code",
    "too_many_attempts",
    "blocked_by_privacy_mode",
    "credential_error",
]


def is_event_type(name: str) -> bool:
    """Whether there can be events of this type: the API's, or one of Doorward's own."""
    return name in EVENT_TYPES or name.startswith(OWN_TYPES)


class DenialReason(Resource, frozen=True, kw_only=True):
    """Why a door refused: the nearest code of the API's closed list, our own in `message`."""

    message: str
    reason_code: DenialCode


class Event(Resource, frozen=True, kw_only=True):
    """Something that happened, with the ids of everything that it happened to.

    occurred_at: when, by the clock of whoever saw it. created_at: when the server learnt of it.
    """

    event_id: UUID
    event_type: EventTypeName
    workspace_id: UUID
    created_at: Timestamp
    occurred_at: Timestamp
    connected_account_id: UUID | UnsetType = UNSET
    acs_system_id: UUID | UnsetType = UNSET
    acs_system_errors: list[ErrorEntry] | UnsetType = UNSET
    acs_system_warnings: list[WarningEntry] | UnsetType = UNSET
    acs_encoder_id: UUID | UnsetType = UNSET
    acs_entrance_id: UUID | UnsetType = UNSET
    acs_access_group_id: UUID | UnsetType = UNSET
    acs_user_id: UUID | UnsetType = UNSET
    acs_credential_id: UUID | UnsetType = UNSET
    action_attempt_id: UUID | UnsetType = UNSET
    action_type: str | UnsetType = UNSET
    status: str | UnsetType = UNSET
    client_session_id: UUID | UnsetType = UNSET
    connected_account_custom_metadata: dict[str, str | bool] | UnsetType = UNSET
    connected_account_errors: list[ErrorEntry] | UnsetType = UNSET
    connected_account_type: str | UnsetType = UNSET
    connected_account_warnings: list[WarningEntry] | UnsetType = UNSET
    customer_key: str | UnsetType = UNSET
    device_id: UUID | UnsetType = UNSET
    user_identity_id: UUID | UnsetType = UNSET
    method: UnlockMethod | UnsetType = UNSET
    reason: DenialReason | UnsetType = UNSET
