"""Fuzzes header values, without a server in between: tokens, workspaces, types, hosts, origins."""

import asyncio
import string
from random import Random
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from tests.fuzz.answers import must_be_envelope
from tests.fuzz.engine import Target
from tests.fuzz.mutate import mutate
from tests.wire.toy import (
    BOUND_PAT,
    CONSOLE,
    CUSTOMERS_SESSION,
    EXPIRED_SESSION,
    KEY,
    OTHER_KEY,
    OTHER_WORKSPACE,
    PAT,
    PUBLISHABLE_KEY,
    PUBLISHED_KEY,
    READING_SESSION,
    REVOKED_PUBLISHABLE_KEY,
    REVOKED_SESSION,
    ROUTES,
    SECOND_KEY,
    SESSION,
    WORKSPACE,
    Token,
    Tokens,
    make_api,
)

Headers = tuple[tuple[bytes, bytes], ...]

_PATHS = (
    *("/toy/echo", "/toy/personal", "/toy/key", "/toy/anybody", "/toy/session", "/toy/page"),
    *("/acs/users/list", "/health", "/nobodys"),
)
_CALLERS = {route.path: route.callers for route in ROUTES}
_VERBS = ("POST", "POST", "GET", "OPTIONS", "PUT", "TRACE")
_SESSIONS = tuple(
    token.encode()
    for token in (
        *(SESSION, CUSTOMERS_SESSION, READING_SESSION),
        *(REVOKED_SESSION, EXPIRED_SESSION, "seam_cst1x_y"),
    )
)
_PUBLISHABLE = (PUBLISHABLE_KEY.encode(), REVOKED_PUBLISHABLE_KEY.encode(), b"seam_pk1x_y")
_TOKENS = (KEY, SECOND_KEY, OTHER_KEY, PUBLISHED_KEY, PUBLISHED_KEY, PAT, BOUND_PAT, CONSOLE)
# By which of the document's schemes a token that is no client session's may call.
_SCHEMES = {
    "api_key": "api_key",
    "personal_access_token": "pat_with_workspace",
    "console_session": "console_session_with_workspace",
    "publishable_key": "publishable_key",
}
_IN_HEADERS = (b"client-session-token", b"seam-client-session-token")
_SOUND: dict[bytes, tuple[bytes, ...]] = {
    b"authorization": (
        *(f"Bearer {token}".encode() for token in _TOKENS),
        *(b"Bearer " + token for token in (*_SESSIONS, *_PUBLISHABLE)),
        b"Bearer eyJhbGciOiJub25lIn0.e30.",
        *(b"Basic eDp5", b"bearer  " + KEY.encode(), b"Bearer"),
    ),
    b"client-session-token": (*_SESSIONS, b"x"),
    b"seam-client-session-token": (*_SESSIONS, b"x"),
    b"seam-publishable-key": (*_PUBLISHABLE, b"x"),
    b"seam-user-identifier-key": (b"jane", b"\xc3\xa4", b""),
    b"seam-workspace": (str(WORKSPACE).encode(), str(OTHER_WORKSPACE).encode(), b"x"),
    b"content-type": (b"application/json", b"application/json; charset=utf-8", b"text/plain"),
    b"host": (
        b"doors.test",
        b"127.0.0.1:8765",
        b"[::1]:1",
        b"localhost",
        b"x@127.0.0.1",
        b"[v1.x]",
    ),
    b"origin": (b"http://localhost:3000", b"https://doors.test", b"null"),
    b"idempotency-key": (b"0d7e0b3a", b"x" * 255, b"x" * 256),
    b"x-forwarded-for": (b"10.0.0.1", b"[::1]"),
    b"forwarded": (b"for=10.0.0.1;proto=https",),
    b"seam-sdk-name": (b"seamapi/python",),
}
_WORDS = (
    *(b" ", b"\t", b",", b";", b"Bearer ", b"seam_", b"seam_at", b"seam_cst", b"seam_pk", b"ey"),
    *(b"\x80", b"\xff", b"\xc3\xa4", b"%00", b"application/json", b"charset=", b'"', b"[", b"]"),
    *(b"@", b"//", b"127.0.0.1", b"localhost", b"::1", b"%25eth0", b"\xe2\x84\xa1", b"_" * 5000),
)
# Where the one token of most requests is.
_WHERE = (*(b"authorization",) * 4, *_IN_HEADERS, b"seam-publishable-key")
# What no HTTP server lets through in a value.
_NEVER = bytes(code for code in range(32) if code != 9) + b"\x7f"


