"""A walk over the route table: every call refuses what it must, and changes nothing by it."""

import asyncio
import types
import typing
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import httpx
import msgspec
import pytest

from doorward.api.table import ROUTES
from doorward.store.database import Database
from doorward.store.embedded import attach
from doorward.wire.route import Route
from tests.running import API_KEY, RunningServer, digest, running
from tests.store.sites import make_site

# Parameters that name things which no workspace can have so far.
NOT_THERE_YET = {
    *("access_code_id", "access_grant_id", "access_method_id"),
    *("client_session_id", "connect_webview_id"),
    *("credential_manager_acs_system_id", "customization_profile_id", "hid_acs_system_id"),
    *("location_id", "space_id", "user_id", "acs_id"),
}
# Calls that do something and need no parameters for it.
DOING = {"/workspaces/reset_sandbox"}
NOBODYS = "0a0a0a0a-0a0a-4a0a-8a0a-0a0a0a0a0a0a"
BY_PATH = {route.path: route for route in ROUTES}
EVERY = pytest.mark.parametrize("path", sorted(BY_PATH))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with running(tmp_path_factory.mktemp("walk") / "data") as server:
        asyncio.run(_make_other_workspace(server))
        asyncio.run(_until_settled(server))
        yield server


@pytest.fixture
def unchanged(server: RunningServer) -> Iterator[None]:
    """Compares every table before and after."""
    before = asyncio.run(_digest(server))
    yield
    assert asyncio.run(_digest(server)) == before


async def _digest(server: RunningServer) -> dict[str, str]:
    connection = await server.connect()
    try:
        return await digest(connection)
    finally:
        await connection.close()


