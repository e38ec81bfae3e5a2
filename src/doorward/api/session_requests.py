"""What calls of /client_sessions ask for. Where the API takes any text for an id, so do they."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, TypeAlias
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from doorward.api.parameters import (
    MOST_NAMED,
    UserIdentifierKey,
    UserIdentityId,
)
from doorward.api.requests import or_none
from doorward.store.client_sessions import Wanted
from doorward.store.personal import LONGEST_TEXT
from doorward.wire.issues import Invalid
from doorward.wire.scalars import read_uuid

AccountIds = Annotated[
    list[str],
    Meta(max_length=MOST_NAMED, description="The connected accounts that the session is for."),
]
WebviewIds = Annotated[
    list[str], Meta(max_length=MOST_NAMED, description="The connect webviews that it is for.")
]
UserKey = Annotated[
    str,
    Meta(
        min_length=1, max_length=LONGEST_TEXT, description="Your own name for the session's user."
    ),
]
OldIdentityIds = Annotated[
    list[UUID],
    Meta(min_length=1, max_length=1, description="What `user_identity_id` was before."),
]
ExpiresAt = Annotated[datetime, Meta(description="When it is over; else a year from now.")]
SessionId = Annotated[UUID, Meta(description="The client session.")]
AnySessionId = Annotated[str, Meta(description="The client session.")]
AnyIdentityId = Annotated[str, Meta(description="The person that the session is for.")]
AnyOldIdentityIds = Annotated[
    list[str],
    Meta(min_length=1, max_length=1, description="What `user_identity_id` was before."),
]
AnyWebviewId = Annotated[str, Meta(description="The connect webview.")]
Without = Annotated[bool, Meta(description="Only sessions of nobody in particular.")]
CustomerId = Annotated[str, Meta(description="The customer; none is known here by an id.")]
NewCustomerKey = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=LONGEST_TEXT,
        description="Your own name for the customer, whose accounts it sees.",
    ),
]

Id: TypeAlias = str | UUID

# An id that nothing has.
_NOTHING = UUID(int=0)


class OfUser(msgspec.Struct):
    """What a session is for."""

    connect_webview_ids: WebviewIds | UnsetType = UNSET
    connected_account_ids: AccountIds | UnsetType = UNSET
    expires_at: ExpiresAt | UnsetType = UNSET
    user_identifier_key: UserKey | UnsetType = UNSET
    user_identity_id: UserIdentityId | UnsetType = UNSET
    user_identity_ids: OldIdentityIds | UnsetType = UNSET

    def check(self) -> list[str]:
        """A session has one person."""
        return one_person(self)


class CreateSession(OfUser):
    """What a new session is for; a customer's sees what has the customer's key."""

    customer_id: CustomerId | UnsetType = UNSET
    customer_key: NewCustomerKey | UnsetType = UNSET


class GrantAccess(msgspec.Struct):
    """A session by id or by its user, and what it is to be for besides."""

    client_session_id: AnySessionId | UnsetType = UNSET
    connect_webview_ids: WebviewIds | UnsetType = UNSET
    connected_account_ids: AccountIds | UnsetType = UNSET
    user_identifier_key: UserIdentifierKey | UnsetType = UNSET
    user_identity_id: AnyIdentityId | UnsetType = UNSET
    user_identity_ids: AnyOldIdentityIds | UnsetType = UNSET

    def check(self) -> list[str]:
        """Some session must be meant, and one person."""
        wrong = one_person(self)
        if self.client_session_id is UNSET and self.user_identifier_key is UNSET:
            wrong.append("Either 'client_session_id' or 'user_identifier_key' is required")
        return wrong


class GetSession(msgspec.Struct):
    """A session by id or by its user; a session that asks about itself needs neither."""

    client_session_id: SessionId | UnsetType = UNSET
    user_identifier_key: UserIdentifierKey | UnsetType = UNSET


class SessionKey(msgspec.Struct):
    """A session by id."""

    client_session_id: SessionId


class ListSessions(msgspec.Struct):
    """Filters of sessions."""

    client_session_id: AnySessionId | UnsetType = UNSET
    connect_webview_id: AnyWebviewId | UnsetType = UNSET
    user_identifier_key: UserIdentifierKey | UnsetType = UNSET
    user_identity_id: AnyIdentityId | UnsetType = UNSET
    without_user_identifier_key: Without | UnsetType = UNSET


def one_person(request: OfUser | GrantAccess) -> list[str]:
    """What is wrong where the old name of a parameter says something else than the new one."""
    new, old = id_or_none(request.user_identity_id), _old_identity(request)
    if new is None or old is None or new == old:
        return []
    return ["Only one of 'user_identity_id' and 'user_identity_ids' may be given"]


def _old_identity(request: OfUser | GrantAccess) -> UUID | None:
    ids: Sequence[Id] = or_none(request.user_identity_ids) or ()
    return id_of(ids[0]) if ids else None


def id_of(text: Id) -> UUID:
    """The id that a text is; for any other text one that nothing has."""
    if isinstance(text, UUID):
        return text
    try:
        return read_uuid(text)
    except Invalid:
        return _NOTHING


def id_or_none(text: Id | UnsetType) -> UUID | None:
    """Like `id_of`, None for a parameter that was not sent."""
    return None if isinstance(text, UnsetType) else id_of(text)


def wanted(request: OfUser | GrantAccess) -> Wanted:
    """What a request names."""
    accounts = [id_of(each) for each in or_none(request.connected_account_ids) or ()]
    return Wanted(
        user_identifier_key=or_none(request.user_identifier_key),
        connected_account_ids=[*dict.fromkeys(accounts)],
        user_identity_id=id_or_none(request.user_identity_id) or _old_identity(request),
        customer_key=or_none(getattr(request, "customer_key", UNSET)),
        expires_at=or_none(getattr(request, "expires_at", UNSET)),
    )
