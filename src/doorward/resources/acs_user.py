"""A person in one access system, and what of them the doors have still to hear."""

from typing import Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from doorward.resources.pending_mutation import Creating, Deleting, UpdatingSubject
from doorward.resources.provider import UserType
from doorward.resources.values import AccessSchedule, ErrorEntry, Resource, Timestamp, WarningEntry


class GroupReference(Resource, frozen=True, kw_only=True):
    """One side of a change of groups; null is no group."""

    acs_access_group_id: UUID | None


class UpdatingGroupMembership(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    tag_field="mutation_code",
    tag="updating_group_membership",
    rename={"from_": "from"},
):
    """A membership that some controller concerned has not confirmed: added (from null) or gone."""

    created_at: Timestamp
    message: str
    from_: GroupReference
    to: GroupReference


class AcsUser(Resource, frozen=True, kw_only=True):
    """A person in one access system, as /acs/users shows it."""

    acs_user_id: UUID
    acs_system_id: UUID
    access_schedule: AccessSchedule | UnsetType = UNSET
    connected_account_id: UUID
    created_at: Timestamp
    display_name: str
    email: str | UnsetType = UNSET
    email_address: str | UnsetType = UNSET
    errors: list[ErrorEntry]
    external_type: UserType | UnsetType = UNSET
    external_type_display_name: str | UnsetType = UNSET
    full_name: str | UnsetType = UNSET
    is_managed: Literal[True]
    is_suspended: bool
    last_successful_sync_at: Timestamp | None
    pending_mutations: list[UpdatingGroupMembership | Creating | Deleting | UpdatingSubject]
    phone_number: str | UnsetType = UNSET
    user_identity_email_address: str | UnsetType | None = UNSET
    user_identity_full_name: str | UnsetType | None = UNSET
    user_identity_id: UUID | UnsetType = UNSET
    user_identity_phone_number: str | UnsetType | None = UNSET
    warnings: list[WarningEntry]
    workspace_id: UUID


class UnmanagedAcsUser(AcsUser, frozen=True, kw_only=True):
    """A person whom another system manages, as /acs/users/unmanaged shows it."""

    is_managed: Literal[False]  # type: ignore[assignment]  # the one difference to a managed one
