"""Where Doorward differs from the official document, on purpose and with a reason.

The tests accept these differences and no others, and demand that each is still there. The table in
docs/compatibility.md is made from this one.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

from doorward.wire.parameters import Parameters
from doorward.wire.route import Route

# What the official document of this version of the npm package tells users of: its paths.
PACKAGE_VERSION: Final = "1.977.0"
DOCUMENTED: Final = tuple(Path(__file__).with_name("documented.txt").read_text("utf-8").split())
# What Doorward answers of what users are not told of, and what the clients call and it lacks.
UNDOCUMENTED: Final = frozenset(
    f"/acs/{kind}/unmanaged/{verb}"
    for kind in ("access_groups", "credentials", "users")
    for verb in ("get", "list")
)
OF_CLIENTS_ALONE: Final = frozenset({"/user_identities/merge"})


@dataclass(frozen=True, slots=True)
class Deviation:
    """One decision. differences: patterns of the differences, as the tests spell them."""

    where: str
    ours: str
    reason: str
    differences: tuple[str, ...]

    def concerns(self, route: Route) -> bool:
        """Whether a call differs by this decision."""
        places = {pattern.partition(":")[0] for pattern in self.differences}
        named = re.findall(r"`(/[^`]+)`", self.where)
        if any(place.startswith(("void.", "action_attempt.")) for place in places) and named:
            return route.path in named
        own = [*_places(route)]
        return any(
            place.startswith(f"{route.path}.") or any(fnmatchcase(each, place) for each in own)
            for place in places
        )


def _places(route: Route) -> Iterator[str]:
    """Where a difference of a route can be, as the tests spell it."""
    if route.is_void:
        yield "void.ok"
    yield from (f"{route.path} {verb}" for verb in route.verbs)
    for field in Parameters(route.request, route.page_limit).fields:
        yield f"{route.path} {field.name}"
    if route.resource is not None:
        name = re.sub(r"(?<!^)(?=[A-Z])", "_", route.resource.__name__).lower()
        yield from (f"{name}.{field}" for field in route.resource.__struct_fields__)


DEVIATIONS: Final = (
    Deviation(
        where="calls without a result",
        ours='`{}` instead of `{"ok": true}`',
        reason="the documentation prints `{}`, and every client takes any success",
        differences=("void.ok: missing",),
    ),
    Deviation(
        where="`external_type`, `system_type`, `access_group_type`",
        ours="values of our own: `doorward_system`, `doorward_user`, `doorward_access_group`,"
        " `doorward_credential`",
        reason="the closed lists name makers' systems only, and this is none of those",
        differences=(
            "acs_system.external_type: enum doorward_system",
            "acs_system.system_type: enum doorward_system",
            "*acs_user.external_type: enum doorward_user",
            "*acs_access_group.external_type: enum doorward_access_group",
            "*acs_access_group.access_group_type: enum doorward_access_group",
            "*acs_credential.external_type: enum doorward_credential",
        ),
    ),
    Deviation(
        where="`external_type` of a credential in `/action_attempts/get` and"
        " `/action_attempts/list`",
        ours="`doorward_credential`",
        reason="as of the credential itself",
        differences=("action_attempt.result*.external_type: enum doorward_credential",),
    ),
    Deviation(
        where="`limit`",
        ours="at most 1000, or the default where that is more",
        reason="an answer must not hold a server up; there are pages for the rest",
        differences=("*/list limit: maximum",),
    ),
    Deviation(
        where="`limit` of `/acs/credentials/list` and `/acs/encoders/list`; `limit` and"
        " `unstable_offset` of `/events/list`",
        ours="whole numbers, a limit of at least 1, an offset of at least 0, which is its default",
        reason="there is no half a row; the other lists of the document ask the same",
        differences=(
            "/acs/credentials/list limit: type",
            "/acs/credentials/list limit: format",
            "/acs/credentials/list limit: minimum",
            "/acs/credentials/list limit: exclusiveMinimum",
            "/acs/encoders/list limit: type",
            "/acs/encoders/list limit: format",
            "/acs/encoders/list limit: minimum",
            "/acs/encoders/list limit: exclusiveMinimum",
            "/events/list limit: type",
            "/events/list limit: format",
            "/events/list limit: minimum",
            "/events/list unstable_offset: type",
            "/events/list unstable_offset: format",
            "/events/list unstable_offset: minimum",
            "/events/list unstable_offset: default",
        ),
    ),
    Deviation(
        where="`max_use_count` of `/user_identities/generate_instant_key`",
        ours="a whole number of at least 1",
        reason="nothing is used half a time",
        differences=(
            "/user_identities/generate_instant_key max_use_count: type",
            "/user_identities/generate_instant_key max_use_count: format",
            "/user_identities/generate_instant_key max_use_count: minimum",
        ),
    ),
    Deviation(
        where="`user_identifier_key`, `customer_key`, `search`",
        ours="at most 255 characters",
        reason="a longer text does not fit into an index",
        differences=(
            "* user_identifier_key: maxLength",
            "* customer_key: maxLength",
            "*/list search: maxLength",
        ),
    ),
    Deviation(
        where="lists of ids, of `event_types`, of capabilities, and of reported devices",
        ours="at most 10,000 items, where the document names no number",
        reason="an answer must not hold a server up",
        differences=(
            "*/list *_ids: maxItems",
            "/events/list event_types: maxItems",
            "/acs/entrances/list_credentials_with_access include_if: maxItems",
            "/client_sessions/* connected_account_ids: maxItems",
            "/client_sessions/* connect_webview_ids: maxItems",
            "/acs/systems/report_devices acs_e*: maxItems",
            "/acs/credentials/create allowed_acs_entrance_ids: maxItems",
            "/user_identities/create acs_system_ids: maxItems",
            "/acs/users/create acs_access_group_ids: maxItems",
            "/connected_accounts/update accepted_capabilities: maxItems",
        ),
    ),
    Deviation(
        where="what `/user_identities` says of somebody",
        ours="at most 255 characters",
        reason="a longer text does not fit into an index",
        differences=(
            "/user_identities/* email_address: maxLength",
            "/user_identities/* full_name: maxLength",
            "/user_identities/* user_identity_key: maxLength",
        ),
    ),
    Deviation(
        where="what `/acs/users` says of somebody",
        ours="names and e-mail addresses have at most 255 characters, a name has one at least",
        reason="a longer text does not fit into an index; nobody finds a person without a name",
        differences=(
            "/acs/users/* email: maxLength",
            "/acs/users/* email_address: maxLength",
            "/acs/users/* full_name: maxLength",
            "/acs/users/create full_name: minLength",
        ),
    ),
    Deviation(
        where="`limit` of `/acs/users/unmanaged/list`",
        ours="a whole number from 1 to 1000",
        reason="there is no half a row, and an answer must not hold a server up",
        differences=(
            "/acs/users/unmanaged/list limit: type",
            "/acs/users/unmanaged/list limit: format",
            "/acs/users/unmanaged/list limit: minimum",
            "/acs/users/unmanaged/list limit: exclusiveMinimum",
        ),
    ),
    Deviation(
        where="user identities",
        ours="show `merged_user_identity_ids` and `merged_user_identity_keys`",
        reason="the clients know these, and `/user_identities/merge`; the document does not",
        differences=("*user_identit*.merged_user_identity_*: unknown",),
    ),
    Deviation(
        where="`/user_identities/list_accessible_devices`",
        ours="answers no `accessible_devices`, the old name of `devices`",
        reason="there are no devices here, and today's clients read the new name",
        differences=("/user_identities/list_accessible_devices.accessible_devices: missing",),
    ),
    Deviation(
        where="`since` and `between` of `/events/list`",
        ours="ISO 8601 times only, where the document says any text",
        reason="any other text could only be guessed at",
        differences=("/events/list since: format", "/events/list between: items.*"),
    ),
    Deviation(
        where="`event_type` of `/events/get`",
        ours="must be a type that exists, as in `/events/list`",
        reason="a misspelt type would look like an event that has not happened",
        differences=("/events/get event_type: enum",),
    ),
    Deviation(
        where="`/client_sessions/grant_access`",
        ours="answers nothing, as every call that the clients' generators are told is void",
        reason="the document gives it a session in the answer and no key to find it by",
        differences=("void.client_session: missing",),
    ),
    Deviation(
        where="`/connected_accounts/update`",
        ours="answers nothing, as every call that the clients' generators are told is void",
        reason="the document gives it an account in the answer and no key to find it by",
        differences=("void.connected_account: missing",),
    ),
    Deviation(
        where="`/acs/credentials/assign`, `/acs/credentials/unassign`, `/acs/credentials/update`",
        ours="answer nothing, as every call that the clients' generators are told is void",
        reason="the document gives them a credential in the answer and no key to find it by",
        differences=("void.acs_credential: missing",),
    ),
    Deviation(
        where="`code` of `/acs/credentials/create` and `/acs/credentials/update`",
        ours="4 to 9 digits",
        reason="fewer are guessed in an hour, and no keypad here takes more",
        differences=(
            "/acs/credentials/create code: m??Length",
            "/acs/credentials/update code: m??Length",
        ),
    ),
    Deviation(
        where="`acs_credential_id` of `/acs/credentials/update`",
        ours="must be an id, where the document says any text",
        reason="no other text names a credential",
        differences=("/acs/credentials/update acs_credential_id: format",),
    ),
    Deviation(
        where="`device_id` of `/phones/deactivate`",
        ours="must be an id, where the document says any text",
        reason="no other text names a phone",
        differences=("/phones/deactivate device_id: format",),
    ),
    Deviation(
        where="`custom_sdk_installation_id` of `/phones/simulate/create_sandbox_phone`",
        ours="at most 255 characters",
        reason="a longer text does not fit into an index",
        differences=(
            "/phones/simulate/create_sandbox_phone custom_sdk_installation_id: maxLength",
        ),
    ),
    Deviation(
        where="GET of `/acs/credentials/list`, `/acs/credentials/unmanaged/list`,"
        " `/acs/encoders/list`, `/connected_accounts/get`, `/user_identities/get`",
        ours="takes the parameters of POST in the query",
        reason="the document has none there, and the clients send them",
        differences=(
            "/acs/credentials/list GET: *",
            "/acs/credentials/unmanaged/list GET: *",
            "/acs/encoders/list GET: *",
            "/connected_accounts/get GET: *",
            "/user_identities/get GET: *",
        ),
    ),
)


def undeclared(differences: Iterable[str]) -> list[str]:
    """Those of the differences that no deviation explains."""
    return sorted({each for each in differences if not any(declared_by(each))})


def stale(differences: Iterable[str]) -> list[str]:
    """The patterns that none of the differences needs."""
    found = [*differences]
    patterns = (pattern for deviation in DEVIATIONS for pattern in deviation.differences)
    return [
        pattern for pattern in patterns if not any(fnmatchcase(each, pattern) for each in found)
    ]


def declared_by(difference: str) -> Iterator[Deviation]:
    """The deviations that explain a difference."""
    for deviation in DEVIATIONS:
        if any(fnmatchcase(difference, pattern) for pattern in deviation.differences):
            yield deviation
