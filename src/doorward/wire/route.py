"""The declaration of a call. Everything else is derived from the table of these."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, Literal, TypeVar
from uuid import UUID

import msgspec

from doorward.store.sight import Sight
from doorward.wire.idempotency import Idempotency

Verb = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
# How somebody may say who they are, by the names of the official document's security schemes.
Scheme = Literal[
    "api_key",
    "client_session",
    "client_session_with_customer",
    "client_session_with_customer_ro",
    "console_session_with_workspace",
    "console_session_without_workspace",
    "pat_with_workspace",
    "pat_without_workspace",
    "publishable_key",
]
CallerKind = Literal[
    "api_key", "client_session", "console_session", "personal_access_token", "publishable_key"
]
# What a token must be allowed beside its workspace, for calls that the API has no word for.
Scope = Literal["doors", "metrics"]

# Who runs a workspace: no end user's token is among them.
STAFF: Final[tuple[Scheme, ...]] = (
    "api_key",
    "pat_with_workspace",
    "console_session_with_workspace",
)

# Them, and every end user's session.
EVERYBODY: Final[tuple[Scheme, ...]] = (
    *STAFF,
    "client_session",
    "client_session_with_customer",
    "client_session_with_customer_ro",
)

S = TypeVar("S")
R = TypeVar("R", bound=msgspec.Struct)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: the token, its kind, and the one workspace that this call is about.

    workspace_id: None for a call about no workspace in particular. scopes: what the token may
    beside its workspace's own calls. sight: what an end user's session may see, None for all.
    user_identifier_key: whom a publishable key's header names.
    """

    token_id: UUID
    kind: CallerKind
    workspace_id: UUID | None
    scopes: frozenset[str] = frozenset()
    sight: Sight | None = None
    user_identifier_key: str | None = None

    @property
    def actor(self) -> str:
        """How the journal names this caller."""
        return f"{self.kind}:{self.token_id}"


@dataclass(frozen=True, slots=True)
class Page:
    """Where a list goes on: at most `limit` rows after (created_at, id), None for the first page.

    `after` holds the last row's created_at in microseconds since 1970 and its id.
    """

    limit: int
    after: tuple[int, UUID] | None = None


@dataclass(frozen=True, slots=True)
class Call(Generic[S]):
    """One authenticated call on its way to a handler; `services` is what the server hands in.

    idempotency: the key that a creating call came with (see doorward.api.creating). verb: some
    calls answer PUT otherwise than POST.
    """

    services: S
    caller: Caller
    request_id: str
    page: Page | None = None
    idempotency: Idempotency | None = None
    verb: str = "POST"

    @property
    def workspace_id(self) -> UUID:
        """The workspace that this call may see."""
        assert self.caller.workspace_id is not None
        return self.caller.workspace_id


@dataclass(frozen=True, slots=True)
class Listed:
    """A page of a paginated list: the rows, and where the next page starts, None at the end."""

    rows: Sequence[msgspec.Struct]
    next_after: tuple[int, UUID] | None


Handler = Callable[[Call[Any], Any], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Route:
    """One call of the API.

    path: "/acs/users/get". verbs: every accepted verb, the clients' own first; POST is always one.
    request: a struct of its parameters (see doorward.wire.parameters for the types it may use).
    response_key: the key of the answer, None for a void call, which answers {}.
    resource: the struct under that key, or of which `is_list` has a list.
    page_limit: the default limit of a paginated list, None for everything else.
    handler: returns the resource, a list of them, a Listed for a paginated list, None for void; one
    that creates, what doorward.api.creating.once returned.
    action_type: what the action attempt is for with which a command answers, None for all others.
    callers: the official document's `security` of the path. scope: what the token needs besides.
    is_creating: an Idempotency-Key makes it count once. refuses: the error types that this call
    alone can be answered with (doorward.wire.catalogue).
    """

    path: str
    verbs: tuple[Verb, ...]
    request: type[msgspec.Struct]
    handler: Handler
    summary: str
    response_key: str | None = None
    resource: type[msgspec.Struct] | None = None
    is_list: bool = False
    page_limit: int | None = None
    callers: tuple[Scheme, ...] = STAFF
    scope: Scope | None = None
    is_creating: bool = False
    is_sandbox_only: bool = False
    refuses: tuple[str, ...] = ()
    action_type: str | None = None

    @property
    def is_void(self) -> bool:
        """Whether success answers nothing but {}."""
        return self.response_key is None


def route_table(routes: Iterable[Route]) -> dict[str, Route]:
    """The routes by path. Raises ValueError for a table that contradicts itself."""
    table: dict[str, Route] = {}
    for route in routes:
        if route.path in table:
            raise ValueError(f"{route.path} is declared twice")
        _check(route)
        table[route.path] = route
    return table


def _check(route: Route) -> None:
    names = {field.encode_name for field in msgspec.structs.fields(route.request)}
    wrong = {
        "lacks POST": "POST" not in route.verbs,
        "has a response key or a resource alone": route.is_void != (route.resource is None),
        "has pages and is no list": route.page_limit is not None and not route.is_list,
        "declares the parameters of paging itself": route.page_limit is not None
        and bool(names & {"limit", "page_cursor"}),
    }
    for problem, is_so in wrong.items():
        if is_so:
            raise ValueError(f"{route.path} {problem}")
