"""Every kind of token at every call: answered where the route table lists it, and nowhere else.

That the table lists what the official document does is the contract's test.
"""

from datetime import UTC, datetime, timedelta
from typing import get_args
from uuid import uuid4

import httpx
import pytest

from doorward.api.table import ROUTES
from doorward.store import client_sessions, console, tokens
from doorward.store.client_sessions import Wanted
from doorward.store.tokens import TokenKind
from doorward.wire.route import Scheme
from tests.api.conftest import CONSOLE_KEY, Server
from tests.api.town import Town

Headers = dict[str, str]
SCHEMES: tuple[Scheme, ...] = get_args(Scheme)
EVERY = pytest.mark.parametrize("scheme", SCHEMES)


async def headers(town: Town, scheme: Scheme) -> Headers:
    """What a new token of a scheme is shown by."""
    if scheme == "publishable_key":
        return {"seam-publishable-key": town.publishable_key, "seam-user-identifier-key": "jane"}
    bearer = {"authorization": f"Bearer {await make(town, scheme)}"}
    named = {"seam-workspace": str(town.workspace_id)} if scheme.endswith("_with_workspace") else {}
    return bearer | named


async def make(town: Town, scheme: Scheme) -> str:
    """A new token of a scheme."""
    if scheme.startswith("client_session"):
        key = "acme" if "customer" in scheme else None
        wanted = Wanted(customer_key=key, is_read_only=scheme.endswith("_ro"))
        async with town.database.acquire() as connection:
            session = await client_sessions.create(
                connection, town.keyring, town.workspace_id, wanted
            )
        return session.token
    if scheme == "api_key":
        return await keep(town, "api_key", tokens.mint("api_key"))
    if scheme.startswith("pat"):
        return await keep(town, "personal_access_token", tokens.mint("personal_access_token"))
    ends = datetime.now(UTC) + timedelta(hours=1)
    return await keep(town, "console_session", console.sign(CONSOLE_KEY, uuid4(), ends))


async def keep(town: Town, kind: TokenKind, secret: str) -> str:
    workspace_id = town.workspace_id if kind == "api_key" else None
    await tokens.create(
        town.database,
        secret,
        kind=kind,
        workspace_id=workspace_id,
        name="x",
        scopes={"doors"},
    )
    return secret


async def statuses(server: Server, shown: Headers) -> dict[str, tuple[int, str]]:
    """The status and the error type of every call, asked for nothing in particular."""
    transport = httpx.ASGITransport(server.app)
    found = {}
    async with httpx.AsyncClient(transport=transport, base_url="http://doors.test") as client:
        for route in ROUTES:
            answer = await client.post(route.path, json={}, headers=shown)
            found[route.path] = answer.status_code, answer.json().get("error", {}).get("type", "")
    return found


@EVERY
@pytest.mark.usefixtures("north")
async def test_a_call_is_answered_to_its_callers_alone(
    server: Server, town: Town, scheme: Scheme
) -> None:
    # A person's token asks which workspaces there are, and of one the server has to have heard.
    while server.watch.position(town.workspace_id) is None:
        await server.watch.changed()
    found = await statuses(server, await headers(town, scheme))
    for route in ROUTES:
        status, error = found[route.path]
        is_refused = status in {401, 403} or error == "missing_workspace_id"
        assert is_refused == (scheme not in route.callers), (route.path, status, error)


@pytest.mark.usefixtures("north")
async def test_no_end_user_has_a_scope(server: Server, town: Town) -> None:
    assert not any(
        route.scope and any(each.startswith(("client", "publ")) for each in route.callers)
        for route in ROUTES
    )
    assert {route.scope for route in ROUTES if route.path.startswith("/doorward/")} == {"doors"}
    key = await keep(town, "api_key", tokens.mint("api_key"))
    await town.database.execute(
        "update token set scopes = '{}' where hash = $1", tokens.digest(key)
    )
    found = await statuses(server, {"authorization": f"Bearer {key}"})
    lacking = {path for path, told in found.items() if told == (403, "insufficient_scope")}
    assert lacking == {route.path for route in ROUTES if route.scope}


@pytest.mark.usefixtures("north")
async def test_a_jwt_of_another_key_is_nobodys(server: Server, town: Town) -> None:
    ends = datetime.now(UTC) + timedelta(hours=1)
    forged = await keep(town, "console_session", console.sign(bytes(32), uuid4(), ends))
    named = {"seam-workspace": str(town.workspace_id)}
    found = await statuses(server, {"authorization": f"Bearer {forged}", **named})
    assert {status for status, _ in found.values()} == {401}
