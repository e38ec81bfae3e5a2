"""How /user_identities answers who somebody is, where they are known and what they can open."""

from uuid import UUID

from doorward.api.identity_requests import (
    GenerateInstantKey,
    IdentityId,
    IdentityName,
    ListIdentities,
    ListUnmanaged,
    OnDevice,
)
from doorward.api.requests import found, is_given, or_none
from doorward.api.services import Services
from doorward.errors import invalid_input, not_found
from doorward.resources.acs_entrance import AcsEntrance
from doorward.resources.acs_system import AcsSystem
from doorward.resources.acs_user import AcsUser
from doorward.resources.not_here import Device, InstantKey
from doorward.resources.user_identity import UnmanagedUserIdentity, UserIdentity
from doorward.store import entrances, identities, identity_reads, systems, users
from doorward.wire.route import Call, Listed


async def get(call: Call[Services], request: IdentityName) -> UserIdentity:
    """One identity."""
    if isinstance(request.user_identity_id, UUID):
        return await _seen(call, request.user_identity_id)
    assert isinstance(request.user_identity_key, str)
    named = await identities.called(
        call.services.database, call.workspace_id, request.user_identity_key
    )
    return await _seen(call, found(named, "user_identity"))


async def list_identities(call: Call[Services], request: ListIdentities) -> Listed:
    """A page of identities."""
    assert call.page is not None
    # There are no credential managers here, so nobody is known to one.
    if is_given(request.credential_manager_acs_system_id):
        return Listed([], None)
    rows, next_after = await identity_reads.list_identities(
        call.services.database,
        call.workspace_id,
        user_identity_ids=or_none(request.user_identity_ids),
        created_before=or_none(request.created_before),
        term=or_none(request.term),
        sight=call.caller.sight,
        limit=call.page.limit,
        after=call.page.after,
    )
    return Listed(rows, next_after)


async def get_unmanaged(call: Call[Services], request: IdentityId) -> UnmanagedUserIdentity:
    """One unmanaged identity."""
    identity = await identity_reads.get_unmanaged(
        call.services.database,
        call.workspace_id,
        request.user_identity_id,
        sight=call.caller.sight,
    )
    return found(identity, "user_identity")


async def list_unmanaged(call: Call[Services], request: ListUnmanaged) -> Listed:
    """A page of unmanaged identities."""
    assert call.page is not None
    rows, next_after = await identity_reads.list_unmanaged(
        call.services.database,
        call.workspace_id,
        created_before=or_none(request.created_before),
        term=or_none(request.term),
        sight=call.caller.sight,
        limit=call.page.limit,
        after=call.page.after,
    )
    return Listed(rows, next_after)


async def list_acs_systems(call: Call[Services], request: IdentityId) -> list[AcsSystem]:
    """The access systems that an identity has a user in."""
    await _seen(call, request.user_identity_id)
    return await systems.list_systems(
        call.services.database,
        call.workspace_id,
        user_identity_id=request.user_identity_id,
        sight=call.caller.sight,
    )


async def list_acs_users(call: Call[Services], request: IdentityId) -> list[AcsUser]:
    """The users of an identity, one in each of its systems."""
    await _seen(call, request.user_identity_id)
    return await users.list_of_identity(
        call.services.database,
        call.workspace_id,
        request.user_identity_id,
        call.services.clock.now(call.workspace_id),
    )


async def list_accessible_entrances(call: Call[Services], request: IdentityId) -> list[AcsEntrance]:
    """What an identity's users can open now."""
    await _seen(call, request.user_identity_id)
    return await entrances.list_accessible_to_identity(
        call.services.database,
        call.workspace_id,
        request.user_identity_id,
        call.services.clock.now(call.workspace_id),
        sight=call.caller.sight,
    )


async def list_accessible_devices(call: Call[Services], request: IdentityId) -> list[Device]:
    """The devices that an identity may use: there are none here."""
    await _seen(call, request.user_identity_id)
    return []


async def refuse_device(call: Call[Services], request: OnDevice) -> None:
    """Gives an identity a device, or takes it away: there are none here."""
    await _seen(call, request.user_identity_id)
    raise not_found("device")


async def refuse_instant_key(call: Call[Services], request: GenerateInstantKey) -> InstantKey:
    """Makes a link to a mobile key: no system here has any."""
    await _seen(call, request.user_identity_id)
    raise invalid_input("No access system of the user identity has mobile keys")


async def _seen(call: Call[Services], user_identity_id: UUID) -> UserIdentity:
    identity = await identity_reads.get(
        call.services.database, call.workspace_id, user_identity_id, sight=call.caller.sight
    )
    return found(identity, "user_identity")
