"""An access group, and what of its members and entrances the doors have still to hear."""

from typing import Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from doorward.resources.pending_mutation import Creating, Deleting, UpdatingAccessSchedule
from doorward.resources.provider import GroupType
from doorward.resources.values import AccessSchedule, ErrorEntry, Resource, Timestamp, WarningEntry


class UserReference(Resource, frozen=True, kw_only=True):
    """One side of a change of members; null is nobody."""

    acs_user_id: UUID | None


class EntranceReference(Resource, frozen=True, kw_only=True):
    """One side of a change of entrances; null is none."""

    acs_entrance_id: UUID | None


class UpdatingUserMembership(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    tag_field="mutation_code",
    tag="updating_user_membership",
    rename={"from_": "from"},
):
    """A member that some controller concerned has not confirmed: added (from null) or gone."""

    created_at: Timestamp
    message: str
    from_: UserReference
    to: UserReference


class UpdatingEntranceMembership(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    tag_field="mutation_code",
    tag="updating_entrance_membership",
    rename={"from_": "from"},
):
    """An entrance whose controller has not confirmed: opened by the group from now on, or not."""

    created_at: Timestamp
    message: str
    from_: EntranceReference
    to: EntranceReference


class AcsAccessGroup(Resource, frozen=True, kw_only=True):
    """An access group, as /acs/access_groups shows it."""

    acs_access_group_id: UUID
    acs_system_id: UUID
    access_group_type: GroupType
    access_group_type_display_name: str
    access_schedule: AccessSchedule | UnsetType = UNSET
    connected_account_id: UUID
    created_at: Timestamp
    display_name: str
    errors: list[ErrorEntry]
    external_type: GroupType
    external_type_display_name: str
    is_managed: Literal[True]
    name: str
    pending_mutations: list[
        UpdatingUserMembership
        | UpdatingEntranceMembership
        | UpdatingAccessSchedule
        | Creating
        | Deleting
    ]
    warnings: list[WarningEntry]
    workspace_id: UUID


class UnmanagedAcsAccessGroup(AcsAccessGroup, frozen=True, kw_only=True):
    """An access group that another system manages, as /acs/access_groups/unmanaged shows it."""

    is_managed: Literal[False]  # type: ignore[assignment]  # the one difference to a managed one
