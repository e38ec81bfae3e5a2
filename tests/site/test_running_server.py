"""Applying while a server writes to the same workspace."""

import asyncio
from typing import Any

import pytest

from doorward.site import apply as applying
from doorward.site import execute, telling
from doorward.store import journal
from doorward.store.database import Database
from doorward.store.journal import Change
from doorward.store.memberships import ChangeMembership
from doorward.store.watch import Watch
from doorward.store.writer import Writer
from tests.conftest import MovableClock
from tests.site.conftest import Apply
from tests.site.files import edited, people
from tests.site.tables import ANNA, BO, CHEMISTS, WORKSPACE, check_facts, digest, lines, members


async def _busy(writer: Writer, clock: MovableClock, stop: asyncio.Event) -> int:
    """Somebody goes in and out of a group all the time, and is out in the end."""
    calls, is_add = 0, False
    while not stop.is_set() or not is_add:
        change = Change(WORKSPACE, "api", clock.now(WORKSPACE))
        result = await writer.submit(ChangeMembership(change, is_add, CHEMISTS, ANNA))
        assert result.status == "changed"
        calls, is_add = calls + 1, not is_add
    return calls


async def test_calls_and_applies_do_not_disturb_each_other(
    database: Database, office: Apply, writer: Writer, clock: MovableClock
) -> None:
    stop = asyncio.Event()
    busy = asyncio.create_task(_busy(writer, clock, stop))
    for round_ in range(6):
        await office(edited(("name: Lab", f"name: Lab {round_}"), ("[gate]}", "[gate, lab]}")))
        await office()
    stop.set()
    assert await busy > 6
    assert (CHEMISTS, ANNA) not in await members(database)
    assert lines(await office())[0].startswith("! drift: membership anna in chemists")
    await check_facts(database)


# How often somebody else had a turn in the journal after a revision.
_TURNS = """
select count(*) from (select actor <> lag(actor) over (order by revision) as turned
  from policy_journal where revision > $1) j where turned"""


async def _applied_while_busy(
    database: Database, apply_text: Apply, writer: Writer, clock: MovableClock, text: str
) -> int:
    """Applies a file while somebody is busy; answers how often the two took turns."""
    stop = asyncio.Event()
    busy = asyncio.create_task(_busy(writer, clock, stop))
    before = await database.fetchval("select revision from policy_revision")
    await apply_text(text)
    stop.set()
    await busy
    await check_facts(database)
    return int(await database.fetchval(_TURNS, before))


async def test_a_large_file_changes_people_in_pieces_between_calls(
    database: Database, office: Apply, writer: Writer, clock: MovableClock
) -> None:
    text = people(600)
    await office(text)
    turns = await _applied_while_busy(
        database, office, writer, clock, text.replace("name: Person", "name: Somebody")
    )
    assert turns > 3


