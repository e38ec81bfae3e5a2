"""People whom a load has made and of whom the doors are told later: none is lost, and what happened
to them meanwhile counts.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from doorward.errors import StartError, Unavailable
from doorward.policy.facts import NO_KEY
from doorward.site import apply as applying
from doorward.site import people_import, telling
from doorward.site.deleting import delete
from doorward.store import credential_changes, journal, untold, user_changes
from doorward.store.database import Connection, Database
from doorward.store.journal import Change
from doorward.store.people import CREDENTIALS
from doorward.store.secrets import Keyring
from doorward.store.writer import Writer
from tests.conftest import MovableClock
from tests.site.conftest import Apply
from tests.site.files import people as people_of
from tests.site.tables import (
    ANNA,
    STAFF,
    WORKSPACE,
    check_facts,
    join,
    leave,
    members,
)
from tests.site.test_people_import import HEADER, People, _ids
from tests.store.replay import facts_now

CEM = HEADER + "Cem Ada,cem@example.com,,42-1,2580,Staff\n"
NEVER = 2**63 - 1


@pytest.fixture
async def people(
    database: Database, keyring: Keyring, clock: MovableClock, apply_text: Apply
) -> People:
    """A database with the office."""
    await apply_text()
    return People(database, keyring, clock)


class _CutOff(Exception):
    """Somebody ends the process."""


@pytest.fixture
def cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every load dies right after its commit."""

    async def die(*_args: Any, **_options: Any) -> None:
        raise _CutOff

    monkeypatch.setattr(people_import, "tell_of_load", die)
    monkeypatch.setattr(applying, "tell_of_load", die)


async def _imported(people: People) -> UUID:
    """Cem, of whom no door knows yet."""
    with pytest.raises(_CutOff):
        await people.imported(CEM)
    return await _ids(people.database, "Cem Ada")


async def _kinds_of(database: Database, acs_user_id: UUID) -> list[str]:
    facts = await facts_now(database, WORKSPACE)
    return sorted(kind for kind, a, b in facts if acs_user_id in (a, b))


@asynccontextmanager
async def _changing(
    database: Database, clock: MovableClock
) -> AsyncIterator[tuple[Connection, Change]]:
    """A change of policy, as a call makes one."""
    async with database.transaction() as connection:
        await journal.lock(connection, WORKSPACE)
        yield connection, Change(WORKSPACE, "api", clock.now(WORKSPACE))


@pytest.mark.usefixtures("cut_off")
async def test_who_was_made_is_told_of_by_the_next_who_comes(
    people: People, database: Database
) -> None:
    cem = await _imported(people)
    assert (STAFF, cem) in await members(database)
    assert await _kinds_of(database, cem) == []
    await telling.tell_all(database, WORKSPACE)
    assert await _kinds_of(database, cem) == ["credential", "credential", "membership", "user"]
    await check_facts(database)
    rows = await database.fetch(
        "select m.revision, j.revision from acs_membership m join policy_journal j"
        " on j.kind = 'membership' and j.key_a = m.acs_access_group_id and j.key_b = m.acs_user_id"
        " where m.acs_user_id = $1",
        cem,
    )
    assert [row[0] == row[1] < NEVER for row in rows] == [True]
    assert await database.fetchval("select count(*) from untold_fact") == 0


