"""A credential: what a person shows at a reader."""

from typing import Literal
from uuid import UUID

from msgspec import UNSET, UnsetType

from doorward.resources.provider import CredentialType, Method
from doorward.resources.values import ErrorEntry, Resource, Timestamp, WarningEntry


class AcsCredential(Resource, frozen=True, kw_only=True):
    """A credential, as /acs/credentials shows it; its number in the clear, as the API does."""

    acs_credential_id: UUID
    acs_system_id: UUID
    acs_user_id: UUID | UnsetType = UNSET
    access_method: Method
    card_number: str | None
    code: str | None
    connected_account_id: UUID
    created_at: Timestamp
    display_name: str
    ends_at: Timestamp | UnsetType = UNSET
    errors: list[ErrorEntry]
    external_type: CredentialType | UnsetType = UNSET
    external_type_display_name: str | UnsetType = UNSET
    is_issued: bool
    is_managed: Literal[True]
    is_multi_phone_sync_credential: bool
    is_one_time_use: bool
    issued_at: Timestamp | None
    parent_acs_credential_id: UUID | UnsetType = UNSET
    starts_at: Timestamp | UnsetType = UNSET
    user_identity_id: UUID | UnsetType = UNSET
    warnings: list[WarningEntry]
    workspace_id: UUID


class UnmanagedAcsCredential(AcsCredential, frozen=True, kw_only=True):
    """A credential that another system manages, as /acs/credentials/unmanaged shows it."""

    is_managed: Literal[False]  # type: ignore[assignment]  # the one difference to a managed one
