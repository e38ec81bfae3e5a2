"""A small API of toy routes, and a server for it: what the tests of the wire call."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from doorward.errors import ApiError, Unavailable, not_found
from doorward.store.sight import Sight
from doorward.wire.app import Api, Health
from doorward.wire.http.edge import Edge
from doorward.wire.http.server import Server
from doorward.wire.route import EVERYBODY, Call, CallerKind, Listed, Route, Scheme

WORKSPACE = UUID("398d80b7-3f96-47c2-b85a-6f8ba21d07be")
OTHER_WORKSPACE = UUID("5a6f8ba2-47c2-4f96-b85a-1d07be398d80")
NO_WORKSPACE = UUID("00000000-0000-4000-8000-000000000000")
KEY = "seam_testToy1_aaaaaaaaaaaaaaaaaaaaaaaa"
SECOND_KEY = "seam_testToy2_aaaaaaaaaaaaaaaaaaaaaaaa"
PUBLISHED_KEY = "seam_testToy4_aaaaaaaaaaaaaaaaaaaaaaaa"
OTHER_KEY = "seam_testToy3_aaaaaaaaaaaaaaaaaaaaaaaa"
PAT = "seam_at1Toy_aaaaaaaaaaaaaaaaaaaaaaaa"
BOUND_PAT = "seam_at1Bound_aaaaaaaaaaaaaaaaaaaaaaaa"
ODD_KEY = "seam_testOdd1_aaaaaaaaaaaaaaaaaaaaaaaa"
ODD_PAT = "seam_at1Odd2_aaaaaaaaaaaaaaaaaaaaaaaa"
CONSOLE = "eyJhbGciOiJFZERTQSJ9.e30.toy"
SESSION = "seam_cst1Toy_aaaaaaaaaaaaaaaaaaaaaaaa"
CUSTOMERS_SESSION = "seam_cst1Customer_aaaaaaaaaaaaaaaaaaaaaaaa"
READING_SESSION = "seam_cst1Reading_aaaaaaaaaaaaaaaaaaaaaaaa"
REVOKED_SESSION = "seam_cst1Revoked_aaaaaaaaaaaaaaaaaaaaaaaa"
EXPIRED_SESSION = "seam_cst1Expired_aaaaaaaaaaaaaaaaaaaaaaaa"
PUBLISHABLE_KEY = "seam_pkToy_aaaaaaaaaaaaaaaaaaaaaaaa"
REVOKED_PUBLISHABLE_KEY = "seam_pkRevoked_aaaaaaaaaaaaaaaaaaaaaaaa"
CURSOR_KEY = b"k" * 32

USER = UUID("8d7e0b3a-b889-49a7-9164-4b71a0506a33")
GROUP = UUID("123e4567-e89b-12d3-a456-426614174000")


@dataclass(frozen=True, slots=True)
class Token:
    """A token as the wire asks for it."""

    token_id: UUID
    kind: CallerKind
    workspace_id: UUID | None
    is_published: bool = False
    is_revoked: bool = False
    scopes: frozenset[str] = frozenset()
    expires_at: datetime | None = None
    sight: Sight | None = None


def _session(number: int, sight: Sight) -> Token:
    return Token(UUID(int=number), "client_session", WORKSPACE, sight=sight)


class Tokens:
    """An Authenticator of fixed tokens, in a fixed pair of workspaces."""

    def __init__(self) -> None:
        self.by_text = {
            KEY: Token(UUID(int=1), "api_key", WORKSPACE),
            SECOND_KEY: Token(UUID(int=2), "api_key", WORKSPACE),
            OTHER_KEY: Token(UUID(int=3), "api_key", OTHER_WORKSPACE),
            PAT: Token(UUID(int=4), "personal_access_token", None),
            PUBLISHED_KEY: Token(UUID(int=8), "api_key", WORKSPACE, is_published=True),
            # A text of one kind and a token of the other, which no server hands out.
            ODD_KEY: Token(UUID(int=6), "personal_access_token", WORKSPACE),
            ODD_PAT: Token(UUID(int=7), "api_key", WORKSPACE),
            BOUND_PAT: Token(UUID(int=5), "personal_access_token", WORKSPACE),
            CONSOLE: Token(UUID(int=9), "console_session", None),
            SESSION: _session(10, Sight()),
            CUSTOMERS_SESSION: _session(11, Sight(customer_key="acme")),
            READING_SESSION: _session(12, Sight(customer_key="acme", is_read_only=True)),
            REVOKED_SESSION: replace(_session(13, Sight()), is_revoked=True),
            EXPIRED_SESSION: replace(
                _session(14, Sight()), expires_at=datetime(2026, 1, 1, tzinfo=UTC)
            ),
            PUBLISHABLE_KEY: Token(UUID(int=15), "publishable_key", WORKSPACE),
            REVOKED_PUBLISHABLE_KEY: Token(
                UUID(int=16), "publishable_key", WORKSPACE, is_revoked=True
            ),
        }

    async def find(self, token: str) -> Token | None:
        return self.by_text.get(token)

    async def workspace_exists(self, workspace_id: UUID) -> bool:
        return workspace_id in {WORKSPACE, OTHER_WORKSPACE}


class Schedule(msgspec.Struct):
    """A nested object with a rule of its own."""

    starts_at: datetime
    ends_at: datetime | UnsetType | None = UNSET

    def check(self) -> list[str]:
        late = isinstance(self.ends_at, datetime) and self.ends_at <= self.starts_at
        return ["ends_at must be after starts_at"] if late else []


class Everything(msgspec.Struct):
    """A parameter of every type that one may have."""

    acs_user_id: UUID | UnsetType = UNSET
    name: Annotated[str, Meta(min_length=1, max_length=20)] | UnsetType | None = UNSET
    digits: Annotated[str, Meta(pattern=r"^\d+$")] | UnsetType = UNSET
    count: Annotated[int, Meta(ge=0, lt=100)] | UnsetType | None = UNSET
    factor: float | UnsetType = UNSET
    is_managed: bool | UnsetType = UNSET
    created_before: datetime | UnsetType = UNSET
    state: Literal["open", "shut"] | UnsetType = UNSET
    device_ids: list[UUID] | UnsetType = UNSET
    labels: Annotated[list[str], Meta(max_length=4)] | UnsetType = UNSET
    counts: list[int] | UnsetType = UNSET
    custom_metadata_has: dict[str, str | bool] | UnsetType = UNSET
    settings: dict[str, Any] | UnsetType = UNSET
    access_schedule: Schedule | UnsetType | None = UNSET


class RemoveFromGroup(msgspec.Struct):
    """The call that stands for all of them."""

    acs_access_group_id: UUID
    acs_user_id: UUID | UnsetType = UNSET
    user_identity_id: UUID | UnsetType = UNSET

    def check(self) -> list[str]:
        given = [self.acs_user_id, self.user_identity_id].count(UNSET)
        return [] if given == 1 else ["Exactly one of acs_user_id, user_identity_id is required"]


class GetUser(msgspec.Struct):
    """One required id."""

    acs_user_id: UUID


class ListUsers(msgspec.Struct):
    """Filters of a paged list."""

    search: Annotated[str, Meta(min_length=1)] | UnsetType = UNSET
    acs_system_ids: list[str] | UnsetType = UNSET


class Nothing(msgspec.Struct):
    """No parameters."""


class AcsUser(msgspec.Struct):
    """A person, as far as the toy knows one."""

    acs_user_id: UUID
    created_at: Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
    full_name: str | None
    email: str | UnsetType = UNSET


class Echo(msgspec.Struct):
    """What a call understood, and who asked."""

    given: Any
    workspace_id: UUID
    token_id: UUID


USERS = [AcsUser(UUID(int=n), "2026-01-01T00:00:00.000Z", f"User {n}") for n in range(1, 26)]


async def echo(call: Call[Any], request: msgspec.Struct) -> Echo:
    return Echo(request, call.workspace_id, call.caller.token_id)


async def remove(call: Call[Any], request: RemoveFromGroup) -> None:
    assert call.services == "services"
    if request.acs_user_id not in {USER, UNSET}:
        raise not_found("acs_user")


async def get_user(call: Call[Any], request: GetUser) -> AcsUser:  # noqa: ARG001
    return AcsUser(request.acs_user_id, "2026-01-01T00:00:00.000Z", None)


async def list_all(call: Call[Any], request: Nothing) -> list[AcsUser]:  # noqa: ARG001
    return USERS


async def list_users(call: Call[Any], request: ListUsers) -> Listed:
    assert call.page is not None
    start = call.page.after[1].int if call.page.after else 0
    found = [user for user in USERS if request.search in (UNSET, user.full_name)]
    rows = found[start : start + call.page.limit]
    more = start + len(rows) < len(found)
    return Listed(rows, (1_700_000_000_000_000, UUID(int=start + len(rows))) if more else None)


async def fail(call: Call[Any], request: Everything) -> None:  # noqa: ARG001
    told = str(request.name)
    match told:
        case "unavailable":
            raise Unavailable("postgresql://user:hunter2@db is down")
        case "limited":
            raise ApiError(429, "rate_limit_exceeded", "Too many calls", retry_after=7)
        case _:
            raise RuntimeError(told) from ValueError(told)


PERSONAL: tuple[Scheme, ...] = ("pat_with_workspace",)
PAGES: tuple[Scheme, ...] = ("publishable_key",)
ANYBODY: tuple[Scheme, ...] = (*EVERYBODY, *PAGES)

ROUTES = (
    Route(
        "/acs/access_groups/list_users",
        ("GET", "POST"),
        Nothing,
        list_all,
        "List ACS Users in an Access Group",
        "acs_users",
        AcsUser,
        is_list=True,
    ),
    Route(
        "/acs/users/remove_from_access_group",
        ("DELETE", "POST"),
        RemoveFromGroup,
        remove,
        "Remove an ACS User from an Access Group",
    ),
    Route("/acs/users/get", ("GET", "POST"), GetUser, get_user, "Get", "acs_user", AcsUser),
    Route(
        "/acs/users/list",
        ("GET", "POST"),
        ListUsers,
        list_users,
        "List ACS Users",
        "acs_users",
        AcsUser,
        is_list=True,
        page_limit=10,
    ),
    Route("/toy/echo", ("GET", "POST"), Everything, echo, "Echo", "echo", Echo),
    Route("/toy/update", ("PATCH", "POST"), Everything, echo, "Update", "echo", Echo),
    Route("/toy/put", ("PUT", "POST"), Everything, echo, "Put", "echo", Echo),
    Route("/toy/fail", ("POST",), Everything, fail, "Fail"),
    Route("/toy/personal", ("POST",), Nothing, echo, "PAT", "echo", Echo, callers=PERSONAL),
    Route("/toy/key", ("POST",), Nothing, echo, "Key", "echo", Echo, callers=("api_key",)),
    Route("/toy/anybody", ("POST",), Nothing, echo, "Any", "echo", Echo, callers=ANYBODY),
    Route(
        "/toy/session", ("POST",), Nothing, echo, "Own", "echo", Echo, callers=("client_session",)
    ),
    Route("/toy/page", ("POST",), Nothing, echo, "Page", "echo", Echo, callers=PAGES),
)


class ToyHealth:
    """Health that a test can change."""

    is_ready = True

    async def __call__(self) -> Health:
        return Health(self.is_ready, {"database": "up" if self.is_ready else "away"})


def make_api(health: ToyHealth | None = None) -> Api:
    """The toy API as an ASGI application."""
    return Api(ROUTES, Tokens(), "services", cursor_key=CURSOR_KEY, health=health or ToyHealth())


@dataclass(frozen=True)
class Answer:
    """What the application answered, without a server in between."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)

    @property
    def error(self) -> Any:
        return self.json["error"]


