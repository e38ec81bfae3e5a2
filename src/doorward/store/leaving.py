"""What was deleted, and what a system with a list of its own has still to let go of: its end."""

from collections.abc import Iterable, Sequence
from typing import Final
from uuid import UUID

from doorward.store.database import Connection, Database
from doorward.store.external import Key, Where

# By what systems call them; nothing refers to such a row any more.
_TABLES: Final = {
    "credential": ("acs_credential", "acs_credential_id"),
    "user": ("acs_user", "acs_user_id"),
    "group": ("acs_access_group", "acs_access_group_id"),
}
_VALUES: Final = """
delete from personal p using acs_user u
where u.workspace_id = $1 and u.acs_user_id = any ($2) and u.deleted_at is not null
  and p.workspace_id = u.workspace_id and p.subject_id = u.acs_user_id"""


async def finish(database: Database, where: Where, gone: Iterable[Key]) -> None:
    """Forgets those of the objects that were deleted: the system was seen without them.

    To be called before the database is told that they are gone, so that a crash leaves nothing
    behind. Raises Unavailable.
    """
    ids: dict[str, list[UUID]] = {kind: [] for kind in _TABLES}
    for key in gone:
        if key.kind in ids:
            ids[key.kind].append(key.object_id)
    if not any(ids.values()):
        return
    async with database.transaction() as connection:
        if ids["user"]:
            await connection.execute(_VALUES, where.workspace_id, ids["user"])
        for kind, (table, column) in _TABLES.items():
            if ids[kind]:
                await connection.execute(
                    f"delete from {table} where workspace_id = $1 and {column} = any ($2)"  # noqa: S608
                    " and deleted_at is not null",
                    where.workspace_id,
                    ids[kind],
                )


async def forget_of_systems(
    connection: Connection, workspace_id: UUID, acs_system_ids: Sequence[UUID]
) -> None:
    """Forgets all of systems that are about to go themselves."""
    for table, key in _TABLES.values():
        gone = await connection.fetch(
            f"delete from {table} where workspace_id = $1 and acs_system_id = any ($2)"  # noqa: S608
            f" and deleted_at is not null returning {key}",
            workspace_id,
            list(acs_system_ids),
        )
        await connection.execute(
            "delete from personal where workspace_id = $1 and subject_id = any ($2)",
            workspace_id,
            [row[0] for row in gone],
        )
