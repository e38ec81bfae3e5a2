"""What calls that change people in access systems ask for, and how they name somebody."""

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from doorward.api.parameters import (
    AcsAccessGroupIds,
    AcsSystemId,
    AcsUserId,
    FullName,
    PersonEmail,
    PhoneNumber,
    UserIdentityId,
)
from doorward.api.requests import exactly_one, is_given, or_none

StartsAt = Annotated[datetime, Meta(description="When it begins; without it, now.")]
OtherStart = Annotated[datetime, Meta(description="When it begins; without it, as before.")]
EndsAt = Annotated[datetime | None, Meta(description="When it is over; null is never.")]
OtherEnd = Annotated[
    datetime | None, Meta(description="When it is over; null is never; without it, as before.")
]
OldEmail = Annotated[
    PersonEmail,
    Meta(description="What `email_address` was before.", extra_json_schema={"deprecated": True}),
]
HidSystemId = Annotated[
    AcsSystemId, Meta(description="A HID credential manager; there is none here.")
]


class Schedule(msgspec.Struct):
    """The span of time in which somebody's access holds."""

    ends_at: EndsAt | UnsetType = UNSET
    starts_at: StartsAt | UnsetType = UNSET


class ScheduleChange(msgspec.Struct):
    """What is to be different about the span of time in which somebody's access holds."""

    ends_at: OtherEnd | UnsetType = UNSET
    starts_at: OtherStart | UnsetType = UNSET

    def check(self) -> list[str]:
        """Of an empty object nobody knows whether it was to take the schedule away."""
        if self.ends_at is UNSET and self.starts_at is UNSET:
            return ["One of 'starts_at' and 'ends_at' is required; null takes the schedule away"]
        return []


AccessSchedule = Annotated[Schedule, Meta(description="When the person's access holds.")]
NewAccessSchedule = Annotated[
    ScheduleChange | None, Meta(description="When the person's access holds; null is always.")
]


class UserKey(msgspec.Struct):
    """A person by user id, or by identity and access system."""

    acs_system_id: AcsSystemId | UnsetType = UNSET
    acs_user_id: AcsUserId | UnsetType = UNSET
    user_identity_id: UserIdentityId | UnsetType = UNSET

    def check(self) -> list[str]:
        """An identity has a user in each of several systems."""
        wrong = exactly_one(self, "acs_user_id", "user_identity_id")
        if is_given(self.user_identity_id) and not is_given(self.acs_system_id):
            wrong.append("'acs_system_id' is required with 'user_identity_id'")
        return wrong


class CreateUser(msgspec.Struct):
    """A new person of an access system."""

    acs_system_id: AcsSystemId
    full_name: FullName
    access_schedule: AccessSchedule | UnsetType = UNSET
    acs_access_group_ids: AcsAccessGroupIds | UnsetType = UNSET
    email: OldEmail | UnsetType = UNSET
    email_address: PersonEmail | UnsetType = UNSET
    phone_number: PhoneNumber | UnsetType = UNSET
    user_identity_id: UserIdentityId | UnsetType = UNSET

    def check(self) -> list[str]:
        """A person has one e-mail address."""
        return _one_email(self)


class UpdateUser(UserKey):
    """A person by user id, or by identity and access system, and what is to be different."""

    access_schedule: NewAccessSchedule | UnsetType = UNSET
    email: OldEmail | UnsetType = UNSET
    email_address: PersonEmail | UnsetType = UNSET
    full_name: FullName | UnsetType = UNSET
    hid_acs_system_id: HidSystemId | UnsetType = UNSET
    phone_number: PhoneNumber | UnsetType = UNSET

    def check(self) -> list[str]:
        """A person has one name here, and one e-mail address."""
        return super().check() + _one_email(self)


def email_of(request: CreateUser | UpdateUser) -> str | None:
    """The e-mail address that a request gives, under either name."""
    return or_none(request.email_address) or or_none(request.email)


def _one_email(request: CreateUser | UpdateUser) -> list[str]:
    new, old = or_none(request.email_address), or_none(request.email)
    if new is None or old is None or new == old:
        return []
    return ["Only one of 'email_address' and 'email' may be given"]
