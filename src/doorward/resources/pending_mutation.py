"""Changes of people and groups that some controller has not confirmed, as `pending_mutations`."""

from uuid import UUID

import msgspec

from doorward.resources.values import Resource, Timestamp


class SuspensionState(Resource, frozen=True, kw_only=True):
    """One side of a suspension or its end."""

    is_suspended: bool


class ScheduleBounds(Resource, frozen=True, kw_only=True):
    """One side of a change of schedule; null is no bound."""

    starts_at: Timestamp | None
    ends_at: Timestamp | None


class CredentialReference(Resource, frozen=True, kw_only=True):
    """One side of a change of credentials; null is none."""

    acs_credential_id: UUID | None


class UpdatingSuspensionState(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    tag_field="mutation_code",
    tag="updating_suspension_state",
    rename={"from_": "from"},
):
    """A suspension, or its end, that some controller of the system has not confirmed."""

    created_at: Timestamp
    message: str
    from_: SuspensionState
    to: SuspensionState


class UpdatingAccessSchedule(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    tag_field="mutation_code",
    tag="updating_access_schedule",
    rename={"from_": "from"},
):
    """Another schedule that some controller of the system has not confirmed."""

    created_at: Timestamp
    message: str
    from_: ScheduleBounds
    to: ScheduleBounds


class UpdatingCredentialAssignment(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    tag_field="mutation_code",
    tag="updating_credential_assignment",
    rename={"from_": "from"},
):
    """A credential given (from null) or taken that some controller has not confirmed."""

    created_at: Timestamp
    message: str
    from_: CredentialReference
    to: CredentialReference


class Creating(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="mutation_code", tag="creating"
):
    """A person or group that a system with a list of its own has not confirmed to have taken."""

    created_at: Timestamp
    message: str


class Deleting(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="mutation_code", tag="deleting"
):
    """A deletion that a system with a list of its own has not confirmed."""

    created_at: Timestamp
    message: str


class UserInformation(Resource, frozen=True, kw_only=True):
    """One side of a change of names and addresses."""

    full_name: str | None
    email_address: str | None
    phone_number: str | None


class UpdatingUserInformation(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    tag_field="mutation_code",
    tag="updating_user_information",
    rename={"from_": "from"},
):
    """Other names or addresses that a system with a list of its own has not confirmed."""

    created_at: Timestamp
    message: str
    from_: UserInformation
    to: UserInformation


UpdatingSubject = (
    UpdatingSuspensionState
    | UpdatingAccessSchedule
    | UpdatingCredentialAssignment
    | UpdatingUserInformation
)
