"""An entrance: where people ask to pass."""

from uuid import UUID

from doorward.resources.values import ErrorEntry, Resource, Timestamp, WarningEntry


class AcsEntrance(Resource, frozen=True, kw_only=True):
    """An entrance, as /acs/entrances shows it."""

    acs_entrance_id: UUID
    acs_system_id: UUID
    can_belong_to_reservation: bool
    can_unlock_with_card: bool
    can_unlock_with_cloud_key: bool
    can_unlock_with_code: bool
    can_unlock_with_mobile_key: bool
    connected_account_id: UUID
    created_at: Timestamp
    display_name: str
    errors: list[ErrorEntry]
    space_ids: list[UUID]
    warnings: list[WarningEntry]
