"""What a site consists of, as a site file writes it: workspace, systems, controllers, entrances,
readers, encoders and access groups.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from doorward.policy.facts import EntranceState, GroupState, Kind, ReaderState
from doorward.resources.provider import NATIVE
from doorward.store import leaving
from doorward.store.database import Connection
from doorward.store.journal import Change
from doorward.store.links import CREDENTIAL_ENTRANCES, GRANTS, GROUP_ENTRANCES, MEMBERSHIPS
from doorward.store.rows import ELSEWHERE, Entry, Ids, Table, column, window


@dataclass(frozen=True, slots=True)
class Workspace:
    """A tenant."""

    workspace_id: UUID
    name: str
    company_name: str
    is_sandbox: bool
    is_publishable_key_auth_enabled: bool

    @property
    def ids(self) -> Ids:
        """What the row is found by."""
        return (self.workspace_id,)

    def fact(self) -> None:
        """A workspace's name is no policy."""


@dataclass(frozen=True, slots=True)
class System:
    """An access system, and the connected account of its own. external_type: which provider's."""

    acs_system_id: UUID
    connected_account_id: UUID
    name: str
    time_zone: str | None
    external_type: str = NATIVE.external_type
    external_type_display_name: str = field(default=NATIVE.display_name, compare=False)

    @property
    def ids(self) -> Ids:
        """What the row is found by."""
        return (self.acs_system_id,)

    def fact(self) -> None:
        """A system's name is no policy."""


@dataclass(frozen=True, slots=True)
class Controller:
    """What decides at doors of one system."""

    controller_id: UUID
    acs_system_id: UUID
    name: str

    @property
    def ids(self) -> Ids:
        """What the row is found by."""
        return (self.controller_id,)

    def fact(self) -> None:
        """A controller's name is no policy."""


@dataclass(frozen=True, slots=True)
class Entrance:
    """Where people ask to pass."""

    acs_entrance_id: UUID
    acs_system_id: UUID
    controller_id: UUID | None
    display_name: str
    is_enabled: bool
    unlock_seconds: int
    can_unlock_with_card: bool
    can_unlock_with_code: bool

    @property
    def ids(self) -> Ids:
        """What the row is found by."""
        return (self.acs_entrance_id,)

    def fact(self) -> Entry | None:
        """What the entrance's controller is told; where others decide, there is none."""
        if self.controller_id is None:
            return None
        state = EntranceState(self.unlock_seconds, self.is_enabled)
        return Entry(
            self.acs_system_id, Kind.ENTRANCE, self.acs_entrance_id, self.controller_id, state
        )


@dataclass(frozen=True, slots=True)
class Reader:
    """A reader at an entrance, whose system is the entrance's."""

    reader_id: UUID
    acs_entrance_id: UUID
    acs_system_id: UUID = field(metadata=ELSEWHERE)
    name: str
    driver: str
    direction: str

    @property
    def ids(self) -> Ids:
        """What the row is found by."""
        return (self.reader_id,)

    def fact(self) -> Entry:
        """What the entrance's controller is told."""
        state = ReaderState(self.driver, self.direction)
        return Entry(self.acs_system_id, Kind.READER, self.reader_id, self.acs_entrance_id, state)


@dataclass(frozen=True, slots=True)
class Encoder:
    """What writes cards of a system."""

    acs_encoder_id: UUID
    acs_system_id: UUID
    display_name: str

    @property
    def ids(self) -> Ids:
        """What the row is found by."""
        return (self.acs_encoder_id,)

    def fact(self) -> None:
        """No door hears of an encoder."""


@dataclass(frozen=True, slots=True)
class AccessGroup:
    """An access group with its window."""

    acs_access_group_id: UUID
    acs_system_id: UUID
    name: str
    starts_at: datetime | None
    ends_at: datetime | None

    @property
    def ids(self) -> Ids:
        """What the row is found by."""
        return (self.acs_access_group_id,)

    def fact(self) -> Entry:
        """What controllers are told."""
        state = GroupState(window(self.starts_at, self.ends_at))
        return Entry(self.acs_system_id, Kind.GROUP, self.acs_access_group_id, state=state)


# Of several servers that start on an empty database, one loads its site.
_FIRST_SITE: Final = 0x646F6F73


async def is_first(connection: Connection) -> bool:
    """Whether there is no workspace yet; until the transaction ends, nobody else is told so."""
    await connection.execute("select pg_advisory_xact_lock($1)", _FIRST_SITE)
    return not await connection.fetchval("select exists (select from workspace)")


async def read_workspace(connection: Connection, workspace_id: UUID) -> Workspace | None:
    """A workspace, None where there is none of this id."""
    record = await connection.fetchrow(
        "select workspace_id, name, company_name, is_sandbox, is_publishable_key_auth_enabled"
        " from workspace where workspace_id = $1",
        workspace_id,
    )
    return Workspace(*record) if record else None


