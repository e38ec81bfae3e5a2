"""Letting somebody through one entrance, beside all groups and credentials."""

from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from doorward.api import linking
from doorward.api.changing import carry_out
from doorward.api.parameters import AcsEntranceId, AcsUserId, UserIdentityId
from doorward.api.requests import exactly_one, found
from doorward.api.services import Services
from doorward.errors import invalid_input
from doorward.store import codes, entrances, identities, systems, users
from doorward.store.database import Connection
from doorward.store.journal import Change
from doorward.store.links import GRANTS, Grant
from doorward.wire.route import Call


class GrantEntrance(msgspec.Struct):
    """An entrance, and a person named by user or by identity."""

    acs_entrance_id: AcsEntranceId
    acs_user_id: AcsUserId | UnsetType = UNSET
    user_identity_id: UserIdentityId | UnsetType = UNSET

    def check(self) -> list[str]:
        """One name is enough, and two could contradict each other."""
        return exactly_one(self, "acs_user_id", "user_identity_id")


async def grant(call: Call[Services], request: GrantEntrance) -> None:
    """Lets a person through an entrance; an identity without a user in its system gets one.

    Whoever was granted it already stays so. Raises ApiError 404, 400 for an entrance of another
    system than the user's and of one that knows no such grants, 409 `duplicate_access_code`.
    """

    async def make(connection: Connection, change: Change) -> None:
        if isinstance(request.acs_user_id, UUID):
            acs_user_id = request.acs_user_id
            system = await _system_of(connection, change, acs_user_id)
            if system != await _system_of_entrance(connection, change, request):
                raise invalid_input("The user and the entrance are of different access systems")
        else:
            acs_user_id, system = await _of_identity(connection, change, request)
        provider = await systems.provider_of(connection, change.workspace_id, system)
        if not provider.has_grants:
            way = "access groups" if provider.is_group_based else "the entrances of each credential"
            raise invalid_input(f"{provider.display_name} lets people in by {way} alone")
        link = Grant(acs_user_id, request.acs_entrance_id, system)
        if not await GRANTS.read(connection, change.workspace_id, [link.ids]):
            await GRANTS.insert(connection, change, [link])
            await codes.check_codes_of(connection, change.workspace_id, acs_user_id)

    await carry_out(call, make)


async def _of_identity(
    connection: Connection, change: Change, request: GrantEntrance
) -> tuple[UUID, UUID]:
    assert isinstance(request.user_identity_id, UUID)
    identity = await identities.get(connection, change.workspace_id, request.user_identity_id)
    there = found(identity, "user_identity")
    system = await _system_of_entrance(connection, change, request)
    return await linking.user_of(connection, change, there, system), system


async def _system_of(connection: Connection, change: Change, acs_user_id: UUID) -> UUID:
    return found(await users.system_of(connection, change.workspace_id, acs_user_id), "acs_user")


async def _system_of_entrance(
    connection: Connection, change: Change, request: GrantEntrance
) -> UUID:
    system = await entrances.system_of(connection, change.workspace_id, request.acs_entrance_id)
    return found(system, "acs_entrance")