def _error(answer: httpx.Response, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("application/json")
    UUID(answer.headers["seam-request-id"])
    body = answer.json()
    assert body["ok"] is False
    assert isinstance(body["error"]["type"], str)
    assert isinstance(body["error"]["message"], str)
    error: dict[str, Any] = body["error"]
    return error


def _spellings(
    client: httpx.Client, route: Route, parameters: dict[str, Any]
) -> Iterator[httpx.Response]:
    """The call with every verb it has, each in its clients' way."""
    for verb in route.verbs:
        if verb in {"GET", "DELETE"}:
            query = {name: _query(value) for name, value in parameters.items()}
            yield client.request(verb, route.path, params=query | {"_strict": "true"})
        else:
            yield client.request(verb, route.path, json=parameters)


def _query(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _kinds(field_type: object) -> set[object]:
    """The plain types that a parameter accepts."""
    origin = typing.get_origin(field_type)
    if origin is typing.Annotated:
        return _kinds(typing.get_args(field_type)[0])
    if origin in {typing.Union, types.UnionType}:
        return set().union(*map(_kinds, typing.get_args(field_type)))
    return {origin or field_type}


def _fields(route: Route) -> dict[str, tuple[set[object], bool]]:
    hints = typing.get_type_hints(route.request, include_extras=True)
    fields = msgspec.structs.fields(route.request)
    return {f.encode_name: (_kinds(hints[f.name]), f.required) for f in fields}


@EVERY
@pytest.mark.usefixtures("unchanged")
def test_without_a_token(server: RunningServer, path: str) -> None:
    for wrong in (None, "Bearer", "Basic eA==", f"Token {API_KEY}"):
        headers = {} if wrong is None else {"authorization": wrong}
        with httpx.Client(base_url=server.endpoint, headers=headers) as client:
            for answer in _spellings(client, BY_PATH[path], {}):
                assert _error(answer, 401)["type"] == "unauthorized"


@EVERY
@pytest.mark.usefixtures("unchanged")
def test_with_a_wrong_token(server: RunningServer, path: str) -> None:
    for token in (API_KEY[:-1], API_KEY + "x", "seam_at1Doorward_wrong", "x", "seam_cst1_x"):
        with server.client(token, **{"seam-workspace": str(uuid4())}) as client:
            for answer in _spellings(client, BY_PATH[path], {}):
                _error(answer, 401)


@EVERY
@pytest.mark.usefixtures("unchanged")
def test_with_a_wrong_verb(server: RunningServer, path: str) -> None:
    route = BY_PATH[path]
    with server.client() as client:
        for verb in {"GET", "POST", "PUT", "PATCH", "DELETE"} - set(route.verbs):
            assert _error(client.request(verb, path), 405)["type"] == "method_not_allowed"


@EVERY
@pytest.mark.usefixtures("unchanged")
def test_with_missing_parameters(server: RunningServer, path: str) -> None:
    route = BY_PATH[path]
    required = {name for name, (_, is_required) in _fields(route).items() if is_required}
    if (route.is_creating or path in DOING) and not required:
        return  # what it makes from nothing is there afterwards
    with server.client() as client:
        for answer in _spellings(client, route, {}):
            if not required and answer.status_code == 200:
                continue
            error = _error(answer, 400)
            assert error["type"] == "invalid_input"
            assert required <= set(error["validation_errors"])
            for name in required:
                assert error["validation_errors"][name]["_errors"] == ["Required"]


def _wrong(kinds: set[object]) -> object:
    """A value of a type that none of these accept, None where anything goes."""
    if UUID in kinds:
        return "not-a-uuid"
    if kinds & {int, bool, datetime}:
        return "neither number nor date"
    if list in kinds:
        return {"a": 1}
    return 7 if str in kinds else None


@EVERY
@pytest.mark.usefixtures("unchanged")
def test_with_wrong_typed_parameters(server: RunningServer, path: str) -> None:
    route = BY_PATH[path]
    if path in DOING:
        return
    wrong = {
        name: value
        for name, (kinds, _) in _fields(route).items()
        if (value := _wrong(kinds)) is not None
    }
    with server.client() as client:
        for answer in _spellings(client, route, {**wrong, "unknown": "ignored"}):
            if not wrong:
                assert answer.status_code == 200, answer.text
                continue
            if answer.request.method in {"GET", "DELETE"} and all(v == 7 for v in wrong.values()):
                assert answer.status_code < 500
                continue  # in a query every scalar is a text
            error = _error(answer, 400)
            assert error["type"] == "invalid_input"
            for name in wrong:
                if answer.request.method not in {"GET", "DELETE"}:
                    assert error["validation_errors"][name]["_errors"], name


@EVERY
@pytest.mark.usefixtures("unchanged")
def test_with_another_workspaces_ids(server: RunningServer, path: str) -> None:
    """They are answered as ids that nobody has: alone, and all at once."""
    theirs = asyncio.run(_other_workspace(server))
    route = BY_PATH[path]
    ids = [name for name, (kinds, _) in _fields(route).items() if UUID in kinds]
    assert {name for name in ids if name not in theirs} <= NOT_THERE_YET
    if (route.is_creating or path in DOING) and not ids:
        return  # what it makes from nothing is there afterwards
    with server.client() as client:
        for names in [*([name] for name in ids), ids, _one_name_of_a_person(ids)]:
            if ids and not names:
                continue
            given = {name: theirs.get(name, NOBODYS) for name in names} | _factor(route)
            unknown = dict.fromkeys(names, NOBODYS) | _factor(route)
            for answer, expected in zip(
                _spellings(client, route, given), _spellings(client, route, unknown), strict=True
            ):
                assert answer.status_code == expected.status_code, answer.text
                assert answer.status_code in {200, 400, 404}
                assert _without(answer, given) == _without(expected, unknown)
                others = {value for name, value in theirs.items() if name not in given}
                assert not any(value in answer.text for value in others)


def _one_name_of_a_person(ids: list[str]) -> list[str]:
    return [name for name in ids if name != "user_identity_id"]


def _factor(route: Route) -> dict[str, str]:
    return {"card_number": "42-10001"} if "card_number" in _fields(route) else {}


def _without(answer: httpx.Response, given: dict[str, Any]) -> str:
    """The answer without what differs by itself: the ids asked for, a door's clock."""
    if answer.status_code == 200 and "doors" in answer.json():
        return str(sorted(door["acs_entrance_id"] for door in answer.json()["doors"]))
    text = answer.text
    for value in given.values():
        text = text.replace(value, "ID")
    return text


async def _make_other_workspace(server: RunningServer) -> None:
    async with _database(server) as database:
        site = await make_site(database)
        await database.execute(
            "insert into acs_credential (workspace_id, acs_credential_id, acs_system_id,"
            " acs_user_id, access_method, display_name, created_at)"
            " values ($1, gen_random_uuid(), $2, $3, 'card', 'theirs', now())",
            site.workspace_id,
            site.acs_system_id,
            site.users[0],
        )
        await database.execute(
            "insert into acs_encoder (workspace_id, acs_encoder_id, acs_system_id, display_name,"
            " created_at) values ($1, gen_random_uuid(), $2, 'theirs', now())",
            site.workspace_id,
            site.acs_system_id,
        )
        await database.execute(
            "insert into reader select workspace_id, gen_random_uuid(), acs_entrance_id, 'theirs',"
            " 'virtual', 'entry' from acs_entrance where workspace_id = $1",
            site.workspace_id,
        )
        await database.execute(
            "insert into credential_enrollment select c.workspace_id, gen_random_uuid(),"
            " c.acs_credential_id, e.acs_entrance_id, null, 0, 'succeeded', null, now(), now(),"
            " now() from acs_credential c join acs_entrance e using (workspace_id)"
            " where c.workspace_id = $1",
            site.workspace_id,
        )
        await database.execute(
            "insert into action_attempt (workspace_id, action_attempt_id, action_type, status,"
            " actor, created_at, ends_at) values ($1, gen_random_uuid(), 'UNLOCK_DOOR', 'pending',"
            " 'theirs', now(), now() + interval '1 hour')",
            site.workspace_id,
        )
        await database.execute(
            "insert into phone select workspace_id, gen_random_uuid(), user_identity_id,"
            " 'ios_phone', 'theirs', null, '{}', '{}', now() from acs_user"
            " where workspace_id = $1 and acs_user_id = $2",
            site.workspace_id,
            site.users[0],
        )
        await database.execute(
            "insert into event values ($1, gen_random_uuid(), 'acs_user.created', now(), now(),"
            " array[$2::uuid], jsonb_build_object('acs_user_id', $2::text))",
            site.workspace_id,
            site.users[0],
        )


async def _until_settled(server: RunningServer) -> None:
    """Waits until the controllers have confirmed the sites, which clears a mark in the tables."""
    async with asyncio.timeout(30), _database(server) as database:
        while await database.fetchval(
            "select exists (select from acs_membership where is_unconfirmed)"
            " or exists (select from access_group_entrance where is_unconfirmed)"
            " or exists (select from credential_entrance where is_unconfirmed)"
        ):
            await asyncio.sleep(0.05)


async def _other_workspace(server: RunningServer) -> dict[str, str]:
    """The ids of the other workspace's objects, by parameter name."""
    async with _database(server) as database:
        row = await database.fetchrow(
            "select u.acs_user_id, u.user_identity_id, u.acs_system_id, g.acs_access_group_id,"
            " e.acs_entrance_id, e.controller_id, s.connected_account_id, c.acs_credential_id,"
            " v.event_id, a.action_attempt_id, n.enrollment_id, r.reader_id, p.device_id,"
            " p.user_identity_id owner_user_identity_id, d.acs_encoder_id,"
            " c.acs_credential_id acs_credential_id_on_seam"
            " from workspace w join acs_user u using (workspace_id)"
            " join acs_access_group g using (workspace_id) join acs_entrance e using (workspace_id)"
            " join acs_system s on s.workspace_id = w.workspace_id"
            " join acs_credential c on c.acs_user_id = u.acs_user_id"
            " join event v on v.workspace_id = w.workspace_id"
            " join credential_enrollment n on n.workspace_id = w.workspace_id"
            " join phone p on p.user_identity_id = u.user_identity_id"
            " join acs_encoder d on d.workspace_id = w.workspace_id"
            " join reader r on r.acs_entrance_id = e.acs_entrance_id"
            " join action_attempt a on a.workspace_id = w.workspace_id where w.name = 'w' limit 1"
        )
    assert row is not None
    return {name: str(value) for name, value in row.items()}


@asynccontextmanager
async def _database(server: RunningServer) -> AsyncIterator[Database]:
    dsn = attach(server.data)
    assert dsn is not None
    database = await Database.open(dsn)
    try:
        yield database
    finally:
        await database.close()