async def insert_workspace(connection: Connection, change: Change, row: Workspace) -> bool:
    """Makes a workspace with its journal's counter; answers False where there is one already.

    Whoever else is making it at the same time is waited for.
    """
    made = await connection.fetchval(
        "insert into workspace (workspace_id, name, company_name, is_sandbox,"
        " is_publishable_key_auth_enabled, publishable_key, created_at)"
        " values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing returning true",
        row.workspace_id,
        row.name,
        row.company_name,
        row.is_sandbox,
        row.is_publishable_key_auth_enabled,
        f"seam_pk{secrets.token_hex(4)}_{secrets.token_hex(12)}",
        change.at,
    )
    if made:
        await connection.execute(
            "insert into policy_revision (workspace_id) values ($1)", row.workspace_id
        )
    return bool(made)


async def update_workspace(connection: Connection, row: Workspace) -> None:
    """Writes what a site file says of a workspace."""
    await connection.execute(
        "update workspace set name = $2, company_name = $3, is_sandbox = $4,"
        " is_publishable_key_auth_enabled = $5 where workspace_id = $1",
        row.workspace_id,
        row.name,
        row.company_name,
        row.is_sandbox,
        row.is_publishable_key_auth_enabled,
    )


class Systems(Table[System]):
    """Systems, each with its connected account."""

    async def insert(self, connection: Connection, change: Change, rows: Sequence[System]) -> None:
        """Makes systems and their accounts."""
        w = change.workspace_id
        await connection.executemany(
            "insert into connected_account (workspace_id, connected_account_id, account_type,"
            " account_type_display_name, display_name, created_at)"
            " values ($1, $2, $3, $4, $5, $6)",
            [(w, row.connected_account_id, *_types(row), row.name, change.at) for row in rows],
        )
        await super().insert(connection, change, rows)
        external = [
            (w, row.acs_system_id) for row in rows if row.external_type != NATIVE.external_type
        ]
        for table in ("external_system", "simulated_system"):
            await connection.executemany(
                f"insert into {table} (workspace_id, acs_system_id) values ($1, $2)",  # noqa: S608
                external,
            )

    async def update(
        self, connection: Connection, change: Change, rows: Sequence[tuple[System, System]]
    ) -> None:
        """Changes systems; an account is called as its system."""
        await super().update(connection, change, rows)
        await connection.executemany(
            "update connected_account set display_name = $3"
            " where workspace_id = $1 and connected_account_id = $2",
            [(change.workspace_id, new.connected_account_id, new.name) for _, new in rows],
        )

    async def delete(self, connection: Connection, change: Change, ids: Sequence[Ids]) -> None:
        """Takes systems away with their accounts, once nothing of theirs is left."""
        rows = await self.read(connection, change.workspace_id, ids)
        await leaving.forget_of_systems(connection, change.workspace_id, column(ids))
        await super().delete(connection, change, ids)
        await connection.execute(
            "delete from connected_account"
            " where workspace_id = $1 and connected_account_id = any ($2)",
            change.workspace_id,
            [row.connected_account_id for row in rows.values()],
        )


def _types(row: System) -> tuple[str, str]:
    return row.external_type, row.external_type_display_name


_SYSTEM_OF_ENTRANCE: Final = (
    "(select e.acs_system_id from acs_entrance e where e.workspace_id = t.workspace_id"
    " and e.acs_entrance_id = t.acs_entrance_id)"
)

SYSTEMS: Final = Systems(System, "acs_system", ("acs_system_id",))
CONTROLLERS: Final = Table(Controller, "controller", ("controller_id",))
ENTRANCES: Final = Table(Entrance, "acs_entrance", ("acs_entrance_id",))
READERS: Final = Table(
    Reader,
    "reader",
    ("reader_id",),
    computed={"acs_system_id": _SYSTEM_OF_ENTRANCE},
    has_created_at=False,
)
ENCODERS: Final = Table(Encoder, "acs_encoder", ("acs_encoder_id",))
ACCESS_GROUPS: Final = Table(
    AccessGroup, "acs_access_group", ("acs_access_group_id",), object_kind="group"
)

ENTRANCES.dependents += [
    (READERS, "acs_entrance_id"),
    (GROUP_ENTRANCES, "acs_entrance_id"),
    (CREDENTIAL_ENTRANCES, "acs_entrance_id"),
    (GRANTS, "acs_entrance_id"),
]
ACCESS_GROUPS.dependents += [
    (GROUP_ENTRANCES, "acs_access_group_id"),
    (MEMBERSHIPS, "acs_access_group_id"),
]
