"""Rows that link two others: an entrance to a group or a credential, a person to a group.

A link that is no longer desired stays as a tombstone until the doors have confirmed it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from doorward.policy.facts import Kind, Link
from doorward.store.database import Connection
from doorward.store.journal import Change
from doorward.store.rows import ELSEWHERE, Entry, Ids, R, Table, column, facts_of, record_all


@dataclass(frozen=True, slots=True)
class GroupEntrance:
    """An entrance that a group of the same system opens."""

    acs_access_group_id: UUID
    acs_entrance_id: UUID
    acs_system_id: UUID = field(metadata=ELSEWHERE)

    @property
    def ids(self) -> Ids:
        """What the row is found by."""
        return (self.acs_access_group_id, self.acs_entrance_id)

    def fact(self) -> Entry:
        """What controllers are told."""
        a, b = self.ids
        return Entry(self.acs_system_id, Kind.GROUP_ENTRANCE, a, b, Link())


@dataclass(frozen=True, slots=True)
class CredentialEntrance:
    """An entrance that a credential of the same system opens, whoever has it."""

    acs_credential_id: UUID
    acs_entrance_id: UUID
    acs_system_id: UUID = field(metadata=ELSEWHERE)

    @property
    def ids(self) -> Ids:
        """What the row is found by."""
        return (self.acs_credential_id, self.acs_entrance_id)

    def fact(self) -> Entry:
        """What controllers are told."""
        a, b = self.ids
        return Entry(self.acs_system_id, Kind.CREDENTIAL_ENTRANCE, a, b, Link())


@dataclass(frozen=True, slots=True)
class Membership:
    """A person in a group of the same system."""

    acs_access_group_id: UUID
    acs_user_id: UUID
    acs_system_id: UUID = field(metadata=ELSEWHERE)

    @property
    def ids(self) -> Ids:
        """What the row is found by."""
        return (self.acs_access_group_id, self.acs_user_id)

    def fact(self) -> Entry:
        """What controllers are told."""
        a, b = self.ids
        return Entry(self.acs_system_id, Kind.MEMBERSHIP, a, b, Link())


@dataclass(frozen=True, slots=True)
class Grant:
    """An entrance of the same system that a person may open, with whatever credential."""

    acs_user_id: UUID
    acs_entrance_id: UUID
    acs_system_id: UUID = field(metadata=ELSEWHERE)

    @property
    def ids(self) -> Ids:
        """What the row is found by."""
        return (self.acs_user_id, self.acs_entrance_id)

    def fact(self) -> Entry:
        """What controllers are told."""
        a, b = self.ids
        return Entry(self.acs_system_id, Kind.GRANT, a, b, Link())


class Links(Table[R]):
    """A table of links. Only those that are desired count as being there."""

    async def read(
        self, connection: Connection, workspace_id: UUID, ids: Sequence[Ids]
    ) -> dict[Ids, R]:
        """The links of these pairs that there are."""
        a, b = self.keys
        found = await connection.fetch(
            f"select {self._selected()} from unnest($2::uuid[], $3::uuid[]) x ({a}, {b})"  # noqa: S608
            f" join {self.name} t using ({a}, {b}) where t.workspace_id = $1 and t.is_desired",
            workspace_id,
            column(ids),
            column(ids, 1),
        )
        return {row.ids: row for row in (self.row(*record) for record in found)}

    async def insert(self, connection: Connection, change: Change, rows: Sequence[R]) -> None:
        """Makes links; a tombstone of the same pair comes to life again."""
        a, b = self.keys
        created = ", created_at" if self.has_created_at else ""
        again = ", created_at = excluded.created_at" if self.has_created_at else ""
        first = await record_all(connection, change, facts_of(rows))
        await connection.execute(
            f"insert into {self.name} (workspace_id, {a}, {b}, is_desired, is_unconfirmed,"  # noqa: S608
            f" revision, changed_at{created}) select $1, x.a, x.b, true, true, $4 + x.n - 1, $5"
            f"{', $5' if self.has_created_at else ''}"
            " from unnest($2::uuid[], $3::uuid[]) with ordinality x (a, b, n) order by x.a, x.b"
            f" on conflict (workspace_id, {a}, {b}) do update set is_desired = true,"
            " is_unconfirmed = true, revision = excluded.revision,"
            f" changed_at = excluded.changed_at{again}",
            change.workspace_id,
            column(row.ids for row in rows),
            column((row.ids for row in rows), 1),
            first,
            change.at,
        )

    async def delete(self, connection: Connection, change: Change, ids: Sequence[Ids]) -> None:
        """Leaves tombstones of these links."""
        rows = list((await self.read(connection, change.workspace_id, ids)).values())
        first = await record_all(connection, change, [fact.gone() for fact in facts_of(rows)])
        a, b = self.keys
        await connection.execute(
            f"update {self.name} t set is_desired = false, is_unconfirmed = true,"  # noqa: S608
            " revision = $4 + x.n - 1, changed_at = $5"
            " from unnest($2::uuid[], $3::uuid[]) with ordinality x (a, b, n)"
            f" where t.workspace_id = $1 and t.{a} = x.a and t.{b} = x.b",
            change.workspace_id,
            column(row.ids for row in rows),
            column((row.ids for row in rows), 1),
            first,
            change.at,
        )

    def _condition(self) -> str:
        return " and t.is_desired"


_SYSTEM_OF_GROUP: Final = (
    "(select g.acs_system_id from acs_access_group g where g.workspace_id = t.workspace_id"
    " and g.acs_access_group_id = t.acs_access_group_id)"
)
_SYSTEM_OF_CREDENTIAL: Final = (
    "(select c.acs_system_id from acs_credential c where c.workspace_id = t.workspace_id"
    " and c.acs_credential_id = t.acs_credential_id)"
)
_SYSTEM_OF_USER: Final = (
    "(select u.acs_system_id from acs_user u where u.workspace_id = t.workspace_id"
    " and u.acs_user_id = t.acs_user_id)"
)

GROUP_ENTRANCES: Final = Links(
    GroupEntrance,
    "access_group_entrance",
    ("acs_access_group_id", "acs_entrance_id"),
    computed={"acs_system_id": _SYSTEM_OF_GROUP},
    has_created_at=False,
)
CREDENTIAL_ENTRANCES: Final = Links(
    CredentialEntrance,
    "credential_entrance",
    ("acs_credential_id", "acs_entrance_id"),
    computed={"acs_system_id": _SYSTEM_OF_CREDENTIAL},
    has_created_at=False,
)
MEMBERSHIPS: Final = Links(
    Membership,
    "acs_membership",
    ("acs_access_group_id", "acs_user_id"),
    computed={"acs_system_id": _SYSTEM_OF_GROUP},
)
GRANTS: Final = Links(
    Grant,
    "user_entrance",
    ("acs_user_id", "acs_entrance_id"),
    computed={"acs_system_id": _SYSTEM_OF_USER},
    has_created_at=False,
)
