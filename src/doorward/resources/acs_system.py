"""An access system: entrances, people and groups that one installation knows."""

from uuid import UUID

from msgspec import UNSET, UnsetType

from doorward.resources.provider import SystemType
from doorward.resources.values import ErrorEntry, Resource, Timestamp, WarningEntry


class Location(Resource, frozen=True, kw_only=True):
    """Where the system is, as far as its time depends on it."""

    time_zone: str | None


class AcsSystem(Resource, frozen=True, kw_only=True):
    """An access system, as /acs/systems shows it; how many are in it, not to everybody."""

    acs_system_id: UUID
    acs_access_group_count: int | UnsetType = UNSET
    acs_user_count: int | UnsetType = UNSET
    connected_account_id: UUID
    connected_account_ids: list[UUID]
    created_at: Timestamp
    default_credential_manager_acs_system_id: UUID | None
    errors: list[ErrorEntry]
    external_type: SystemType
    external_type_display_name: str
    image_alt_text: str
    image_url: str
    is_credential_manager: bool
    location: Location
    name: str
    system_type: SystemType
    system_type_display_name: str
    warnings: list[WarningEntry]
    workspace_id: UUID
