"""/acs/systems: access systems."""

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from doorward.api.parameters import MOST_NAMED, AcsSystemId, ConnectedAccountId, CustomerKey, Term
from doorward.api.requests import found, or_none
from doorward.api.services import Services
from doorward.errors import ApiError
from doorward.resources.acs_system import AcsSystem
from doorward.store import systems
from doorward.store.personal import LONGEST_TEXT
from doorward.wire.route import EVERYBODY, Call, Route

_Name = Annotated[str, Meta(max_length=LONGEST_TEXT, description="What it is called there.")]
IsRemoved = Annotated[
    bool,
    Meta(description="Whether it is there no more.", extra_json_schema={"default": False}),
]


class GetSystem(msgspec.Struct):
    """An access system by id."""

    acs_system_id: AcsSystemId


class EncoderPort(msgspec.Struct):
    """How a Hotek system knows an encoder."""

    encoder_number: Annotated[
        str, Meta(max_length=LONGEST_TEXT, description="The number of the port that it is at.")
    ]


class RoomName(msgspec.Struct):
    """How a Hotek system knows an entrance."""

    common_area_name: _Name | UnsetType = UNSET
    common_area_number: _Name | UnsetType = UNSET
    room_number: _Name | UnsetType = UNSET


class ReportedEncoder(msgspec.Struct):
    """An encoder that is there, or no more."""

    hotek_metadata: EncoderPort
    is_removed: IsRemoved = False


class ReportedEntrance(msgspec.Struct):
    """An entrance that is there, or no more."""

    hotek_metadata: RoomName
    is_removed: IsRemoved = False


class ReportDevices(msgspec.Struct):
    """What an access system consists of, as a bridge of its maker tells."""

    acs_system_id: AcsSystemId
    acs_encoders: Annotated[
        list[ReportedEncoder],
        Meta(max_length=MOST_NAMED, description="Encoders.", extra_json_schema={"default": []}),
    ] = msgspec.field(default_factory=list)
    acs_entrances: Annotated[
        list[ReportedEntrance],
        Meta(max_length=MOST_NAMED, description="Entrances.", extra_json_schema={"default": []}),
    ] = msgspec.field(default_factory=list)


class ListSystems(msgspec.Struct):
    """Filters of access systems."""

    connected_account_id: ConnectedAccountId | UnsetType = UNSET
    customer_key: CustomerKey | UnsetType = UNSET
    term: Term | UnsetType = msgspec.field(name="search", default=UNSET)


async def get(call: Call[Services], request: GetSystem) -> AcsSystem:
    """One access system."""
    system = await systems.get(call.services.database, call.workspace_id, request.acs_system_id)
    return found(system, "acs_system")


async def list_credential_managers(call: Call[Services], request: GetSystem) -> list[AcsSystem]:
    """The credential managers that a system can be used with: a native one needs none, has none."""
    await get(call, request)
    return []


async def report_devices(call: Call[Services], request: ReportDevices) -> None:
    """Takes note of nothing, for a native system's entrances are those of its site file.

    Raises ApiError 404, and 400 `not_supported` where there is something to take note of.
    """
    await get(call, GetSystem(request.acs_system_id))
    if request.acs_encoders or request.acs_entrances:
        raise ApiError(
            400,
            "not_supported",
            "What a native access system consists of is declared in its site file, and by nothing"
            " else; only a Hotek system is reported",
        )


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
    Route(
        path="/acs/systems/list_compatible_credential_manager_acs_systems",
        verbs=("GET", "POST"),
        request=GetSystem,
        handler=list_credential_managers,
        summary="List the credential managers that an access system can be used with",
        response_key="acs_systems",
        resource=AcsSystem,
        is_list=True,
    ),
    Route(
        path="/acs/systems/report_devices",
        verbs=("POST",),
        request=ReportDevices,
        handler=report_devices,
        summary="Report what an access system of another maker consists of",
        refuses=("not_supported",),
    ),
)
