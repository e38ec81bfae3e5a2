"""How /user_identities changes who somebody is and which users are theirs."""

from collections.abc import Sequence
from uuid import UUID

from msgspec import UNSET

from doorward.api import linking
from doorward.api.changing import carry_out
from doorward.api.identity_requests import (
    AddUser,
    CreateIdentity,
    IdentityId,
    Merge,
    RemoveUser,
    UpdateIdentity,
    UpdateUnmanaged,
    Values,
)
from doorward.api.requests import found, or_none
from doorward.api.services import Services
from doorward.errors import invalid_input, not_found
from doorward.events import catalogue, deletions, phones
from doorward.resources.user_identity import UserIdentity
from doorward.store import (
    client_sessions,
    events,
    identities,
    identity_changes,
    identity_reads,
    systems,
)
from doorward.store.database import Connection
from doorward.store.identities import Identity
from doorward.store.identity_changes import KEY
from doorward.store.journal import Change
from doorward.store.personal import Personal
from doorward.wire.route import Call


async def create(call: Call[Services], request: CreateIdentity) -> UserIdentity:
    """Makes an identity, with a user in each of the systems that are named."""
    system_ids = [*dict.fromkeys(or_none(request.acs_system_ids) or ())]
    values = _given(request)
    key = values.pop(KEY, None)
    personal = Personal(**values)

    async def make(connection: Connection, change: Change) -> UserIdentity:
        identity = await identity_changes.create(connection, change, key, personal)
        for acs_system_id in system_ids:
            found(await systems.get(connection, change.workspace_id, acs_system_id), "acs_system")
            await linking.user_of(connection, change, identity, acs_system_id)
        made = await identity_reads.get(connection, change.workspace_id, identity.user_identity_id)
        return found(made, "user_identity")

    return await carry_out(call, make)


async def update(call: Call[Services], request: UpdateIdentity) -> None:
    """Changes what an identity is known by; its users keep their own values."""

    async def make(connection: Connection, change: Change) -> None:
        identity = await _identity(connection, change, request.user_identity_id)
        await identity_changes.update(connection, change.workspace_id, identity, _given(request))

    await carry_out(call, make)


async def manage(call: Call[Services], request: UpdateUnmanaged) -> None:
    """Takes over an identity that another system has told of."""
    sight = call.caller.sight

    async def make(connection: Connection, change: Change) -> None:
        where = (connection, change.workspace_id, request.user_identity_id)
        found(await identity_reads.get_unmanaged(*where, sight=sight), "user_identity")
        await identity_changes.manage(*where)
        key = or_none(request.user_identity_key)
        if key:
            await identity_changes.set_key(*where, key)

    await carry_out(call, make)


async def add_acs_user(call: Call[Services], request: AddUser) -> None:
    """Makes a user an identity's; a key that nobody has makes an identity of the user's values."""

    async def make(connection: Connection, change: Change) -> None:
        acs_system_id, owner = await _user(connection, change, request.acs_user_id)
        identity_id = await _named(connection, change, request)
        if owner is not None and owner == identity_id:
            return
        if owner is not None:
            raise invalid_input("The user belongs to another user identity")
        if identity_id is None:
            identity_id = await _make_of(connection, change, request)
        elif await identities.has_user_in(
            connection, change.workspace_id, identity_id, acs_system_id
        ):
            raise invalid_input("The user identity has another user in the user's access system")
        await identities.give(connection, change.workspace_id, request.acs_user_id, identity_id)
        await phones.follow_users(connection, change, [request.acs_user_id])

    await carry_out(call, make)


async def remove_acs_user(call: Call[Services], request: RemoveUser) -> None:
    """Makes an identity's user nobody's; who is not the identity's stays as they are."""

    async def make(connection: Connection, change: Change) -> None:
        _, owner = await _user(connection, change, request.acs_user_id)
        identity = await _identity(connection, change, request.user_identity_id)
        if owner == identity.user_identity_id:
            await identities.give(connection, change.workspace_id, request.acs_user_id, None)
            await phones.follow_users(connection, change, [request.acs_user_id])

    await carry_out(call, make)


