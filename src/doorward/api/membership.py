"""Putting people into access groups and taking them out, for the calls that spell it two ways."""

from dataclasses import dataclass
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from doorward.api import linking
from doorward.api.changing import asked, wait_for_doors
from doorward.api.parameters import AcsAccessGroupId, AcsUserId, UserIdentityId
from doorward.api.requests import exactly_one, or_none
from doorward.api.services import Services
from doorward.errors import ApiError, invalid_input, not_found
from doorward.store import groups, identities
from doorward.store.codes import duplicate_code
from doorward.store.database import Connection
from doorward.store.journal import Change
from doorward.store.memberships import ChangeMembership, MembershipResult
from doorward.wire.route import Call


class Membership(msgspec.Struct):
    """A group, and a person named by user or by identity."""

    acs_access_group_id: AcsAccessGroupId
    acs_user_id: AcsUserId | UnsetType = UNSET
    user_identity_id: UserIdentityId | UnsetType = UNSET

    def check(self) -> list[str]:
        """One name is enough, and two could contradict each other."""
        return exactly_one(self, "acs_user_id", "user_identity_id")


@dataclass(frozen=True, slots=True)
class JoinByIdentity:
    """Adds an identity to a group in whose system it has no user: links or makes one first."""

    change: Change
    acs_access_group_id: UUID
    user_identity_id: UUID

    @property
    def workspace_id(self) -> UUID:
        """The workspace whose journal this is written to."""
        return self.change.workspace_id

    async def run(self, connection: Connection) -> MembershipResult:
        """User, event and membership, or nothing. Raises ApiError."""
        workspace_id, group_id = self.workspace_id, self.acs_access_group_id
        identity = await identities.get(connection, workspace_id, self.user_identity_id)
        if identity is None:
            raise not_found("user_identity")
        acs_system_id = await groups.system_of(connection, workspace_id, group_id)
        if acs_system_id is None:
            raise not_found("acs_access_group")
        acs_user_id = await linking.user_of(connection, self.change, identity, acs_system_id)
        add = ChangeMembership(self.change, True, group_id, acs_user_id)
        result = await add.run(connection)
        if (refusal := _refusal(result)) is not None:
            raise refusal
        return result


async def add(call: Call[Services], request: Membership) -> None:
    """Adds a person to a group; an identity without a user in the group's system gets one."""
    result = await _change(call, request, is_add=True)
    if result.status == "no_user_in_system":
        assert isinstance(request.user_identity_id, UUID)
        join = JoinByIdentity(asked(call), request.acs_access_group_id, request.user_identity_id)
        result = await call.services.writer.submit(join)
    await _answer(call, result)


async def remove(call: Call[Services], request: Membership) -> None:
    """Removes a person from a group; whoever is not in it, is not in it afterwards either."""
    await _answer(call, await _change(call, request, is_add=False))


async def _change(call: Call[Services], request: Membership, *, is_add: bool) -> MembershipResult:
    return await call.services.writer.submit(
        ChangeMembership(
            asked(call),
            is_add,
            request.acs_access_group_id,
            or_none(request.acs_user_id),
            or_none(request.user_identity_id),
        )
    )


async def _answer(call: Call[Services], result: MembershipResult) -> None:
    refusal = _refusal(result)
    if refusal is not None:
        raise refusal
    if result.revision is not None:
        await wait_for_doors(call, result.revision)


def _refusal(result: MembershipResult) -> ApiError | None:
    match result.status:
        case "changed" | "unchanged" | "no_user_in_system":
            return None
        case "different_systems":
            return invalid_input("The user and the access group are of different access systems")
        case "code_taken":
            return duplicate_code()
        case unknown:
            return not_found(unknown.removesuffix("_not_found"))
