"""People who are really there: written through the journal, in bulk, into a running database."""

from uuid import UUID, uuid4

from doorward.store.database import Connection


async def add_people(
    connection: Connection, workspace_id: UUID, acs_system_id: UUID, count: int
) -> list[UUID]:
    """Adds people to a system; answers their ids."""
    users = [uuid4() for _ in range(count)]
    async with connection.transaction():
        await connection.execute(
            "insert into acs_user select $1, u, $2, null, false, null, null, now()"
            " from unnest($3::uuid[]) u",
            workspace_id,
            acs_system_id,
            users,
        )
        await connection.execute(
            "insert into personal (workspace_id, subject_id, acs_system_id, salt, full_name, grams)"
            " select $1, u, $2, '', 'Person ' || u, '{}' from unnest($3::uuid[]) u",
            workspace_id,
            acs_system_id,
            users,
        )
        await connection.execute(
            "select record_change($1, $2, 'user', u, $4, '{}', 'bench', now())"
            " from unnest($3::uuid[]) u",
            workspace_id,
            acs_system_id,
            users,
            UUID(int=0),
        )
    return users


async def refill(
    connection: Connection, workspace_id: UUID, acs_access_group_id: UUID, users: list[UUID]
) -> None:
    """Puts everybody back into the group."""
    count = len(users)
    await connection.execute(
        "select count(*) from change_memberships($1, $2, $3, $4, $5, $6, $7)",
        [await connection.fetchval("select now()")] * count,
        ["bench"] * count,
        [workspace_id] * count,
        [True] * count,
        [acs_access_group_id] * count,
        users,
        [None] * count,
    )


async def copy_site(connection: Connection, workspace_id: UUID) -> tuple[UUID, UUID, UUID]:
    """A second workspace without a controller: its id, its system's and its group's."""
    other, account, system, group = uuid4(), uuid4(), uuid4(), uuid4()
    async with connection.transaction():
        await connection.execute(
            "insert into workspace select $2, name, company_name, true, publishable_key, created_at"
            " from workspace where workspace_id = $1",
            workspace_id,
            other,
        )
        await connection.execute("insert into policy_revision (workspace_id) values ($1)", other)
        await connection.execute(
            "insert into connected_account (workspace_id, connected_account_id, account_type,"
            " account_type_display_name, display_name, created_at)"
            " values ($1, $2, 'doorward', 'Doorward', 'bench', now())",
            other,
            account,
        )
        await connection.execute(
            "insert into acs_system values ($1, $2, $3, 'bench', 'doorward_system', 'Doorward',"
            " null, now())",
            other,
            system,
            account,
        )
        await connection.execute(
            "insert into acs_access_group values ($1, $2, $3, 'bench', null, null, now())",
            other,
            group,
            system,
        )
    return other, system, group
