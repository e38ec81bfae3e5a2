"""A person across access systems, and the same where another system only told of them."""

from typing import Literal
from uuid import UUID

from doorward.resources.values import ErrorEntry, Resource, Timestamp, WarningEntry

MISMATCH: Literal["acs_user_profile_does_not_match_user_identity"] = (
    "acs_user_profile_does_not_match_user_identity"
)


class UnmanagedUserIdentity(Resource, frozen=True, kw_only=True):
    """A person that /user_identities/unmanaged shows; it has no key.

    merged_*: what other identities were called before they were merged into this one, the earliest
    first. All of these go on naming it.
    """

    user_identity_id: UUID
    acs_user_ids: list[UUID]
    created_at: Timestamp
    display_name: str
    email_address: str | None
    errors: list[ErrorEntry]
    full_name: str | None
    merged_user_identity_ids: list[UUID]
    merged_user_identity_keys: list[str]
    phone_number: str | None
    warnings: list[WarningEntry]
    workspace_id: UUID


class UserIdentity(UnmanagedUserIdentity, frozen=True, kw_only=True):
    """A person across access systems, as /user_identities shows it."""

    user_identity_key: str | None
