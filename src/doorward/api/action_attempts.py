"""/action_attempts: momentary commands, and what became of them."""

from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from doorward.api.parameters import MOST_NAMED, DeviceId
from doorward.api.requests import found, is_given, or_none
from doorward.api.services import Services
from doorward.api.unlocking import end_where_over
from doorward.resources.action_attempt import ActionAttempt
from doorward.store import action_attempts
from doorward.store.action_attempts import Seen
from doorward.store.select import After
from doorward.wire.route import EVERYBODY, Call, Listed, Route

ActionAttemptId = Annotated[UUID, msgspec.Meta(description="The action attempt.")]
ActionAttemptIds = Annotated[
    list[UUID], msgspec.Meta(max_length=MOST_NAMED, description="Any of these action attempts.")
]


class GetActionAttempt(msgspec.Struct):
    """An attempt by id."""

    action_attempt_id: ActionAttemptId


class ListActionAttempts(msgspec.Struct):
    """Filters of attempts."""

    action_attempt_ids: ActionAttemptIds | UnsetType = UNSET
    device_id: DeviceId | UnsetType = UNSET


async def get(call: Call[Services], request: GetActionAttempt) -> ActionAttempt:
    """One attempt as it is now."""
    seen = await _look(call, request)
    if await end_where_over(call.services, call.workspace_id, [seen]):
        seen = await _look(call, request)
    return seen.attempt


async def _look(call: Call[Services], request: GetActionAttempt) -> Seen:
    seen = await action_attempts.get(
        call.services.database,
        call.services.keyring,
        call.workspace_id,
        request.action_attempt_id,
        sight=call.caller.sight,
    )
    return found(seen, "action_attempt")


async def list_attempts(call: Call[Services], request: ListActionAttempts) -> Listed:
    """A page of attempts."""
    # There are no devices here, so nothing that was attempted with one.
    if is_given(request.device_id):
        return Listed([], None)
    page = await _look_at_page(call, request)
    if await end_where_over(call.services, call.workspace_id, page[0]):
        page = await _look_at_page(call, request)
    return Listed([seen.attempt for seen in page[0]], page[1])


async def _look_at_page(
    call: Call[Services], request: ListActionAttempts
) -> tuple[list[Seen], After | None]:
    assert call.page is not None
    return await action_attempts.list_attempts(
        call.services.database,
        call.services.keyring,
        call.workspace_id,
        action_attempt_ids=or_none(request.action_attempt_ids),
        sight=call.caller.sight,
        limit=call.page.limit,
        after=call.page.after,
    )


ROUTES = (
    Route(
        path="/action_attempts/get",
        verbs=("GET", "POST"),
        request=GetActionAttempt,
        handler=get,
        summary="Get an action attempt",
        response_key="action_attempt",
        resource=ActionAttempt,
        callers=EVERYBODY,
    ),
    Route(
        path="/action_attempts/list",
        verbs=("GET", "POST"),
        request=ListActionAttempts,
        handler=list_attempts,
        summary="List action attempts",
        response_key="action_attempts",
        resource=ActionAttempt,
        is_list=True,
        page_limit=500,
    ),
)
