"""Parameters that calls share: their types, and what the OpenAPI document says of them."""

from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from msgspec import Meta

from doorward.resources.event import EventTypeName
from doorward.store.personal import EMAIL, LONGEST_TEXT, PHONE
from doorward.wire.scalars import COMPARED

# More than anybody names in one call, and few enough to be looked up at once.
MOST_NAMED: Final = 10_000

AccessCodeId = Annotated[UUID, Meta(description="The access code.")]
AccessCodeIds = Annotated[
    list[UUID], Meta(max_length=MOST_NAMED, description="Any of these access codes.")
]
AccessGrantId = Annotated[UUID, Meta(description="The access grant.")]
AccessGrantIds = Annotated[
    list[UUID], Meta(max_length=100, description="Any of these access grants.")
]
AccessMethodId = Annotated[UUID, Meta(description="The access method.")]
AccessMethodIds = Annotated[
    list[UUID], Meta(max_length=100, description="Any of these access methods.")
]
# The examples are the sandbox's, so that they can be tried there as they stand.
AcsAccessGroupId = Annotated[
    UUID,
    Meta(
        description="The access group.",
        extra_json_schema={"example": "123e4567-e89b-12d3-a456-426614174000"},
    ),
]
AcsAccessGroupIds = Annotated[
    list[UUID],
    Meta(
        max_length=MOST_NAMED,
        description="These access groups.",
        extra_json_schema={"default": []},
    ),
]
AcsCredentialId = Annotated[UUID, Meta(description="The credential.")]
AcsEncoderId = Annotated[
    UUID,
    Meta(
        description="The card encoder.",
        extra_json_schema={"example": "18ad521a-308e-4182-b1a6-2338b46a2763"},
    ),
]
AcsEncoderIds = Annotated[
    list[UUID], Meta(max_length=MOST_NAMED, description="Any of these card encoders.")
]
AcsEntranceId = Annotated[
    UUID,
    Meta(
        description="The entrance.",
        extra_json_schema={"example": "977eb064-457b-4c30-ac76-81203b2e8799"},
    ),
]
AcsEntranceIds = Annotated[
    list[UUID], Meta(max_length=MOST_NAMED, description="Any of these entrances.")
]
AcsSystemId = Annotated[
    UUID,
    Meta(
        description="The access system.",
        extra_json_schema={"example": "72a95f5e-d842-412a-9ed4-d7484aa1d712"},
    ),
]
AcsSystemIds = Annotated[
    list[UUID], Meta(max_length=MOST_NAMED, description="Any of these access systems.")
]
AcsUserId = Annotated[
    UUID,
    Meta(
        description="The person in an access system.",
        extra_json_schema={"example": "8d7e0b3a-b889-49a7-9164-4b71a0506a33"},
    ),
]
ConnectWebviewId = Annotated[UUID, Meta(description="The connect webview.")]
ConnectedAccountId = Annotated[UUID, Meta(description="The connected account.")]
ControllerId = Annotated[UUID, Meta(description="The controller.")]
CreatedBefore = Annotated[
    datetime, Meta(description="Only what was made before this time.", extra=COMPARED)
]
CustomerKey = Annotated[
    str, Meta(max_length=LONGEST_TEXT, description="Your own name for the customer.")
]
CustomMetadataHas = Annotated[
    dict[str, str | bool],
    Meta(
        # No `custom_metadata` has more.
        max_length=50,
        description="All of these pairs must be in `custom_metadata`; compared as text.",
    ),
]
DeviceId = Annotated[UUID, Meta(description="The device.")]
DeviceIds = Annotated[list[UUID], Meta(max_length=MOST_NAMED, description="Any of these devices.")]
EmailAddress = Annotated[
    str,
    Meta(
        pattern=f"^{EMAIL.pattern}$",
        description="The e-mail address that the provider knows the account by.",
        extra_json_schema={"format": "email"},
    ),
]
EnrollmentId = Annotated[UUID, Meta(description="The enrolment of a card.")]
EventId = Annotated[UUID, Meta(description="The event.")]
EventIds = Annotated[list[UUID], Meta(max_length=MOST_NAMED, description="Any of these events.")]
EventType = Annotated[
    EventTypeName,
    Meta(description="The type of the event.", extra_json_schema={"example": "lock.unlocked"}),
]
EventTypes = Annotated[
    list[EventTypeName], Meta(max_length=MOST_NAMED, description="Any of these types of event.")
]
FullName = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=LONGEST_TEXT,
        pattern=r"\S",
        description="The person's name.",
        extra_json_schema={"example": "Jane Doe"},
    ),
]
LocationId = Annotated[UUID, Meta(description="What `space_id` was called before.")]
PersonEmail = Annotated[
    str,
    Meta(
        pattern=f"^{EMAIL.pattern}$",
        max_length=LONGEST_TEXT,
        description="The person's e-mail address.",
        extra_json_schema={"format": "email"},
    ),
]
PhoneId = Annotated[UUID, Meta(description="The phone.")]
PhoneNumber = Annotated[
    str,
    Meta(
        pattern=f"^{PHONE.pattern}$",
        description="The person's phone number, in E.164.",
        extra_json_schema={"example": "+15555550100"},
    ),
]
ReaderId = Annotated[UUID, Meta(description="The reader.")]
SpaceId = Annotated[UUID, Meta(description="The space.")]
SpaceIds = Annotated[list[UUID], Meta(max_length=100, description="Any of these spaces.")]
Term = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=LONGEST_TEXT,
        description="Parts of names, in any case, or the first four digits or more of an id.",
    ),
]
UserIdentifierKey = Annotated[
    str,
    Meta(max_length=LONGEST_TEXT, description="Your own name for the client session's user."),
]
UserIdentityEmailAddress = Annotated[
    str, Meta(description="The e-mail address of the person's identity.")
]
UserIdentityId = Annotated[UUID, Meta(description="The person's identity, over all systems.")]
UserIdentityPhoneNumber = Annotated[
    str, Meta(description="The phone number of the person's identity, in E.164.")
]
