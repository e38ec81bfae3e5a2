"""Finding and changing people of access systems, for the calls of /acs/users."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from msgspec import UnsetType

from doorward.api.changing import carry_out
from doorward.api.person_requests import (
    CreateUser,
    Schedule,
    ScheduleChange,
    UpdateUser,
    UserKey,
    email_of,
)
from doorward.api.requests import found, is_given, or_none
from doorward.api.services import Services
from doorward.api.windows import changed, window
from doorward.errors import ApiError, invalid_input, not_found
from doorward.events import catalogue, deletions
from doorward.resources.acs_user import AcsUser
from doorward.store import events, groups, identities, systems, user_changes, users
from doorward.store.access import Window
from doorward.store.database import Connection
from doorward.store.journal import Change
from doorward.store.people import User
from doorward.store.personal import Personal
from doorward.store.select import Source
from doorward.store.user_changes import NewUser
from doorward.wire.route import Call


async def find(
    call: Call[Services], source: Source, key: UserKey, *, is_here: bool = False
) -> AcsUser:
    """The managed person whom a call names and may see. Raises ApiError 404.

    is_here: not somebody who was deleted, and whom another system has still to let go of.
    """
    acs_user_id = or_none(key.acs_user_id) or await _user_of_identity(call, source, key)
    user = found(await _seen(call, source, acs_user_id, is_here=is_here), "acs_user")
    if is_given(key.acs_system_id) and key.acs_system_id != user.acs_system_id:
        raise not_found("acs_user")
    return user


async def _user_of_identity(call: Call[Services], source: Source, key: UserKey) -> UUID:
    identity_id, system_id = key.user_identity_id, key.acs_system_id
    assert isinstance(identity_id, UUID)
    assert isinstance(system_id, UUID)
    where, sight = (source, call.workspace_id), call.caller.sight
    acs_user_id = await identities.user_in_system(*where, identity_id, system_id)
    if acs_user_id is not None and await _seen(call, source, acs_user_id):
        return acs_user_id
    is_foreign = sight is not None and sight.user_identity_id != identity_id
    if is_foreign or not await identities.exists(*where, identity_id):
        raise not_found("user_identity")
    found(await systems.get(*where, system_id, sight=sight), "acs_system")
    raise not_found("acs_user")


async def _seen(
    call: Call[Services], source: Source, acs_user_id: UUID, *, is_here: bool = True
) -> AcsUser | None:
    now, sight = call.services.clock.now(call.workspace_id), call.caller.sight
    return await users.get(
        source, call.workspace_id, acs_user_id, now, is_here=is_here, sight=sight
    )


async def create(call: Call[Services], request: CreateUser) -> AcsUser:
    """Makes a person. Raises ApiError 404 for a system or group, 400 for what cannot be."""

    async def make(connection: Connection, change: Change) -> AcsUser:
        system_id = request.acs_system_id
        accounts = await systems.accounts_of(connection, change.workspace_id)
        account = found(accounts.get(system_id), "acs_system")
        new = await _new(connection, change, request)
        acs_user_id = await user_changes.create(connection, change, new)
        occasion = catalogue.Occasion(change.workspace_id, change.at, change.at)
        created = catalogue.acs_user_created(occasion, account, system_id, acs_user_id)
        await events.insert_events(connection, change.workspace_id, [created])
        return found(await _seen(call, connection, acs_user_id), "acs_user")

    return await carry_out(call, make)


async def _new(connection: Connection, change: Change, request: CreateUser) -> NewUser:
    group_ids = or_none(request.acs_access_group_ids)
    if group_ids:
        await _check_groups(connection, change, request.acs_system_id, group_ids)
    return NewUser(
        acs_system_id=request.acs_system_id,
        personal=Personal(request.full_name, email_of(request), or_none(request.phone_number)),
        window=_new_window(or_none(request.access_schedule), change),
        user_identity_id=await _new_identity(connection, change, request),
        acs_access_group_ids=group_ids or (),
    )


async def _check_groups(
    connection: Connection, change: Change, acs_system_id: UUID, group_ids: Sequence[UUID]
) -> None:
    there = await groups.systems_of(connection, change.workspace_id, group_ids)
    if any(each not in there for each in group_ids):
        raise not_found("acs_access_group")
    if any(system_id != acs_system_id for system_id in there.values()):
        raise invalid_input("The user and an access group are of different access systems")


async def _new_identity(connection: Connection, change: Change, request: CreateUser) -> UUID | None:
    """The identity that a new person is given; one has at most one person in each system."""
    if isinstance(request.user_identity_id, UnsetType):
        return None
    where = (connection, change.workspace_id)
    identity = await identities.get(*where, request.user_identity_id)
    if identity is None:
        raise ApiError(400, "user_identity_not_found", "user_identity not found")
    identity_id = identity.user_identity_id
    if await identities.user_in_system(*where, identity_id, request.acs_system_id):
        raise invalid_input("The user identity has a user in this access system already")
    return identity_id


async def update(call: Call[Services], request: UpdateUser) -> None:
    """Changes what a request gives of a person. Raises ApiError 404 and 400."""

    async def make(connection: Connection, change: Change) -> None:
        old = await _row(call, connection, request)
        if is_given(request.hid_acs_system_id):
            raise not_found("acs_system")
        await user_changes.update(connection, change, old, _updated(change, old, request))

    await carry_out(call, make)


def _updated(change: Change, old: User, request: UpdateUser) -> User:
    new = replace(
        old,
        full_name=or_none(request.full_name) or old.full_name,
        email_address=email_of(request) or old.email_address,
        phone_number=or_none(request.phone_number) or old.phone_number,
    )
    starts_at, ends_at = _changed_window(request.access_schedule, change, old)
    return replace(new, starts_at=starts_at, ends_at=ends_at)


def _new_window(schedule: Schedule | None, change: Change) -> Window:
    if schedule is None:
        return None, None
    return window(or_none(schedule.starts_at), or_none(schedule.ends_at), change.at)


def _changed_window(
    schedule: ScheduleChange | UnsetType | None, change: Change, old: User
) -> Window:
    """What is left out stays: filled in from elsewhere, it could let somebody in earlier."""
    before = old.starts_at, old.ends_at
    if isinstance(schedule, UnsetType):
        return before
    if schedule is None:
        return None, None
    starts_at = old.starts_at if isinstance(schedule.starts_at, UnsetType) else schedule.starts_at
    ends_at = old.ends_at if isinstance(schedule.ends_at, UnsetType) else schedule.ends_at
    return changed(before, (starts_at, ends_at), change.at)


async def delete(call: Call[Services], request: UserKey) -> None:
    """Deletes a person with credentials, memberships and grants. Raises ApiError 404."""

    async def make(connection: Connection, change: Change) -> None:
        user = await find(call, connection, request, is_here=True)
        await deletions.delete_users(connection, change, [user.acs_user_id])

    await carry_out(call, make)


async def suspend(call: Call[Services], request: UserKey) -> None:
    """Lets no door open to a person until `unsuspend`; everything else stays."""
    await _set_suspended(call, request, is_suspended=True)


async def unsuspend(call: Call[Services], request: UserKey) -> None:
    """Ends a suspension: whatever is configured by now counts again."""
    await _set_suspended(call, request, is_suspended=False)


async def _set_suspended(call: Call[Services], request: UserKey, *, is_suspended: bool) -> None:
    async def make(connection: Connection, change: Change) -> None:
        old = await _row(call, connection, request)
        provider = await systems.provider_of(connection, change.workspace_id, old.acs_system_id)
        if not provider.can_suspend:
            raise invalid_input(f"{provider.display_name} cannot suspend users")
        await user_changes.set_suspended(connection, change, old, is_suspended=is_suspended)

    await carry_out(call, make)


async def revoke_everything(call: Call[Services], request: UserKey) -> None:
    """Takes away every way in that a person has; person and credentials stay."""

    async def make(connection: Connection, change: Change) -> None:
        user = await find(call, connection, request, is_here=True)
        await user_changes.revoke_everything(connection, change, user.acs_user_id)

    await carry_out(call, make)


async def _row(call: Call[Services], connection: Connection, key: UserKey) -> User:
    user = await find(call, connection, key, is_here=True)
    return await user_changes.read(connection, call.workspace_id, user.acs_user_id)
