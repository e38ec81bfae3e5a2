"""Who calls: the Authorization header, the kinds of token, and why a token is refused.

The answers are those of seam-api section 1.3.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Protocol
from urllib.parse import urlsplit
from uuid import UUID

from doorward.errors import ApiError
from doorward.wire.issues import Invalid
from doorward.wire.route import Caller, CallerKind, Scheme
from doorward.wire.scalars import read_uuid


class Token(Protocol):
    """A token that may call. `workspace_id` is the one it is for, None for every workspace."""

    @property
    def token_id(self) -> UUID:
        """How the journal names it."""

    @property
    def kind(self) -> CallerKind:
        """Which kind of token it is."""

    @property
    def workspace_id(self) -> UUID | None:
        """The one workspace, if it is for one."""

    @property
    def is_published(self) -> bool:
        """Whether anybody knows it, so that it counts for calls from this machine alone."""


class Authenticator(Protocol):
    """Knows the tokens and the workspaces. Both calls may raise Unavailable."""

    async def find(self, token: str) -> Token | None:
        """The token with this text, None for one that is unknown, expired or revoked."""

    async def workspace_exists(self, workspace_id: UUID) -> bool:
        """Whether there is such a workspace."""


async def authenticate(
    authenticator: Authenticator,
    headers: Mapping[bytes, bytes],
    callers: tuple[Scheme, ...],
) -> Caller:
    """Who calls, and for which workspace. Raises ApiError 401 and 400 (section 1.3).

    A published token counts where the address that was called, and the web page that calls if one
    does, are this machine's: else any page that a developer opens could use it.
    """
    if not _is_local(headers):
        authenticator = _WithoutPublished(authenticator)
    token = _bearer(headers.get(b"authorization"))
    workspace = headers.get(b"seam-workspace")
    # The order matters: every other kind of token begins with an API key's `seam_` (section 1.1).
    if token.startswith("seam_at"):
        return await _by_personal_access_token(authenticator, token, workspace, callers)
    if token.startswith("seam_cst"):
        raise ApiError(
            401,
            "client_session_token_used_for_api_key",
            "A client session token was used instead of an API key",
        )
    if token.startswith("ey"):
        raise _unauthorized("A JWT was used instead of an API key")
    return await _by_api_key(authenticator, token, workspace, callers)


@dataclass(frozen=True, slots=True)
class _WithoutPublished:
    authenticator: Authenticator

    async def find(self, token: str) -> Token | None:
        found = await self.authenticator.find(token)
        return None if found is not None and found.is_published else found

    async def workspace_exists(self, workspace_id: UUID) -> bool:
        return await self.authenticator.workspace_exists(workspace_id)


def _is_local(headers: Mapping[bytes, bytes]) -> bool:
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


def _bearer(header: bytes | None) -> str:
    if header is None:
        raise _unauthorized("No Authorization header")
    scheme, _, token = header.decode("latin-1").strip().partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise _unauthorized("No token provided")
    return token.strip()


async def _by_api_key(
    authenticator: Authenticator,
    text: str,
    workspace: bytes | None,
    callers: tuple[Scheme, ...],
) -> Caller:
    token = await authenticator.find(text)
    if token is None or token.kind != "api_key" or token.workspace_id is None:
        raise _unauthorized("API Key not found")
    if "api_key" not in callers:
        raise _unauthorized("An API key was used instead of an access token")
    if workspace is not None and _workspace_id(workspace) != token.workspace_id:
        # Whoever names another workspace means its doors; acting on the key's would be worse.
        message = "The API key is of another workspace than the seam-workspace header names"
        raise ApiError(400, "invalid_input", message)
    return Caller(token.token_id, "api_key", token.workspace_id)


async def _by_personal_access_token(
    authenticator: Authenticator,
    text: str,
    workspace: bytes | None,
    callers: tuple[Scheme, ...],
) -> Caller:
    if "pat_with_workspace" not in callers:
        raise ApiError(
            401,
            "access_token_used_for_api_key",
            "An access token was used instead of an API key",
        )
    if workspace is None:
        message = "A personal access token must provide the Seam-Workspace header"
        raise ApiError(400, "missing_workspace_id", message)
    workspace_id = _workspace_id(workspace)
    token = await authenticator.find(text)
    if workspace_id is None or not await _may_act_in(authenticator, token, workspace_id):
        raise _unauthorized("Access token not found")
    assert token is not None
    return Caller(token.token_id, "personal_access_token", workspace_id)


async def _may_act_in(
    authenticator: Authenticator, token: Token | None, workspace_id: UUID
) -> bool:
    if token is None or token.kind != "personal_access_token":
        return False
    if token.workspace_id is not None:
        return token.workspace_id == workspace_id
    return await authenticator.workspace_exists(workspace_id)


def _workspace_id(header: bytes) -> UUID | None:
    try:
        return read_uuid(header.decode("latin-1").strip())
    except Invalid:
        return None


def _unauthorized(message: str) -> ApiError:
    return ApiError(401, "unauthorized", message)
