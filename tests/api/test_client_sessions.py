"""/client_sessions: made, found, prolonged, ended; by keys, by publishable keys, by themselves."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from doorward.store import client_sessions
from doorward.store.client_sessions import Wanted
from doorward.store.personal import Personal
from tests.api.conftest import Caller, Server
from tests.api.town import System, Town

CREATE, GET_OR_CREATE = "/client_sessions/create", "/client_sessions/get_or_create"
TABLES = ("client_session", "event", "idempotent_answer")


async def create(api: Caller, verb: str = "POST", **asked: Any) -> dict[str, Any]:
    session: dict[str, Any] = (await api(CREATE, verb, **asked))["client_session"]
    return session


async def counts(town: Town) -> list[int]:
    return [
        await town.database.fetchval(
            f"select count(*) from {table} where workspace_id = $1", town.workspace_id
        )
        for table in TABLES
    ]


def publishable(server: Server, town: Town, **headers: str) -> Caller:
    client = httpx.AsyncClient(
        transport=httpx.ASGITransport(server.app),
        base_url="http://doors.test",
        headers={"seam-publishable-key": town.publishable_key, **headers},
    )
    return Caller(client, server.services)


async def refused(server: Server, token: str) -> tuple[int, str]:
    """What a session's token is told at last."""
    caller = await server.caller(uuid4(), token)
    async with asyncio.timeout(10):
        while (answer := await caller.answer("/workspaces/get", "GET")).status_code == 200:
            await asyncio.sleep(0.002)
    return answer.status_code, answer.json()["error"]["type"]


async def is_remembered(server: Server, token: str) -> None:
    """Lets the server look a token up, so that it will have to forget it."""
    while server.watch.token_generation < 0:
        await server.watch.changed()
    assert (await (await server.caller(uuid4(), token))("/workspaces/get", "GET"))["ok"]


async def test_a_session_for_everything(api: Caller, town: Town, north: System) -> None:
    jane = await town.identity(Personal("Jane"))
    account = str(north.connected_account_id)
    session = await create(
        api,
        user_identifier_key="jane",
        connected_account_ids=[account.upper(), account],
        connect_webview_ids=[],
        user_identity_ids=[str(jane)],
        customer_key="acme",
        expires_at="2031-01-02T03:04:05Z",
    )
    assert datetime.fromisoformat(session.pop("created_at")) <= datetime.now(UTC)
    assert UUID(session.pop("client_session_id")).version == 4
    assert session.pop("token").startswith("seam_cst1")
    assert session == {
        "connect_webview_ids": [],
        "connected_account_ids": [account],
        "customer_key": "acme",
        "device_count": 0,
        "expires_at": "2031-01-02T03:04:05.000Z",
        "user_identifier_key": "jane",
        "user_identity_id": str(jane),
        "user_identity_ids": [str(jane)],
        "workspace_id": str(town.workspace_id),
    }


async def test_an_empty_session_lives_for_a_year(api: Caller) -> None:
    session = await create(api)
    life = [datetime.fromisoformat(session[name]) for name in ("expires_at", "created_at")]
    assert abs(life[0] - life[1] - timedelta(days=365)) < timedelta(seconds=1)
    assert session["user_identifier_key"] is None
    assert not {"customer_key", "user_identity_id"} & session.keys()


async def test_a_user_has_one_session(api: Caller) -> None:
    session = await create(api, "PUT", user_identifier_key="jane")
    for _ in range(2):
        again = await create(api, "PUT", user_identifier_key="jane", customer_key="other")
        assert again == session
        assert (await api(GET_OR_CREATE, user_identifier_key="jane"))["client_session"] == session
    refusal = await api.error(CREATE, user_identifier_key="jane")
    assert refusal == (400, "client_session_token_already_exists")
    assert await create(api) != await create(api)


