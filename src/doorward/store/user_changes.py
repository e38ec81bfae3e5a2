"""Making and changing people of access systems, inside an operation of the writer."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID, uuid4

from doorward.store import pending_changes
from doorward.store.access import Window
from doorward.store.database import Connection
from doorward.store.journal import Change
from doorward.store.links import CREDENTIAL_ENTRANCES, GRANTS, MEMBERSHIPS, Membership
from doorward.store.people import CREDENTIALS, USERS, User, new_salt
from doorward.store.personal import Personal


@dataclass(frozen=True, slots=True)
class NewUser:
    """A person to be made: whose identity, in which window, member of which groups."""

    acs_system_id: UUID
    personal: Personal
    window: Window = (None, None)
    user_identity_id: UUID | None = None
    acs_access_group_ids: Sequence[UUID] = ()


async def read(connection: Connection, workspace_id: UUID, acs_user_id: UUID) -> User:
    """A person who is known to be there."""
    return (await USERS.read(connection, workspace_id, [(acs_user_id,)]))[(acs_user_id,)]


async def create(connection: Connection, change: Change, new: NewUser) -> UUID:
    """Makes a person who is a member of these groups of the same system; answers the id."""
    user = User(
        uuid4(),
        new.acs_system_id,
        new.user_identity_id,
        *new.window,
        new.personal.full_name,
        new.personal.email_address,
        new.personal.phone_number,
        new_salt(),
    )
    await USERS.insert(connection, change, [user])
    groups = dict.fromkeys(new.acs_access_group_ids)
    links = [Membership(each, user.acs_user_id, new.acs_system_id) for each in groups]
    if links:
        await MEMBERSHIPS.insert(connection, change, links)
    return user.acs_user_id


async def update(connection: Connection, change: Change, old: User, new: User) -> None:
    """Writes what is different about a person; nothing different leaves no trace.

    Values that were erased come back with a salt of their own.
    """
    if new == old:
        return
    await USERS.update(connection, change, [(old, replace(new, salt=old.salt or new_salt()))])
    if old.personal != new.personal:
        await pending_changes.note_information(
            connection, change, old.acs_system_id, old.acs_user_id, old.personal, new.personal
        )
    before, after = (old.starts_at, old.ends_at), (new.starts_at, new.ends_at)
    if before != after:
        await pending_changes.note_schedule(
            connection, change, old.acs_system_id, old.acs_user_id, before, after
        )


async def set_suspended(
    connection: Connection, change: Change, old: User, *, is_suspended: bool
) -> None:
    """Suspends a person or ends it; whoever is suspended already, or not, stays as is."""
    if old.is_suspended == is_suspended:
        return
    new = replace(old, is_suspended=is_suspended)
    await USERS.update(connection, change, [(old, new)])
    await connection.execute(
        "update acs_user set suspended_at = $3 where workspace_id = $1 and acs_user_id = $2",
        change.workspace_id,
        old.acs_user_id,
        change.at if is_suspended else None,
    )
    await pending_changes.note_suspension(
        connection, change, old.acs_system_id, old.acs_user_id, is_suspended=is_suspended
    )


async def revoke_everything(connection: Connection, change: Change, acs_user_id: UUID) -> None:
    """Takes away a person's memberships, grants, and what the credentials open by themselves."""
    workspace_id = change.workspace_id
    credentials = await CREDENTIALS.read_by(connection, workspace_id, "acs_user_id", [acs_user_id])
    of_credentials = [row.acs_credential_id for row in credentials]
    for table, key, values in (
        (MEMBERSHIPS, "acs_user_id", [acs_user_id]),
        (GRANTS, "acs_user_id", [acs_user_id]),
        (CREDENTIAL_ENTRANCES, "acs_credential_id", of_credentials),
    ):
        rows = await table.read_by(connection, workspace_id, key, values)
        if rows:
            await table.delete(connection, change, [row.ids for row in rows])
