"""/doorward/simulate: faults on demand, in sandbox workspaces only."""

from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from doorward.api.parameters import AcsEntranceId, ControllerId
from doorward.api.requests import exactly_one, found, or_none
from doorward.api.services import Services
from doorward.errors import ApiError
from doorward.store import entrances, workspaces
from doorward.wire.route import Call, Route

IsHeld = Annotated[
    bool,
    msgspec.Meta(
        description="Whether to cut it off, or else to let it back.",
        extra_json_schema={"default": True},
    ),
]


class HoldController(msgspec.Struct):
    """A controller by id, or the one that decides at an entrance."""

    acs_entrance_id: AcsEntranceId | UnsetType = UNSET
    controller_id: ControllerId | UnsetType = UNSET
    is_held: IsHeld = True

    def check(self) -> list[str]:
        """One name is enough."""
        return exactly_one(self, "controller_id", "acs_entrance_id")


async def hold_controller(call: Call[Services], request: HoldController) -> None:
    """Cuts a controller off from the server, or lets it back."""
    await _must_be_sandbox(call)
    controller_id = or_none(request.controller_id)
    if isinstance(request.acs_entrance_id, UUID):
        controller_id = await entrances.controller_of(
            call.services.database, call.workspace_id, request.acs_entrance_id
        )
    await call.services.doors.hold(
        call.workspace_id, found(controller_id, "acs_entrance"), is_held=request.is_held
    )


async def _must_be_sandbox(call: Call[Services]) -> None:
    workspace = await workspaces.get(call.services.database, call.workspace_id)
    if not found(workspace, "workspace").is_sandbox:
        raise ApiError(400, "workspace_not_sandbox", "This is no sandbox workspace")


ROUTES = (
    Route(
        path="/doorward/simulate/hold_controller",
        verbs=("POST",),
        request=HoldController,
        handler=hold_controller,
        summary="Cut a controller off from the server, or let it back",
        is_sandbox_only=True,
        scope="doors",
    ),
)
