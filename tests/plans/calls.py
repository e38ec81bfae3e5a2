"""What is asked of the million: every call, as everybody may make it, and what no call does."""

import uuid
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack
from typing import Any
from uuid import UUID

import httpx

from doorward.api.table import ROUTES
from doorward.site import people_export, people_import
from doorward.store import bulk, client_sessions, tokens
from doorward.store.client_sessions import Wanted
from doorward.wire.route import Route
from tests.api.conftest import Server
from tests.parameters import Known, known_ids, parameter_sets, plain
from tests.plans.counting import Recorder
from tests.plans.million import ENCODER, GROUPS, Million, million_id

PATHS = (
    *("/acs/", "/user_identities/", "/action_attempts/", "/doorward/credentials/"),
    "/doorward/decisions/",
)
PAGED = ("/acs/users/list", "/acs/credentials/list", "/user_identities/list")

# Terms that nobody has, few have, thousands have from the first on (`pf`, `pe`), and thousands have
# of whom all others are older: seventy thousand and six thousand.
TERMS = ("p", "pf", "pe", "qq", "zz", "f4240", "zz5999")
NAMES = ("card", "code", "late", "waiting", "key")
COMMON_TERMS = {"p", "pf", "pe", "qq", "zz", *NAMES}
GATHERED = {"/user_identities/list", "/user_identities/unmanaged/list"}

# Each deletes a group; one with thousands of people takes as long as those are many.
DELETING = {"/acs/access_groups/delete"}

Parameters = Mapping[str, Any]


class Caller:
    """Somebody with a token, whose calls are told to the recorder by their kind."""

    def __init__(
        self, client: httpx.AsyncClient, recorder: Recorder, *, has_accounts: bool = False
    ) -> None:
        """has_accounts: a session of accounts, whose people's identities have to be gathered."""
        self.client = client
        self.recorder = recorder
        self.has_accounts = has_accounts

    async def __call__(
        self, path: str, parameters: Parameters, key: str | None = None
    ) -> httpx.Response:
        """Makes a call, with an Idempotency-Key if one is given; notes what it answered."""
        self.recorder.kind = _kind(path, parameters)
        if self.has_accounts and path in GATHERED and self.recorder.kind == "list":
            self.recorder.kind = "gathered"
        headers = {} if key is None else {"idempotency-key": key}
        return await self.client.post(path, json=plain(parameters), headers=headers)

    async def pages(self, path: str, parameters: Parameters) -> httpx.Response:
        """Makes a call, and asks for the next page, if there is one."""
        answer = await self(path, parameters)
        cursor = answer.json().get("pagination", {}).get("next_page_cursor")
        if cursor is not None:
            assert (await self(path, {**parameters, "page_cursor": cursor})).status_code == 200
        return answer


def _kind(path: str, parameters: Parameters) -> str:
    term = parameters.get("search")
    if term is not None:
        return "common" if term in COMMON_TERMS else "search"
    method = path.rpartition("/")[2]
    return method if method in {"get", "explain"} else "list" if "list" in method else "change"


async def call_all(made: Million, server: Server, recorder: Recorder) -> dict[str, set[str]]:
    """Everything there is; answers what each path said, an empty text for a success."""
    async with AsyncExitStack() as stack:
        secret = await _key(server, made.workspace_id)
        owner = await _caller(stack, server, recorder, secret)
        other = await _caller(stack, server, recorder, await _key(server, made.other_workspace_id))
        for caller in (owner, other):
            await _late(caller, made)
        for wanted in _sessions(made):
            await _as_session(await _session(stack, server, recorder, made, wanted), made)
        await _searches(owner)
        answers = await _every_call(owner, made)
        await _under_a_key(owner, made)
        await _people_files(server, recorder)
        return answers


async def _every_call(owner: Caller, made: Million) -> dict[str, set[str]]:
    answers: dict[str, set[str]] = {}
    attempts: list[str] = []
    for route, parameters in _calls(made, attempts):
        answer = await owner.pages(route.path, parameters)
        answers.setdefault(route.path, set()).add(_said(answer))
        if "action_attempt" in answer.json():
            attempts.append(answer.json()["action_attempt"]["action_attempt_id"])
    return answers


def _said(answer: httpx.Response) -> str:
    return "" if answer.status_code == 200 else answer.json()["error"]["message"]


def _routes() -> Iterator[Route]:
    return (route for route in ROUTES if route.path.startswith(PATHS))


def _calls(made: Million, attempts: list[str]) -> Iterator[tuple[Route, dict[str, Any]]]:
    """Every route with each of its sets of parameters, each about people of its own."""
    number = 0
    for route in _routes():
        for index in range(len(parameter_sets(route, _known(made, route, 1, attempts)))):
            number += 1
            yield route, parameter_sets(route, _known(made, route, number, attempts))[index]


def _known(made: Million, route: Route, number: int, attempts: list[str]) -> Known:
    person = number * 7 % GROUPS + 1
    credential = {
        "/acs/entrances/unlock": "x",
        "/acs/encoders/encode_credential": "w",
        "/acs/encoders/simulate/next_credential_encode_will_fail": "w",
        "/doorward/credentials/set_card_number": "w",
        "/acs/credentials/update": "k",
    }.get(route.path, "c")
    ids: dict[str, UUID | str] = {
        "acs_system_id": made.acs_system_id,
        "connected_account_id": made.connected_account_id,
        "controller_id": made.controller_id,
        "acs_user_id": million_id("u", person),
        "user_identity_id": million_id("i", person + person % 2),
        "acs_credential_id": million_id(credential, person),
        "acs_access_group_id": million_id("h" if route.path in DELETING else "g", person),
        "acs_credential_id_on_seam": million_id("c", person),
        "acs_encoder_id": ENCODER,
        "acs_entrance_id": million_id("e", person),
        "allowed_acs_entrance_id": million_id("e", person),
    }
    if attempts:
        ids["action_attempt_id"] = attempts[0]
    return known_ids(ids)


