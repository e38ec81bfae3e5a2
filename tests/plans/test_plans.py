"""No statement of these calls reads more than a bounded number of pages, however many people
there are: on a million of them, with the plans that PostgreSQL makes once for all parameters.

Two looks at each statement that any of the calls runs: its plan may not go through a big table from
end to end, and running it may not read many more pages than it answers rows.
"""

import asyncio
import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest

from doorward.api.table import ROUTES
from doorward.store import tokens
from doorward.store.database import Database
from doorward.store.secrets import Keyring
from doorward.wire.route import Route
from tests.api.conftest import Server
from tests.conftest import MovableClock
from tests.parameters import Known, known_ids, parameter_sets, plain
from tests.plans.counting import Recorder, Statement, recording
from tests.plans.million import BIG, GROUPS, Million, million, million_id


def most_read(answered: int) -> int:
    """How many pages of one table or index a statement may read that answers so many rows.

    Without an answer: what a search looks through before it takes another way, each in a page of
    its own. The smallest index of a million rows has more.
    """
    return 6_000 + 30 * answered


PATHS = ("/acs/", "/user_identities/", "/action_attempts/", "/doorward/credentials/")

pytestmark = pytest.mark.timeout(1200)


@pytest.fixture(scope="module")
def town() -> Iterator[Million]:
    with million(int(os.environ.get("DOORWARD_TEST_POSTGRES", "18"))) as made:
        yield made


def _calls(made: Million, attempts: list[str]) -> Iterator[tuple[Route, dict[str, Any]]]:
    """Every route with each of its sets of parameters, each about people of its own."""
    number = 0
    for route in ROUTES:
        if not route.path.startswith(PATHS):
            continue
        for index in range(len(parameter_sets(route, _known(made, route, 1, attempts)))):
            number += 1
            yield route, parameter_sets(route, _known(made, route, number, attempts))[index]


# Each deletes a group; one with thousands of people takes as long as those are many.
DELETING = {"/acs/access_groups/delete"}


def _known(made: Million, route: Route, number: int, attempts: list[str]) -> Known:
    person = number * 7 % GROUPS + 1
    credential = {
        "/acs/entrances/unlock": "x",
        "/doorward/credentials/set_card_number": "w",
        "/acs/credentials/update": "k",
    }.get(route.path, "c")
    ids: dict[str, UUID | str] = {
        "acs_system_id": made.acs_system_id,
        "connected_account_id": made.connected_account_id,
        "controller_id": made.controller_id,
        "acs_user_id": million_id("u", person),
        "user_identity_id": million_id("i", person),
        "acs_credential_id": million_id(credential, person),
        "acs_access_group_id": million_id("h" if route.path in DELETING else "g", person),
        "acs_entrance_id": million_id("e", person),
        "allowed_acs_entrance_id": million_id("e", person),
    }
    if attempts:
        ids["action_attempt_id"] = attempts[0]
    return known_ids(ids)


@pytest.fixture(scope="module")
def recorded(town: Million, tmp_path_factory: pytest.TempPathFactory) -> Recorder:
    """Every statement that the calls ran, with what it read."""
    with pytest.MonkeyPatch.context() as patch:
        return asyncio.run(_record(town, tmp_path_factory.mktemp("million"), patch))


async def _record(made: Million, data: Path, patch: pytest.MonkeyPatch) -> Recorder:
    admin = await asyncpg.connect(made.dsn)
    name = await admin.fetchval("select current_database()")
    await admin.execute(f"alter database {name} set plan_cache_mode = force_generic_plan")
    await admin.close()
    database = await Database.open(made.dsn)
    server = Server(database, Keyring(bytes(range(32))), MovableClock(), data)
    await server.watch.start()
    await server.writer.start()
    try:
        with recording(patch, most_read) as recorder:
            recorder.answers = await _call_all(made, server)
        return recorder
    finally:
        await server.services.background.stop()
        await server.writer.stop()
        await server.watch.stop()
        await database.close()


async def _call_all(made: Million, server: Server) -> dict[str, set[str]]:
    secret = tokens.mint("api_key", is_sandbox=True)
    await tokens.create(
        server.services.database,
        secret,
        kind="api_key",
        workspace_id=made.workspace_id,
        name="plans",
        scopes=tokens.SCOPES,
    )
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(server.app),
        base_url="http://doors.test",
        headers={"authorization": f"Bearer {secret}"},
        timeout=120,
    ) as client:
        answers: dict[str, set[str]] = {}
        attempts: list[str] = []
        for route, parameters in _calls(made, attempts):
            answer = await client.post(route.path, json=plain(parameters))
            answers.setdefault(route.path, set()).add(_said(answer))
            if "action_attempt" in answer.json():
                attempts.append(answer.json()["action_attempt"]["action_attempt_id"])
    return answers


