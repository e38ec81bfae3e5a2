"""Every error type that Doorward can answer. OpenAPI, documentation and tests derive from it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class ErrorType:
    """One `error.type` of the envelope (seam-api section 2).

    status: its HTTP status. meaning: one sentence for the caller. also: a second status, where the
    same word tells of the token and of what a parameter names, or of what a new resource names.
    """

    status: int
    meaning: str
    also: int | None = None

    @property
    def statuses(self) -> frozenset[int]:
        """Every HTTP status that it comes with."""
        return frozenset({self.status} if self.also is None else {self.status, self.also})


# Resources that a call may name and that may not be there, in the words of a sentence.
RESOURCES: Final[Mapping[str, str]] = {
    "access_method": "access method",
    "action_attempt": "action attempt",
    "acs_access_group": "access group",
    "acs_credential": "credential",
    "acs_encoder": "card encoder",
    "acs_entrance": "entrance",
    "acs_system": "access system",
    "acs_user": "person in an access system",
    "client_session": "client session",
    "connect_webview": "connect webview",
    "connected_account": "connected account",
    "controller": "controller",
    "customer": "customer",
    "device": "device",
    "enrollment": "enrolment of a card",
    "event": "event",
    "reader": "reader",
    "user_identity": "user identity",
    "workspace": "workspace",
}

_REQUEST: Final = {
    "invalid_request": ErrorType(400, "The request is no HTTP, or HTTP that can be read two ways."),
    "invalid_content_type": ErrorType(400, "The body is not declared to be JSON."),
    "invalid_input": ErrorType(
        400,
        "Parameters are missing or wrong, or contradict each other or what is stored;"
        " `validation_errors` tells which.",
    ),
    "invalid_query_params": ErrorType(
        400,
        "The query is not UTF-8, holds the character NUL, is nested too deep, or has brackets that"
        " mean nothing.",
    ),
    "mismatched_page_parameters": ErrorType(
        400, "`page_cursor` came with other parameters than those of the page before."
    ),
    "not_found": ErrorType(404, "There is no such path."),
    "method_not_allowed": ErrorType(405, "The path does not take this verb; `Allow` lists those."),
    "request_timeout": ErrorType(408, "The request was not whole in time."),
    "duplicate_custom_sdk_installation_id": ErrorType(
        409, "Another phone of the workspace has this `custom_sdk_installation_id`."
    ),
    "duplicate_email_address": ErrorType(
        409, "Another user identity of the workspace has this `email_address`."
    ),
    "duplicate_phone_number": ErrorType(
        409, "Another user identity of the workspace has this `phone_number`."
    ),
    "duplicate_user_identity_key": ErrorType(
        409, "Another user identity of the workspace has, or had, this `user_identity_key`."
    ),
    "idempotency_key_in_use": ErrorType(
        409, "A call with the same `Idempotency-Key` is still being answered; try again."
    ),
    "duplicate_access_code": ErrorType(
        409, "Another credential has this `code` at an entrance that it would open."
    ),
    "duplicate_card_number": ErrorType(
        409, "Another credential of the access system has this `card_number`."
    ),
    "payload_too_large": ErrorType(413, "The body is larger than 1 MiB."),
    "uri_too_long": ErrorType(414, "Path and query together are too long."),
    "idempotency_key_reused": ErrorType(
        422, "The `Idempotency-Key` was used with other parameters."
    ),
    "rate_limit_exceeded": ErrorType(
        429, "The token has made too many calls; `Retry-After` says when it may again."
    ),
    "headers_too_large": ErrorType(431, "The headers are too large."),
}

_TOKENS: Final = {
    "invalid_client_session_token": ErrorType(
        400, "A header for client session tokens holds none, or another than a second header."
    ),
    "missing_workspace_id": ErrorType(
        400, "A token for several workspaces came without the header `seam-workspace`."
    ),
    "token_auth_not_accepted": ErrorType(
        400, "A publishable key came together with another token."
    ),
    "client_session_token_already_exists": ErrorType(
        400, "There is a client session with this `user_identifier_key` already."
    ),
    "unauthorized": ErrorType(401, "The token is missing, unknown, revoked, or of a wrong kind."),
    "access_token_used_for_api_key": ErrorType(
        401, "The call does not take personal access tokens."
    ),
    "client_session_token_used_for_api_key": ErrorType(
        401, "The call does not take client session tokens."
    ),
    "client_session_expired": ErrorType(401, "The client session is over."),
    "client_session_revoked": ErrorType(401, "The client session was revoked."),
    "invalid_publishable_key": ErrorType(401, "The publishable key is malformed."),
    "publishable_key_header_required": ErrorType(
        401, "The header `seam-publishable-key` is missing."
    ),
    "publishable_key_requires_user_identifier_key": ErrorType(
        401, "A publishable key needs a `user_identifier_key`."
    ),
    "insufficient_scope": ErrorType(403, "The token lacks the scope that the call needs."),
    "publishable_keys_must_create_empty_client_sessions": ErrorType(
        403, "With a publishable key a client session may name no resources."
    ),
}

_SERVER: Final = {
    "not_supported": ErrorType(400, "What is asked cannot be done with this resource."),
    "workspace_not_sandbox": ErrorType(400, "The call is for sandbox workspaces alone."),
    "internal_server_error": ErrorType(
        500, "Doorward failed; its log tells more under the request id."
    ),
    "controller_disk_failed": ErrorType(503, "The entrance's controller cannot write its disk."),
    "controller_not_here": ErrorType(
        503, "The entrance's controller is not run by this server, or not yet."
    ),
    "overloaded": ErrorType(503, "The server has more calls than it can answer; try again."),
    "service_unavailable": ErrorType(
        503, "The database cannot answer, or did not tell the outcome of a change; try again."
    ),
}

# Where a missing resource has a second status, and what there is to say of it then.
_ALSO: Final[Mapping[str, tuple[int, str]]] = {
    "client_session": (
        401,
        "There is no such client session in the workspace; 401 for a token.",
    ),
    "user_identity": (
        400,
        "There is no such user identity in the workspace; 400 for that of a new user.",
    ),
    "workspace": (
        401,
        "There is no such workspace; 401 where no workspace has this publishable key.",
    ),
}

_MISSING: Final = {
    f"{resource}_not_found": ErrorType(404, f"There is no such {words} in the workspace.")
    for resource, words in RESOURCES.items()
    if resource not in _ALSO
} | {
    f"{resource}_not_found": ErrorType(404, meaning, also)
    for resource, (also, meaning) in _ALSO.items()
}

ERRORS: Final[Mapping[str, ErrorType]] = {**_REQUEST, **_TOKENS, **_SERVER, **_MISSING}
