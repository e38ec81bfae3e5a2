"""/acs/credentials: what people show at readers."""

from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from doorward.api.acs import credential_changes
from doorward.api.acs.credential_requests import (
    CreateCredential,
    CredentialKey,
    CredentialOwner,
    UpdateCredential,
)
from doorward.api.parameters import (
    AcsSystemId,
    AcsUserId,
    CreatedBefore,
    Term,
    UserIdentityId,
)
from doorward.api.requests import found, or_none
from doorward.api.services import Services
from doorward.resources.acs_credential import AcsCredential, UnmanagedAcsCredential
from doorward.resources.acs_entrance import AcsEntrance
from doorward.store import credentials, entrances
from doorward.wire.route import STAFF, Call, Listed, Route

ForPhones = Annotated[
    bool,
    msgspec.Meta(
        description="Only credentials for all phones of a person, or all others: what is on one"
        " phone is among these."
    ),
]


class ListUnmanaged(msgspec.Struct):
    """Filters of credentials that another system manages."""

    acs_system_id: AcsSystemId | UnsetType = UNSET
    acs_user_id: AcsUserId | UnsetType = UNSET
    term: Term | UnsetType = msgspec.field(name="search", default=UNSET)
    user_identity_id: UserIdentityId | UnsetType = UNSET


class ListCredentials(ListUnmanaged):
    """Filters of credentials."""

    created_before: CreatedBefore | UnsetType = UNSET
    is_multi_phone_sync_credential: ForPhones | UnsetType = UNSET


async def get(call: Call[Services], request: CredentialKey) -> AcsCredential:
    """One credential."""
    return await _get(call, request.acs_credential_id, is_managed=True)


async def get_unmanaged(call: Call[Services], request: CredentialKey) -> AcsCredential:
    """One credential that another system manages."""
    return await _get(call, request.acs_credential_id, is_managed=False)


async def list_credentials(call: Call[Services], request: ListCredentials) -> Listed:
    """A page of credentials."""
    assert call.page is not None
    rows, next_after = await credentials.list_credentials(
        call.services.database,
        call.services.keyring,
        call.workspace_id,
        acs_system_id=or_none(request.acs_system_id),
        acs_user_id=or_none(request.acs_user_id),
        user_identity_id=or_none(request.user_identity_id),
        created_before=or_none(request.created_before),
        is_for_phones=or_none(request.is_multi_phone_sync_credential),
        term=or_none(request.term),
        sight=call.caller.sight,
        limit=call.page.limit,
        after=call.page.after,
    )
    return Listed(rows, next_after)


async def list_unmanaged(call: Call[Services], request: ListUnmanaged) -> list[AcsCredential]:
    """All credentials that match and that another system manages."""
    return await credentials.list_unmanaged(
        call.services.database,
        call.services.keyring,
        call.workspace_id,
        acs_system_id=or_none(request.acs_system_id),
        acs_user_id=or_none(request.acs_user_id),
        user_identity_id=or_none(request.user_identity_id),
        term=or_none(request.term),
    )


async def list_accessible_entrances(
    call: Call[Services], request: CredentialKey
) -> list[AcsEntrance]:
    """What a credential opens now."""
    await get(call, request)
    now = call.services.clock.now(call.workspace_id)
    return await entrances.list_accessible_to_credential(
        call.services.database, call.workspace_id, request.acs_credential_id, now
    )


async def _get(call: Call[Services], acs_credential_id: UUID, *, is_managed: bool) -> AcsCredential:
    services = call.services
    credential = await credentials.get(
        services.database,
        services.keyring,
        call.workspace_id,
        acs_credential_id,
        is_managed=is_managed,
    )
    return found(credential, "acs_credential")


ROUTES = (
    Route(
        path="/acs/credentials/get",
        verbs=("GET", "POST"),
        request=CredentialKey,
        handler=get,
        summary="Get a credential",
        response_key="acs_credential",
        resource=AcsCredential,
    ),
    Route(
        path="/acs/credentials/list",
        verbs=("GET", "POST"),
        request=ListCredentials,
        handler=list_credentials,
        summary="List credentials",
        response_key="acs_credentials",
        resource=AcsCredential,
        is_list=True,
        page_limit=500,
        callers=(*STAFF, "client_session"),
    ),
    Route(
        path="/acs/credentials/create",
        verbs=("POST",),
        request=CreateCredential,
        handler=credential_changes.create,
        summary="Create a credential for a person, by user or by identity",
        response_key="acs_credential",
        resource=AcsCredential,
        is_creating=True,
        refuses=("acs_entrance_not_found", "duplicate_access_code"),
    ),
    Route(
        path="/acs/credentials/update",
        verbs=("PATCH", "POST"),
        request=UpdateCredential,
        handler=credential_changes.update,
        summary="Change a credential's code or its end",
        refuses=("duplicate_access_code",),
    ),
    Route(
        path="/acs/credentials/delete",
        verbs=("DELETE", "POST"),
        request=CredentialKey,
        handler=credential_changes.delete,
        summary="Delete a credential",
    ),
    Route(
        path="/acs/credentials/assign",
        verbs=("PATCH", "POST"),
        request=CredentialOwner,
        handler=credential_changes.assign,
        summary="Give a credential to a person, by user or by identity",
        refuses=("duplicate_access_code",),
    ),
    Route(
        path="/acs/credentials/unassign",
        verbs=("PATCH", "POST"),
        request=CredentialOwner,
        handler=credential_changes.unassign,
        summary="Take a credential from a person",
    ),
    Route(
        path="/acs/credentials/list_accessible_entrances",
        verbs=("GET", "POST"),
        request=CredentialKey,
        handler=list_accessible_entrances,
        summary="List the entrances that a credential opens now",
        response_key="acs_entrances",
        resource=AcsEntrance,
        is_list=True,
    ),
    Route(
        path="/acs/credentials/unmanaged/get",
        verbs=("GET", "POST"),
        request=CredentialKey,
        handler=get_unmanaged,
        summary="Get a credential that another system manages",
        response_key="acs_credential",
        resource=UnmanagedAcsCredential,
    ),
    Route(
        path="/acs/credentials/unmanaged/list",
        verbs=("GET", "POST"),
        request=ListUnmanaged,
        handler=list_unmanaged,
        summary="List credentials that another system manages",
        response_key="acs_credentials",
        resource=UnmanagedAcsCredential,
        is_list=True,
    ),
)