async def delete(call: Call[Services], request: IdentityId) -> None:
    """Takes an identity away, with its users, their credentials, its sessions and phones."""

    async def make(connection: Connection, change: Change) -> bool:
        workspace_id, identity_id = change.workspace_id, request.user_identity_id
        await _identity(connection, change, identity_id)
        theirs = await identities.users_of(connection, workspace_id, identity_id)
        if theirs:
            await deletions.delete_users(connection, change, theirs)
        ended = await client_sessions.delete_of_identity(connection, workspace_id, identity_id)
        await _tell_of_sessions(connection, change, ended)
        await phones.deactivate_phones_of(connection, change, [identity_id])
        await identity_changes.erase(connection, change, identity_id)
        return bool(ended)

    if await carry_out(call, make):
        call.services.database.tokens_changed()


async def merge(call: Call[Services], request: Merge) -> None:
    """Makes one identity of several that turned out to be one person's.

    Whatever was merged already is the one identity, so that a second time changes nothing.
    """

    async def make(connection: Connection, change: Change) -> bool:
        primary, *others = await _merging(connection, change, request)
        if not others:
            return False
        ids = [primary.user_identity_id, *(other.user_identity_id for other in others)]
        in_common = await identity_changes.systems_in_common(connection, change.workspace_id, ids)
        if in_common:
            raise invalid_input(
                "Each of several of these user identities has a user in"
                f" {' and '.join(in_common)}; remove or delete all of these but one first"
            )
        await identity_changes.merge(connection, change, primary, others)
        await phones.follow_identities(connection, change, [primary.user_identity_id])
        return True

    if await carry_out(call, make):
        call.services.database.tokens_changed()


def _given(request: Values) -> dict[str, str | None]:
    """The values that were sent, null as None."""
    names = Values.__struct_fields__
    sent = {name: getattr(request, name) for name in names}
    return {name: value for name, value in sent.items() if value is not UNSET}


async def _identity(connection: Connection, change: Change, user_identity_id: UUID) -> Identity:
    identity = await identities.get(connection, change.workspace_id, user_identity_id)
    return found(identity, "user_identity")


async def _user(
    connection: Connection, change: Change, acs_user_id: UUID
) -> tuple[UUID, UUID | None]:
    owner = await identities.owner_of(connection, change.workspace_id, acs_user_id)
    return found(owner, "acs_user")


async def _named(connection: Connection, change: Change, request: AddUser) -> UUID | None:
    """The identity that is to have the user; None where it is to be made."""
    if isinstance(request.user_identity_id, UUID):
        return (await _identity(connection, change, request.user_identity_id)).user_identity_id
    assert isinstance(request.user_identity_key, str)
    return await identities.called(connection, change.workspace_id, request.user_identity_key)


async def _make_of(connection: Connection, change: Change, request: AddUser) -> UUID:
    personal = await identities.personal_of(connection, change.workspace_id, request.acs_user_id)
    key = or_none(request.user_identity_key)
    made = await identity_changes.create(connection, change, key, personal)
    return made.user_identity_id


async def _merging(connection: Connection, change: Change, request: Merge) -> list[Identity]:
    """The identity that stays, and those that are to be merged into it and are not yet."""
    if isinstance(request.user_identity_id, UUID):
        named = [request.user_identity_id, *(or_none(request.merged_user_identity_ids) or ())]
        now = await identities.merged_into(connection, change.workspace_id, named)
        ids = [now.get(each, each) for each in named]
    else:
        keys = [request.user_identity_key, *(or_none(request.merged_user_identity_keys) or ())]
        ids = [await _called(connection, change, str(key)) for key in keys]
    return [await _identity(connection, change, each) for each in dict.fromkeys(ids)]


async def _called(connection: Connection, change: Change, key: str) -> UUID:
    named = await identities.called(connection, change.workspace_id, key)
    if named is None:
        raise not_found("user_identity")
    return named


async def _tell_of_sessions(
    connection: Connection, change: Change, session_ids: Sequence[UUID]
) -> None:
    occasions = (catalogue.Occasion(change.workspace_id, change.at, change.at) for _ in session_ids)
    deleted = map(catalogue.client_session_deleted, occasions, session_ids)
    await events.insert_events(connection, change.workspace_id, [*deleted])
