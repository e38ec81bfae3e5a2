"""/doorward/credentials: states, use limits and card numbers, for which the API has no word."""

from typing import Annotated, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from doorward.api import creating, enrolling
from doorward.api.acs.credential_requests import CredentialKey
from doorward.api.changing import carry_out
from doorward.api.doorward.doors import CardNumber
from doorward.api.issuing import Issuer
from doorward.api.parameters import AcsEntranceId, EnrollmentId, ReaderId
from doorward.api.requests import found, or_none
from doorward.api.services import Services
from doorward.errors import invalid_input
from doorward.policy import cards
from doorward.resources.enrollment import CredentialDetails, Enrollment, EnrollmentError
from doorward.store import credential_details, enrollments
from doorward.store.credential_changes import State
from doorward.store.database import Connection
from doorward.store.enrollments import Asked, Begun
from doorward.store.idempotency import Kept
from doorward.store.journal import Change
from doorward.store.personal import LONGEST_TEXT
from doorward.wire.route import Call, Route

DEFAULT_TIMEOUT: Final = 60
LONGEST_TIMEOUT: Final = 600

NewState = Annotated[State, Meta(description="What the credential is from now on.")]
Reason = Annotated[
    str, Meta(max_length=LONGEST_TEXT, description="Why, in the words of whoever declares it.")
]
UseLimit = Annotated[
    int,
    Meta(
        ge=1,
        le=1_000_000,
        description="How often it may open a door, what it has opened under a limit so far counted"
        " in; null is without limit.",
    ),
]
Timeout = Annotated[
    int,
    Meta(
        ge=1,
        le=LONGEST_TIMEOUT,
        description="For how many seconds the card is waited for.",
        extra_json_schema={"default": DEFAULT_TIMEOUT},
    ),
]


class SetState(CredentialKey):
    """A credential, and what it is from now on."""

    state: NewState
    reason: Reason | UnsetType = UNSET


class SetUseLimit(CredentialKey):
    """A credential, and how often it may open a door in all."""

    use_limit: UseLimit | None


class SetCardNumber(CredentialKey):
    """A card that waits for its number, and the number."""

    card_number: CardNumber


class Enroll(CredentialKey):
    """A card that waits for its number, and the reader that will see it first."""

    acs_entrance_id: AcsEntranceId
    reader_id: ReaderId | UnsetType = UNSET
    timeout_seconds: Timeout = DEFAULT_TIMEOUT


class EnrollmentKey(msgspec.Struct):
    """An enrolment by id."""

    enrollment_id: EnrollmentId


async def get(call: Call[Services], request: CredentialKey) -> CredentialDetails:
    """One credential."""
    details = await credential_details.get(
        call.services.database, call.workspace_id, request.acs_credential_id
    )
    return found(details, "acs_credential")


async def set_state(call: Call[Services], request: SetState) -> None:
    """Declares a credential disabled, lost or stolen, or active again."""

    async def make(connection: Connection, change: Change) -> None:
        issuer = Issuer(connection, change, call.services.keyring)
        credential = await issuer.find(request.acs_credential_id)
        await issuer.set_state(credential, request.state, or_none(request.reason))

    await carry_out(call, make)


async def set_use_limit(call: Call[Services], request: SetUseLimit) -> None:
    """Sets how often a credential may open a door in all."""

    async def make(connection: Connection, change: Change) -> None:
        issuer = Issuer(connection, change, call.services.keyring)
        await issuer.set_use_limit(await issuer.find(request.acs_credential_id), request.use_limit)

    await carry_out(call, make)


async def set_card_number(call: Call[Services], request: SetCardNumber) -> None:
    """Gives a card its number."""
    number = cards.parse_card(request.card_number)

    async def make(connection: Connection, change: Change) -> None:
        issuer = Issuer(connection, change, call.services.keyring)
        credential = await issuer.find(request.acs_credential_id)
        if not isinstance(number, cards.CardNumber):
            raise invalid_input("'card_number' must be such as 42-12345, or a serial number")
        await issuer.set_card_number(credential, number)

    await carry_out(call, make)


async def enroll(call: Call[Services], request: Enroll) -> Enrollment | Kept:
    """Waits for a card at a reader, and gives its number to the credential."""
    asked = Asked(
        request.acs_credential_id,
        request.acs_entrance_id,
        or_none(request.reader_id),
        request.timeout_seconds,
    )
    begun: list[Begun] = []

    async def make(connection: Connection) -> Enrollment:
        await enrolling.check(connection, call.workspace_id, asked)
        begun.append(await enrollments.begin(connection, call.workspace_id, asked))
        shown = await enrollments.get(connection, call.workspace_id, begun[0].enrollment_id)
        return found(shown, "enrollment")

    answer = await creating.once(call, make)
    for each in begun:
        for enrollment_id in each.superseded:
            enrolling.stop(call, enrollment_id)
        enrolling.start(call, each.enrollment_id, asked)
    return answer


async def get_enrollment(call: Call[Services], request: EnrollmentKey) -> Enrollment:
    """One enrolment, and what came of it."""
    enrollment = await enrollments.get(
        call.services.database, call.workspace_id, request.enrollment_id
    )
    return found(enrollment, "enrollment")


async def cancel_enrollment(call: Call[Services], request: EnrollmentKey) -> None:
    """Waits for a card no longer; what has ended already, stays as it is."""
    await get_enrollment(call, request)
    error = EnrollmentError(type="enrollment_cancelled", message="Somebody cancelled it")
    await enrollments.end(
        call.services.database, call.workspace_id, request.enrollment_id, "cancelled", error
    )
    enrolling.stop(call, request.enrollment_id)


ROUTES = (
    Route(
        path="/doorward/credentials/get",
        verbs=("GET", "POST"),
        request=CredentialKey,
        handler=get,
        summary="Get a credential's state, uses and entrances of its own",
        response_key="credential",
        resource=CredentialDetails,
        scope="doors",
    ),
    Route(
        path="/doorward/credentials/set_state",
        verbs=("POST",),
        request=SetState,
        handler=set_state,
        summary="Declare a credential disabled, lost or stolen, or active again",
        scope="doors",
    ),
    Route(
        path="/doorward/credentials/set_use_limit",
        verbs=("POST",),
        request=SetUseLimit,
        handler=set_use_limit,
        summary="Set how often a credential may open a door",
        scope="doors",
    ),
    Route(
        path="/doorward/credentials/set_card_number",
        verbs=("POST",),
        request=SetCardNumber,
        handler=set_card_number,
        summary="Give a card its number",
        scope="doors",
        refuses=("duplicate_card_number",),
    ),
    Route(
        path="/doorward/credentials/enroll",
        verbs=("POST",),
        request=Enroll,
        handler=enroll,
        summary="Wait for a card at a reader, and give its number to the credential",
        response_key="enrollment",
        resource=Enrollment,
        is_creating=True,
        scope="doors",
    ),
    Route(
        path="/doorward/credentials/get_enrollment",
        verbs=("GET", "POST"),
        request=EnrollmentKey,
        handler=get_enrollment,
        summary="Get the enrolment of a card",
        response_key="enrollment",
        resource=Enrollment,
        scope="doors",
    ),
    Route(
        path="/doorward/credentials/cancel_enrollment",
        verbs=("POST",),
        request=EnrollmentKey,
        handler=cancel_enrollment,
        summary="Wait for a card no longer",
        scope="doors",
    ),
)
