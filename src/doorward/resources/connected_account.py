"""A connected account: an account at a provider, the native system's own one included."""

from typing import Literal
from uuid import UUID

from msgspec import UNSET, UnsetType

from doorward.resources.values import ErrorEntry, Resource, Timestamp, WarningEntry

Capability = Literal["lock", "thermostat", "noise_sensor", "access_control", "camera"]


class UserIdentifier(Resource, frozen=True, kw_only=True):
    """By what the provider knows the account's owner."""

    api_url: str | UnsetType = UNSET
    email: str | UnsetType = UNSET
    exclusive: bool | UnsetType = UNSET
    phone: str | UnsetType = UNSET
    username: str | UnsetType = UNSET


class AccountError(ErrorEntry, frozen=True, kw_only=True):
    """An error of an account, and whose it is."""

    is_bridge_error: bool
    is_connected_account_error: bool


class ConnectedAccount(Resource, frozen=True, kw_only=True):
    """An account at a provider, as /connected_accounts shows it."""

    connected_account_id: UUID
    account_type: str
    account_type_display_name: str
    accepted_capabilities: list[Capability]
    automatically_manage_new_devices: bool
    created_at: Timestamp
    custom_metadata: dict[str, str | bool]
    customer_key: str | UnsetType = UNSET
    display_name: str
    errors: list[AccountError]
    user_identifier: UserIdentifier
    warnings: list[WarningEntry]
