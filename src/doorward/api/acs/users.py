"""/acs/users: people in access systems."""

from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from doorward.api import membership
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
from doorward.api.requests import exactly_one, found, is_given, or_none
from doorward.api.services import Services
from doorward.errors import not_found
from doorward.resources.acs_entrance import AcsEntrance
from doorward.resources.acs_user import AcsUser
from doorward.store import entrances, identities, systems, users
from doorward.wire.route import STAFF, Call, Listed, Route


class UserKey(msgspec.Struct):
    """A person by user id, or by identity and access system."""

    acs_system_id: AcsSystemId | UnsetType = UNSET
    acs_user_id: AcsUserId | UnsetType = UNSET
    user_identity_id: UserIdentityId | UnsetType = UNSET

    def check(self) -> list[str]:
        """An identity has a user in each of several systems."""
        wrong = exactly_one(self, "acs_user_id", "user_identity_id")
        if is_given(self.user_identity_id) and not is_given(self.acs_system_id):
            wrong.append("'acs_system_id' is required with 'user_identity_id'")
        return wrong


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
    acs_user_id = or_none(request.acs_user_id) or await _user_of_identity(call, request)
    database, sight = call.services.database, call.caller.sight
    user = found(await users.get(database, call.workspace_id, acs_user_id, sight=sight), "acs_user")
    if is_given(request.acs_system_id) and request.acs_system_id != user.acs_system_id:
        raise not_found("acs_user")
    return user


async def _user_of_identity(call: Call[Services], request: UserKey) -> UUID:
    identity_id, system_id = request.user_identity_id, request.acs_system_id
    assert isinstance(identity_id, UUID)
    assert isinstance(system_id, UUID)
    where, sight = (call.services.database, call.workspace_id), call.caller.sight
    acs_user_id = await identities.user_in_system(*where, identity_id, system_id)
    if acs_user_id is not None and await users.get(*where, acs_user_id, sight=sight):
        return acs_user_id
    is_foreign = sight is not None and sight.user_identity_id != identity_id
    if is_foreign or not await identities.exists(*where, identity_id):
        raise not_found("user_identity")
    found(await systems.get(*where, system_id, sight=sight), "acs_system")
    raise not_found("acs_user")


async def list_users(call: Call[Services], request: ListUsers) -> Listed:
    """A page of people."""
    assert call.page is not None
    rows, next_after = await users.list_users(
        call.services.database,
        call.workspace_id,
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
        path="/acs/users/add_to_access_group",
        verbs=("PUT", "POST"),
        request=AddToGroup,
        handler=add_to_access_group,
        summary="Add a person to an access group",
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
)
