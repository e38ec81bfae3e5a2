"""Which token a request shows, and where it shows it: read from its headers, asked of nobody."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from doorward.errors import ApiError
from doorward.wire.route import CallerKind, Scheme

# Every other kind of token begins with an API key's `seam_` too, so that the order matters
# (seam-api section 1.1).
_PREFIXES: Final[tuple[tuple[str, CallerKind], ...]] = (
    ("seam_at", "personal_access_token"),
    ("seam_cst", "client_session"),
    ("ey", "console_session"),
)
_SESSION_HEADERS: Final = (b"seam-client-session-token", b"client-session-token")
_SESSION_PREFIX: Final = "seam_cst1"


@dataclass(frozen=True, slots=True)
class Presented:
    """A token's text, and the kind that its beginning says it is."""

    kind: CallerKind
    text: str


def presented(headers: Mapping[bytes, bytes], callers: tuple[Scheme, ...]) -> Presented:
    """The one token of a request to a route that takes these callers.

    Raises ApiError 401 where there is none, 400 where there are several that differ.
    """
    key = headers.get(b"seam-publishable-key") if "publishable_key" in callers else None
    if key is not None:
        return _publishable(key, headers)
    in_headers = {_text(headers[name]) for name in _SESSION_HEADERS if name in headers}
    authorization = headers.get(b"authorization")
    if not in_headers:
        return bearer(authorization, callers)
    shown = in_headers if authorization is None else {*in_headers, bearer(authorization).text}
    token = shown.pop()
    if shown or not token.startswith(_SESSION_PREFIX):
        raise ApiError(400, "invalid_client_session_token", "Invalid client session token")
    return Presented("client_session", token)


def bearer(header: bytes | None, callers: tuple[Scheme, ...] = ()) -> Presented:
    """The token of an Authorization header. Raises ApiError 401 where it holds none."""
    if header is None:
        raise _nobody(callers)
    scheme, _, rest = _text(header).partition(" ")
    text = rest.strip()
    if scheme.lower() != "bearer" or not text:
        raise unauthorized("No token provided")
    kinds = (kind for prefix, kind in _PREFIXES if text.startswith(prefix))
    return Presented(next(kinds, "api_key"), text)


def unauthorized(message: str) -> ApiError:
    """401 `unauthorized`."""
    return ApiError(401, "unauthorized", message)


def _nobody(callers: tuple[Scheme, ...]) -> ApiError:
    if callers == ("publishable_key",):
        message = "The header seam-publishable-key is required"
        return ApiError(401, "publishable_key_header_required", message)
    return unauthorized("No Authorization header")


def _publishable(key: bytes, headers: Mapping[bytes, bytes]) -> Presented:
    if b"authorization" in headers or any(name in headers for name in _SESSION_HEADERS):
        message = "A publishable key cannot be sent together with another token"
        raise ApiError(400, "token_auth_not_accepted", message)
    text = _text(key)
    if not text.startswith("seam_pk"):
        message = "seam-publishable-key must be a publishable key"
        raise ApiError(401, "invalid_publishable_key", message)
    return Presented("publishable_key", text)


def _text(header: bytes) -> str:
    return header.decode("latin-1").strip()
