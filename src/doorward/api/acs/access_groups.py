"""/acs/access_groups: groups of people, and the entrances that they open."""

from typing import Final

import msgspec
from msgspec import UNSET, UnsetType

from doorward.api import membership, unmanaged
from doorward.api.changing import carry_out
from doorward.api.membership import Membership
from doorward.api.parameters import AcsAccessGroupId, AcsSystemId, AcsUserId, Term, UserIdentityId
from doorward.api.requests import found, or_none
from doorward.api.services import Services
from doorward.api.unmanaged import ListUnmanagedGroups, UnmanagedGroup
from doorward.events import deletions
from doorward.resources.acs_access_group import AcsAccessGroup, UnmanagedAcsAccessGroup
from doorward.resources.acs_entrance import AcsEntrance
from doorward.resources.acs_user import AcsUser
from doorward.store import entrances, group_changes, groups, users
from doorward.store.database import Connection
from doorward.store.journal import Change
from doorward.wire.route import STAFF, Call, Route

# Members of a group to be deleted that one operation takes out: some 50 ms of the writer's time.
_AT_ONCE: Final = 1_000


class GroupKey(msgspec.Struct):
    """An access group by id."""

    acs_access_group_id: AcsAccessGroupId


class ListGroups(msgspec.Struct):
    """Filters of access groups."""

    acs_system_id: AcsSystemId | UnsetType = UNSET
    acs_user_id: AcsUserId | UnsetType = UNSET
    term: Term | UnsetType = msgspec.field(name="search", default=UNSET)
    user_identity_id: UserIdentityId | UnsetType = UNSET


async def get(call: Call[Services], request: GroupKey) -> AcsAccessGroup:
    """One access group."""
    group = await groups.get(call.services.database, call.workspace_id, request.acs_access_group_id)
    return found(group, "acs_access_group")


async def list_groups(call: Call[Services], request: ListGroups) -> list[AcsAccessGroup]:
    """All access groups that match."""
    return await groups.list_groups(
        call.services.database,
        call.workspace_id,
        acs_system_id=or_none(request.acs_system_id),
        acs_user_id=or_none(request.acs_user_id),
        user_identity_id=or_none(request.user_identity_id),
        term=or_none(request.term),
    )


async def list_users(call: Call[Services], request: GroupKey) -> list[AcsUser]:
    """Everybody in a group."""
    await _must_exist(call, request)
    now = call.services.clock.now(call.workspace_id)
    return await users.list_of_group(
        call.services.database, call.workspace_id, request.acs_access_group_id, now
    )


async def list_accessible_entrances(call: Call[Services], request: GroupKey) -> list[AcsEntrance]:
    """What a member can open through a group now."""
    await _must_exist(call, request)
    now = call.services.clock.now(call.workspace_id)
    return await entrances.list_accessible_to_group(
        call.services.database, call.workspace_id, request.acs_access_group_id, now
    )


async def delete(call: Call[Services], request: GroupKey) -> None:
    """Deletes a group: nobody comes in through it any more, and nobody is in it.

    A session deletes those of its accounts alone. A large group is emptied first, some people at a
    time, so that no other change waits for long; should that be cut short, a repetition goes on.
    """

    async def is_gone(connection: Connection, change: Change) -> bool:
        group_id, sight = request.acs_access_group_id, call.caller.sight
        where = (connection, change.workspace_id)
        found(await groups.system_of(*where, group_id, sight=sight), "acs_access_group")
        if await group_changes.thin_out(connection, change, group_id, _AT_ONCE):
            return False
        await deletions.delete_groups(connection, change, [group_id])
        return True

    while not await carry_out(call, is_gone):
        pass


async def _must_exist(call: Call[Services], request: GroupKey) -> None:
    system = await groups.system_of(
        call.services.database, call.workspace_id, request.acs_access_group_id
    )
    found(system, "acs_access_group")


ROUTES = (
    Route(
        path="/acs/access_groups/get",
        verbs=("GET", "POST"),
        request=GroupKey,
        handler=get,
        summary="Get an access group",
        response_key="acs_access_group",
        resource=AcsAccessGroup,
    ),
    Route(
        path="/acs/access_groups/list",
        verbs=("GET", "POST"),
        request=ListGroups,
        handler=list_groups,
        summary="List access groups",
        response_key="acs_access_groups",
        resource=AcsAccessGroup,
        is_list=True,
    ),
    Route(
        path="/acs/access_groups/list_users",
        verbs=("GET", "POST"),
        request=GroupKey,
        handler=list_users,
        summary="List the people in an access group",
        response_key="acs_users",
        resource=AcsUser,
        is_list=True,
    ),
    Route(
        path="/acs/access_groups/delete",
        verbs=("DELETE", "POST"),
        request=GroupKey,
        handler=delete,
        summary="Delete an access group",
        callers=(*STAFF, "client_session"),
    ),
    Route(
        path="/acs/access_groups/add_user",
        verbs=("PUT", "POST"),
        request=Membership,
        handler=membership.add,
        summary="Add a person to an access group, by user or by identity",
        refuses=("duplicate_access_code",),
    ),
    Route(
        path="/acs/access_groups/remove_user",
        verbs=("DELETE", "POST"),
        request=Membership,
        handler=membership.remove,
        summary="Remove a person from an access group",
    ),
    Route(
        path="/acs/access_groups/list_accessible_entrances",
        verbs=("GET", "POST"),
        request=GroupKey,
        handler=list_accessible_entrances,
        summary="List the entrances that an access group opens now",
        response_key="acs_entrances",
        resource=AcsEntrance,
        is_list=True,
    ),
    Route(
        path="/acs/access_groups/unmanaged/get",
        verbs=("GET", "POST"),
        request=UnmanagedGroup,
        handler=unmanaged.get_group,
        summary="Get an access group that another system manages",
        response_key="acs_access_group",
        resource=UnmanagedAcsAccessGroup,
    ),
    Route(
        path="/acs/access_groups/unmanaged/list",
        verbs=("GET", "POST"),
        request=ListUnmanagedGroups,
        handler=unmanaged.list_groups,
        summary="List access groups that another system manages",
        response_key="acs_access_groups",
        resource=UnmanagedAcsAccessGroup,
        is_list=True,
    ),
)