async def test_of_many_at_once_one_is_made(api: Caller, town: Town) -> None:
    # Connections are made at need, and would let the calls in one after the other.
    await asyncio.gather(*(town.database.execute("select pg_sleep(0.05)") for _ in range(8)))
    for n in range(10):
        user = {"user_identifier_key": f"user {n}"}
        asked = [create(api, "PUT", **user) for _ in range(6)]
        asked += [api(GET_OR_CREATE, **user) for _ in range(6)]
        made = await asyncio.gather(*asked)
        assert len({each.get("client_session", each)["token"] for each in made}) == 1
    assert (await counts(town))[0] == 10


async def test_get_or_create_adds_to_a_session(api: Caller, town: Town, north: System) -> None:
    south = await town.system("South")
    jane = await town.identity(Personal("Jane"))
    accounts = [str(each.connected_account_id) for each in (north, south)]
    made = await create(api, user_identifier_key="jane", connected_account_ids=accounts[:1])
    answer = await api(
        GET_OR_CREATE,
        user_identifier_key="jane",
        connected_account_ids=accounts[::-1],
        user_identity_id=str(jane),
        expires_at="2031-01-01",
    )
    changed = {
        "connected_account_ids": accounts,
        "expires_at": "2031-01-01T00:00:00.000Z",
        "user_identity_id": str(jane),
        "user_identity_ids": [str(jane)],
    }
    assert answer["client_session"] == made | changed


@pytest.mark.parametrize("path", [CREATE, GET_OR_CREATE])
@pytest.mark.parametrize(
    ("asked", "resource"),
    [
        ({"connected_account_ids": [str(uuid4())]}, "connected_account"),
        ({"connected_account_ids": ["x"]}, "connected_account"),
        ({"connect_webview_ids": [str(uuid4())]}, "connect_webview"),
        ({"user_identity_id": str(uuid4())}, "user_identity"),
        ({"user_identity_ids": [str(uuid4())]}, "user_identity"),
    ],
)
async def test_what_is_named_must_be_there(
    api: Caller, town: Town, path: str, asked: dict[str, Any], resource: str
) -> None:
    await create(api, user_identifier_key="there")
    before = await counts(town)
    for key in ("new", "there"):
        refusal = await api.error(path, user_identifier_key=key, **asked)
        assert refusal == (404, f"{resource}_not_found")
    assert await counts(town) == before


async def test_customers_are_known_by_key_alone(api: Caller, town: Town) -> None:
    assert await api.error(CREATE, customer_id="c") == (404, "customer_not_found")
    assert (await counts(town))[0] == 0


@pytest.mark.parametrize(
    "asked",
    [
        {"expires_at": "2020-01-01T00:00:00Z"},
        {"user_identity_id": str(uuid4()), "user_identity_ids": [str(uuid4())]},
        {"user_identity_ids": []},
        {"user_identifier_key": ""},
    ],
)
async def test_what_cannot_be(api: Caller, asked: dict[str, Any]) -> None:
    for path in (CREATE, GET_OR_CREATE):
        assert await api.error(path, **asked) == (400, "invalid_input")


async def test_another_workspaces_things_are_unknown(
    api: Caller, server: Server, town: Town
) -> None:
    other = Town(town.database, town.keyring)
    there = await other.found()
    theirs = await create(await server.caller(other.workspace_id), user_identifier_key="jane")
    asked = {"connected_account_ids": [str(there.connected_account_id)]}
    assert await api.error(CREATE, **asked) == (404, "connected_account_not_found")
    named = {"client_session_id": theirs["client_session_id"]}
    for name in ("get", "revoke", "delete", "grant_access"):
        refusal = await api.error(f"/client_sessions/{name}", **named)
        assert refusal == (404, "client_session_not_found")
    assert (await api("/client_sessions/list", **named))["client_sessions"] == []
    assert (await create(api, user_identifier_key="jane"))["token"] != theirs["token"]


