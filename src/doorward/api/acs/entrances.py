"""/acs/entrances: where people ask to pass."""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, UnsetType

from doorward.api import granting, unlocking
from doorward.api.granting import GrantEntrance
from doorward.api.parameters import (
    MOST_NAMED,
    AcsCredentialId,
    AcsEntranceId,
    AcsEntranceIds,
    AcsSystemId,
    ConnectedAccountId,
    CustomerKey,
    LocationId,
    SpaceId,
    Term,
)
from doorward.api.requests import found, is_given, or_none
from doorward.api.services import Services
from doorward.api.unlocking import UnlockEntrance
from doorward.resources.acs_credential import AcsCredential
from doorward.resources.acs_entrance import AcsEntrance
from doorward.resources.action_attempt import ActionAttempt
from doorward.store import credentials, entrances
from doorward.wire.route import EVERYBODY, STAFF, Call, Listed, Route

OnlyIf = Annotated[
    list[Literal["visionline_metadata.is_valid"]],
    msgspec.Meta(
        max_length=MOST_NAMED,
        description="Only credentials of which this is so; it is of no native credential.",
    ),
]


class GetEntrance(msgspec.Struct):
    """An entrance by id."""

    acs_entrance_id: AcsEntranceId


class ListEntrances(msgspec.Struct):
    """Filters of entrances; `location_id` is what `space_id` was called before."""

    acs_credential_id: AcsCredentialId | UnsetType = UNSET
    acs_entrance_ids: AcsEntranceIds | UnsetType = UNSET
    acs_system_id: AcsSystemId | UnsetType = UNSET
    connected_account_id: ConnectedAccountId | UnsetType = UNSET
    customer_key: CustomerKey | UnsetType = UNSET
    location_id: LocationId | UnsetType | None = UNSET
    term: Term | UnsetType = msgspec.field(name="search", default=UNSET)
    space_id: SpaceId | UnsetType = UNSET


class ListCredentialsWithAccess(GetEntrance):
    """An entrance by id, and a condition."""

    include_if: OnlyIf | UnsetType = UNSET


async def get(call: Call[Services], request: GetEntrance) -> AcsEntrance:
    """One entrance."""
    entrance = await entrances.get(
        call.services.database,
        call.workspace_id,
        request.acs_entrance_id,
        call.services.clock.now(call.workspace_id),
        sight=call.caller.sight,
    )
    return found(entrance, "acs_entrance")


async def list_entrances(call: Call[Services], request: ListEntrances) -> Listed:
    """A page of entrances."""
    # There are no spaces here, so none that an entrance could belong to.
    if is_given(request.space_id) or is_given(request.location_id):
        return Listed([], None)
    assert call.page is not None
    rows, next_after = await entrances.list_entrances(
        call.services.database,
        call.workspace_id,
        call.services.clock.now(call.workspace_id),
        acs_credential_id=or_none(request.acs_credential_id),
        acs_entrance_ids=or_none(request.acs_entrance_ids),
        acs_system_id=or_none(request.acs_system_id),
        connected_account_id=or_none(request.connected_account_id),
        customer_key=or_none(request.customer_key),
        term=or_none(request.term),
        sight=call.caller.sight,
        limit=call.page.limit,
        after=call.page.after,
    )
    return Listed(rows, next_after)


async def list_credentials_with_access(
    call: Call[Services], request: ListCredentialsWithAccess
) -> list[AcsCredential]:
    """The credentials that open an entrance now."""
    await get(call, request)
    if or_none(request.include_if):
        return []
    return await credentials.list_at_entrance(
        call.services.database,
        call.services.keyring,
        call.workspace_id,
        request.acs_entrance_id,
        call.services.clock.now(call.workspace_id),
        sight=call.caller.sight,
    )


ROUTES = (
    Route(
        path="/acs/entrances/get",
        verbs=("GET", "POST"),
        request=GetEntrance,
        handler=get,
        summary="Get an entrance",
        response_key="acs_entrance",
        resource=AcsEntrance,
        callers=EVERYBODY,
    ),
    Route(
        path="/acs/entrances/list",
        verbs=("GET", "POST"),
        request=ListEntrances,
        handler=list_entrances,
        summary="List entrances",
        response_key="acs_entrances",
        resource=AcsEntrance,
        is_list=True,
        page_limit=900,
        callers=EVERYBODY,
    ),
    Route(
        path="/acs/entrances/list_credentials_with_access",
        verbs=("GET", "POST"),
        request=ListCredentialsWithAccess,
        handler=list_credentials_with_access,
        summary="List the credentials that open an entrance now",
        response_key="acs_credentials",
        resource=AcsCredential,
        is_list=True,
        callers=(*STAFF, "client_session"),
    ),
    Route(
        path="/acs/entrances/grant_access",
        verbs=("POST",),
        request=GrantEntrance,
        handler=granting.grant,
        summary="Let a person through an entrance, by user or by identity",
        refuses=("duplicate_access_code",),
    ),
    Route(
        path="/acs/entrances/unlock",
        verbs=("POST",),
        request=UnlockEntrance,
        handler=unlocking.unlock,
        summary="Unlock an entrance once from afar",
        response_key="action_attempt",
        resource=ActionAttempt,
        action_type="UNLOCK_DOOR",
        is_creating=True,
    ),
)
