"""Keys on phones: a person's key for all phones, and the one on each of them that systems keep."""

from collections.abc import Collection
from typing import Final
from uuid import UUID

from doorward.store.database import Connection, Database
from doorward.store.external import Where

_OF_USERS: Final = """
select c.acs_credential_id from acs_credential c
where c.workspace_id = $1 and c.acs_user_id = any ($2::uuid[])
  and c.is_multi_phone_sync_credential"""
_OF_IDENTITIES: Final = """
select c.acs_credential_id from acs_user u
join acs_credential c on c.workspace_id = u.workspace_id and c.acs_user_id = u.acs_user_id
where u.workspace_id = $1 and u.user_identity_id = any ($2::uuid[])
  and c.is_multi_phone_sync_credential"""
_PHONES: Final = """
select c.acs_credential_id, p.device_id from acs_credential c
join acs_user u on u.workspace_id = c.workspace_id and u.acs_user_id = c.acs_user_id
join phone p on p.workspace_id = u.workspace_id and p.user_identity_id = u.user_identity_id
where c.workspace_id = $1 and c.acs_credential_id = any ($2::uuid[])
  and c.is_multi_phone_sync_credential
order by c.created_at, c.acs_credential_id, p.created_at, p.device_id"""
_COPY_STATE: Final = """
update acs_credential c set state_changed_at = p.state_changed_at,
  state_changed_by = p.state_changed_by, state_reason = p.state_reason
from acs_credential p
where c.workspace_id = $1 and c.acs_credential_id = any ($2::uuid[])
  and p.workspace_id = c.workspace_id and p.acs_credential_id = c.parent_acs_credential_id"""
_UNISSUED: Final = """
select acs_credential_id from acs_credential
where workspace_id = $1 and acs_system_id = $2 and parent_acs_credential_id is not null
  and issued_at is null"""


async def of_users(
    connection: Connection, workspace_id: UUID, acs_user_ids: Collection[UUID]
) -> list[UUID]:
    """The keys for all phones that these people have."""
    return await _ids(connection, _OF_USERS, workspace_id, acs_user_ids)


async def of_identities(
    connection: Connection, workspace_id: UUID, user_identity_ids: Collection[UUID]
) -> list[UUID]:
    """The keys for all phones that the users of these identities have."""
    return await _ids(connection, _OF_IDENTITIES, workspace_id, user_identity_ids)


async def phones_of(
    connection: Connection, workspace_id: UUID, parent_ids: Collection[UUID]
) -> list[tuple[UUID, UUID]]:
    """Each of these keys for all phones with each phone of its owner, the oldest first."""
    rows = await connection.fetch(_PHONES, workspace_id, list(parent_ids))
    return [(row["acs_credential_id"], row["device_id"]) for row in rows]


async def copy_state(
    connection: Connection, workspace_id: UUID, acs_credential_ids: Collection[UUID]
) -> None:
    """Keeps with keys on phones who declared their parent's state, when and why."""
    await connection.execute(_COPY_STATE, workspace_id, list(acs_credential_ids))


async def unissued(database: Database, where: Where) -> set[UUID]:
    """The keys on phones that a system has not been seen to have. Raises Unavailable."""
    return {row[0] for row in await database.fetch(_UNISSUED, *where)}


async def _ids(
    connection: Connection, statement: str, workspace_id: UUID, of: Collection[UUID]
) -> list[UUID]:
    return [row[0] for row in await connection.fetch(statement, workspace_id, list(of))]
