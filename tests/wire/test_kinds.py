"""Every kind of token against routes of every scheme, and every way in which each is refused."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, get_args
from uuid import UUID

import msgspec
import pytest

from doorward.errors import ApiError
from doorward.store.sight import Sight
from doorward.wire.app import Api
from doorward.wire.auth import authenticate_scope
from doorward.wire.route import Call, Route, Scheme
from tests.wire.toy import (
    CURSOR_KEY,
    KEY,
    OTHER_WORKSPACE,
    PAT,
    WORKSPACE,
    Answer,
    Nothing,
    Token,
    Tokens,
    ToyHealth,
    call,
)

LETTERS = "aaaaaaaaaaaaaaaaaaaaaaaa"
SESSION = f"seam_cst1Session1_{LETTERS}"
CUSTOMER = f"seam_cst1Custome1_{LETTERS}"
READER = f"seam_cst1Reader11_{LETTERS}"
NOBODY = f"seam_cst1Nobody11_{LETTERS}"
PUBLISHABLE = f"seam_pk12345678_{LETTERS}"
CLOSED = f"seam_pk87654321_{LETTERS}"
CONSOLE = "eyJh.eyJq.c2ln"
SCOPED = f"seam_testScoped_{LETTERS}"
HERE, THERE = str(WORKSPACE), str(OTHER_WORKSPACE)

OWN_TOKENS = {
    SESSION: Token(UUID(int=11), "client_session", WORKSPACE, sight=Sight()),
    CUSTOMER: Token(UUID(int=12), "client_session", WORKSPACE, sight=Sight(customer_key="c")),
    READER: Token(
        UUID(int=13), "client_session", WORKSPACE, sight=Sight((), None, "c", is_read_only=True)
    ),
    PUBLISHABLE: Token(WORKSPACE, "publishable_key", WORKSPACE),
    CLOSED: Token(WORKSPACE, "publishable_key", WORKSPACE, is_revoked=True),
    CONSOLE: Token(UUID(int=14), "console_session", None, scopes=frozenset({"doors"})),
    SCOPED: Token(UUID(int=15), "api_key", WORKSPACE, scopes=frozenset({"doors", "metrics"})),
}


def bearer(token: str, **headers: str) -> dict[str, str]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return {"authorization": f"Bearer {token}", **named}


# How a token is shown, by the scheme that it then fulfils.
SHOWN: dict[Scheme, dict[str, str]] = {
    "api_key": bearer(KEY),
    "client_session": bearer(SESSION),
    "client_session_with_customer": bearer(CUSTOMER),
    "client_session_with_customer_ro": bearer(READER),
    "console_session_with_workspace": bearer(CONSOLE, seam_workspace=HERE),
    "console_session_without_workspace": bearer(CONSOLE),
    "pat_with_workspace": bearer(PAT, seam_workspace=HERE),
    "pat_without_workspace": bearer(PAT),
    "publishable_key": {"seam-publishable-key": PUBLISHABLE},
}
SCHEMES: tuple[Scheme, ...] = get_args(Scheme)


class Who(msgspec.Struct):
    """Who the handler was told is calling."""

    kind: str
    workspace_id: UUID | None
    user_identifier_key: str | None


@dataclass
class Known(Tokens):
    """The toy's tokens and ours; tests may put others in."""

    def __post_init__(self) -> None:
        super().__init__()
        self.by_text |= OWN_TOKENS


async def who(call: Call[Any], request: Nothing) -> Who:  # noqa: ARG001
    caller = call.caller
    return Who(caller.kind, caller.workspace_id, caller.user_identifier_key)


def route(path: str, *callers: Scheme, **more: Any) -> Route:
    return Route(path, ("POST",), Nothing, who, "Who", "who", Who, callers=callers, **more)


ROUTES = (
    *(route(f"/only/{scheme}", scheme) for scheme in SCHEMES),
    route("/all", *SCHEMES),
    route("/staff", "api_key", "pat_with_workspace", "console_session_with_workspace"),
    route("/doors", *SCHEMES, scope="doors"),
    route("/metrics", *SCHEMES, scope="metrics"),
)


@pytest.fixture
def tokens() -> Known:
    return Known()


@pytest.fixture
def api(tokens: Known) -> Api:
    return Api(ROUTES, tokens, "services", cursor_key=CURSOR_KEY, health=ToyHealth())


async def ask(api: Api, path: str, headers: dict[str, str]) -> Answer:
    return await call(api, "POST", path, headers=headers, token=None)


def told(answer: Answer) -> tuple[int, str, str]:
    return answer.status, answer.error["type"], answer.error["message"]


@pytest.mark.parametrize("shown", SCHEMES)
@pytest.mark.parametrize("wanted", SCHEMES)
async def test_a_route_answers_its_own_schemes_alone(
    api: Api, wanted: Scheme, shown: Scheme
) -> None:
    answer = await ask(api, f"/only/{wanted}", SHOWN[shown])
    if wanted == shown:
        assert answer.status == 200
    elif shown.endswith("_without_workspace") and wanted == shown.replace("without", "with"):
        assert told(answer)[:2] == (400, "missing_workspace_id")
    else:
        assert answer.status == 401


