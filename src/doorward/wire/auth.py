"""Who calls: the kinds of token, which calls each may make, and why a token is refused.

The answers are those of seam-api section 1.3.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

from doorward.errors import ApiError
from doorward.store.sight import Sight
from doorward.wire.authenticator import Authenticator, Token
from doorward.wire.issues import Invalid
from doorward.wire.presented import Presented, bearer, presented, unauthorized
from doorward.wire.route import Caller, CallerKind, Scheme, Scope
from doorward.wire.scalars import read_uuid

# A proxy on this machine passes on what came from anywhere, often with a Host of its own.
_FORWARDING: Final = frozenset(
    {b"cf-connecting-ip", b"forwarded", b"true-client-ip", b"via", b"x-real-ip"}
)

_SESSIONS: Final[frozenset[Scheme]] = frozenset(
    {"client_session", "client_session_with_customer", "client_session_with_customer_ro"}
)


async def authenticate(
    authenticator: Authenticator,
    headers: Mapping[bytes, bytes],
    callers: tuple[Scheme, ...],
    scope: Scope | None = None,
) -> Caller:
    """Who calls, and for which workspace. Raises ApiError 400, 401 and 403 (section 1.3).

    A published token counts where the address that was called, and the web page that calls if one
    does, are this machine's: else any page that a developer opens could use it.
    """
    attempt = _Attempt(authenticator, headers, presented(headers, callers), callers)
    caller = await _caller(attempt)
    _require(scope, caller.scopes)
    return caller


async def authenticate_scope(
    authenticator: Authenticator, headers: Mapping[bytes, bytes], scope: str
) -> None:
    """Lets a caller pass whose bearer token has a scope, whatever its workspace.

    Raises ApiError 401 for no token or one that counts for nothing, 403 `insufficient_scope`.
    """
    shown = bearer(headers.get(b"authorization"))
    token = await _Attempt(authenticator, headers, shown, ()).token()
    # A publishable key is no bearer token, and an end user's session has no scopes.
    if token is None or token.kind == "client_session":
        raise unauthorized("Token not found")
    _require(scope, token.scopes)


def _require(scope: str | None, scopes: Collection[str]) -> None:
    if scope is not None and scope not in scopes:
        message = (
            f"The token lacks the scope '{scope}'; whoever runs the server makes one that has it:"
            f" doorward token create --name NAME --scope {scope}"
        )
        raise ApiError(403, "insufficient_scope", message)


@dataclass(frozen=True, slots=True)
class _Attempt:
    authenticator: Authenticator
    headers: Mapping[bytes, bytes]
    shown: Presented
    callers: tuple[Scheme, ...]

    async def token(self) -> Token | None:
        """The token, unless it is unknown here, over, or not of the kind that its text says."""
        token = await self.found()
        return None if token is None or _is_over(token) else token

    async def found(self) -> Token | None:
        """Like `token`, also where it is over."""
        token = await self.authenticator.find(self.shown.text)
        if token is None or token.kind != self.shown.kind:
            return None
        return None if token.is_published and not is_local(self.headers) else token

    @property
    def workspace(self) -> bytes | None:
        """The workspace that the request names."""
        return self.headers.get(b"seam-workspace")

    def check_workspace(self, token: Token) -> None:
        """Raises ApiError where a request names another workspace than its token is for."""
        if self.workspace is not None and _workspace_id(self.workspace) != token.workspace_id:
            # Whoever names another workspace means its doors; acting on the key's would be worse.
            words = _WORDS[token.kind]
            message = f"The {words} is of another workspace than the seam-workspace header names"
            raise ApiError(400, "invalid_input", message)


_WORDS: Final[Mapping[CallerKind, str]] = {
    "api_key": "API key",
    "client_session": "client session",
    "publishable_key": "publishable key",
}


def _is_over(token: Token) -> bool:
    return token.expires_at is not None and token.expires_at <= datetime.now(UTC)


async def _caller(attempt: _Attempt) -> Caller:
    match attempt.shown.kind:
        case "api_key":
            return await _by_api_key(attempt)
        case "personal_access_token":
            return await _by_user(attempt, _PERSONAL)
        case "console_session":
            return await _by_user(attempt, _CONSOLE)
        case "client_session":
            return await _by_session(attempt)
        case "publishable_key":
            return await _by_publishable_key(attempt)


async def _by_api_key(attempt: _Attempt) -> Caller:
    token = await attempt.token()
    if token is None or token.workspace_id is None:
        raise unauthorized("API Key not found")
    if "api_key" not in attempt.callers:
        raise unauthorized("An API key was used instead of an access token")
    attempt.check_workspace(token)
    return Caller(token.token_id, "api_key", token.workspace_id, frozenset(token.scopes))


@dataclass(frozen=True, slots=True)
class _User:
    """A kind of token that somebody has for several workspaces, and its refusals."""

    with_workspace: Scheme
    without_workspace: Scheme
    instead: tuple[str, str]
    no_workspace: str
    not_found: str


_PERSONAL: Final = _User(
    "pat_with_workspace",
    "pat_without_workspace",
    ("access_token_used_for_api_key", "An access token was used instead of an API key"),
    "A personal access token must provide the Seam-Workspace header",
    "Access token not found",
)
_CONSOLE: Final = _User(
    "console_session_with_workspace",
    "console_session_without_workspace",
    ("unauthorized", "A JWT was used instead of an API key"),
    "A console session must provide the Seam-Workspace header",
    "Console session not found",
)


async def _by_user(attempt: _Attempt, kind: _User) -> Caller:
    if attempt.workspace is None and kind.without_workspace in attempt.callers:
        token = await attempt.token()
        if token is None:
            raise unauthorized(kind.not_found)
        return _user(token, token.workspace_id)
    if kind.with_workspace not in attempt.callers:
        raise ApiError(401, *kind.instead)
    if attempt.workspace is None:
        raise ApiError(400, "missing_workspace_id", kind.no_workspace)
    workspace_id = _workspace_id(attempt.workspace)
    token = await attempt.token()
    if token is None or not await _may_act_in(attempt.authenticator, token, workspace_id):
        raise unauthorized(kind.not_found)
    return _user(token, workspace_id)


def _user(token: Token, workspace_id: UUID | None) -> Caller:
    return Caller(token.token_id, token.kind, workspace_id, frozenset(token.scopes))


async def _may_act_in(
    authenticator: Authenticator, token: Token, workspace_id: UUID | None
) -> bool:
    if workspace_id is None or token.workspace_id is not None:
        return workspace_id is not None and token.workspace_id == workspace_id
    return await authenticator.workspace_exists(workspace_id)


async def _by_session(attempt: _Attempt) -> Caller:
    if not _SESSIONS.intersection(attempt.callers):
        raise _session_instead()
    token = await attempt.found()
    if token is None or token.sight is None:
        raise _no_session("not_found")
    # A session that was ended after its time was over already.
    if token.is_revoked:
        raise _no_session("revoked")
    if _is_over(token):
        raise _no_session("expired")
    if _scheme(token.sight) not in attempt.callers:
        raise _session_instead()
    attempt.check_workspace(token)
    return Caller(token.token_id, "client_session", token.workspace_id, sight=token.sight)


def _scheme(sight: Sight) -> Scheme:
    if sight.customer_key is None:
        return "client_session"
    if sight.is_read_only:
        return "client_session_with_customer_ro"
    return "client_session_with_customer"


def _session_instead() -> ApiError:
    return ApiError(
        401,
        "client_session_token_used_for_api_key",
        "A client session token was used instead of an API key",
    )


def _no_session(state: str) -> ApiError:
    message = f"Unauthorized (client session {state.replace('_', ' ')})"
    return ApiError(401, f"client_session_{state}", message)


async def _by_publishable_key(attempt: _Attempt) -> Caller:
    token = await attempt.token()
    if token is None:
        message = "Cannot find workspace associated with this publishable key"
        raise ApiError(401, "workspace_not_found", message)
    if token.is_revoked:
        raise unauthorized("The workspace does not take its publishable key")
    attempt.check_workspace(token)
    user = attempt.headers.get(b"seam-user-identifier-key")
    return Caller(
        token.token_id,
        "publishable_key",
        token.workspace_id,
        user_identifier_key=user.decode("latin-1").strip() or None if user else None,
    )


def is_local(headers: Mapping[bytes, bytes]) -> bool:
    """Whether the address that was called, and the page that calls if any, are this machine's."""
    if any(name in _FORWARDING or name.startswith(b"x-forwarded-") for name in headers):
        return False
    host, origin = headers.get(b"host", b""), headers.get(b"origin")
    return _is_loopback(f"//{host.decode('latin-1')}") and (
        origin is None or _is_loopback(origin.decode("latin-1"))
    )


def _is_loopback(address: str) -> bool:
    try:
        name = urlsplit(address).hostname or ""
        return name == "localhost" or ip_address(name).is_loopback
    except ValueError:
        return False


def _workspace_id(header: bytes) -> UUID | None:
    try:
        return read_uuid(header.decode("latin-1").strip())
    except Invalid:
        return None