class Case(NamedTuple):
    """A request as the application gets it."""

    verb: str
    path: str
    headers: Headers
    body: bytes


class HeaderValues(Target[Case]):
    """An envelope or a success, and a success only for a token that there is."""

    name = "headers"
    share = 8

    def __init__(self) -> None:
        self._runner = asyncio.Runner()
        self._api = make_api()
        self._by_text = Tokens().by_text

    def close(self) -> None:
        """Closes the event loop."""
        self._runner.close()

    def make(self, random: Random) -> Case:
        """A good request; mostly some of its headers are exchanged, damaged, doubled."""
        is_calm = random.random() < 0.4
        shown = random.choice(_WHERE)
        headers = {shown: random.choice(_SOUND[shown]), b"host": b"127.0.0.1"}
        if random.random() < 0.5:
            headers[b"seam-workspace"] = str(WORKSPACE).encode()
        for name in random.sample([*_SOUND], random.randint(0, 1 if is_calm else 4)):
            headers[name] = random.choice(_SOUND[name])
        path = random.choice(_PATHS)
        if is_calm:
            return Case("POST", path, (*headers.items(),), b"{}")
        listed = [(name, _damaged(value, random)) for name, value in headers.items()]
        if random.random() < 0.05:
            listed.append(random.choice(listed))
        body = random.choice((b"", b"{}", b'{"name":"a"}', b"{"))
        return Case(random.choice(_VERBS), path, tuple(listed), body)

    def check(self, case: Case) -> None:
        """Calls the application."""
        start, body = self._runner.run(_call(self._api, case))
        headers = dict(start["headers"])
        assert int(headers[b"content-length"]) == len(body) or case.verb == "HEAD"
        UUID(headers[b"seam-request-id"].decode())
        for name, value in start["headers"]:
            assert not set(value) & set(_NEVER), f"{name!r}: {value!r} splits the answer"
        if case.verb == "OPTIONS" and start["status"] == 200:
            return
        answer = msgspec.json.decode(body)
        if start["status"] == 200:
            self._must_be_allowed(case, answer)
        else:
            must_be_envelope(start["status"], answer)

    def _must_be_allowed(self, case: Case, answer: Any) -> None:
        if case.path == "/health":
            return
        shown = _shown(case)
        assert len(shown) == 1, "several tokens, and one of them counted"
        text = shown.pop()
        token = self._by_text.get(text)
        assert token is not None, "nobody's token was taken"
        assert not token.is_revoked, "it was ended"
        assert token.expires_at is None, "its time is over"
        assert _schemes(token) & {*_CALLERS[case.path]}, "it may not make this call"
        if "echo" in answer:
            assert UUID(answer["echo"]["token_id"]) == token.token_id


def _shown(case: Case) -> set[str]:
    """Every token of a request that the route may look at."""
    found = set()
    for name, value in case.headers:
        text = value.decode("latin-1").strip(_SPACE)
        if name == b"authorization":
            found.add(text.split(maxsplit=1)[1].strip(_SPACE))
        elif name in _IN_HEADERS or (
            name == b"seam-publishable-key" and "publishable_key" in _CALLERS[case.path]
        ):
            found.add(text)
    return found


def _schemes(token: Token) -> set[str]:
    """By which schemes a token may call."""
    if token.sight is None:
        return {_SCHEMES[token.kind]}
    if token.sight.customer_key is None:
        return {"client_session"}
    is_reading = token.sight.is_read_only
    return {"client_session_with_customer_ro" if is_reading else "client_session_with_customer"}


_SPACE = string.whitespace + "\x85\xa0"


async def _call(api: Any, case: Case) -> tuple[dict[str, Any], bytes]:
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": case.body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": case.verb,
        "scheme": "http",
        "path": case.path,
        "raw_path": case.path.encode(),
        "query_string": b"",
        "headers": [*case.headers],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 2),
    }
    await api(scope, receive, send)
    start, content = sent
    return start, content["body"]


def _damaged(value: bytes, random: Random) -> bytes:
    if random.random() < 0.5:
        return value
    return mutate(value, _WORDS, random, 2).translate(None, _NEVER).strip(b" \t")