@pytest.mark.parametrize(
    ("shown", "kind", "message"),
    [
        ("api_key", "unauthorized", "An API key was used instead of an access token"),
        (
            "pat_with_workspace",
            "access_token_used_for_api_key",
            "An access token was used instead of an API key",
        ),
        (
            "client_session",
            "client_session_token_used_for_api_key",
            "A client session token was used instead of an API key",
        ),
        (
            "console_session_with_workspace",
            "unauthorized",
            "A JWT was used instead of an API key",
        ),
        ("publishable_key", "unauthorized", "No Authorization header"),
    ],
)
async def test_what_the_wrong_kind_is_told(
    api: Api, shown: Scheme, kind: str, message: str
) -> None:
    elsewhere = "pat_with_workspace" if shown == "api_key" else "api_key"
    assert told(await ask(api, f"/only/{elsewhere}", SHOWN[shown])) == (401, kind, message)


async def test_a_read_only_customer_is_refused_where_its_scheme_is_not_listed(api: Api) -> None:
    answer = await ask(api, "/only/client_session_with_customer", SHOWN_READER)
    assert told(answer)[:2] == (401, "client_session_token_used_for_api_key")


SHOWN_READER = bearer(READER)


@pytest.mark.parametrize(
    "headers",
    [
        {"client-session-token": SESSION},
        {"seam-client-session-token": SESSION},
        {"client-session-token": SESSION, "seam-client-session-token": SESSION},
        bearer(SESSION, client_session_token=SESSION),
        bearer(SESSION, seam_client_session_token=SESSION, client_session_token=SESSION),
    ],
)
async def test_a_session_may_be_shown_in_each_header(api: Api, headers: dict[str, str]) -> None:
    answer = await ask(api, "/all", headers)
    assert answer.json["who"]["kind"] == "client_session"


@pytest.mark.parametrize(
    ("headers", "status", "kind", "message"),
    [
        (
            {"client-session-token": "x"},
            400,
            "invalid_client_session_token",
            "Invalid client session token",
        ),
        (
            {"seam-client-session-token": KEY},
            400,
            "invalid_client_session_token",
            "Invalid client session token",
        ),
        (
            bearer(KEY, client_session_token=SESSION),
            400,
            "invalid_client_session_token",
            "Invalid client session token",
        ),
        (
            bearer(SESSION, client_session_token=CUSTOMER),
            400,
            "invalid_client_session_token",
            "Invalid client session token",
        ),
        (
            {"client-session-token": SESSION, "seam-client-session-token": CUSTOMER},
            400,
            "invalid_client_session_token",
            "Invalid client session token",
        ),
        (
            bearer(NOBODY),
            401,
            "client_session_not_found",
            "Unauthorized (client session not found)",
        ),
        (
            {"client-session-token": "seam_cst1x"},
            401,
            "client_session_not_found",
            "Unauthorized (client session not found)",
        ),
        (
            bearer(SESSION, seam_workspace=THERE),
            400,
            "invalid_input",
            "The client session is of another workspace than the seam-workspace header names",
        ),
        (
            {"seam-publishable-key": "x"},
            401,
            "invalid_publishable_key",
            "seam-publishable-key must be a publishable key",
        ),
        (
            {"seam-publishable-key": f"seam_pk00000000_{LETTERS}"},
            401,
            "workspace_not_found",
            "Cannot find workspace associated with this publishable key",
        ),
        (
            {"seam-publishable-key": CLOSED},
            401,
            "unauthorized",
            "The workspace does not take its publishable key",
        ),
        (
            bearer(KEY, seam_publishable_key=PUBLISHABLE),
            400,
            "token_auth_not_accepted",
            "A publishable key cannot be sent together with another token",
        ),
        (
            {"client-session-token": SESSION, "seam-publishable-key": PUBLISHABLE},
            400,
            "token_auth_not_accepted",
            "A publishable key cannot be sent together with another token",
        ),
        (
            {"seam-publishable-key": PUBLISHABLE, "seam-workspace": THERE},
            400,
            "invalid_input",
            "The publishable key is of another workspace than the seam-workspace header names",
        ),
        (bearer("eyJ.x.y"), 401, "unauthorized", "Console session not found"),
        (
            bearer(CONSOLE, seam_workspace="x"),
            401,
            "unauthorized",
            "Console session not found",
        ),
        ({}, 401, "unauthorized", "No Authorization header"),
    ],
)
async def test_refused(
    api: Api, headers: dict[str, str], status: int, kind: str, message: str
) -> None:
    assert told(await ask(api, "/all", headers)) == (status, kind, message)


async def test_a_route_for_publishable_keys_alone_asks_for_one(api: Api) -> None:
    answer = await ask(api, "/only/publishable_key", {})
    assert told(answer)[:2] == (401, "publishable_key_header_required")


