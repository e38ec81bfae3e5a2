"""/acs/systems: access systems."""

import msgspec
from msgspec import UNSET, UnsetType

from doorward.api.parameters import AcsSystemId, ConnectedAccountId, CustomerKey, Term
from doorward.api.requests import found, or_none
from doorward.api.services import Services
from doorward.resources.acs_system import AcsSystem
from doorward.store import systems
from doorward.wire.route import EVERYBODY, Call, Route


class GetSystem(msgspec.Struct):
    """An access system by id."""

    acs_system_id: AcsSystemId


class ListSystems(msgspec.Struct):
    """Filters of access systems."""

    connected_account_id: ConnectedAccountId | UnsetType = UNSET
    customer_key: CustomerKey | UnsetType = UNSET
    term: Term | UnsetType = msgspec.field(name="search", default=UNSET)


async def get(call: Call[Services], request: GetSystem) -> AcsSystem:
    """One access system."""
    system = await systems.get(call.services.database, call.workspace_id, request.acs_system_id)
    return found(system, "acs_system")


async def list_systems(call: Call[Services], request: ListSystems) -> list[AcsSystem]:
    """All access systems that match."""
    return await systems.list_systems(
        call.services.database,
        call.workspace_id,
        connected_account_id=or_none(request.connected_account_id),
        customer_key=or_none(request.customer_key),
        term=or_none(request.term),
        sight=call.caller.sight,
    )


ROUTES = (
    Route(
        path="/acs/systems/get",
        verbs=("GET", "POST"),
        request=GetSystem,
        handler=get,
        summary="Get an access system",
        response_key="acs_system",
        resource=AcsSystem,
    ),
    Route(
        path="/acs/systems/list",
        verbs=("GET", "POST"),
        request=ListSystems,
        handler=list_systems,
        summary="List access systems",
        response_key="acs_systems",
        resource=AcsSystem,
        is_list=True,
        callers=EVERYBODY,
    ),
)
