"""/client_sessions: end users' own access, given out and taken back.

A publishable key stands for whoever reads it: it makes sessions that see nothing, and gets back
those of users whose key it knows.
"""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from doorward.api.creating import once
from doorward.api.requests import found, or_none
from doorward.api.services import Services
from doorward.api.session_requests import (
    CreateSession,
    GetSession,
    GrantAccess,
    ListSessions,
    OfUser,
    SessionKey,
    id_of,
    id_or_none,
    wanted,
)
from doorward.errors import ApiError, invalid_input, not_found
from doorward.events import catalogue
from doorward.resources.client_session import ClientSession
from doorward.store import accounts, client_sessions, events, identities
from doorward.store.client_sessions import Wanted
from doorward.store.database import Connection
from doorward.store.idempotency import Kept
from doorward.store.personal import LONGEST_TEXT
from doorward.wire.route import STAFF, Call, Route, Scheme

_OF_ANYBODY: Final = frozenset({"user_identifier_key", "expires_at"})


async def create(call: Call[Services], request: CreateSession) -> ClientSession | Kept:
    """Makes a session; PUT answers with the one that the user has, where POST refuses."""
    asked = _asked(call, request)

    async def make(connection: Connection) -> ClientSession:
        there = await _of_user(connection, call, asked)
        if there is None:
            return await _new(connection, call, asked)
        if call.verb != "PUT":
            raise _exists()
        return await _session(connection, call, there)

    return await once(call, make, _sharing(call, asked))


async def get_or_create(call: Call[Services], request: OfUser) -> ClientSession | Kept:
    """The session that a user has, now also for what is named; a new one where there is none."""
    asked = _asked(call, request)

    async def make(connection: Connection) -> ClientSession:
        there = await _of_user(connection, call, asked)
        if there is None:
            return await _new(connection, call, asked)
        # What everybody can read must not prolong what somebody else has made.
        if call.caller.kind != "publishable_key":
            await client_sessions.grant(connection, call.workspace_id, there, asked)
        return await _session(connection, call, there)

    return await once(call, make, _sharing(call, asked))


async def get(call: Call[Services], request: GetSession) -> ClientSession:
    """One session."""
    session_id, key = or_none(request.client_session_id), or_none(request.user_identifier_key)
    own = call.caller.token_id if call.caller.kind == "client_session" else None
    if own is not None and session_id not in {None, own}:
        raise not_found("client_session")
    if own is None and session_id is None and key is None:
        raise invalid_input("Either 'client_session_id' or 'user_identifier_key' is required")
    session = await client_sessions.get(
        call.services.database,
        call.services.keyring,
        call.workspace_id,
        client_session_id=own or session_id,
        user_identifier_key=key,
    )
    return found(session, "client_session")


async def list_sessions(call: Call[Services], request: ListSessions) -> list[ClientSession]:
    """The sessions that match, of very many the newest."""
    # There are no webviews here, so none that a session could be for.
    if or_none(request.connect_webview_id) is not None:
        return []
    return await client_sessions.list_sessions(
        call.services.database,
        call.services.keyring,
        call.workspace_id,
        client_session_id=id_or_none(request.client_session_id),
        user_identifier_key=or_none(request.user_identifier_key),
        user_identity_id=id_or_none(request.user_identity_id),
        without_user_identifier_key=or_none(request.without_user_identifier_key) is True,
    )


async def grant_access(call: Call[Services], request: GrantAccess) -> None:
    """Lets a session see more."""
    asked = wanted(request)
    _check_webviews(request)
    async with call.services.database.transaction() as connection:
        await _check_there(connection, call.workspace_id, asked)
        session_id = await _meant(connection, call, request, asked)
        await client_sessions.grant(connection, call.workspace_id, session_id, asked)


async def revoke(call: Call[Services], request: SessionKey) -> None:
    """Ends a session; it is still shown."""
    where = (call.services.database, call.workspace_id)
    if not await client_sessions.revoke(*where, request.client_session_id):
        raise not_found("client_session")
    call.services.database.tokens_changed()


async def delete(call: Call[Services], request: SessionKey) -> None:
    """Takes a session away."""
    workspace_id, session_id = call.workspace_id, request.client_session_id
    now = call.services.clock.now(workspace_id)
    deleted = catalogue.client_session_deleted(
        catalogue.Occasion(workspace_id, now, now), session_id
    )
    async with call.services.database.transaction() as connection:
        if not await client_sessions.delete(connection, workspace_id, session_id):
            raise not_found("client_session")
        await events.insert_events(connection, workspace_id, [deleted])
    call.services.database.tokens_changed()


def _asked(call: Call[Services], request: OfUser) -> Wanted:
    """What a call that makes a session asks for. Raises ApiError 400, 401, 403 and 404."""
    asked = wanted(request)
    if call.caller.kind == "publishable_key":
        asked = _of_anybody(call, request, asked)
    _check_webviews(request)
    if isinstance(request, CreateSession) and or_none(request.customer_id) is not None:
        raise not_found("customer")
    return asked


