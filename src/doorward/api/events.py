"""/events: what happened."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from doorward.api.parameters import (
    AccessCodeId,
    AccessCodeIds,
    AccessGrantId,
    AccessGrantIds,
    AccessMethodId,
    AccessMethodIds,
    AcsAccessGroupId,
    AcsCredentialId,
    AcsEncoderId,
    AcsEntranceId,
    AcsSystemId,
    AcsSystemIds,
    AcsUserId,
    ConnectedAccountId,
    ConnectWebviewId,
    CustomerKey,
    DeviceId,
    DeviceIds,
    EventId,
    EventIds,
    EventType,
    EventTypes,
    SpaceId,
    SpaceIds,
    UserIdentityId,
)
from doorward.api.requests import exactly_one, found, is_given, or_none
from doorward.api.services import Services
from doorward.resources.event import Event, is_event_type
from doorward.store import events, identities
from doorward.wire.issues import shortened
from doorward.wire.route import EVERYBODY, Call, Route
from doorward.wire.scalars import COMPARED

Limit = Annotated[
    int,
    msgspec.Meta(
        ge=1,
        le=1000,
        description="The most events that are answered.",
        extra_json_schema={"default": 500},
    ),
]
Between = Annotated[
    list[Annotated[datetime, msgspec.Meta(extra=COMPARED)]],
    msgspec.Meta(
        min_length=2,
        max_length=2,
        description="Only what the server learnt of after the first time and before the second.",
    ),
]
Since = Annotated[
    datetime,
    msgspec.Meta(
        description="Only what the server learnt of after this time.",
        extra=COMPARED,
        extra_json_schema={"example": "2026-01-01T00:00:00Z"},
    ),
]
Offset = Annotated[
    int,
    msgspec.Meta(
        ge=0, description="How many events to pass over.", extra_json_schema={"default": 0}
    ),
]


class GetEvent(msgspec.Struct):
    """An event by id, or the newest one of a type and a device."""

    device_id: DeviceId | UnsetType = UNSET
    event_id: EventId | UnsetType = UNSET
    event_type: EventType | UnsetType = UNSET

    def check(self) -> list[str]:
        """Without a parameter it would be anybody's event."""
        if not any(map(is_given, (self.device_id, self.event_id, self.event_type))):
            return ["Either 'event_id', 'event_type' or 'device_id' is required"]
        return [*_unknown_types(self.event_type, UNSET)]


class Subjects(msgspec.Struct):
    """Filters by what an event happened to; all that are given must be named in it."""

    access_code_id: AccessCodeId | UnsetType = UNSET
    access_grant_id: AccessGrantId | UnsetType = UNSET
    access_method_id: AccessMethodId | UnsetType = UNSET
    acs_access_group_id: AcsAccessGroupId | UnsetType = UNSET
    acs_credential_id: AcsCredentialId | UnsetType = UNSET
    acs_encoder_id: AcsEncoderId | UnsetType = UNSET
    acs_entrance_id: AcsEntranceId | UnsetType = UNSET
    acs_system_id: AcsSystemId | UnsetType = UNSET
    acs_user_id: AcsUserId | UnsetType = UNSET
    connect_webview_id: ConnectWebviewId | UnsetType = UNSET
    connected_account_id: ConnectedAccountId | UnsetType = UNSET
    device_id: DeviceId | UnsetType = UNSET
    space_id: SpaceId | UnsetType = UNSET
    user_identity_id: UserIdentityId | UnsetType = UNSET


class AnyOfSubjects(Subjects):
    """Filters by lists of what an event happened to; of each list one must be named in it."""

    access_code_ids: AccessCodeIds | UnsetType = UNSET
    access_grant_ids: AccessGrantIds | UnsetType = UNSET
    access_method_ids: AccessMethodIds | UnsetType = UNSET
    acs_system_ids: AcsSystemIds | UnsetType = UNSET
    device_ids: DeviceIds | UnsetType = UNSET
    space_ids: SpaceIds | UnsetType = UNSET


class ListEvents(AnyOfSubjects):
    """Since when, or between what, which types, and about what."""

    between: Between | UnsetType = UNSET
    customer_key: CustomerKey | UnsetType = UNSET
    event_ids: EventIds | UnsetType = UNSET
    event_type: EventType | UnsetType = UNSET
    event_types: EventTypes | UnsetType = UNSET
    limit: Limit = 500
    since: Since | UnsetType = UNSET
    unstable_offset: Offset = 0

    def check(self) -> Iterator[str]:
        """A list has a beginning, unless its events are named."""
        if not is_given(self.event_ids) or is_given(self.since) or is_given(self.between):
            yield from exactly_one(self, "since", "between")
        yield from _unknown_types(self.event_type, self.event_types)


def _unknown_types(one: str | UnsetType, several: list[str] | UnsetType) -> Iterator[str]:
    names = [*([one] if isinstance(one, str) else []), *(or_none(several) or [])]
    for name in names:
        if not is_event_type(name):
            yield f"There is no event type '{shortened(name)}'"


async def get(call: Call[Services], request: GetEvent) -> Event:
    """One event."""
    event = await events.get(
        call.services.database,
        call.workspace_id,
        event_id=or_none(request.event_id),
        event_type=or_none(request.event_type),
        subject_id=or_none(request.device_id),
        sight=call.caller.sight,
    )
    return found(event, "event")


async def list_events(call: Call[Services], request: ListEvents) -> list[Event]:
    """Events in the order in which the server learnt of them."""
    first, last = or_none(request.between) or (or_none(request.since), None)
    any_of = _given_values(request, _LISTS)
    if isinstance(request.user_identity_id, UUID):
        any_of.append(await _names(call, request.user_identity_id))
    return await events.list_events(
        call.services.database,
        call.workspace_id,
        created_after=first,
        created_before=last,
        event_type=or_none(request.event_type),
        event_types=or_none(request.event_types),
        event_ids=or_none(request.event_ids),
        subject_ids=_given_values(request, _SINGLE),
        any_of_subject_ids=any_of,
        customer_key=or_none(request.customer_key),
        sight=call.caller.sight,
        limit=request.limit,
        offset=request.unstable_offset,
    )


async def _names(call: Call[Services], user_identity_id: UUID) -> list[UUID]:
    # Events keep the ids that identities had when they happened.
    return await identities.names_of(call.services.database, call.workspace_id, user_identity_id)


_SINGLE = tuple(name for name in Subjects.__struct_fields__ if name != "user_identity_id")
_LISTS = tuple(
    name for name in AnyOfSubjects.__struct_fields__ if name not in Subjects.__struct_fields__
)


def _given_values(request: ListEvents, names: Iterable[str]) -> list[Any]:
    return [value for name in names if is_given(value := getattr(request, name))]


ROUTES = (
    Route(
        path="/events/get",
        verbs=("GET", "POST"),
        request=GetEvent,
        handler=get,
        summary="Get an event",
        response_key="event",
        resource=Event,
        callers=EVERYBODY,
    ),
    Route(
        path="/events/list",
        verbs=("GET", "POST"),
        request=ListEvents,
        handler=list_events,
        summary="List events since a time, or between two",
        response_key="events",
        resource=Event,
        is_list=True,
        callers=EVERYBODY,
    ),
)