async def test_get_and_list(api: Caller, town: Town) -> None:
    jane = await town.identity(Personal("Jane"))
    one = await create(api, user_identifier_key="one", user_identity_id=str(jane))
    two, three = await create(api), await create(api, user_identifier_key="three")
    session_id = one["client_session_id"]
    for asked in ({"client_session_id": session_id}, {"user_identifier_key": "one"}):
        for verb in ("GET", "POST"):
            assert (await api("/client_sessions/get", verb, **asked))["client_session"] == one
    expected: list[tuple[dict[str, Any], list[Any]]] = [
        ({}, [one, two, three]),
        ({"client_session_id": session_id}, [one]),
        ({"client_session_id": "x"}, []),
        ({"user_identifier_key": "three"}, [three]),
        ({"user_identity_id": str(jane)}, [one]),
        ({"without_user_identifier_key": True}, [two]),
        ({"connect_webview_id": str(uuid4())}, []),
    ]
    for asked, sessions in expected:
        for verb in ("GET", "POST"):
            answer = await api("/client_sessions/list", verb, **asked)
            assert answer["client_sessions"] == sessions
    assert await api.error("/client_sessions/get") == (400, "invalid_input")
    unknown = await api.error("/client_sessions/get", user_identifier_key="x")
    assert unknown == (404, "client_session_not_found")


async def test_grant_access(api: Caller, town: Town, north: System) -> None:
    jane = await town.identity(Personal("Jane"))
    session, other = await create(api), await create(api, user_identifier_key="other")
    named = {"client_session_id": session["client_session_id"]}
    account = str(north.connected_account_id)
    grant = "/client_sessions/grant_access"
    assert await api(grant, "PATCH", **named, connected_account_ids=[account]) == {}
    assert await api(grant, **named, user_identifier_key="jane") == {}
    for who in ({"user_identity_ids": [str(jane)]}, {"user_identity_id": str(jane)}):
        assert await api(grant, user_identifier_key="jane", **who) == {}
        shown = (await api("/client_sessions/get", **named))["client_session"]
        assert shown["user_identity_id"] == str(jane)
    changed = {
        "connected_account_ids": [account],
        "user_identifier_key": "jane",
        "user_identity_id": str(jane),
        "user_identity_ids": [str(jane)],
    }
    assert (await api("/client_sessions/get", **named))["client_session"] == session | changed
    taken = await api.error(grant, **named, user_identifier_key="other")
    assert taken == (400, "client_session_token_already_exists")
    assert await api.error(grant) == (400, "invalid_input")
    unknown = await api.error(grant, user_identifier_key="nobody")
    assert unknown == (404, "client_session_not_found")
    assert await api.error(grant, **named, user_identity_id="x") == (404, "user_identity_not_found")
    refusal = await api.error(grant, **named, connect_webview_ids=["x"])
    assert refusal == (404, "connect_webview_not_found")
    assert other["client_session_id"] != session["client_session_id"]


async def test_a_revoked_session_is_shown_and_refused(api: Caller, server: Server) -> None:
    session = await create(api, user_identifier_key="jane")
    await is_remembered(server, session["token"])
    named = {"client_session_id": session["client_session_id"]}
    for _ in range(2):
        assert await api("/client_sessions/revoke", **named) == {}
    shown = (await api("/client_sessions/get", **named))["client_session"]
    assert datetime.fromisoformat(shown["expires_at"]) <= datetime.now(UTC)
    assert shown | {"expires_at": session["expires_at"]} == session
    assert await refused(server, session["token"]) == (401, "client_session_revoked")
    new = await create(api, user_identifier_key="jane")
    assert new["token"] != session["token"]
    by_user = await api("/client_sessions/get", user_identifier_key="jane")
    assert by_user["client_session"] == new


async def test_a_deleted_session_is_unknown(api: Caller, server: Server) -> None:
    session = await create(api)
    await is_remembered(server, session["token"])
    named = {"client_session_id": session["client_session_id"]}
    assert await api("/client_sessions/delete", "DELETE", **named) == {}
    assert await refused(server, session["token"]) == (401, "client_session_not_found")
    for name in ("get", "delete", "revoke"):
        refusal = await api.error(f"/client_sessions/{name}", **named)
        assert refusal == (404, "client_session_not_found")
    events = await api("/events/list", since="2020-01-01", event_type="client_session.deleted")
    assert [each["client_session_id"] for each in events["events"]] == [*named.values()]


