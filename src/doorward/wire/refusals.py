"""Which errors of the catalogue a route can answer, derived from its declaration."""

from collections.abc import Iterable, Iterator

import msgspec

from doorward.wire.catalogue import ERRORS, RESOURCES
from doorward.wire.route import Route

# Any request can meet these, whatever it asks for; of each status the commonest comes first.
_EVERYWHERE = (
    "invalid_input",
    "invalid_request",
    "invalid_content_type",
    "invalid_query_params",
    "invalid_client_session_token",
    "unauthorized",
    "request_timeout",
    "payload_too_large",
    "uri_too_long",
    "rate_limit_exceeded",
    "headers_too_large",
    "internal_server_error",
    "service_unavailable",
    "overloaded",
)
_OF_SESSIONS = (
    "client_session_not_found",
    "client_session_expired",
    "client_session_revoked",
)
_OF_PUBLISHABLE_KEYS = (
    "token_auth_not_accepted",
    "invalid_publishable_key",
    "publishable_key_requires_user_identifier_key",
    "publishable_keys_must_create_empty_client_sessions",
)
_SESSION_SCHEMES = 3
_OF_CREATING = ("idempotency_key_in_use", "idempotency_key_reused")


def refusals(route: Route) -> dict[int, list[str]]:
    """The error types that a route can answer, by their HTTP status, the commonest first.

    What only a wrong path or verb is answered with belongs to no route.
    """
    found = _by_status((*_EVERYWHERE, *_of_tokens(route), *_of_declaration(route)))
    missing = sorted({*_missing(route)})
    if missing:
        found[404] = missing
    return dict(sorted(found.items()))


def everywhere() -> dict[int, list[str]]:
    """Like `refusals`, what every route can answer."""
    return _by_status(_EVERYWHERE)


def _by_status(kinds: Iterable[str]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for kind in kinds:
        found.setdefault(_status_of_request(kind), []).append(kind)
    return found


def _status_of_request(kind: str) -> int:
    """The status with which a kind tells of the request itself, not of what it names."""
    error = ERRORS[kind]
    return error.status if error.also is None else error.also


def _of_tokens(route: Route) -> Iterator[str]:
    callers = set(route.callers)
    sessions = {scheme for scheme in callers if scheme.startswith("client_session")}
    if sessions:
        yield from _OF_SESSIONS
    if len(sessions) < _SESSION_SCHEMES:
        yield "client_session_token_used_for_api_key"
    if {"pat_with_workspace", "console_session_with_workspace"} & callers:
        yield "missing_workspace_id"
    if not {"pat_with_workspace", "pat_without_workspace"} & callers:
        yield "access_token_used_for_api_key"
    if "publishable_key" in callers:
        yield from _OF_PUBLISHABLE_KEYS
        yield "workspace_not_found"
    if callers == {"publishable_key"}:
        yield "publishable_key_header_required"
    if route.scope is not None:
        yield "insufficient_scope"


def _of_declaration(route: Route) -> Iterator[str]:
    if route.page_limit is not None:
        yield "mismatched_page_parameters"
    if route.is_creating:
        yield from _OF_CREATING
    if route.is_sandbox_only:
        yield "workspace_not_sandbox"
    yield from route.refuses


def _missing(route: Route) -> Iterator[str]:
    """The resources that a call names; what merely filters a list need not be there."""
    namespace, _, method = route.path.rpartition("/")
    if method == "list":
        return
    for field in msgspec.structs.fields(route.request):
        resource = _named(field.encode_name)
        if resource is not None:
            yield f"{resource}_not_found"
    own = namespace.replace("/", "_").strip("_").removesuffix("s")
    if method == "get" and own in RESOURCES:
        yield f"{own}_not_found"


def _named(parameter: str) -> str | None:
    """The resource whose id, or ids, a parameter takes, whatever it is called for besides."""
    name = parameter.removesuffix("s").removesuffix("_on_seam")
    if not name.endswith("_id"):
        return None
    words = name.removesuffix("_id").split("_")
    tails = ("_".join(words[start:]) for start in range(len(words)))
    return next((tail for tail in tails if tail in RESOURCES), None)
