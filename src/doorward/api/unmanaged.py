"""People and access groups that another system manages, shown beside those that are managed."""

from typing import Annotated, Final

import msgspec
from msgspec import UNSET, UnsetType

from doorward.api.parameters import (
    AcsAccessGroupId,
    AcsSystemId,
    AcsUserId,
    Term,
    UserIdentityEmailAddress,
    UserIdentityId,
    UserIdentityPhoneNumber,
)
from doorward.api.requests import found, or_none
from doorward.api.services import Services
from doorward.resources.acs_access_group import AcsAccessGroup
from doorward.resources.acs_user import AcsUser
from doorward.store import groups, users
from doorward.wire.route import Call

# As many as a page of managed people has.
_LIMIT: Final = 500
Limit = Annotated[
    int,
    msgspec.Meta(
        gt=0,
        le=1000,
        description="The most people that are answered, the oldest ones.",
        extra_json_schema={"default": _LIMIT},
    ),
]


class UnmanagedUser(msgspec.Struct):
    """An unmanaged person by id."""

    acs_user_id: AcsUserId


class UnmanagedGroup(msgspec.Struct):
    """An unmanaged access group by id."""

    acs_access_group_id: AcsAccessGroupId


class ListUnmanagedUsers(msgspec.Struct):
    """Filters of unmanaged people."""

    acs_system_id: AcsSystemId | UnsetType = UNSET
    limit: Limit | UnsetType = UNSET
    term: Term | UnsetType = msgspec.field(name="search", default=UNSET)
    user_identity_email_address: UserIdentityEmailAddress | UnsetType = UNSET
    user_identity_id: UserIdentityId | UnsetType = UNSET
    user_identity_phone_number: UserIdentityPhoneNumber | UnsetType = UNSET


class ListUnmanagedGroups(msgspec.Struct):
    """Filters of unmanaged access groups."""

    acs_system_id: AcsSystemId | UnsetType = UNSET
    acs_user_id: AcsUserId | UnsetType = UNSET
    term: Term | UnsetType = msgspec.field(name="search", default=UNSET)


async def get_user(call: Call[Services], request: UnmanagedUser) -> AcsUser:
    """One unmanaged person."""
    services, workspace_id = call.services, call.workspace_id
    user = await users.get(
        services.database,
        workspace_id,
        request.acs_user_id,
        services.clock.now(workspace_id),
        is_managed=False,
    )
    return found(user, "acs_user")


async def list_users(call: Call[Services], request: ListUnmanagedUsers) -> list[AcsUser]:
    """The oldest unmanaged people who match."""
    rows, _ = await users.list_users(
        call.services.database,
        call.workspace_id,
        call.services.clock.now(call.workspace_id),
        is_managed=False,
        acs_system_id=or_none(request.acs_system_id),
        user_identity_id=or_none(request.user_identity_id),
        user_identity_email_address=or_none(request.user_identity_email_address),
        user_identity_phone_number=or_none(request.user_identity_phone_number),
        term=or_none(request.term),
        limit=or_none(request.limit) or _LIMIT,
        after=None,
    )
    return rows


async def get_group(call: Call[Services], request: UnmanagedGroup) -> AcsAccessGroup:
    """One unmanaged access group."""
    group = await groups.get(
        call.services.database, call.workspace_id, request.acs_access_group_id, is_managed=False
    )
    return found(group, "acs_access_group")


async def list_groups(call: Call[Services], request: ListUnmanagedGroups) -> list[AcsAccessGroup]:
    """All unmanaged access groups that match."""
    return await groups.list_groups(
        call.services.database,
        call.workspace_id,
        is_managed=False,
        acs_system_id=or_none(request.acs_system_id),
        acs_user_id=or_none(request.acs_user_id),
        term=or_none(request.term),
    )
