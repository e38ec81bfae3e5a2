"""Who is in which access group: the hot operation, for many calls in one statement."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal
from uuid import UUID

from doorward.store.database import Connection
from doorward.store.journal import Change

Status = Literal[
    "changed",
    "unchanged",
    "acs_user_not_found",
    "user_identity_not_found",
    "acs_access_group_not_found",
    "no_user_in_system",
    "different_systems",
    "code_taken",
]


@dataclass(frozen=True, slots=True)
class MembershipResult:
    """What became of one call; `revision` is the one that the doors have to confirm, if any."""

    status: Status
    revision: int | None
    acs_user_id: UUID | None


@dataclass(frozen=True, slots=True)
class ChangeMembership:
    """Adds a user to a group or removes one, named by user or by identity (then the user that the
    identity has in the group's system).
    """

    change: Change
    is_add: bool
    acs_access_group_id: UUID
    acs_user_id: UUID | None = None
    user_identity_id: UUID | None = None

    @property
    def workspace_id(self) -> UUID:
        """The workspace whose journal this is written to."""
        return self.change.workspace_id

    async def run(self, connection: Connection) -> MembershipResult:
        """The same for one call alone, inside somebody else's transaction."""
        return (await change_memberships(connection, [self]))[0]


CHANGE: Final = "change_memberships($1, $2, $3, $4, $5, $6, $7)"


async def change_memberships(
    connection: Connection, calls: Sequence[ChangeMembership]
) -> list[MembershipResult]:
    """Makes the changes in the given order, all or none; each has a status of its own."""
    rows = await connection.fetch(
        f"select status, revision, acs_user_id from {CHANGE}",  # noqa: S608
        *arguments(calls),
    )
    return [MembershipResult(*row) for row in rows]


def arguments(calls: Sequence[ChangeMembership]) -> tuple[list[Any], ...]:
    """Calls as CHANGE takes them."""
    changes = [call.change for call in calls]
    return (
        [change.at for change in changes],
        [change.actor for change in changes],
        [change.workspace_id for change in changes],
        [call.is_add for call in calls],
        [call.acs_access_group_id for call in calls],
        [call.acs_user_id for call in calls],
        [call.user_identity_id for call in calls],
    )
