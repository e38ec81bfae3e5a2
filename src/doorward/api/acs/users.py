"""/acs/users: people in access systems."""

import msgspec
from msgspec import UNSET, UnsetType

from doorward.api import membership, people, unmanaged
from doorward.api.membership import Membership
from doorward.api.parameters import (
    AcsAccessGroupId,
    AcsSystemId,
    AcsUserId,
    CreatedBefore,
    Term,
    UserIdentityEmailAddress,
    UserIdentityId,
    UserIdentityPhoneNumber,
)
from doorward.api.person_requests import CreateUser, UpdateUser, UserKey
from doorward.api.requests import or_none
from doorward.api.services import Services
from doorward.api.unmanaged import ListUnmanagedUsers, UnmanagedUser
from doorward.resources.acs_entrance import AcsEntrance
from doorward.resources.acs_user import AcsUser, UnmanagedAcsUser
from doorward.store import entrances, users
from doorward.wire.route import STAFF, Call, Listed, Route


class ListUsers(msgspec.Struct):
    """Filters of people."""

    acs_system_id: AcsSystemId | UnsetType = UNSET
    created_before: CreatedBefore | UnsetType = UNSET
    term: Term | UnsetType = msgspec.field(name="search", default=UNSET)
    user_identity_email_address: UserIdentityEmailAddress | UnsetType = UNSET
    user_identity_id: UserIdentityId | UnsetType = UNSET
    user_identity_phone_number: UserIdentityPhoneNumber | UnsetType = UNSET


class AddToGroup(msgspec.Struct):
    """A person by user id, and a group."""

    acs_access_group_id: AcsAccessGroupId
    acs_user_id: AcsUserId


async def get(call: Call[Services], request: UserKey) -> AcsUser:
    """One person."""
    return await people.find(call, call.services.database, request)


async def list_users(call: Call[Services], request: ListUsers) -> Listed:
    """A page of people."""
    assert call.page is not None
    rows, next_after = await users.list_users(
        call.services.database,
        call.workspace_id,
        call.services.clock.now(call.workspace_id),
        acs_system_id=or_none(request.acs_system_id),
        user_identity_id=or_none(request.user_identity_id),
        user_identity_email_address=or_none(request.user_identity_email_address),
        user_identity_phone_number=or_none(request.user_identity_phone_number),
        created_before=or_none(request.created_before),
        term=or_none(request.term),
        sight=call.caller.sight,
        limit=call.page.limit,
        after=call.page.after,
    )
    return Listed(rows, next_after)


async def add_to_access_group(call: Call[Services], request: AddToGroup) -> None:
    """Adds a person to a group."""
    await membership.add(call, Membership(request.acs_access_group_id, request.acs_user_id))


async def list_accessible_entrances(call: Call[Services], request: UserKey) -> list[AcsEntrance]:
    """What a person can open now."""
    user = await get(call, request)
    now = call.services.clock.now(call.workspace_id)
    return await entrances.list_accessible_to_user(
        call.services.database, call.workspace_id, user.acs_user_id, now
    )


ROUTES = (
    Route(
        path="/acs/users/get",
        verbs=("GET", "POST"),
        request=UserKey,
        handler=get,
        summary="Get a person in an access system",
        response_key="acs_user",
        resource=AcsUser,
    ),
    Route(
        path="/acs/users/list",
        verbs=("GET", "POST"),
        request=ListUsers,
        handler=list_users,
        summary="List people in access systems",
        response_key="acs_users",
        resource=AcsUser,
        is_list=True,
        page_limit=500,
        callers=(*STAFF, "client_session"),
    ),
    Route(
        path="/acs/users/create",
        verbs=("POST",),
        request=CreateUser,
        handler=people.create,
        summary="Make a person known to an access system",
        response_key="acs_user",
        resource=AcsUser,
        is_creating=True,
        refuses=("user_identity_not_found",),
    ),
    Route(
        path="/acs/users/update",
        verbs=("PATCH", "POST"),
        request=UpdateUser,
        handler=people.update,
        summary="Change a person's name, contact or access schedule",
    ),
    Route(
        path="/acs/users/delete",
        verbs=("DELETE", "POST"),
        request=UserKey,
        handler=people.delete,
        summary="Delete a person from an access system, with all credentials",
    ),
    Route(
        path="/acs/users/suspend",
        verbs=("POST",),
        request=UserKey,
        handler=people.suspend,
        summary="Let no door open to a person until further notice",
    ),
    Route(
        path="/acs/users/unsuspend",
        verbs=("POST",),
        request=UserKey,
        handler=people.unsuspend,
        summary="End a person's suspension",
    ),
    Route(
        path="/acs/users/revoke_access_to_all_entrances",
        verbs=("POST",),
        request=UserKey,
        handler=people.revoke_everything,
        summary="Take away every way in that a person has",
    ),
    Route(
        path="/acs/users/add_to_access_group",
        verbs=("PUT", "POST"),
        request=AddToGroup,
        handler=add_to_access_group,
        summary="Add a person to an access group",
        refuses=("duplicate_access_code",),
    ),
    Route(
        path="/acs/users/remove_from_access_group",
        verbs=("DELETE", "POST"),
        request=Membership,
        handler=membership.remove,
        summary="Remove a person from an access group",
    ),
    Route(
        path="/acs/users/list_accessible_entrances",
        verbs=("GET", "POST"),
        request=UserKey,
        handler=list_accessible_entrances,
        summary="List the entrances that a person can open now",
        response_key="acs_entrances",
        resource=AcsEntrance,
        is_list=True,
        callers=(*STAFF, "client_session"),
    ),
    Route(
        path="/acs/users/unmanaged/get",
        verbs=("GET", "POST"),
        request=UnmanagedUser,
        handler=unmanaged.get_user,
        summary="Get a person whom another system manages",
        response_key="acs_user",
        resource=UnmanagedAcsUser,
    ),
    Route(
        path="/acs/users/unmanaged/list",
        verbs=("GET", "POST"),
        request=ListUnmanagedUsers,
        handler=unmanaged.list_users,
        summary="List people whom another system manages",
        response_key="acs_users",
        resource=UnmanagedAcsUser,
        is_list=True,
    ),
)
