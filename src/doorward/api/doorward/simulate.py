"""/doorward/simulate: faults on demand and movable time, in sandbox workspaces only."""

from datetime import UTC, datetime, timedelta
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from doorward.api.doorward import system_faults
from doorward.api.doorward.system_faults import (
    ChangeCode,
    DeleteUser,
    Forget,
    MakeUser,
    Misbehave,
)
from doorward.api.parameters import AcsEntranceId, ControllerId
from doorward.api.requests import exactly_one, found, or_none
from doorward.api.sandboxed import must_be_sandbox
from doorward.api.services import Services
from doorward.errors import decided_elsewhere, invalid_input
from doorward.resources.values import iso
from doorward.resources.workspace_time import WorkspaceTime
from doorward.store import clock, entrances
from doorward.wire.route import Call, Route

IsHeld = Annotated[
    bool,
    msgspec.Meta(
        description="Whether to cut it off, or else to let it back.",
        extra_json_schema={"default": True},
    ),
]
Seconds = Annotated[
    int,
    msgspec.Meta(
        ge=0,
        le=int(clock.MOST_AHEAD.total_seconds()),
        description="By how much to move time on; with 0 the call only tells the time.",
    ),
]
To = Annotated[datetime, msgspec.Meta(description="The time that it is to be; not before now.")]


class HoldController(msgspec.Struct):
    """A controller by id, or the one that decides at an entrance."""

    acs_entrance_id: AcsEntranceId | UnsetType = UNSET
    controller_id: ControllerId | UnsetType = UNSET
    is_held: IsHeld = True

    def check(self) -> list[str]:
        """One name is enough."""
        return exactly_one(self, "controller_id", "acs_entrance_id")


async def hold_controller(call: Call[Services], request: HoldController) -> None:
    """Cuts a controller off from the server, or lets it back.

    Raises ApiError 400 for an entrance at which another system decides.
    """
    await must_be_sandbox(call)
    controller_id = or_none(request.controller_id)
    if isinstance(request.acs_entrance_id, UUID):
        where = call.services.database, call.workspace_id, request.acs_entrance_id
        found(await entrances.system_of(*where), "acs_entrance")
        controller_id = await entrances.controller_of(*where)
    if controller_id is None:
        raise decided_elsewhere()
    await call.services.doors.hold(call.workspace_id, controller_id, is_held=request.is_held)


class AdvanceTime(msgspec.Struct):
    """By how much, or to which time; a workspace's time moves forward alone."""

    seconds: Seconds | UnsetType = UNSET
    to: To | UnsetType = UNSET

    def check(self) -> list[str]:
        """One way of saying it is enough."""
        return exactly_one(self, "seconds", "to")


async def advance_time(call: Call[Services], request: AdvanceTime) -> WorkspaceTime:
    """Moves the workspace's time: for every read and every door of this server from now on."""
    await must_be_sandbox(call)
    ahead = await _advance(call, request)
    call.services.clock.moved(call.workspace_id, ahead)
    return WorkspaceTime(
        now=iso(call.services.clock.now(call.workspace_id)), seconds_ahead=ahead.total_seconds()
    )


async def _advance(call: Call[Services], request: AdvanceTime) -> timedelta:
    where = call.services.database, call.workspace_id
    if not isinstance(request.seconds, UnsetType):
        ahead = await clock.advance_by(*where, timedelta(seconds=request.seconds))
    else:
        assert isinstance(request.to, datetime)
        if request.to < (now := call.services.clock.now(call.workspace_id)):
            raise invalid_input(f"'to' must not be before now, which is {iso(now)}")
        ahead = await clock.advance_to(*where, request.to - datetime.now(UTC))
    if ahead is None:
        raise invalid_input("Time moves forward alone, and not further ahead than a century")
    return ahead


ROUTES = (
    Route(
        path="/doorward/simulate/misbehave",
        verbs=("POST",),
        request=Misbehave,
        handler=system_faults.misbehave,
        summary="Let a simulated access system misbehave, or behave again",
        is_sandbox_only=True,
        scope="doors",
    ),
    Route(
        path="/doorward/simulate/delete_acs_user",
        verbs=("DELETE", "POST"),
        request=DeleteUser,
        handler=system_faults.delete_user,
        summary="Delete a person by hand at a simulated access system",
        is_sandbox_only=True,
        scope="doors",
    ),
    Route(
        path="/doorward/simulate/change_code",
        verbs=("POST",),
        request=ChangeCode,
        handler=system_faults.change_code,
        summary="Change a credential's code by hand at a simulated access system",
        is_sandbox_only=True,
        scope="doors",
    ),
    Route(
        path="/doorward/simulate/create_acs_user",
        verbs=("POST",),
        request=MakeUser,
        handler=system_faults.make_user,
        summary="Make a person by hand at a simulated access system, with a code or without",
        is_sandbox_only=True,
        scope="doors",
    ),
    Route(
        path="/doorward/simulate/forget",
        verbs=("POST",),
        request=Forget,
        handler=system_faults.forget,
        summary="Let a simulated access system forget everything",
        is_sandbox_only=True,
        scope="doors",
    ),
    Route(
        path="/doorward/simulate/hold_controller",
        verbs=("POST",),
        request=HoldController,
        handler=hold_controller,
        summary="Cut a controller off from the server, or let it back",
        is_sandbox_only=True,
        scope="doors",
    ),
    Route(
        path="/doorward/simulate/advance_time",
        verbs=("POST",),
        request=AdvanceTime,
        handler=advance_time,
        summary="Move a sandbox workspace's time forward",
        response_key="workspace_time",
        resource=WorkspaceTime,
        is_sandbox_only=True,
        scope="doors",
    ),
)
