"""/acs/entrances: where people ask to pass."""

import msgspec
from msgspec import UNSET, UnsetType

from doorward.api.parameters import (
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
from doorward.resources.acs_entrance import AcsEntrance
from doorward.store import entrances
from doorward.wire.route import EVERYBODY, Call, Listed, Route


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
)
