"""No statement of these calls reads more than a bounded number of pages, however many people
there are: on a million of them, with the plans that PostgreSQL makes once for all parameters.

Two looks at each statement that any of the calls runs: its plan may not go through a big table from
end to end, and running it may not read many more pages than it answers rows.
"""

import asyncio
import contextlib
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from doorward.store import watch
from doorward.store.database import Connection, Database
from doorward.store.secrets import Keyring
from tests.api.conftest import Server
from tests.conftest import MovableClock
from tests.plans.calls import call_all
from tests.plans.counting import Recorder, Run, Statement, recording
from tests.plans.million import BIG, Million, million

# How many pages of one table or index one statement of a kind of call may read beside those for its
# answer. Each look into an index of a million rows is three or four. A condition that few rows meet
# is looked for in up to 1,402 rows, and then gathered: of 6,000 people of an account, of 105,000
# values that a common term is in. An export reads everybody.
PAGES = {
    "get": 50,
    "explain": 50,
    "list": 150,
    "change": 150,
    "import": 100,
    "export": 20_000,
    "search": 500,
    "gathered": 7_500,
    "common": 3 * 105_000,
}
# A row of an answer is looked up in each table that it is made of, at most by all that it lists.
PAGES_A_ROW = 30


def most_read(kind: str, answered: int) -> int:
    """How many pages of one table or index a statement may read that answers so many rows."""
    return PAGES[kind] + PAGES_A_ROW * answered


pytestmark = pytest.mark.timeout(1200)


@pytest.fixture(scope="module")
def town() -> Iterator[Million]:
    with million(int(os.environ.get("DOORWARD_TEST_POSTGRES", "18"))) as made:
        yield made


@pytest.fixture(scope="module")
def recorded(town: Million, tmp_path_factory: pytest.TempPathFactory) -> Recorder:
    """Every statement that the calls ran, with what it read."""
    with pytest.MonkeyPatch.context() as patch:
        # Each statement is run a second time to see what it reads: nobody is to give up meanwhile.
        patch.setattr(watch, "PATIENCE", 600.0)
        return asyncio.run(_record(town, tmp_path_factory.mktemp("million"), patch))


async def _record(made: Million, data: Path, patch: pytest.MonkeyPatch) -> Recorder:
    admin = await asyncpg.connect(made.dsn)
    name = await admin.fetchval("select current_database()")
    await admin.execute(f"alter database {name} set plan_cache_mode = force_generic_plan")
    await admin.close()
    database = await Database.open(made.dsn)
    server = Server(database, Keyring(bytes(range(32))), MovableClock(), data)
    server.writer._patience = 600.0
    await server.watch.start()
    await server.writer.start()
    try:
        with recording(patch, most_read) as recorder:
            recorder.answers = await call_all(made, server, recorder)
        return recorder
    finally:
        await server.services.background.stop()
        await server.writer.stop()
        await server.watch.stop()
        await database.close()


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


# Indexes of few rows: of attempts that are under way.
SMALL = {"action_attempt_pending"}


def _walked(node: dict[str, Any]) -> Iterator[str]:
    if node["Node Type"] == "Seq Scan" and node["Relation Name"] in BIG:
        yield node["Relation Name"]
    is_index = node["Node Type"].startswith("Index") and node["Index Name"] not in SMALL
    if is_index and "Index Cond" not in node:
        yield node["Index Name"]
    for child in node.get("Plans", ()):
        yield from _walked(child)


def _explained(recorder: Recorder) -> list[str]:
    """All but what an export asks, which reads a whole system."""
    words = ("select", "insert", "update", "delete", "with", "(")
    return [
        text
        for text, statement in recorder.statements.items()
        if text.lstrip().lower().startswith(words)
        and any(run.kind != "export" for run in statement.runs)
    ]


async def test_no_plan_walks_a_big_table(town: Million, recorded: Recorder) -> None:
    plans = await _plans(town, _explained(recorded))
    walking = {text: tables for text, tables in plans.items() if tables}
    assert not walking, json.dumps(walking, indent=1)


def test_no_statement_reads_more_than_a_bounded_number_of_pages(recorded: Recorder) -> None:
    beyond = {each.text: each.beyond for each in recorded.statements.values() if each.beyond}
    assert not beyond, json.dumps(beyond, indent=1)


# Indexes that none of these calls misses on this million, and what they are there for.
NOT_MISSED = {
    "acs_credential_by_card": "one card is one credential's alone",
    "acs_credential_for_phones": "lists of keys for all phones, of which there are none here",
    "acs_credential_for_phones_of_system": "lists of keys for all phones",
    "acs_credential_of_parent": "a key on each phone of its owner",
    "acs_credential_unissued": "keys on phones that a simulated system has not shown yet",
    "action_attempt_of_identity": "a merge finds what somebody did; there is little of it here",
    "action_attempt_pending": "the sweep of what nobody is there to end",
    "credential_entrance_unconfirmed": "settling what doors have confirmed",
    "event_by_subject": "calls of /events, which are not among these",
    "event_by_type": "calls of /events",
    "event_in_order": "calls of /events",
    "personal_identity_email": "one address is one identity's alone",
    "personal_identity_phone": "one number is one identity's alone",
    "policy_fact_by_system": "a controller's whole slice",
    "policy_fact_current": "one version of a fact holds now",
    "user_entrance_unconfirmed": "settling what doors have confirmed",
}

_SECONDARY = """
select indexrelid::regclass::text from pg_index
where indrelid::regclass::text = any ($1) and not indisprimary order by 1
"""


async def test_a_missing_index_is_found(town: Million, recorded: Recorder) -> None:
    """Each index dropped in turn: of the statements that read it one at least reads too much."""
    connection = await asyncpg.connect(town.dsn)
    try:
        names = [row[0] for row in await connection.fetch(_SECONDARY, sorted(BIG))]
        missed = {name for name in names if await _is_missed(connection, name, recorded)}
    finally:
        await connection.close()
    assert set(names) >= NOT_MISSED.keys()
    left = sorted(set(names) - missed - NOT_MISSED.keys())
    assert left == []


async def _is_missed(connection: Connection, index: str, recorded: Recorder) -> bool:
    readers = [each for each in recorded.statements.values() if index in each.relations]
    outer = connection.transaction()
    await outer.start()
    try:
        await connection.execute(f"drop index {index}")
        with pytest.MonkeyPatch.context() as patch, recording(patch, most_read) as again:
            for statement, run in _runs(readers):
                again.kind = run.kind
                # What was deleted since cannot be deleted again, and the like.
                with contextlib.suppress(asyncpg.PostgresError):
                    async with connection.transaction():
                        await connection.fetch(statement.text, *run.arguments)
                if any(each.beyond for each in again.statements.values()):
                    return True
        return False
    finally:
        await outer.rollback()


def _runs(statements: Iterable[Statement]) -> Iterator[tuple[Statement, Run]]:
    return ((statement, run) for statement in statements for run in statement.runs)
