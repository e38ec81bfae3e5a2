"""A small site, written straight into the tables, for tests that need no site file."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID, uuid4

from doorward.policy.facts import EntranceState, GroupState, Kind, Link, UserState
from doorward.store import journal
from doorward.store.database import Connection, Database
from doorward.store.journal import Change
from doorward.store.memberships import ChangeMembership


@dataclass
class Site:
    """A workspace with a system, a controller, an entrance, a group that opens it, and people."""

    workspace_id: UUID = field(default_factory=uuid4)
    connected_account_id: UUID = field(default_factory=uuid4)
    acs_system_id: UUID = field(default_factory=uuid4)
    controller_id: UUID = field(default_factory=uuid4)
    acs_entrance_id: UUID = field(default_factory=uuid4)
    acs_access_group_id: UUID = field(default_factory=uuid4)
    users: list[UUID] = field(default_factory=list)
    identities: list[UUID] = field(default_factory=list)

    def change(self, actor: str = "test") -> Change:
        """A change that happens now."""
        return Change(self.workspace_id, actor, datetime.now(UTC))

    def membership(
        self, user: int | UUID, *, is_add: bool, group: UUID | None = None
    ) -> ChangeMembership:
        """The operation that adds a person, by place or by id, to the group, or removes one."""
        acs_user_id = self.users[user] if isinstance(user, int) else user
        group_id = group or self.acs_access_group_id
        return ChangeMembership(self.change(), is_add, group_id, acs_user_id)


async def make_site(database: Database, *, people: int = 3) -> Site:
    """Writes a site, each person with an identity, through the journal."""
    site = Site()
    async with database.acquire() as connection, connection.transaction():
        await _make_structure(connection, site)
        for _ in range(people):
            await _make_person(connection, site)
    return site


async def _make_structure(connection: Connection, site: Site) -> None:
    now = site.change().at
    w, system, entrance = site.workspace_id, site.acs_system_id, site.acs_entrance_id
    await connection.execute("insert into workspace values ($1, 'w', 'c', true, 'pk', $2)", w, now)
    await connection.execute("insert into policy_revision (workspace_id) values ($1)", w)
    await connection.execute(
        "insert into connected_account (workspace_id, connected_account_id, account_type,"
        " account_type_display_name, display_name, created_at) values ($1, $2, 'd', 'd', 'd', $3)",
        w,
        site.connected_account_id,
        now,
    )
    await connection.execute(
        "insert into acs_system values ($1, $2, $3, 's', 'doorward_system', 'Doorward', null, $4)",
        w,
        system,
        site.connected_account_id,
        now,
    )
    await connection.execute(
        "insert into controller (workspace_id, controller_id, acs_system_id, name, created_at)"
        " values ($1, $2, $3, 'c', $4)",
        w,
        site.controller_id,
        system,
        now,
    )
    await connection.execute(
        "insert into acs_entrance values ($1, $2, $3, $4, 'e', true, 5, true, true, $5)",
        w,
        entrance,
        system,
        site.controller_id,
        now,
    )
    change = site.change()
    await journal.record(
        connection, change, system, Kind.ENTRANCE, entrance, site.controller_id, EntranceState()
    )
    await make_group(connection, site, site.acs_access_group_id)


async def make_group(connection: Connection, site: Site, group: UUID) -> None:
    """Writes a group that opens the site's entrance."""
    change = site.change()
    await connection.execute(
        "insert into acs_access_group values ($1, $2, $3, 'g', null, null, $4)",
        site.workspace_id,
        group,
        site.acs_system_id,
        change.at,
    )
    await journal.record(
        connection, change, site.acs_system_id, Kind.GROUP, group, state=GroupState()
    )
    revision = await journal.record(
        connection,
        change,
        site.acs_system_id,
        Kind.GROUP_ENTRANCE,
        group,
        site.acs_entrance_id,
        Link(),
    )
    await connection.execute(
        "insert into access_group_entrance values ($1, $2, $3, true, false, $4, $5)",
        site.workspace_id,
        group,
        site.acs_entrance_id,
        revision,
        change.at,
    )


async def _make_person(connection: Connection, site: Site) -> None:
    identity, user, change = uuid4(), uuid4(), site.change()
    await connection.execute(
        "insert into user_identity values ($1, $2, null, $3)",
        site.workspace_id,
        identity,
        change.at,
    )
    await connection.execute(
        "insert into acs_user values ($1, $2, $3, $4, false, null, null, $5)",
        site.workspace_id,
        user,
        site.acs_system_id,
        identity,
        change.at,
    )
    await journal.record(connection, change, site.acs_system_id, Kind.USER, user, state=UserState())
    site.identities.append(identity)
    site.users.append(user)