async def test_a_large_file_makes_people_at_once_between_calls(
    database: Database,
    office: Apply,
    writer: Writer,
    clock: MovableClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The calls go on while the people are written, and while the journal hears of them."""
    monkeypatch.setattr(telling, "SIZES", (1, 50))
    monkeypatch.setattr(telling, "_FIRST", 50)
    assert await _applied_while_busy(database, office, writer, clock, people(600)) > 3
    assert await database.fetchval("select count(*) from acs_user") == 602
    assert not (await office(people(600))).has_changes


async def test_new_people_are_made_all_or_none(
    database: Database, office: Apply, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(applying, "_SMALL", 0)
    before = await digest(database)

    async def cut_off(*_: Any) -> None:
        raise _CutOff

    with monkeypatch.context() as cut:
        cut.setattr(journal, "lock", cut_off)
        with pytest.raises(_CutOff):
            await office(people(4))
    assert await digest(database) == before
    await office(people(4))
    await check_facts(database)


LONGER = edited(("    name: Bo Ek", "    ends_at: 2030-01-01T00:00:00Z\n    name: Bo E. Ek"))


async def _last_year(database: Database) -> int:
    """The year in which Bo's access ends."""
    ends_at = await database.fetchval("select ends_at from acs_user where acs_user_id = $1", BO)
    return int(ends_at.year)


class _CutOff(Exception):
    """Somebody ends the process."""


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every file counts as a large one, and is applied in small pieces."""
    monkeypatch.setattr(applying, "_SMALL", 0)
    monkeypatch.setattr(applying, "_MOST_AT_ONCE", 0)
    monkeypatch.setattr(telling, "SIZES", (1, 1))
    monkeypatch.setattr(telling, "_FIRST", 1)


@pytest.mark.usefixtures("large")
@pytest.mark.parametrize("pieces", [1, 4, 9, 13])
async def test_an_apply_that_was_cut_off_is_gone_on_with(
    database: Database, office: Apply, monkeypatch: pytest.MonkeyPatch, pieces: int
) -> None:
    run, left = execute.run, iter(range(pieces))

    async def run_some(*args: Any) -> None:
        if next(left, None) is None:
            raise _CutOff
        await run(*args)

    text = people(4)
    with monkeypatch.context() as cut:
        cut.setattr(execute, "run", run_some)
        with pytest.raises(_CutOff):
            await office(text, prune=True)
    await check_facts(database)
    assert (await office(text, prune=True)).has_changes
    assert (await office(text, prune=True)).summary() == "nothing to change"
    await check_facts(database)


@pytest.mark.usefixtures("large")
async def test_what_somebody_changes_after_the_plan_is_left_alone(
    database: Database, office: Apply, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A large file is planned without a lock; before its turn comes, a call ends an access."""
    run, ended = execute.run, "2025-01-01Z"

    async def run_late(*args: Any) -> None:
        await database.execute(
            "update acs_user set ends_at = $2::text::timestamptz where acs_user_id = $1", BO, ended
        )
        await run(*args)

    with monkeypatch.context() as late:
        late.setattr(execute, "run", run_late)
        await office(LONGER)
    assert await _last_year(database) == 2025
    assert lines(await office(LONGER)) == [
        "~ user bo: full_name",
        "! drift: user bo: changed since it was declared (ends_at); --grant-again puts it back",
    ]


@pytest.mark.parametrize("is_large", [False, True])
async def test_a_running_server_is_told_at_once(
    database: Database, office: Apply, request: pytest.FixtureRequest, *, is_large: bool
) -> None:
    """It need not wait for its next look, which is an hour away here."""
    if is_large:
        request.getfixturevalue("large")
    watch = Watch(database, interval=3600)
    await watch.start()
    try:
        async with asyncio.timeout(30):
            while (before := watch.position(WORKSPACE)) is None:
                await watch.changed()
            await office(edited(("[gate, lab]", "[gate]")))
            while watch.position(WORKSPACE) == before:
                await watch.changed()
    finally:
        await watch.stop()


_IS_WAITED_FOR = "select exists (select from pg_locks where not granted)"


@pytest.mark.parametrize("is_large", [False, True])
async def test_the_journals_counter_is_locked_before_anything_is_looked_at(
    database: Database, office: Apply, request: pytest.FixtureRequest, *, is_large: bool
) -> None:
    """A call that has the counter ends an access; the file, which waits, must not undo that."""
    if is_large:
        request.getfixturevalue("large")
    async with database.acquire() as connection, connection.transaction():
        await journal.lock(connection, WORKSPACE)
        await connection.execute(
            "update acs_user set ends_at = '2025-01-01Z' where acs_user_id = $1", BO
        )
        applied = asyncio.ensure_future(office(LONGER))
        while not await database.fetchval(_IS_WAITED_FOR):
            await asyncio.sleep(0.005)
    await applied
    assert await _last_year(database) == 2025


@pytest.mark.usefixtures("large")
async def test_of_two_large_applies_each_does_what_the_other_has_not_done(
    database: Database, office: Apply, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock, text, is_first = journal.lock, people(3), iter([True])

    async def lock_after_another(*args: Any) -> None:
        if next(is_first, False):
            await office(text)
        await lock(*args)

    with monkeypatch.context() as late:
        late.setattr(journal, "lock", lock_after_another)
        await office(text)
    assert not (await office(text)).has_changes
    await check_facts(database)
