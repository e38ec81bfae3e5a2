"""The calls of /acs/credentials that change something."""

from uuid import UUID

from doorward.api import linking
from doorward.api.acs.credential_requests import (
    CreateCredential,
    CredentialKey,
    CredentialOwner,
    UpdateCredential,
    check,
)
from doorward.api.changing import carry_out
from doorward.api.issuing import Issuer, Wanted
from doorward.api.requests import found, or_none
from doorward.api.services import Services
from doorward.errors import not_found
from doorward.resources.acs_credential import AcsCredential
from doorward.store import credentials, identities, systems, users
from doorward.store.database import Connection
from doorward.store.identities import Identity
from doorward.store.journal import Change
from doorward.store.people import Credential
from doorward.wire.route import Call


async def create(call: Call[Services], request: CreateCredential) -> AcsCredential:
    """Makes a credential for a person."""

    async def make(connection: Connection, change: Change) -> AcsCredential:
        check(request)
        acs_system_id, acs_user_id = await _owner(connection, change, request)
        keyring = call.services.keyring
        wanted = Wanted(
            request.access_method,
            acs_system_id,
            acs_user_id,
            or_none(request.allowed_acs_entrance_ids) or [],
            or_none(request.starts_at),
            or_none(request.ends_at),
            or_none(request.code),
        )
        made = await Issuer(connection, change, keyring).create(wanted)
        shown = await credentials.get(connection, keyring, change.workspace_id, made)
        return found(shown, "acs_credential")

    return await carry_out(call, make)


async def update(call: Call[Services], request: UpdateCredential) -> None:
    """Gives a credential another code, or another end."""

    async def make(connection: Connection, change: Change) -> None:
        issuer = Issuer(connection, change, call.services.keyring)
        credential = await issuer.find(request.acs_credential_id)
        await issuer.update(credential, or_none(request.code), or_none(request.ends_at))

    await carry_out(call, make)


async def delete(call: Call[Services], request: CredentialKey) -> None:
    """Takes a credential away."""

    async def make(connection: Connection, change: Change) -> None:
        issuer = Issuer(connection, change, call.services.keyring)
        await issuer.delete(await issuer.find(request.acs_credential_id))

    await carry_out(call, make)


async def assign(call: Call[Services], request: CredentialOwner) -> None:
    """Gives a credential to a person; an identity without a user in its system gets one."""

    async def make(connection: Connection, change: Change) -> None:
        issuer = Issuer(connection, change, call.services.keyring)
        credential = await issuer.find(request.acs_credential_id)
        acs_user_id = or_none(request.acs_user_id)
        if isinstance(request.user_identity_id, UUID):
            identity = await _identity(connection, change, request.user_identity_id)
            acs_user_id = await linking.user_of(
                connection, change, identity, credential.acs_system_id
            )
        await issuer.assign(credential, found(acs_user_id, "acs_user"))

    await carry_out(call, make)


async def unassign(call: Call[Services], request: CredentialOwner) -> None:
    """Takes a credential from a person; whoever has it not, has it not afterwards either."""

    async def make(connection: Connection, change: Change) -> None:
        issuer = Issuer(connection, change, call.services.keyring)
        credential = await issuer.find(request.acs_credential_id)
        acs_user_id = await _former_owner(connection, change, request, credential)
        if acs_user_id is not None and acs_user_id == credential.acs_user_id:
            await issuer.unassign(credential)

    await carry_out(call, make)


async def _owner(
    connection: Connection, change: Change, request: CreateCredential
) -> tuple[UUID, UUID]:
    """System and person of a new credential; an identity without a user there gets one."""
    workspace_id, acs_system_id = change.workspace_id, or_none(request.acs_system_id)
    if isinstance(request.acs_user_id, UUID):
        theirs = await users.system_of(connection, workspace_id, request.acs_user_id)
        if theirs is None or acs_system_id not in (None, theirs):
            raise not_found("acs_user")
        return theirs, request.acs_user_id
    assert acs_system_id is not None
    assert isinstance(request.user_identity_id, UUID)
    identity = await _identity(connection, change, request.user_identity_id)
    found(await systems.get(connection, workspace_id, acs_system_id), "acs_system")
    return acs_system_id, await linking.user_of(connection, change, identity, acs_system_id)


async def _former_owner(
    connection: Connection, change: Change, request: CredentialOwner, credential: Credential
) -> UUID | None:
    """Who is to have a credential no longer, None for an identity that is nobody in its system."""
    workspace_id = change.workspace_id
    if isinstance(request.acs_user_id, UUID):
        found(await users.system_of(connection, workspace_id, request.acs_user_id), "acs_user")
        return request.acs_user_id
    assert isinstance(request.user_identity_id, UUID)
    identity = await _identity(connection, change, request.user_identity_id)
    return await identities.user_in_system(
        connection, workspace_id, identity.user_identity_id, credential.acs_system_id
    )


async def _identity(connection: Connection, change: Change, user_identity_id: UUID) -> Identity:
    identity = await identities.get(connection, change.workspace_id, user_identity_id)
    return found(identity, "user_identity")