@pytest.mark.usefixtures("cut_off")
async def test_a_server_tells_of_whom_others_left(
    people: People, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    cem = await _imported(people)
    monkeypatch.setattr(telling, "_SWEEP", 0.01)
    sweeping = asyncio.create_task(telling.tell_what_others_left(database))
    while await database.fetchval("select count(*) from untold_fact"):
        await asyncio.sleep(0.01)
    sweeping.cancel()
    with suppress(asyncio.CancelledError):
        await sweeping
    assert len(await _kinds_of(database, cem)) == 4


@pytest.mark.usefixtures("cut_off")
@pytest.mark.parametrize("comes_back", [False, True])
async def test_who_was_taken_out_meanwhile_stays_out(
    people: People, database: Database, writer: Writer, clock: MovableClock, *, comes_back: bool
) -> None:
    cem = await _imported(people)
    await leave(writer, clock, STAFF, cem)
    if comes_back:
        await join(writer, clock, STAFF, cem)
        await leave(writer, clock, STAFF, cem)
    await telling.tell_all(database, WORKSPACE)
    assert (STAFF, cem) not in await members(database)
    assert await _kinds_of(database, cem) == ["credential", "credential", "user"]
    await check_facts(database)


@pytest.mark.usefixtures("cut_off")
async def test_who_was_suspended_meanwhile_is_suspended(
    people: People, database: Database, clock: MovableClock
) -> None:
    cem = await _imported(people)
    async with _changing(database, clock) as (connection, change):
        old = await user_changes.read(connection, WORKSPACE, cem)
        await user_changes.set_suspended(connection, change, old, is_suspended=True)
    await telling.tell_all(database, WORKSPACE)
    state = (await facts_now(database, WORKSPACE))["user", cem, NO_KEY]
    assert '"is_suspended": true' in state
    await check_facts(database)


@pytest.mark.usefixtures("cut_off")
async def test_a_credential_given_to_another_meanwhile_is_hers(
    people: People, database: Database, clock: MovableClock
) -> None:
    cem = await _imported(people)
    async with _changing(database, clock) as (connection, change):
        (card,) = (
            row
            for row in await CREDENTIALS.read_by(connection, WORKSPACE, "acs_user_id", [cem])
            if row.access_method == "card"
        )
        given = replace(card, acs_user_id=ANNA)
        await credential_changes.update(connection, change, card, given)
    await telling.tell_all(database, WORKSPACE)
    assert await _kinds_of(database, cem) == ["credential", "membership", "user"]
    await check_facts(database)


@pytest.mark.usefixtures("cut_off")
async def test_who_was_deleted_meanwhile_is_gone(
    people: People, database: Database, clock: MovableClock
) -> None:
    cem = await _imported(people)
    async with _changing(database, clock) as (connection, change):
        await delete(connection, change, "user", [(cem,)])
    await telling.tell_all(database, WORKSPACE)
    assert await _kinds_of(database, cem) == []
    await check_facts(database)


@pytest.mark.usefixtures("cut_off")
async def test_the_same_people_are_refused_before_the_doors_know_them(people: People) -> None:
    await _imported(people)
    assert await people.refused(CEM) == [
        "people.csv:2: card: a credential of the system has it already",
        "people.csv:2: code: would open an entrance that another person's equal code opens",
        "people.csv:2: email: a person of the system has it already",
    ]


async def test_two_loads_at_once_make_nobody_twice(people: People, database: Database) -> None:
    """Nothing but the last look before the commit can tell the second one of the first."""
    text = HEADER + "Cem Ada,cem@example.com,,,,Staff\n"
    other = await database.connect()
    try:
        async with other.transaction():
            await journal.lock(other, WORKSPACE)
            both = [asyncio.create_task(people.imported(text)) for _ in range(2)]
            while await database.fetchval("select count(*) from pg_locks where not granted") < 2:
                await asyncio.sleep(0.01)
        ended = await asyncio.gather(*both, return_exceptions=True)
    finally:
        await other.close()
    assert sorted(type(each).__name__ for each in ended) == ["SiteError", "int"]
    assert await database.fetchval("select count(*) from acs_user") == 3
    await check_facts(database)


@pytest.mark.usefixtures("cut_off")
async def test_people_of_a_large_site_file_are_told_of_later_too(
    database: Database, apply_text: Apply, monkeypatch: pytest.MonkeyPatch
) -> None:
    await apply_text()
    monkeypatch.setattr(applying, "_SMALL", 0)
    with pytest.raises(_CutOff):
        await apply_text(people_of(4))
    assert await database.fetchval("select count(*) from untold_fact") > 0
    await telling.tell_all(database, WORKSPACE)
    await check_facts(database)
    assert not (await apply_text(people_of(4))).has_changes


async def test_whose_database_goes_away_after_the_commit_is_told_that_all_is_written(
    people: People, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_args: Any) -> int:
        raise Unavailable("gone")

    with monkeypatch.context() as gone:
        gone.setattr(untold, "tell", away)
        with pytest.raises(StartError, match="everybody was written"):
            await people.imported(CEM)
    await telling.tell_all(database, WORKSPACE)
    await check_facts(database)
