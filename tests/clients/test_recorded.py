"""What each client sends for each call of the table is answered as the same call in plain JSON.

Every request is taken from the client by a listener, and sent to a real server as it came: nothing
but the address changes. The terminal's summary says which clients were real and which replayed.
"""

import asyncio
import json
import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pytest

from doorward.api.table import ROUTES
from doorward.wire.route import Route
from tests.clients.calls import Target
from tests.clients.client import ClientMissingError
from tests.clients.conftest import give_up
from tests.clients.listener import Recorded, listening
from tests.clients.replays import Reply, curl_call, send
from tests.clients.tours import GUIDES, Made, Planned
from tests.contract.deviations import OF_CLIENTS_ALONE, UNDOCUMENTED
from tests.parameters import REFUSED, Known, Parameter, known_ids, parameter_sets, plain
from tests.running import API_KEY, GROUP, USER, WORKSPACE, RunningServer, running, seed_card

pytestmark = pytest.mark.clients

BY_PATH = {route.path: route for route in ROUTES}
PATHS = sorted(BY_PATH)
# Ours, and those of which the documentation says nothing: clients of some years leave them out.
UNKNOWN_TO_SOME = {path for path in PATHS if path.startswith("/doorward/")}
UNKNOWN_TO_SOME |= UNDOCUMENTED | OF_CLIENTS_ALONE
# Younger than the oldest client that is asked.
NEWER = {
    *("/acs/encoders/scan_to_assign_credential", "/acs/entrances/unlock"),
    "/user_identities/list_accessible_entrances",
}
# The clients that read the calls from our own document, or need none.
KNOW_EVERY_CALL = ["cli", "curl", "ruby", "php"]
# Calls that change people and what they have, and the tables of that.
OF_PEOPLE = ("/acs/", "/user_identities/", "/doorward/credentials/")
PEOPLE = (
    *("acs_user", "acs_access_group", "acs_credential", "user_identity", "personal"),
    *("acs_membership", "access_group_entrance", "credential_entrance", "user_entrance"),
    *("action_attempt", "credential_enrollment", "phone"),
)
# There is nothing here that these could find.
EMPTY = {
    *REFUSED,
    *("/user_identities/list_accessible_devices", "/doorward/simulate/create_acs_user"),
    "/acs/systems/list_compatible_credential_manager_acs_systems",
}
# One generation asks with the verb that says what a call does, the other with POST alone;
# javascript-lts is of the years between, and changed its mind call by call.
BY_VERB = ["python", "javascript", "ruby"]
BY_POST = ["cli", "curl", "php"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with running(tmp_path_factory.mktemp("recorded") / "data") as server:
        yield server


class Kept:
    """The rows that calls create, change and delete, as they were before the first call.

    Whatever is called finds what the first call found.
    """

    def __init__(self, server: RunningServer) -> None:
        self._runner = asyncio.Runner()
        self._connection = self._runner.run(server.connect())
        rows = self._runner.run(self._connection.fetch(_TABLES))
        groups = {route.path.split("/")[1] for route in ROUTES if "GET" not in route.verbs}
        self._tables = {f"/{group}/": group.removesuffix("s") for group in groups}
        there = {name for (name,) in rows}
        self._tables = {p: name for p, name in self._tables.items() if name in there}
        self._all = {*self._tables.values(), *PEOPLE}
        for table in self._all:
            self._run(f"create table proofs_{table} as table {table}")
        self._touched: set[str] = set()

    def _run(self, statement: str) -> None:
        self._runner.run(self._connection.execute(statement))

    def restore(self, route: Route) -> None:
        """Puts back what the calls before this one have changed, once encoders are done with it."""
        while self._runner.run(self._connection.fetchval(_AT_ENCODERS)):
            time.sleep(0.01)
        if self._touched:
            # Each table's own rows refer to the others': all are back before anybody looks.
            rows = "".join(
                f"delete from {t}; insert into {t} table proofs_{t};" for t in self._touched
            )
            self._run(f"begin; set local session_replication_role = replica; {rows} commit")
        self._touched = set() if "GET" in route.verbs else self._changed_by(route)

    def _changed_by(self, route: Route) -> set[str]:
        if route.path == "/workspaces/reset_sandbox":
            return self._all
        own = {table for prefix, table in self._tables.items() if route.path.startswith(prefix)}
        return own | (set(PEOPLE) if route.path.startswith(OF_PEOPLE) else set())

    def close(self) -> None:
        """Leaves the database alone."""
        self._runner.run(self._connection.close())
        self._runner.close()


# What another system manages is found by calls of its own alone; of the native system the server
# makes none by itself, and of the others it takes away what they do not list.
UNMANAGED = (
    ("/acs/users", "acs_user", ["get"]),
    ("/acs/access_groups", "acs_access_group", ["get"]),
    ("/acs/credentials", "acs_credential", ["get"]),
    ("/user_identities", "user_identity", ["get", "update"]),
)
_COPIED = {
    "acs_user": ", acs_system_id",
    "acs_access_group": ", acs_system_id, name",
    "acs_credential": ", acs_system_id, access_method, display_name",
    "user_identity": "",
}
_NATIVE = f" and acs_system_id = (select acs_system_id from acs_user where acs_user_id = '{USER}')"
_UNMANAGED = {
    table: f"insert into {table} (workspace_id, {table}_id, is_managed, created_at{copied})"
    f" select workspace_id, gen_random_uuid(), false, created_at{copied} from {table}"
    f" where workspace_id = '{WORKSPACE}'{_NATIVE if copied else ''} limit 1"
    f" returning {table}_id::text"
    for table, copied in _COPIED.items()
}
_AT_ENCODERS = (
    "select exists (select from action_attempt"
    " where status = 'pending' and action_type <> 'UNLOCK_DOOR')"
)
_TABLES = "select tablename from pg_tables where schemaname = 'public'"


@pytest.fixture(scope="module")
def kept(server: RunningServer, known: Known) -> Iterator[Kept]:  # noqa: ARG001 - it makes rows
    kept = Kept(server)
    yield kept
    kept.close()


@pytest.fixture(scope="module")
def known(server: RunningServer) -> Known:
    """An id that there is for every parameter that names one."""
    # Rows come in no order, and one that has ended is a row too: what lives is named.
    living = _session(server) | _enrolled(server) | _phone(server)
    return known_ids(asyncio.run(_ids(server)) | living)


def _session(server: RunningServer) -> dict[str, str]:
    """A session that goes on, beside one that has ended."""
    path, key = "/client_sessions", "client_session_id"
    going_on, ended = (
        server.call(f"{path}/create").raise_for_status().json()["client_session"][key]
        for _ in range(2)
    )
    server.call(f"{path}/delete", **{key: ended}).raise_for_status()
    return {key: going_on}


def _enrolled(server: RunningServer) -> dict[str, str]:
    """A card that waits for its number, and an enrolment of it, which nobody waits for."""
    asked = {"access_method": "card", "acs_user_id": USER}
    made = server.call("/acs/credentials/create", **asked).raise_for_status().json()
    card = {"acs_credential_id": made["acs_credential"]["acs_credential_id"]}
    path, (entrance, _) = "/doorward/credentials", seed_card(server)
    begun = server.call(f"{path}/enroll", **card, acs_entrance_id=entrance).raise_for_status()
    key = "enrollment_id"
    enrollment = {key: begun.json()["enrollment"][key]}
    server.call(f"{path}/cancel_enrollment", **enrollment).raise_for_status()
    cards = server.call("/acs/credentials/list", acs_user_id=USER).json()["acs_credentials"]
    issued = next(each["acs_credential_id"] for each in cards if each["is_issued"])
    waiting = {f"{path}/enroll acs_credential_id": card["acs_credential_id"]}
    return {**enrollment, **waiting, **_unlocking(server), "acs_credential_id": issued}


def _phone(server: RunningServer) -> dict[str, str]:
    """A phone, and a card that waits for an encoder."""
    asked = {"access_method": "card", "acs_user_id": USER}
    card = server.call("/acs/credentials/create", **asked).raise_for_status().json()
    user = server.call("/acs/users/get", acs_user_id=USER).json()["acs_user"]
    owner = {"user_identity_id": user["user_identity_id"]}
    path = "/phones/simulate/create_sandbox_phone"
    phone = server.call(path, **owner).raise_for_status().json()["phone"]
    encoding = "/acs/encoders/encode_credential acs_credential_id"
    return {
        "device_id": phone["device_id"],
        encoding: card["acs_credential"]["acs_credential_id"],
    }


def _unlocking(server: RunningServer) -> dict[str, str]:
    """A cloud key: the only credential that unlocks from afar."""
    asked = {"access_method": "cloud_key", "acs_user_id": USER}
    made = server.call("/acs/credentials/create", **asked).raise_for_status().json()
    key = made["acs_credential"]["acs_credential_id"]
    path, (entrance, _) = "/acs/entrances/unlock", seed_card(server)
    asked = {"acs_credential_id": key, "acs_entrance_id": entrance}
    server.call(path, **asked).raise_for_status()
    return {f"{path} {name}": value for name, value in asked.items()}


async def _ids(server: RunningServer) -> dict[str, str]:
    connection = await server.connect()
    try:
        columns = await connection.fetch(
            "select column_name, min(table_name) from information_schema.columns join"
            " information_schema.tables using (table_schema, table_name) where table_type ="
            " 'BASE TABLE' and table_schema = 'public' and data_type = 'uuid' and table_name in"
            " (select table_name from information_schema.columns where"
            " column_name = 'workspace_id') group by 1"
        )
        found = {
            column: await connection.fetchval(
                f"select {column}::text from {table} where workspace_id = $1"
                f" and {column} is not null limit 1",
                WORKSPACE,
            )
            for column, table in columns
        }
        user = await connection.fetchrow(
            "select acs_user_id::text, acs_system_id::text, user_identity_id::text from acs_user"
            " where acs_user_id = $1",
            USER,
        )
        unmanaged = {
            f"{path}/unmanaged/{call} {table}_id": await connection.fetchval(_UNMANAGED[table])
            for path, table, calls in UNMANAGED
            for call in calls
        }
    finally:
        await connection.close()
    assert user is not None
    there = {name: value for name, value in found.items() if value is not None}
    return {**there, **user, **unmanaged, "acs_access_group_id": GROUP}


@pytest.fixture(scope="module")
def made(known: Known) -> Callable[[str], list[Made]]:
    """What a client makes of all calls; each is led through them once."""

    @cache
    def tour(name: str) -> list[Made]:
        calls = [Planned(r, given) for r in ROUTES for given in parameter_sets(r, known)]
        with listening() as listener:
            return GUIDES[name].tour(listener, API_KEY, calls)

    def obtain(name: str) -> list[Made]:
        try:
            return tour(name)
        except ClientMissingError as error:
            give_up(f"{name}: {error}")

    return obtain


CLIENTS = pytest.mark.parametrize("client", GUIDES)


def _unknown(client: str) -> set[str]:
    if client in KNOW_EVERY_CALL:
        return set()
    return UNKNOWN_TO_SOME | (NEWER if client == "javascript-lts" else set())


@CLIENTS
def test_every_call_is_made(made: Callable[[str], list[Made]], client: str) -> None:
    """Each once, and the client is content with the least of an answer."""
    failed = [
        (one.planned.route.path, one.planned.parameters, one.outcome)
        for one in made(client)
        if one.given is not None and (len(one.requests) != 1 or one.outcome != "done")
    ]
    assert failed[:3] == []
    known = {one.planned.route.path for one in made(client) if one.given is not None}
    assert set(PATHS) - known <= _unknown(client)


@CLIENTS
def test_verbs_are_those_of_the_clients_generation(
    made: Callable[[str], list[Made]], client: str
) -> None:
    for one in made(client):
        for request in one.requests:
            route = one.planned.route
            assert request.path == route.path
            assert request.method in route.verbs
            if client in BY_VERB:
                assert request.method == route.verbs[0]
            if client in BY_POST:
                assert request.method == "POST"


@CLIENTS
@pytest.mark.parametrize("path", PATHS)
def test_it_is_answered_as_plain_json_is(
    server: RunningServer, kept: Kept, made: Callable[[str], list[Made]], client: str, path: str
) -> None:
    mine = [one for one in made(client) if one.planned.route.path == path]
    differences = [
        difference
        for one in mine
        if one.given is not None
        for request in one.requests
        for difference in _differences(server, kept, one, request)
    ]
    assert differences[:3] == []
    if path not in _unknown(client):
        assert mine
        assert all(one.requests for one in mine)


@pytest.mark.parametrize(
    "path", [route.path for route in ROUTES if not route.is_void and route.path not in EMPTY]
)
def test_the_calls_find_something(
    server: RunningServer, kept: Kept, known: Known, path: str
) -> None:
    """Two spellings that both find nothing would be alike for nothing; so would two refusals."""
    route = BY_PATH[path]
    found = []
    for given in parameter_sets(route, known):
        kept.restore(route)
        answer = _post(server, path, plain(given))
        found.append((answer.status, json.loads(answer.body).get(route.response_key)))
    assert any(status == 200 and value for status, value in found), found


def _differences(
    server: RunningServer, kept: Kept, one: Made, request: Recorded
) -> Iterator[object]:
    """What stays different: between two calls the doors may have learnt something."""
    parameters = _asked(one, request)
    for _ in range(3):
        found = _compared(server, kept, one.planned.route, parameters, request)
        if not found:
            return
    yield request.path, request.query or request.body, found


def _compared(
    server: RunningServer, kept: Kept, route: Route, parameters: Parameter, request: Recorded
) -> list[object]:
    # Answers have whole milliseconds.
    since = datetime.now(UTC) - timedelta(milliseconds=1)
    kept.restore(route)
    answer = _send(server, request)
    kept.restore(route)
    expected = _post(server, route.path, parameters)
    if answer.status != expected.status:
        return [answer, expected]
    seen = _differing(_told(answer, since), _told(expected, since))
    if not seen:
        return []
    # A new id, or a token: what two equal calls are answered differently is not the spelling's.
    kept.restore(route)
    again = _post(server, route.path, parameters)
    return [*seen - _differing(_told(again, since), _told(expected, since))]


def _asked(one: Made, request: Recorded) -> Parameter:
    """The parameters that the client meant; some add what they always want to say."""
    given: Parameter = plain(one.given)
    if request.query or not request.body:
        return given
    sent: Parameter = json.loads(request.body)
    # The command takes the word for nothing.
    given = {n: v for n, v in given.items() if v != "null" or sent.get(n) is not None}
    assert given.items() <= sent.items() or not given, (given, sent)
    return sent


def _send(server: RunningServer, request: Recorded) -> Reply:
    """The request as it came, but for the address."""
    target = Target(server.endpoint, API_KEY)
    address = request.path + (f"?{request.query}" if request.query else "")
    sent = [(name, value) for name, value in request.sent if name.lower() != "host"]
    lines = [f"{request.method} {address} HTTP/1.1", f"Host: {target.authority}"]
    lines += [f"{name}: {value}" for name, value in sent]
    return send(target, "\r\n".join([*lines, "", ""]).encode("latin-1") + request.body)


def _post(server: RunningServer, path: str, parameters: Parameter) -> Reply:
    target = Target(server.endpoint, API_KEY)
    return send(target, curl_call(target, BY_PATH[path], parameters))


_SAID_NOW = re.compile(r"now, which is [0-9T:.-]+Z")


def _told(answer: Reply, since: datetime) -> dict[tuple[object, ...], object]:
    """Every value in an answer by where it is; what has just happened, happened now."""
    told = dict(_leaves(json.loads(_SAID_NOW.sub("now, which is then", answer.body)), ()))
    return {place: "now" if _is_since(value, since) else value for place, value in told.items()}


def _leaves(value: Any, place: tuple[object, ...]) -> Iterator[tuple[tuple[object, ...], object]]:
    if not isinstance(value, dict | list) or not value:
        yield place, value or repr(value)
        return
    for key, each in value.items() if isinstance(value, dict) else enumerate(value):
        yield from _leaves(each, (*place, key))


def _is_since(value: object, since: datetime) -> bool:
    try:
        return isinstance(value, str) and datetime.fromisoformat(value) >= since
    except (TypeError, ValueError):
        return False


def _differing(
    one: dict[tuple[object, ...], object], other: dict[tuple[object, ...], object]
) -> set[tuple[object, ...]]:
    places = one.keys() | other.keys()
    return {place for place in places if one.get(place, ...) != other.get(place, ...)}