async def test_an_expired_session_makes_room(api: Caller, server: Server, town: Town) -> None:
    soon = datetime.now(UTC) + timedelta(milliseconds=60)
    old = await create(api, user_identifier_key="jane", expires_at=soon.isoformat())
    assert await refused(server, old["token"]) == (401, "client_session_expired")
    assert datetime.now(UTC) >= soon
    new = await create(api, user_identifier_key="jane")
    assert new["token"] != old["token"]
    ended = await client_sessions.find(town.database, old["token"])
    assert ended is not None
    assert not ended.is_revoked
    assert (await counts(town))[0] == 2


async def test_a_session_sees_itself(api: Caller, server: Server, town: Town) -> None:
    session, other = await create(api, user_identifier_key="jane"), await create(api)
    jane = await server.caller(town.workspace_id, session["token"])
    for asked in ({}, {"client_session_id": session["client_session_id"]}):
        assert (await jane("/client_sessions/get", "GET", **asked))["client_session"] == session
    named = {"client_session_id": other["client_session_id"]}
    assert await jane.error("/client_sessions/get", **named) == (404, "client_session_not_found")
    listed = await jane("/workspaces/list", "GET")
    assert [each["workspace_id"] for each in listed["workspaces"]] == [str(town.workspace_id)]


@pytest.mark.usefixtures("north")
async def test_a_publishable_key_makes_empty_sessions(server: Server, town: Town) -> None:
    page = publishable(server, town)
    for path in (CREATE, GET_OR_CREATE):
        refusal = await page.error(path)
        assert refusal == (401, "publishable_key_requires_user_identifier_key")
        for asked in ({"connected_account_ids": ["x"]}, {"customer_key": "c"}):
            if path == CREATE or "customer_key" not in asked:
                refusal = await page.error(path, user_identifier_key="jane", **asked)
                assert refusal == (403, "publishable_keys_must_create_empty_client_sessions")
    session = (await page(GET_OR_CREATE, user_identifier_key="jane"))["client_session"]
    named = publishable(server, town, **{"seam-user-identifier-key": "jane"})
    assert (await named(GET_OR_CREATE))["client_session"] == session
    assert await create(named, "PUT") == session
    assert await named.error(GET_OR_CREATE, user_identifier_key="x") == (400, "invalid_input")
    later = await page(GET_OR_CREATE, user_identifier_key="jane", expires_at="2040-01-01")
    assert later["client_session"] == session
    assert await page.error("/client_sessions/list") == (401, "unauthorized")


@pytest.mark.usefixtures("north")
async def test_a_publishable_key_makes_only_so_many_sessions(server: Server, town: Town) -> None:
    page = publishable(server, town)
    many = [page.answer(GET_OR_CREATE, user_identifier_key=str(n)) for n in range(100)]
    answers = [await each for each in many]
    made = [each for each in answers if each.status_code == 200]
    late = [each for each in answers if each.status_code == 429]
    assert late
    assert len(made) + len(late) == 100
    assert (await counts(town))[0] == len(made)
    assert late[0].json()["error"]["type"] == "rate_limit_exceeded"
    assert int(late[0].headers["retry-after"]) >= 1
    # Whoever has a session gets it all the same.
    for n in range(10):
        assert (await page(GET_OR_CREATE, user_identifier_key=str(n)))["ok"]


@pytest.mark.usefixtures("north")
async def test_names_of_users_fit_into_an_index(api: Caller, server: Server, town: Town) -> None:
    long = "".join(chr(0x4E00 + n * 7919 % 20_000) for n in range(256))
    assert (await create(api, user_identifier_key=long[1:]))["user_identifier_key"] == long[1:]
    for path in (CREATE, GET_OR_CREATE, "/client_sessions/grant_access"):
        assert await api.error(path, user_identifier_key=long) == (400, "invalid_input")
    assert await api.error(CREATE, customer_key=long) == (400, "invalid_input")
    for size, status in ((255, 200), (256, 400)):
        page = publishable(server, town, **{"seam-user-identifier-key": "k" * size})
        for path in (GET_OR_CREATE, CREATE):
            verb = "PUT" if path == CREATE else "POST"
            answer = await page.answer(path, verb)
            assert answer.status_code == status, answer.text


