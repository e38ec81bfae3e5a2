"""What calls that change credentials ask for, and what of it no credential here can have."""

from datetime import datetime
from typing import Annotated, Final, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from doorward.api.parameters import (
    MOST_NAMED,
    AcsCredentialId,
    AcsSystemId,
    AcsUserId,
    UserIdentityId,
)
from doorward.api.requests import exactly_one, is_given
from doorward.errors import invalid_input
from doorward.policy.codes import LONGEST, SHORTEST

AccessMethod = Annotated[
    Literal["code", "card", "mobile_key", "cloud_key"],
    Meta(
        description="How the credential is shown; which methods there are is the access system's."
    ),
]
Code = Annotated[
    str,
    Meta(
        pattern=r"^[0-9]+$",
        min_length=SHORTEST,
        max_length=LONGEST,
        description="The code, 4 to 9 digits; without one, one is chosen.",
        extra_json_schema={"example": "7392816"},
    ),
]
OwnEntranceIds = Annotated[
    list[UUID],
    Meta(
        max_length=MOST_NAMED,
        description="Entrances that the credential opens by itself, whatever its owner may.",
        extra_json_schema={"default": []},
    ),
]
StartsAt = Annotated[datetime, Meta(description="When it becomes valid; without it, at once.")]
EndsAt = Annotated[datetime, Meta(description="When it is over, in the future; without it, never.")]
ManagerId = Annotated[
    UUID, Meta(description="A system that manages credentials for others; there is none here.")
]
ForPhones = Annotated[
    bool,
    Meta(
        description="Whether it is on every phone of its owner, as each mobile key is.",
        extra_json_schema={"default": False},
    ),
]
_NOT_HERE: Final = "of a maker's system; the native system takes none."


class VostioMetadata(msgspec.Struct):
    """What a credential of a Vostio system can have."""

    auto_join: bool | UnsetType = UNSET
    join_all_guest_acs_entrances: bool | UnsetType = UNSET
    override_all_guest_acs_entrances: bool | UnsetType = UNSET
    override_guest_acs_entrance_ids: list[UUID] | UnsetType = UNSET


class HotekMetadata(msgspec.Struct):
    """What a credential of a Hotek system can have."""

    auto_join: bool | UnsetType = UNSET
    override: bool | UnsetType = UNSET


class SaltoSpaceMetadata(msgspec.Struct):
    """What a credential of a Salto Space system can have."""

    assign_new_key: bool | UnsetType = UNSET
    update_current_key: bool | UnsetType = UNSET


class VisionlineMetadata(msgspec.Struct):
    """What a credential of a Visionline system can have."""

    assa_abloy_credential_service_mobile_endpoint_id: UUID | UnsetType = UNSET
    auto_join: bool | UnsetType = UNSET
    card_format: Literal["TLCode", "rfid48"] | UnsetType = UNSET
    card_function_type: Annotated[
        Literal["guest", "staff"], Meta(extra_json_schema={"default": "guest"})
    ] = "guest"
    is_override_key: bool | UnsetType = UNSET
    joiner_acs_credential_ids: list[UUID] | UnsetType = UNSET
    override: bool | UnsetType = UNSET


class CreateCredential(msgspec.Struct):
    """A new credential, of a person named by user, or by identity and access system."""

    access_method: AccessMethod
    acs_system_id: AcsSystemId | UnsetType = UNSET
    acs_user_id: AcsUserId | UnsetType = UNSET
    allowed_acs_entrance_ids: OwnEntranceIds | UnsetType = UNSET
    assa_abloy_vostio_metadata: (
        Annotated[VostioMetadata, Meta(description=f"Values {_NOT_HERE}")] | UnsetType
    ) = UNSET
    code: Code | UnsetType = UNSET
    credential_manager_acs_system_id: ManagerId | UnsetType = UNSET
    ends_at: EndsAt | UnsetType = UNSET
    hotek_metadata: (
        Annotated[HotekMetadata, Meta(description=f"Values {_NOT_HERE}")] | UnsetType
    ) = UNSET
    is_multi_phone_sync_credential: ForPhones = False
    salto_space_metadata: (
        Annotated[SaltoSpaceMetadata, Meta(description=f"Values {_NOT_HERE}")] | UnsetType
    ) = UNSET
    starts_at: StartsAt | UnsetType = UNSET
    user_identity_id: UserIdentityId | UnsetType = UNSET
    visionline_metadata: (
        Annotated[VisionlineMetadata, Meta(description=f"Values {_NOT_HERE}")] | UnsetType
    ) = UNSET

    def check(self) -> list[str]:
        """An identity has a user in each of several systems."""
        wrong = exactly_one(self, "acs_user_id", "user_identity_id")
        if is_given(self.user_identity_id) and not is_given(self.acs_system_id):
            wrong.append("'acs_system_id' is required with 'user_identity_id'")
        return wrong


class CredentialKey(msgspec.Struct):
    """A credential by id."""

    acs_credential_id: AcsCredentialId


class UpdateCredential(CredentialKey):
    """A credential, and what is to be different."""

    code: Code | UnsetType = UNSET
    ends_at: EndsAt | UnsetType = UNSET


class CredentialOwner(CredentialKey):
    """A credential, and a person named by user or by identity."""

    acs_user_id: AcsUserId | UnsetType = UNSET
    user_identity_id: UserIdentityId | UnsetType = UNSET

    def check(self) -> list[str]:
        """One name is enough, and two could contradict each other."""
        return exactly_one(self, "acs_user_id", "user_identity_id")


def check(request: CreateCredential) -> None:
    """Raises ApiError 400 for what contradicts itself, and for what no credential here can have."""
    if is_given(request.code) and request.access_method != "code":
        raise invalid_input("Only a credential with the access method 'code' has a code")
    if request.access_method == "mobile_key" and not request.is_multi_phone_sync_credential:
        raise invalid_input(
            "A mobile key is on every phone of its owner: give"
            " 'is_multi_phone_sync_credential' as true"
        )
    if request.is_multi_phone_sync_credential and request.access_method != "mobile_key":
        raise invalid_input(
            "Only a credential with the access method 'mobile_key' is on phones:"
            " 'is_multi_phone_sync_credential' must be false"
        )
    for name in (
        "assa_abloy_vostio_metadata",
        "credential_manager_acs_system_id",
        "hotek_metadata",
        "salto_space_metadata",
        "visionline_metadata",
    ):
        if is_given(getattr(request, name)):
            raise invalid_input(f"No access system here has '{name}'")