def _late_ids(made: Million) -> dict[str, UUID]:
    """What lies behind the million, and has little of its own."""
    return {
        "acs_system_id": made.late_system_id,
        "connected_account_id": made.late_account_id,
        "controller_id": made.late_system_id,
        "acs_user_id": million_id("z", 2),
        "user_identity_id": million_id("y", 2),
        "acs_credential_id": million_id("t", 2),
        "acs_access_group_id": million_id("l", 3),
        "acs_encoder_id": ENCODER,
        "acs_entrance_id": million_id("f", 1),
    }


async def _late(caller: Caller, made: Million) -> None:
    """Every read about what lies behind the million, and who opens each of its entrances."""
    for route, parameters in _reads(made):
        await caller.pages(route.path, parameters)
    for number in (1, 2, 3):
        entrance = {"acs_entrance_id": str(million_id("f", number))}
        await caller("/acs/entrances/list_credentials_with_access", entrance)


def _reads(made: Million) -> Iterator[tuple[Route, dict[str, Any]]]:
    for route in _routes():
        if _kind(route.path, {}) == "change":
            continue
        for parameters in parameter_sets(route, known_ids(_late_ids(made))):
            yield route, {**parameters, **({"limit": 2} if "limit" in parameters else {})}
        if route.path in PAGED:
            yield route, {"limit": 2}
            yield route, {"limit": 2, "search": "late"}


def _sessions(made: Million) -> Iterator[Wanted]:
    """Somebody of the million and somebody late, an account, a customer, and two at once."""
    accounts = (made.late_account_id,)
    yield Wanted(user_identity_id=million_id("i", 2))
    yield Wanted(user_identity_id=million_id("y", 2))
    yield Wanted(connected_account_ids=accounts)
    yield Wanted(customer_key="late")
    yield Wanted(connected_account_ids=accounts, user_identity_id=million_id("i", 2))


async def _as_session(caller: Caller, made: Million) -> None:
    for route, parameters in _reads(made):
        if any(scheme.startswith("client_session") for scheme in route.callers):
            await caller.pages(route.path, parameters)


async def _searches(owner: Caller) -> None:
    for term in TERMS:
        for path in ("/acs/users/list", "/user_identities/list"):
            for limit in (1, 500):
                await owner.pages(path, {"search": term, "limit": limit})
    for name in NAMES:
        await owner.pages("/acs/credentials/list", {"search": name, "limit": 2})


async def _under_a_key(owner: Caller, made: Million) -> None:
    """Creates twice under one key: the second time only the answer is read."""
    system = str(made.acs_system_id)
    person = {"acs_user_id": str(million_id("u", 2 * GROUPS))}
    for path, parameters in (
        ("/acs/users/create", {"acs_system_id": system, "full_name": "Keyed"}),
        ("/user_identities/create", {"full_name": "Keyed"}),
        ("/acs/credentials/create", {**person, "access_method": "card"}),
    ):
        key = str(uuid.uuid4())
        answered = [await owner(path, parameters, key) for _ in range(2)]
        assert answered[-1].status_code == 200, answered[-1].text


_FILE = b"""name,email,phone,card,code,groups
Imported One,one@import.test,+15551230001,42-101,,Late 1
Imported Two,two@import.test,+15551230002,,7391842,Late 2
"""


async def _people_files(server: Server, recorder: Recorder) -> None:
    """What the command line does with people: into each system, and out of the late ones."""
    recorder.kind = "import"
    services = server.services
    for system in await bulk.systems(services.database):
        data = _FILE if system.name == "Late" else _FILE.replace(b"Late", b"Group")
        await people_import.import_people(
            services.database, services.keyring, system, "FILE", data, clock=services.clock
        )
        if system.name == "Late":
            recorder.kind = "export"
            await people_export.export_people(services.database, services.keyring, system)
            recorder.kind = "import"


async def _caller(
    stack: AsyncExitStack,
    server: Server,
    recorder: Recorder,
    secret: str,
    *,
    has_accounts: bool = False,
) -> Caller:
    client = httpx.AsyncClient(
        transport=httpx.ASGITransport(server.app),
        base_url="http://doors.test",
        headers={"authorization": f"Bearer {secret}"},
        timeout=120,
    )
    return Caller(await stack.enter_async_context(client), recorder, has_accounts=has_accounts)


async def _session(
    stack: AsyncExitStack, server: Server, recorder: Recorder, made: Million, wanted: Wanted
) -> Caller:
    services = server.services
    async with services.database.acquire() as connection:
        session = await client_sessions.create(
            connection, services.keyring, made.workspace_id, wanted
        )
    has_accounts = bool(wanted.connected_account_ids or wanted.customer_key)
    return await _caller(stack, server, recorder, session.token, has_accounts=has_accounts)


async def _key(server: Server, workspace_id: UUID) -> str:
    secret = tokens.mint("api_key", is_sandbox=True)
    await tokens.create(
        server.services.database,
        secret,
        kind="api_key",
        workspace_id=workspace_id,
        name="plans",
        scopes=tokens.SCOPES,
    )
    return secret
