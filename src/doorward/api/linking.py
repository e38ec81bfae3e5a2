"""Which person of an access system an identity is, for every call that may name either."""

from uuid import UUID

from doorward.errors import invalid_input
from doorward.events import catalogue, phones
from doorward.store import events, identities, systems
from doorward.store.database import Connection
from doorward.store.identities import Identity
from doorward.store.journal import Change


async def user_of(
    connection: Connection, change: Change, identity: Identity, acs_system_id: UUID
) -> UUID:
    """The user that an identity has in a system: the one it has, else the one who is surely the
    same person, else a new one, with its event. For an operation of the writer.

    Raises ApiError 400 where another system manages the one that it has.
    """
    where = (connection, change.workspace_id)
    named = (identity.user_identity_id, acs_system_id)
    acs_user_id = await identities.user_in_system(*where, *named)
    if acs_user_id is not None:
        return acs_user_id
    if await identities.has_user_in(*where, *named):
        raise invalid_input("The user identity's user in this access system is unmanaged")
    linked = await identities.link(*where, identity, acs_system_id)
    if linked is None:
        return await _new_user(connection, change, identity, acs_system_id)
    await phones.follow_users(connection, change, [linked])
    return linked


async def _new_user(
    connection: Connection, change: Change, identity: Identity, acs_system_id: UUID
) -> UUID:
    at, workspace_id = change.at, change.workspace_id
    acs_user_id = await identities.create_user(connection, change, identity, acs_system_id)
    created = catalogue.acs_user_created(
        catalogue.Occasion(workspace_id, at, at),
        await systems.account_of(connection, workspace_id, acs_system_id),
        acs_system_id,
        acs_user_id,
    )
    await events.insert_events(connection, workspace_id, [created])
    return acs_user_id
