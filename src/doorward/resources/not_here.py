"""What the API has and no native system: in answers that are always empty or refusals."""

from uuid import UUID

from doorward.resources.values import Resource, Timestamp


class Device(Resource, frozen=True, kw_only=True):
    """A device of some maker's; none is connected to Doorward."""

    device_id: UUID


class InstantKey(Resource, frozen=True, kw_only=True):
    """A link that puts a mobile key on a phone; no native system has mobile keys."""

    instant_key_id: UUID
    client_session_id: UUID
    created_at: Timestamp
    expires_at: Timestamp
    instant_key_url: str
    user_identity_id: UUID
    workspace_id: UUID
