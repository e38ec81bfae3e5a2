"""A phone of a person across access systems."""

from typing import Literal
from uuid import UUID

from doorward.resources.values import ErrorEntry, Resource, Timestamp, WarningEntry

OperatingSystem = Literal["android", "ios"]
DeviceType = Literal["ios_phone", "android_phone"]


class Endpoint(Resource, frozen=True, kw_only=True):
    """Where a credential service reaches a phone."""

    endpoint_id: str
    is_active: bool


class AssaAbloyService(Resource, frozen=True, kw_only=True):
    """What the credential service of that maker knows of a phone."""

    endpoints: list[Endpoint]
    has_active_endpoint: bool


class PhoneProperties(Resource, frozen=True, kw_only=True):
    """What services know of a phone."""

    assa_abloy_credential_service_metadata: AssaAbloyService


class Phone(Resource, frozen=True, kw_only=True):
    """Somebody's phone, as /phones shows it."""

    device_id: UUID
    created_at: Timestamp
    custom_metadata: dict[str, str | bool]
    device_type: DeviceType
    display_name: str
    errors: list[ErrorEntry]
    properties: PhoneProperties
    warnings: list[WarningEntry]
    workspace_id: UUID
