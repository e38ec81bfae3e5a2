"""/acs/credentials: what people show at readers."""

from typing import Annotated

import msgspec
from msgspec import UNSET, UnsetType

from doorward.api.parameters import (
    AcsCredentialId,
    AcsSystemId,
    AcsUserId,
    CreatedBefore,
    Term,
    UserIdentityId,
)
from doorward.api.requests import found, or_none
from doorward.api.services import Services
from doorward.resources.acs_credential import AcsCredential
from doorward.store import credentials
from doorward.wire.route import STAFF, Call, Listed, Route

ForPhones = Annotated[
    bool,
    msgspec.Meta(description="Only credentials that follow a person's phones, or no such."),
]


class GetCredential(msgspec.Struct):
    """A credential by id."""

    acs_credential_id: AcsCredentialId


class ListCredentials(msgspec.Struct):
    """Filters of credentials."""

    acs_system_id: AcsSystemId | UnsetType = UNSET
    acs_user_id: AcsUserId | UnsetType = UNSET
    created_before: CreatedBefore | UnsetType = UNSET
    is_multi_phone_sync_credential: ForPhones | UnsetType = UNSET
    term: Term | UnsetType = msgspec.field(name="search", default=UNSET)
    user_identity_id: UserIdentityId | UnsetType = UNSET


async def get(call: Call[Services], request: GetCredential) -> AcsCredential:
    """One credential."""
    services = call.services
    credential = await credentials.get(
        services.database, services.keyring, call.workspace_id, request.acs_credential_id
    )
    return found(credential, "acs_credential")


async def list_credentials(call: Call[Services], request: ListCredentials) -> Listed:
    """A page of credentials."""
    # No credential here is for phones.
    if request.is_multi_phone_sync_credential is True:
        return Listed([], None)
    assert call.page is not None
    rows, next_after = await credentials.list_credentials(
        call.services.database,
        call.services.keyring,
        call.workspace_id,
        acs_system_id=or_none(request.acs_system_id),
        acs_user_id=or_none(request.acs_user_id),
        user_identity_id=or_none(request.user_identity_id),
        created_before=or_none(request.created_before),
        term=or_none(request.term),
        sight=call.caller.sight,
        limit=call.page.limit,
        after=call.page.after,
    )
    return Listed(rows, next_after)


ROUTES = (
    Route(
        path="/acs/credentials/get",
        verbs=("GET", "POST"),
        request=GetCredential,
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
)
