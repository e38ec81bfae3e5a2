"""How /connected_accounts changes accounts, and makes one seem out of reach."""

from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from doorward.api.changing import carry_out
from doorward.api.parameters import ConnectedAccountId
from doorward.api.requests import found, or_none
from doorward.api.sandboxed import must_be_sandbox
from doorward.api.services import Services
from doorward.errors import ApiError, invalid_input
from doorward.events import account_deletion, catalogue, deletions
from doorward.events.catalogue import Occasion
from doorward.resources.connected_account import Capability, ConnectedAccount
from doorward.store import accounts, events
from doorward.store.database import Connection
from doorward.store.journal import Change
from doorward.store.personal import LONGEST_TEXT
from doorward.wire.route import Call

# Each of them, and room for saying some twice.
_MOST_CAPABILITIES: Final = 50
_Value = Annotated[str, Meta(max_length=500)] | bool | None


class AccountId(msgspec.Struct):
    """An account by id."""

    connected_account_id: ConnectedAccountId


class DeleteAccount(AccountId):
    """An account by id."""

    sync: Annotated[
        bool,
        Meta(
            description="Of no consequence: an answer comes when all is done, either way.",
            extra_json_schema={"default": False},
        ),
    ] = False


class UpdateAccount(AccountId):
    """An account by id, and what is to be different."""

    accepted_capabilities: (
        Annotated[
            list[Capability],
            Meta(max_length=_MOST_CAPABILITIES, description="What the account is accepted for."),
        ]
        | UnsetType
    ) = UNSET
    automatically_manage_new_devices: (
        Annotated[bool, Meta(description="Whether new devices are managed at once.")] | UnsetType
    ) = UNSET
    custom_metadata: (
        Annotated[
            dict[str, _Value],
            Meta(
                max_length=50,
                description="Takes the place of all pairs that there are; null is no pair.",
            ),
        ]
        | UnsetType
    ) = UNSET
    customer_key: (
        Annotated[
            str,
            Meta(
                min_length=1,
                max_length=LONGEST_TEXT,
                description="Your own name for the customer; an account keeps the one it has.",
            ),
        ]
        | UnsetType
    ) = UNSET
    display_name: (
        Annotated[
            str, Meta(min_length=1, max_length=LONGEST_TEXT, description="What it is called.")
        ]
        | UnsetType
    ) = UNSET


async def update(call: Call[Services], request: UpdateAccount) -> None:
    """Changes what is known of an account, of which nothing says who may open what.

    Raises ApiError 404, 400 for a customer where the account has another one.
    """

    async def make(connection: Connection, change: Change) -> None:
        account = await _account(connection, change, call, request.connected_account_id)
        key = or_none(request.customer_key)
        if key is not None and account.customer_key not in (UNSET, key):
            raise invalid_input("The account is another customer's, and stays so")
        await accounts.update(
            connection, change.workspace_id, account.connected_account_id, _given(request)
        )

    await carry_out(call, make)


def _given(request: UpdateAccount) -> dict[str, Any]:
    values = {
        name: value
        for name in UpdateAccount.__struct_fields__
        if name != "connected_account_id" and (value := getattr(request, name)) is not UNSET
    }
    if "accepted_capabilities" in values:
        values["accepted_capabilities"] = [*dict.fromkeys(values["accepted_capabilities"])]
    if "custom_metadata" in values:
        pairs = values["custom_metadata"].items()
        values["custom_metadata"] = {name: value for name, value in pairs if value is not None}
    return values


async def sync(call: Call[Services], request: AccountId) -> None:
    """Reaches an account again that seemed out of reach.

    There is nothing to fetch of one that can be reached: what a native system has is here.
    """

    async def make(connection: Connection, change: Change) -> None:
        account = await _account(connection, change, call, request.connected_account_id)
        where = (connection, change.workspace_id, account.connected_account_id)
        if await accounts.set_disconnected(*where, None):
            told = [
                catalogue.connected_account_connected(
                    _occasion(change), account.connected_account_id, account.custom_metadata
                ),
                catalogue.connected_account_synced_again(_occasion(change), account),
            ]
            await events.insert_events(connection, change.workspace_id, deletions.in_order(told))

    await carry_out(call, make)


async def disconnect(call: Call[Services], request: AccountId) -> None:
    """Makes an account seem out of reach, until a sync; its doors go on as they are."""
    await must_be_sandbox(call)

    async def make(connection: Connection, change: Change) -> None:
        account = await _account(connection, change, call, request.connected_account_id)
        where = (connection, change.workspace_id)
        if await accounts.set_disconnected(*where, account.connected_account_id, change.at):
            account = await _account(connection, change, call, request.connected_account_id)
            told = catalogue.connected_account_disconnected(_occasion(change), account)
            await events.insert_events(*where, [told])

    await carry_out(call, make)


async def delete(call: Call[Services], request: DeleteAccount) -> None:
    """Takes an account away with its systems, and what is theirs.

    Raises ApiError 404, 400 `not_supported` for the account of a native system.
    """

    async def make(connection: Connection, change: Change) -> None:
        account = await _account(connection, change, call, request.connected_account_id)
        if account.account_type == accounts.NATIVE:
            raise ApiError(
                400,
                "not_supported",
                "The account is that of an access system which the site file declares; it goes with"
                " the system: take that out of the file, and apply it with --prune",
            )
        await account_deletion.delete(connection, change, account)

    await carry_out(call, make)


async def _account(
    connection: Connection, change: Change, call: Call[Services], connected_account_id: UUID
) -> ConnectedAccount:
    account = await accounts.get(
        connection,
        change.workspace_id,
        connected_account_id=connected_account_id,
        sight=call.caller.sight,
    )
    return found(account, "connected_account")


def _occasion(change: Change) -> Occasion:
    return Occasion(change.workspace_id, change.at, change.at)
