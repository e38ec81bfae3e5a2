"""A client session: an end user's own access to the API."""

from uuid import UUID

from msgspec import UNSET, UnsetType

from doorward.resources.values import Resource, Timestamp


class ClientSession(Resource, frozen=True, kw_only=True):
    """A session, as /client_sessions shows it; of a revoked one expires_at is when that was."""

    client_session_id: UUID
    connect_webview_ids: list[UUID]
    connected_account_ids: list[UUID]
    created_at: Timestamp
    customer_key: str | UnsetType = UNSET
    device_count: int
    expires_at: Timestamp
    token: str
    user_identifier_key: str | None
    user_identity_id: UUID | UnsetType = UNSET
    user_identity_ids: list[UUID]
    workspace_id: UUID