def _of_anybody(call: Call[Services], request: OfUser, asked: Wanted) -> Wanted:
    given = {name for name in request.__struct_fields__ if or_none(getattr(request, name))}
    if given - _OF_ANYBODY:
        raise ApiError(
            403,
            "publishable_keys_must_create_empty_client_sessions",
            "A publishable key makes client sessions for nothing but a user_identifier_key",
        )
    keys = {asked.user_identifier_key, call.caller.user_identifier_key} - {None}
    if not keys:
        raise ApiError(
            401,
            "publishable_key_requires_user_identifier_key",
            "user_identifier_key is required with publishable_key",
        )
    if len(keys) > 1:
        raise invalid_input("user_identifier_key and seam-user-identifier-key name two users")
    key = keys.pop()
    if key is not None and len(key) > LONGEST_TEXT:
        message = f"String must contain at most {LONGEST_TEXT} character(s)"
        raise invalid_input(f'{message} for "seam-user-identifier-key"')
    return replace(asked, user_identifier_key=key)


def _sharing(call: Call[Services], asked: Wanted) -> str | None:
    # Everybody's calls with a publishable key are one caller's, who would get each other's answers.
    return asked.user_identifier_key if call.caller.kind == "publishable_key" else None


async def _of_user(connection: Connection, call: Call[Services], asked: Wanted) -> UUID | None:
    """The running session of the user, once everything that is named is known to be there.

    Raises ApiError 400 and 404.
    """
    if asked.expires_at is not None and asked.expires_at <= datetime.now(UTC):
        raise invalid_input("'expires_at' must be in the future")
    await _check_there(connection, call.workspace_id, asked)
    if asked.user_identifier_key is None:
        return None
    return await client_sessions.claim(connection, call.workspace_id, asked.user_identifier_key)


async def _meant(
    connection: Connection, call: Call[Services], request: GrantAccess, asked: Wanted
) -> UUID:
    there = None
    if asked.user_identifier_key is not None:
        there = await client_sessions.claim(
            connection, call.workspace_id, asked.user_identifier_key
        )
    if not isinstance(request.client_session_id, str):
        return found(there, "client_session")
    session = await _session(connection, call, id_of(request.client_session_id))
    if there not in {None, session.client_session_id}:
        raise _exists()
    return session.client_session_id


async def _new(connection: Connection, call: Call[Services], asked: Wanted) -> ClientSession:
    if call.caller.kind == "publishable_key":
        call.services.newcomers.take(call.caller.token_id)
    return await client_sessions.create(connection, call.services.keyring, call.workspace_id, asked)


async def _session(
    connection: Connection, call: Call[Services], client_session_id: UUID
) -> ClientSession:
    session = await client_sessions.get(
        connection,
        call.services.keyring,
        call.workspace_id,
        client_session_id=client_session_id,
    )
    return found(session, "client_session")


def _check_webviews(request: OfUser | GrantAccess) -> None:
    # There are none here.
    if or_none(request.connect_webview_ids):
        raise not_found("connect_webview")


async def _check_there(connection: Connection, workspace_id: UUID, asked: Wanted) -> None:
    if await accounts.missing(connection, workspace_id, asked.connected_account_ids):
        raise not_found("connected_account")
    identity_id = asked.user_identity_id
    if identity_id and not await identities.exists(connection, workspace_id, identity_id):
        raise not_found("user_identity")


def _exists() -> ApiError:
    return ApiError(
        400,
        "client_session_token_already_exists",
        "There is a client session for this user already; get_or_create answers with it",
    )


_CREATORS: Final[tuple[Scheme, ...]] = (*STAFF, "publishable_key")

ROUTES = (
    Route(
        path="/client_sessions/create",
        verbs=("PUT", "POST"),
        request=CreateSession,
        handler=create,
        summary="Create a client session",
        response_key="client_session",
        resource=ClientSession,
        callers=_CREATORS,
        is_creating=True,
        refuses=("client_session_token_already_exists",),
    ),
    Route(
        path="/client_sessions/get_or_create",
        verbs=("POST",),
        request=OfUser,
        handler=get_or_create,
        summary="Get a user's client session, or create it",
        response_key="client_session",
        resource=ClientSession,
        callers=_CREATORS,
        is_creating=True,
    ),
    Route(
        path="/client_sessions/get",
        verbs=("GET", "POST"),
        request=GetSession,
        handler=get,
        summary="Get a client session",
        response_key="client_session",
        resource=ClientSession,
        callers=(*STAFF, "client_session"),
    ),
    Route(
        path="/client_sessions/list",
        verbs=("GET", "POST"),
        request=ListSessions,
        handler=list_sessions,
        summary="List client sessions",
        response_key="client_sessions",
        resource=ClientSession,
        is_list=True,
    ),
    Route(
        path="/client_sessions/grant_access",
        verbs=("PATCH", "POST"),
        request=GrantAccess,
        handler=grant_access,
        summary="Let a client session see more",
        refuses=("client_session_token_already_exists",),
    ),
    Route(
        path="/client_sessions/revoke",
        verbs=("POST",),
        request=SessionKey,
        handler=revoke,
        summary="End a client session",
    ),
    Route(
        path="/client_sessions/delete",
        verbs=("DELETE", "POST"),
        request=SessionKey,
        handler=delete,
        summary="Delete a client session",
    ),
)
