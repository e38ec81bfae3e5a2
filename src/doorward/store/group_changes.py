"""Changing access groups, inside an operation of the writer."""

from uuid import UUID

from doorward.store.database import Connection
from doorward.store.journal import Change
from doorward.store.links import MEMBERSHIPS


async def thin_out(
    connection: Connection, change: Change, acs_access_group_id: UUID, most: int
) -> bool:
    """Takes `most` members out of a group that has more than that; False for a smaller group."""
    members = await connection.fetch(
        "select acs_user_id from acs_membership"
        " where workspace_id = $1 and acs_access_group_id = $2 and is_desired limit $3",
        change.workspace_id,
        acs_access_group_id,
        most + 1,
    )
    if len(members) <= most:
        return False
    ids = [(acs_access_group_id, row["acs_user_id"]) for row in members[:most]]
    await MEMBERSHIPS.delete(connection, change, ids)
    return True
