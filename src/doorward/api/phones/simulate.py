"""/phones/simulate: phones that exist in sandbox workspaces alone."""

from typing import Annotated, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from doorward.api.changing import carry_out
from doorward.api.parameters import UserIdentityId
from doorward.api.requests import or_none
from doorward.api.sandboxed import must_be_sandbox
from doorward.api.services import Services
from doorward.errors import not_found
from doorward.events import phones as on_phones
from doorward.resources.phone import OperatingSystem, Phone
from doorward.store import identities, phones
from doorward.store.database import Connection
from doorward.store.journal import Change
from doorward.store.personal import LONGEST_TEXT
from doorward.store.phones import NewPhone
from doorward.wire.route import Call, Route


def _text(description: str, default: str) -> Meta:
    return Meta(
        max_length=LONGEST_TEXT,
        description=description,
        extra_json_schema={"default": default},
    )


def _flag(description: str, *, default: bool) -> Meta:
    return Meta(description=description, extra_json_schema={"default": default})


_NOTHING: Final[dict[str, object]] = {"default": {}}


class AssaAbloyMetadata(msgspec.Struct):
    """What that maker's app tells of a phone."""

    application_version: Annotated[str, _text("The app's version.", "1.0.0")] = "1.0.0"
    ble_capability: Annotated[bool, _flag("Whether it has Bluetooth Low Energy.", default=True)] = (
        True
    )
    hce_capability: Annotated[
        bool, _flag("Whether it can pretend to be a card.", default=False)
    ] = False
    nfc_capability: Annotated[bool, _flag("Whether it has NFC.", default=False)] = False
    seos_applet_version: Annotated[str, _text("The Seos applet's version.", "1.0.0")] = "1.0.0"
    seos_tsm_endpoint_id: Annotated[
        int,
        Meta(
            description="The number of its endpoint at the trusted service manager.",
            extra_json_schema={"default": 1},
        ),
    ] = 1


class PhoneMetadata(msgspec.Struct):
    """What a phone is."""

    device_manufacturer: Annotated[str, _text("Who made it.", "Samsung")] = "Samsung"
    device_model: Annotated[
        str, _text("The model, by which it is called.", "Samsung Galaxy S10")
    ] = "Samsung Galaxy S10"
    operating_system: Annotated[
        OperatingSystem,
        Meta(description="What it runs.", extra_json_schema={"default": "android"}),
    ] = "android"
    os_version: Annotated[str, _text("The version of what it runs.", "10")] = "10"


class CreateSandboxPhone(msgspec.Struct):
    """Whose phone it is, and what it tells of itself."""

    user_identity_id: UserIdentityId
    assa_abloy_metadata: Annotated[
        AssaAbloyMetadata,
        Meta(description="What that maker's app tells of it.", extra_json_schema=_NOTHING),
    ] = msgspec.field(default_factory=AssaAbloyMetadata)
    custom_sdk_installation_id: (
        Annotated[
            str,
            Meta(max_length=LONGEST_TEXT, description="Your own name for the app on it."),
        ]
        | UnsetType
    ) = UNSET
    phone_metadata: Annotated[
        PhoneMetadata, Meta(description="What it is.", extra_json_schema=_NOTHING)
    ] = msgspec.field(default_factory=PhoneMetadata)


async def create_sandbox_phone(call: Call[Services], request: CreateSandboxPhone) -> Phone:
    """Makes a phone of somebody's, called as its model is."""
    await must_be_sandbox(call)
    new = NewPhone(
        user_identity_id=request.user_identity_id,
        operating_system=request.phone_metadata.operating_system,
        display_name=request.phone_metadata.device_model,
        custom_sdk_installation_id=or_none(request.custom_sdk_installation_id),
        phone_metadata=msgspec.structs.asdict(request.phone_metadata),
        assa_abloy_metadata=msgspec.structs.asdict(request.assa_abloy_metadata),
    )

    async def make(connection: Connection, change: Change) -> Phone:
        if not await identities.exists(connection, change.workspace_id, new.user_identity_id):
            raise not_found("user_identity")
        made = await phones.create(connection, change, new)
        await on_phones.follow_identities(connection, change, [new.user_identity_id])
        return made

    return await carry_out(call, make)


ROUTES = (
    Route(
        path="/phones/simulate/create_sandbox_phone",
        verbs=("POST",),
        request=CreateSandboxPhone,
        handler=create_sandbox_phone,
        summary="Create a simulated phone of a user identity",
        response_key="phone",
        resource=Phone,
        is_creating=True,
        is_sandbox_only=True,
        refuses=("duplicate_custom_sdk_installation_id",),
    ),
)
