"""What calls of /acs/encoders ask for."""

from typing import Annotated, Final, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from doorward.api.parameters import (
    AccessMethodId,
    AcsCredentialId,
    AcsEncoderId,
    AcsEncoderIds,
    AcsSystemId,
    AcsSystemIds,
    AcsUserId,
    UserIdentityId,
)
from doorward.api.requests import exactly_one, is_given

# What a simulated failure may name a credential with: the others know of no card.
_WITH_CARD: Final = ("uncategorized_error", "action_attempt_expired")

FoundId = Annotated[UUID, Meta(description="The credential whose card lies on the encoder.")]
EncodeError = Annotated[
    Literal[
        "no_credential_on_encoder",
        "encoding_interrupted",
        "uncategorized_error",
        "action_attempt_expired",
    ],
    Meta(
        description="How the next attempt to encode fails.",
        extra_json_schema={"default": "no_credential_on_encoder"},
    ),
]
ScanError = Annotated[
    Literal["no_credential_on_encoder", "uncategorized_error", "action_attempt_expired"],
    Meta(
        description="How the next attempt to scan fails.",
        extra_json_schema={"default": "no_credential_on_encoder"},
    ),
]
EncodeScenario = Annotated[
    Literal["credential_is_issued"],
    Meta(
        description="How the next attempt to encode succeeds.",
        extra_json_schema={"default": "credential_is_issued"},
    ),
]
ScanScenario = Annotated[
    Literal[
        "credential_exists_on_seam",
        "credential_on_encoder_needs_update",
        "credential_does_not_exist_on_seam",
        "credential_on_encoder_is_empty",
    ],
    Meta(
        description="What the next attempt to scan finds.",
        extra_json_schema={"default": "credential_exists_on_seam"},
    ),
]


class SaltoKsMetadata(msgspec.Struct):
    """What scanning at an encoder of Salto KS can be told."""

    detect_new_tags: Annotated[bool, Meta(extra_json_schema={"default": False})] = False


SaltoKs = Annotated[
    SaltoKsMetadata,
    Meta(description="Values of a maker's system; the native system takes none."),
]


class EncoderKey(msgspec.Struct):
    """An encoder by id."""

    acs_encoder_id: AcsEncoderId


class ListEncoders(msgspec.Struct):
    """The encoders of a system, of several, or some by id."""

    acs_encoder_ids: AcsEncoderIds | UnsetType = UNSET
    acs_system_id: AcsSystemId | UnsetType = UNSET
    acs_system_ids: AcsSystemIds | UnsetType = UNSET

    def check(self) -> list[str]:
        """The API has three ways of asking, and no fourth that mixes them."""
        return exactly_one(self, "acs_system_id", "acs_system_ids", "acs_encoder_ids")


class EncodeCredential(EncoderKey):
    """An encoder, and what is to be written on the card there."""

    access_method_id: AccessMethodId | UnsetType = UNSET
    acs_credential_id: AcsCredentialId | UnsetType = UNSET

    def check(self) -> list[str]:
        """One name is enough, and two could contradict each other."""
        return exactly_one(self, "acs_credential_id", "access_method_id")


class ScanCredential(EncoderKey):
    """An encoder with a card on it."""

    salto_ks_metadata: SaltoKs | UnsetType = UNSET


class ScanToAssign(ScanCredential):
    """An encoder with a card on it, and a person named by user or by identity."""

    acs_user_id: AcsUserId | UnsetType = UNSET
    user_identity_id: UserIdentityId | UnsetType = UNSET

    def check(self) -> list[str]:
        """One name is enough, and two could contradict each other."""
        return exactly_one(self, "acs_user_id", "user_identity_id")


class EncodeWillSucceed(EncoderKey):
    """An encoder, and how its next attempt to encode succeeds."""

    scenario: EncodeScenario = "credential_is_issued"


class EncodeWillFail(EncoderKey):
    """An encoder, and how its next attempt to encode fails: any, or the next of one credential."""

    acs_credential_id: AcsCredentialId | UnsetType = UNSET
    error_code: EncodeError = "no_credential_on_encoder"

    def check(self) -> list[str]:
        """Some failures know of no credential."""
        return _apart(self, "acs_credential_id", "error_code", _WITH_CARD)


class ScanWillSucceed(EncoderKey):
    """An encoder, and what its next attempt to scan finds.

    Without a credential it finds the card that was last written there or given to somebody, or
    else some card of the system.
    """

    acs_credential_id_on_seam: FoundId | UnsetType = UNSET
    scenario: ScanScenario = "credential_exists_on_seam"

    def check(self) -> list[str]:
        """An empty card and an unknown one have no credential."""
        known = ("credential_exists_on_seam", "credential_on_encoder_needs_update")
        return _apart(self, "acs_credential_id_on_seam", "scenario", known)


class ScanWillFail(EncoderKey):
    """An encoder, and how its next attempt to scan fails."""

    acs_credential_id_on_seam: FoundId | UnsetType = UNSET
    error_code: ScanError = "no_credential_on_encoder"

    def check(self) -> list[str]:
        """Without a card there is no credential."""
        return _apart(self, "acs_credential_id_on_seam", "error_code", _WITH_CARD)


def _apart(request: msgspec.Struct, name: str, by: str, allowed: tuple[str, ...]) -> list[str]:
    if not is_given(getattr(request, name)) or getattr(request, by) in allowed:
        return []
    listed = " or ".join(f"'{each}'" for each in allowed)
    return [f"'{name}' goes with '{by}' {listed} alone"]
