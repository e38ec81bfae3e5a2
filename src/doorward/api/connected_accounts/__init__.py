"""/connected_accounts: accounts at providers, the native system's own one included."""

import msgspec
from msgspec import UNSET, UnsetType

from doorward.api.account_changes import (
    AccountId,
    DeleteAccount,
    UpdateAccount,
    delete,
    sync,
    update,
)
from doorward.api.parameters import (
    ConnectedAccountId,
    CustomerKey,
    CustomMetadataHas,
    EmailAddress,
    SpaceId,
    Term,
    UserIdentifierKey,
)
from doorward.api.requests import exactly_one, found, is_given, or_none
from doorward.api.services import Services
from doorward.resources.connected_account import ConnectedAccount
from doorward.store import accounts, client_sessions
from doorward.wire.route import EVERYBODY, STAFF, Call, Listed, Route


class GetAccount(msgspec.Struct):
    """An account by id, or by the e-mail address that its provider knows."""

    connected_account_id: ConnectedAccountId | UnsetType = UNSET
    email: EmailAddress | UnsetType = UNSET

    def check(self) -> list[str]:
        """One name is enough."""
        return exactly_one(self, "connected_account_id", "email")


class ListAccounts(msgspec.Struct):
    """Filters of accounts."""

    custom_metadata_has: CustomMetadataHas | UnsetType = UNSET
    customer_key: CustomerKey | UnsetType = UNSET
    term: Term | UnsetType = msgspec.field(name="search", default=UNSET)
    space_id: SpaceId | UnsetType = UNSET
    user_identifier_key: UserIdentifierKey | UnsetType = UNSET


async def get(call: Call[Services], request: GetAccount) -> ConnectedAccount:
    """One account."""
    account = await accounts.get(
        call.services.database,
        call.workspace_id,
        connected_account_id=or_none(request.connected_account_id),
        email=or_none(request.email),
        sight=call.caller.sight,
    )
    return found(account, "connected_account")


async def list_accounts(call: Call[Services], request: ListAccounts) -> Listed:
    """A page of accounts."""
    # There are no spaces here, so none that an account could belong to.
    if is_given(request.space_id):
        return Listed([], None)
    of_session = None
    if isinstance(request.user_identifier_key, str):
        of_session = await client_sessions.sight_of(
            call.services.database, call.workspace_id, request.user_identifier_key
        )
        if of_session is None:
            return Listed([], None)
    assert call.page is not None
    metadata = or_none(request.custom_metadata_has) or {}
    rows, next_after = await accounts.list_accounts(
        call.services.database,
        call.workspace_id,
        custom_metadata_has={key: _text(value) for key, value in metadata.items()},
        customer_key=or_none(request.customer_key),
        term=or_none(request.term),
        sight=call.caller.sight,
        of_session=of_session,
        limit=call.page.limit,
        after=call.page.after,
    )
    return Listed(rows, next_after)


def _text(value: str | bool) -> str:
    return value if isinstance(value, str) else str(value).lower()


ROUTES = (
    Route(
        path="/connected_accounts/get",
        verbs=("GET", "POST"),
        request=GetAccount,
        handler=get,
        summary="Get a connected account",
        response_key="connected_account",
        resource=ConnectedAccount,
        callers=EVERYBODY,
    ),
    Route(
        path="/connected_accounts/list",
        verbs=("GET", "POST"),
        request=ListAccounts,
        handler=list_accounts,
        summary="List connected accounts",
        response_key="connected_accounts",
        resource=ConnectedAccount,
        is_list=True,
        page_limit=11_000,
        callers=(*STAFF, "client_session_with_customer", "client_session_with_customer_ro"),
    ),
    Route(
        path="/connected_accounts/update",
        verbs=("PATCH", "POST"),
        request=UpdateAccount,
        handler=update,
        summary="Change what is known of a connected account",
    ),
    Route(
        path="/connected_accounts/sync",
        verbs=("POST",),
        request=AccountId,
        handler=sync,
        summary="Reach a connected account again that seemed out of reach",
    ),
    Route(
        path="/connected_accounts/delete",
        verbs=("DELETE", "POST"),
        request=DeleteAccount,
        handler=delete,
        summary="Delete a connected account that is no native system's",
        callers=(*STAFF, "client_session_with_customer"),
        refuses=("not_supported",),
    ),
)
