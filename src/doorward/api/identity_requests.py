"""What calls of /user_identities ask for."""

from collections.abc import Iterator
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from doorward.api.parameters import (
    MOST_NAMED,
    AcsUserId,
    CreatedBefore,
    DeviceId,
    FullName,
    PersonEmail,
    PhoneNumber,
    UserIdentityId,
)
from doorward.api.requests import exactly_one, is_given
from doorward.store.personal import LONGEST_TEXT

Key = Annotated[str, Meta(max_length=LONGEST_TEXT, description="Your own name for the identity.")]
NewKey = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=LONGEST_TEXT,
        description="Your own name for the identity, which no other one has.",
    ),
]
Ids = Annotated[list[UUID], Meta(max_length=MOST_NAMED, description="Any of these identities.")]
Search = Annotated[
    str,
    Meta(
        max_length=LONGEST_TEXT,
        description="Part of a name, e-mail address or phone number, in any case, or the first four"
        " digits or more of an id.",
    ),
]
CredentialManager = Annotated[
    UUID, Meta(description="A credential manager; there is none here, and nobody's identity in it.")
]
SystemIds = Annotated[
    list[UUID],
    Meta(
        max_length=MOST_NAMED,
        description="The access systems in which the identity gets a user: the one who has its"
        " e-mail address or phone number, or a new one.",
    ),
]
MergedIds = Annotated[
    list[UUID], Meta(min_length=1, max_length=100, description="The identities that it takes in.")
]
MergedKeys = Annotated[
    list[str], Meta(min_length=1, max_length=100, description="The identities that it takes in.")
]
Uses = Annotated[
    int,
    Meta(ge=1, description="How often the key may be used.", extra_json_schema={"default": 1}),
]
IsManaged = Annotated[
    bool, Meta(description="There is no way back.", extra_json_schema={"enum": [True]})
]
CustomizationProfileId = Annotated[UUID, Meta(description="How the key would look.")]


class IdentityId(msgspec.Struct):
    """An identity by id."""

    user_identity_id: UserIdentityId


class IdentityName(msgspec.Struct):
    """An identity by id or by key."""

    user_identity_id: UserIdentityId | UnsetType = UNSET
    user_identity_key: Key | UnsetType = UNSET

    def check(self) -> list[str]:
        """One name is enough, and two could contradict each other."""
        return exactly_one(self, "user_identity_id", "user_identity_key")


class ListUnmanaged(msgspec.Struct):
    """Filters of unmanaged identities."""

    created_before: CreatedBefore | UnsetType = UNSET
    term: Search | UnsetType = msgspec.field(name="search", default=UNSET)


class ListIdentities(ListUnmanaged):
    """Filters of identities."""

    credential_manager_acs_system_id: CredentialManager | UnsetType = UNSET
    user_identity_ids: Ids | UnsetType = UNSET


class Values(msgspec.Struct):
    """What an identity is known by; null is nothing."""

    email_address: PersonEmail | UnsetType | None = UNSET
    full_name: FullName | UnsetType | None = UNSET
    phone_number: PhoneNumber | UnsetType | None = UNSET
    user_identity_key: NewKey | UnsetType | None = UNSET


class CreateIdentity(Values):
    """A new identity, and the systems in which it has a user."""

    acs_system_ids: SystemIds | UnsetType = UNSET


class UpdateIdentity(Values, kw_only=True):
    """An identity by id, and what it is to be known by instead; null clears."""

    user_identity_id: UserIdentityId


class UpdateUnmanaged(msgspec.Struct):
    """An unmanaged identity by id, to be managed from now on."""

    is_managed: IsManaged
    user_identity_id: UserIdentityId
    user_identity_key: Key | UnsetType = UNSET

    def check(self) -> Iterator[str]:
        """Nothing that is managed goes back."""
        if not self.is_managed:
            yield "'is_managed' must be true"


class AddUser(msgspec.Struct):
    """A user, and the identity whose it is to be; an unknown key makes one."""

    acs_user_id: AcsUserId
    user_identity_id: UserIdentityId | UnsetType = UNSET
    user_identity_key: Key | UnsetType = UNSET

    def check(self) -> Iterator[str]:
        """One name is enough, and no identity has a blank one."""
        yield from exactly_one(self, "user_identity_id", "user_identity_key")
        if self.user_identity_key == "":
            yield "'user_identity_key' must not be empty"


class RemoveUser(msgspec.Struct):
    """A user, and the identity whose it is no more."""

    acs_user_id: AcsUserId
    user_identity_id: UserIdentityId


class OnDevice(msgspec.Struct):
    """An identity and a device."""

    device_id: DeviceId
    user_identity_id: UserIdentityId


class GenerateInstantKey(msgspec.Struct):
    """An identity, and what its key is to be like."""

    user_identity_id: UserIdentityId
    customization_profile_id: CustomizationProfileId | UnsetType = UNSET
    max_use_count: Uses = 1


class Merge(msgspec.Struct):
    """The identity that stays and those that become it, all by id or all by key."""

    merged_user_identity_ids: MergedIds | UnsetType = UNSET
    merged_user_identity_keys: MergedKeys | UnsetType = UNSET
    user_identity_id: UserIdentityId | UnsetType = UNSET
    user_identity_key: Key | UnsetType = UNSET

    def check(self) -> list[str]:
        """Ids and keys do not mix."""
        wrong = exactly_one(self, "user_identity_id", "user_identity_key")
        wrong += exactly_one(self, "merged_user_identity_ids", "merged_user_identity_keys")
        if not wrong and is_given(self.user_identity_id) != is_given(self.merged_user_identity_ids):
            wrong.append("The identities are named either all by id or all by key")
        return wrong