async def test_of_very_many_sessions_the_newest_are_listed(api: Caller, town: Town) -> None:
    async with town.database.transaction() as connection:
        made = [
            await client_sessions.create(connection, town.keyring, town.workspace_id, Wanted())
            for _ in range(client_sessions.MOST_LISTED + 2)
        ]
    listed = (await api("/client_sessions/list"))["client_sessions"]
    ids = [UUID(each["client_session_id"]) for each in listed]
    assert ids == [each.client_session_id for each in made[2:]]


@pytest.mark.usefixtures("north")
@pytest.mark.parametrize("is_in_header", [True, False])
async def test_each_user_of_a_page_has_idempotency_keys_of_their_own(
    server: Server, town: Town, is_in_header: bool
) -> None:
    answers: dict[str, bytes] = {}
    for user in ("jane", "omar", "jane", "omar"):
        named = {"seam-user-identifier-key": user} if is_in_header else {}
        page = publishable(server, town, **named, **{"idempotency-key": "same"})
        answer = await page.answer(
            CREATE, **({} if is_in_header else {"user_identifier_key": user})
        )
        is_replayed = "idempotent-replayed" in answer.headers
        assert (answer.status_code, is_replayed) == (200, user in answers)
        assert answer.json()["client_session"]["user_identifier_key"] == user
        assert answers.setdefault(user, answer.content) == answer.content
    assert (await counts(town))[0] == 2
    refusal = await page.error(GET_OR_CREATE, user_identifier_key="omar")
    assert refusal == (422, "idempotency_key_reused")


async def test_a_workspace_may_refuse_its_publishable_key(server: Server, town: Town) -> None:
    await town.found(is_sandbox=False)
    page = publishable(server, town)
    assert (await page(GET_OR_CREATE, user_identifier_key="jane"))["ok"]
    await town.database.execute(
        "update workspace set is_publishable_key_auth_enabled = false where workspace_id = $1",
        town.workspace_id,
    )
    async with asyncio.timeout(10):
        while (
            answer := await page.answer(GET_OR_CREATE, user_identifier_key="jane")
        ).status_code == 200:
            await asyncio.sleep(0.002)
    assert (answer.status_code, answer.json()["error"]["type"]) == (401, "unauthorized")


@pytest.mark.parametrize("path", [CREATE, GET_OR_CREATE])
async def test_a_kept_answer_outlives_what_it_was_asked_with(
    api: Caller, server: Server, path: str
) -> None:
    soon = datetime.now(UTC) + timedelta(seconds=1)
    api.client.headers["idempotency-key"] = "once"
    asked = {"user_identifier_key": "jane", "expires_at": soon.isoformat()}
    first = await api.answer(path, **asked)
    assert first.status_code == 200, first.text
    token = first.json()["client_session"]["token"]
    assert await refused(server, token) == (401, "client_session_expired")
    again = await api.answer(path, **asked)
    assert (again.status_code, again.content) == (200, first.content)
    api.client.headers["idempotency-key"] = "twice"
    assert await api.error(path, **asked) == (400, "invalid_input")


async def test_an_idempotency_key_is_for_one_call(api: Caller) -> None:
    api.client.headers["idempotency-key"] = "once"
    await create(api, user_identifier_key="jane")
    refusal = await api.error(GET_OR_CREATE, user_identifier_key="jane")
    assert refusal == (422, "idempotency_key_reused")


async def test_an_idempotency_key_makes_one_session(api: Caller, town: Town) -> None:
    headers = {"idempotency-key": "once"}
    answers = [
        await api.client.post(CREATE, json={"customer_key": "c"}, headers=headers) for _ in range(2)
    ]
    assert answers[0].content == answers[1].content
    assert (await counts(town))[0] == 1