def _said(answer: httpx.Response) -> str:
    return "" if answer.status_code == 200 else answer.json()["error"]["message"]


# Calls that cannot succeed here: nothing is unmanaged, there are no devices and no mobile keys, and
# no controller runs that a card could be shown to.
NEVER_HERE = {
    "/acs/access_groups/unmanaged/get",
    "/acs/credentials/unmanaged/get",
    "/acs/users/unmanaged/get",
    "/doorward/credentials/cancel_enrollment",
    "/doorward/credentials/enroll",
    "/doorward/credentials/get_enrollment",
    "/user_identities/generate_instant_key",
    "/user_identities/grant_access_to_device",
    "/user_identities/revoke_access_to_device",
    "/user_identities/unmanaged/get",
    "/user_identities/unmanaged/update",
}


def test_all_calls_do_what_they_are_for(recorded: Recorder) -> None:
    # One that only ever refuses shows little of its statements.
    refused = {path: said for path, said in recorded.answers.items() if "" not in said}
    assert refused.keys() == NEVER_HERE, refused


# A statement with parameters cannot be explained without them through asyncpg itself.
_EXPLAINED = """
create function pg_temp.explained(statement text) returns json language plpgsql as $$
declare
  plan json;
begin
  execute 'explain (generic_plan, format json) ' || statement into plan;
  return plan;
end $$
"""


async def _plans(made: Million, texts: list[str]) -> dict[str, list[str]]:
    """The big tables that each statement goes through from end to end, by its text."""
    connection = await asyncpg.connect(made.dsn)
    found = {}
    try:
        await connection.execute(_EXPLAINED)
        for text in texts:
            plan = await connection.fetchval("select pg_temp.explained($1)", text)
            found[text] = sorted(_walked(json.loads(plan)[0]["Plan"]))
        return found
    finally:
        await connection.close()


def _walked(node: dict[str, Any]) -> Iterator[str]:
    if node["Node Type"] == "Seq Scan" and node["Relation Name"] in BIG:
        yield node["Relation Name"]
    if node["Node Type"].startswith("Index") and "Index Cond" not in node:
        yield node["Index Name"]
    for child in node.get("Plans", ()):
        yield from _walked(child)


def _explained(recorder: Recorder) -> list[str]:
    words = ("select", "insert", "update", "delete", "with")
    return [text for text in recorder.statements if text.lstrip().lower().startswith(words)]


async def test_no_plan_walks_a_big_table(town: Million, recorded: Recorder) -> None:
    plans = await _plans(town, _explained(recorded))
    walking = {text: tables for text, tables in plans.items() if tables}
    assert not walking, json.dumps(walking, indent=1)


def test_no_statement_reads_more_than_a_bounded_number_of_pages(recorded: Recorder) -> None:
    beyond = {each.text: each.beyond for each in recorded.statements.values() if each.beyond}
    assert not beyond, json.dumps(beyond, indent=1)
    # Functions count too: what they read is read by whoever calls them.
    read = set().union(*(each.relations for each in recorded.statements.values()))
    assert read >= set(NEEDED)


# By table, an index that these calls cannot do without.
NEEDED = (
    "acs_membership_of_user",
    "acs_credential_of_user",
    "acs_credential_by_lookup",
    "acs_user_in_order",
    "acs_user_of_identity",
    "personal_grams",
    "user_identity_by_key",
)


@pytest.mark.parametrize("index", NEEDED)
async def test_a_missing_index_is_found(town: Million, recorded: Recorder, index: str) -> None:
    """The statements that read the index, run without it, read too much: one of them at least."""
    readers = [each for each in recorded.statements.values() if index in each.relations]
    with pytest.MonkeyPatch.context() as patch, recording(patch, most_read) as again:
        await _run_without(town, index, readers)
    assert any(each.beyond for each in again.statements.values()), f"nobody misses {index}"


async def _run_without(made: Million, index: str, statements: list[Statement]) -> None:
    connection = await asyncpg.connect(made.dsn)
    try:
        outer = connection.transaction()
        await outer.start()
        await connection.execute(f"drop index {index}")
        for statement in statements:
            # What was deleted since cannot be deleted again, and the like.
            with contextlib.suppress(asyncpg.PostgresError):
                async with connection.transaction():
                    await connection.fetch(statement.text, *statement.arguments)
        await outer.rollback()
    finally:
        await connection.close()
