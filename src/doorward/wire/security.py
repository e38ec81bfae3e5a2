"""The ways to say who calls, as OpenAPI's security schemes with the official document's names."""

from collections.abc import Iterable

from doorward.wire.route import Route, Scheme
from doorward.wire.schemas import Schema


def _bearer(form: str, told: str) -> Schema:
    return {"type": "http", "scheme": "bearer", "bearerFormat": form, "description": told}


def _header(name: str, told: str) -> Schema:
    return {"type": "apiKey", "in": "header", "name": name, "description": told}


# In the order in which the page at /docs asks for them.
_SCHEMES: dict[str, Schema] = {
    "api_key": _bearer("API Key", "An API key, `seam_…`: good for one workspace."),
    "seam_workspace": _header(
        "seam-workspace",
        "The id of the workspace that a call is about; an API key does not need it.",
    ),
    "pat_with_workspace": _bearer(
        "API Token", "A personal access token, `seam_at…`, together with `seam_workspace`."
    ),
    "pat_without_workspace": _bearer("API Token", "A personal access token, `seam_at…`."),
    "client_session": _bearer(
        "Client Session Token", "A client session's token, `seam_cst…`: what one end user may see."
    ),
    "client_session_with_customer": _bearer(
        "Customer Client Session Token", "A client session's token, for one customer's resources."
    ),
    "client_session_with_customer_ro": _bearer(
        "Customer Client Session Token (Read-Only)",
        "A client session's token, for reading one customer's resources.",
    ),
    "client_session_token": _header(
        "client-session-token",
        "A client session's token of any kind, where it is not sent as bearer token.",
    ),
    "seam_client_session_token": _header(
        "seam-client-session-token", "The same by its newer name; one of the three is enough."
    ),
    "console_session_with_workspace": _bearer(
        "Console Session Token",
        "The token of somebody signed in to the console, together with `seam_workspace`.",
    ),
    "console_session_without_workspace": _bearer(
        "Console Session Token", "The token of somebody signed in to the console."
    ),
    "publishable_key": _header(
        "seam-publishable-key", "A publishable key, `seam_pk…`, for web pages."
    ),
}
_NAMING_A_WORKSPACE = {"pat_with_workspace", "console_session_with_workspace"}
# The headers in which a client session's token may stand instead of `Authorization`.
_SESSION_HEADERS = ("client_session_token", "seam_client_session_token")


def security_schemes(routes: Iterable[Route]) -> dict[str, Schema]:
    """The schemes that the routes take, by name."""
    named = {name for route in routes for way in security(route) for name in way}
    return {name: scheme for name, scheme in _SCHEMES.items() if name in named}


def security(route: Route) -> list[dict[str, list[str]]]:
    """What a caller of a route needs: any of these, each with all of its schemes."""
    ways = [_way(scheme) for scheme in route.callers]
    takes_sessions = any(scheme.startswith("client_session") for scheme in route.callers)
    in_headers: list[dict[str, list[str]]] = [{name: []} for name in _SESSION_HEADERS]
    return [*ways, *in_headers] if takes_sessions else ways


def _way(scheme: Scheme) -> dict[str, list[str]]:
    # Whoever may act in several workspaces names one.
    names = [scheme, "seam_workspace"] if scheme in _NAMING_A_WORKSPACE else [scheme]
    return {name: [] for name in names}