async def call(
    api: Api,
    verb: str,
    path: str,
    query: str | bytes = b"",
    body: Any = None,
    headers: dict[str, str] | None = None,
    token: str | None = KEY,
) -> Answer:
    """Calls the application directly; a body that is no bytes goes as JSON."""
    raw = body if isinstance(body, bytes) else b"" if body is None else msgspec.json.encode(body)
    known = {} if token is None else {"authorization": f"Bearer {token}"}
    sent = {**known, "host": "doors.test", **(headers or {})}
    if body is not None:
        sent.setdefault("content-type", "application/json")
    scope = {
        "type": "http",
        "method": verb,
        "scheme": "http",
        "path": path,
        "query_string": query.encode() if isinstance(query, str) else query,
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in sent.items()],
    }
    return await _exchange(api, scope, raw)


async def _exchange(api: Api, scope: dict[str, Any], body: bytes) -> Answer:
    messages: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        messages.append(message)

    await api(scope, receive, send)
    start, content = messages
    headers = {name.decode(): value.decode() for name, value in start["headers"]}
    return Answer(start["status"], headers, content["body"])


@contextlib.contextmanager
def serving(app: Any, edge: Edge | None = None, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """Serves an ASGI application on a free port of 127.0.0.1; gives its address."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = Server(app, edge or Edge(), tls)
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    try:
        host, port = listener.getsockname()
        yield f"{'http' if tls is None else 'https'}://{host}:{port}"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()