async def test_a_session_is_told_how_it_ended(api: Api, tokens: Known) -> None:
    tokens.by_text[SESSION] = replace(OWN_TOKENS[SESSION], is_revoked=True)
    assert told(await ask(api, "/all", bearer(SESSION))) == (
        401,
        "client_session_revoked",
        "Unauthorized (client session revoked)",
    )
    over = datetime.now(UTC) - timedelta(microseconds=1)
    tokens.by_text[SESSION] = replace(OWN_TOKENS[SESSION], expires_at=over)
    assert told(await ask(api, "/all", bearer(SESSION))) == (
        401,
        "client_session_expired",
        "Unauthorized (client session expired)",
    )


def expiring() -> Iterator[tuple[dict[str, str], str, str]]:
    yield bearer(KEY), KEY, "API Key not found"
    yield bearer(PAT, seam_workspace=HERE), PAT, "Access token not found"
    yield bearer(PAT), PAT, "Access token not found"
    yield bearer(CONSOLE, seam_workspace=HERE), CONSOLE, "Console session not found"


@pytest.mark.parametrize(("headers", "text", "message"), [*expiring()])
async def test_an_expired_token_is_unknown(
    api: Api, tokens: Known, headers: dict[str, str], text: str, message: str
) -> None:
    known = tokens.by_text[text]
    tokens.by_text[text] = replace(known, expires_at=datetime.now(UTC) + timedelta(minutes=1))
    assert (await ask(api, "/all", headers)).status == 200
    tokens.by_text[text] = replace(known, expires_at=datetime.now(UTC))
    assert told(await ask(api, "/all", headers)) == (401, "unauthorized", message)


@pytest.mark.parametrize("text", [PAT, CONSOLE])
async def test_without_a_workspace_a_person_is_in_none(api: Api, tokens: Known, text: str) -> None:
    assert (await ask(api, "/all", bearer(text))).json["who"]["workspace_id"] is None
    tokens.by_text[text] = replace(tokens.by_text[text], workspace_id=WORKSPACE)
    assert (await ask(api, "/all", bearer(text))).json["who"]["workspace_id"] == HERE
    answer = await ask(api, "/all", bearer(text, seam_workspace=THERE))
    assert answer.status == 401


@pytest.mark.parametrize("text", [PAT, CONSOLE])
async def test_a_person_must_name_the_workspace(api: Api, text: str) -> None:
    answer = await ask(api, "/staff", bearer(text))
    assert told(answer)[:2] == (400, "missing_workspace_id")


async def test_a_publishable_key_names_its_user_in_a_header(api: Api) -> None:
    headers = {"seam-publishable-key": PUBLISHABLE, "seam-user-identifier-key": " jane "}
    assert (await ask(api, "/all", headers)).json["who"] == {
        "kind": "publishable_key",
        "workspace_id": HERE,
        "user_identifier_key": "jane",
    }


@pytest.mark.parametrize("shown", SCHEMES)
async def test_a_scope_is_asked_of_every_kind(api: Api, shown: Scheme) -> None:
    has_doors = shown.startswith("console")
    shown_at_doors = await ask(api, "/doors", SHOWN[shown])
    assert shown_at_doors.status == (200 if has_doors else 403)
    answer = await ask(api, "/metrics", SHOWN[shown])
    assert told(answer)[:2] == (403, "insufficient_scope")
    assert "doorward token create --name NAME --scope metrics" in answer.error["message"]


async def test_a_scope_opens_what_it_names(api: Api) -> None:
    for path in ("/doors", "/metrics"):
        assert (await ask(api, path, bearer(SCOPED))).status == 200


async def by_scope(tokens: Known, headers: dict[str, str]) -> tuple[int, str]:
    encoded = {name.encode(): value.encode() for name, value in headers.items()}
    try:
        await authenticate_scope(tokens, {b"host": b"doors.test", **encoded}, "metrics")
    except ApiError as error:
        return error.status, error.kind
    return 200, ""


async def test_a_scope_by_itself(tokens: Known) -> None:
    assert await by_scope(tokens, bearer(SCOPED)) == (200, "")
    assert await by_scope(tokens, bearer(KEY)) == (403, "insufficient_scope")
    for headers in ({}, bearer(NOBODY), bearer(SESSION), bearer("x"), {"authorization": "x"}):
        assert await by_scope(tokens, headers) == (401, "unauthorized")
    tokens.by_text[SCOPED] = replace(OWN_TOKENS[SCOPED], expires_at=datetime.now(UTC))
    assert await by_scope(tokens, bearer(SCOPED)) == (401, "unauthorized")
    published = replace(OWN_TOKENS[SCOPED], is_published=True)
    tokens.by_text[SCOPED] = published
    assert await by_scope(tokens, bearer(SCOPED)) == (401, "unauthorized")
    assert await by_scope(tokens, bearer(SCOPED, host="127.0.0.1:8765")) == (200, "")
