"""An encoder: what writes cards, and reads them, at a desk."""

from uuid import UUID

from doorward.resources.values import ErrorEntry, Resource, Timestamp


class AcsEncoder(Resource, frozen=True, kw_only=True):
    """An encoder, as /acs/encoders shows it."""

    acs_encoder_id: UUID
    acs_system_id: UUID
    connected_account_id: UUID
    created_at: Timestamp
    display_name: str
    errors: list[ErrorEntry]
    workspace_id: UUID
