"""The enrolment of a card, and a credential with what only Doorward knows of it."""

from typing import Literal
from uuid import UUID

from doorward.resources.provider import Method
from doorward.resources.values import Resource, Timestamp


class CredentialDetails(Resource, frozen=True, kw_only=True):
    """What the API has no word for about a credential, as /doorward/credentials/get shows it.

    state_*: who declared it so, when and why; null while nobody has. use_count: how often it has
    opened a door under a limit, as far as the doors have told.
    """

    acs_credential_id: UUID
    acs_system_id: UUID
    acs_user_id: UUID | None
    access_method: Method
    allowed_acs_entrance_ids: list[UUID]
    code_length: int | None
    is_issued: bool
    state: Literal["active", "disabled", "lost", "stolen"]
    state_changed_at: Timestamp | None
    state_changed_by: str | None
    state_reason: str | None
    use_count: int
    use_limit: int | None


class EnrollmentError(Resource, frozen=True, kw_only=True):
    """Why an enrolment gave the card no number."""

    type: str
    message: str


class Enrollment(Resource, frozen=True, kw_only=True):
    """A card that is waited for at a reader, in real time; reader_id null: the first there is.

    error: why it ended without a number; null while it waits, and after a success.
    """

    enrollment_id: UUID
    acs_credential_id: UUID
    acs_entrance_id: UUID
    reader_id: UUID | None
    status: Literal["waiting", "succeeded", "failed", "cancelled", "expired"]
    error: EnrollmentError | None
    created_at: Timestamp
    ends_at: Timestamp
    ended_at: Timestamp | None
