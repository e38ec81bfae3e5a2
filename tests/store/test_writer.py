"""Group commit: each call has its own answer, and none is given before the commit."""

import asyncio
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import pytest

from doorward.errors import ApiError, Unavailable, not_found
from doorward.store.database import Connection, Database
from doorward.store.writer import Commit, Writer
from tests.store.replay import check_journal
from tests.store.sites import Site, make_site


@dataclass
class Rename:
    """An operation that writes, then does what a test wants."""

    workspace_id: UUID
    name: str
    refusal: Exception | None = None
    statement: str = "select 1"

    async def run(self, connection: Connection) -> str:
        await connection.execute(
            "update workspace set name = $2 where workspace_id = $1", self.workspace_id, self.name
        )
        await connection.execute(self.statement)
        if self.refusal is not None:
            raise self.refusal
        return self.name


@pytest.fixture
async def site(database: Database) -> Site:
    return await make_site(database, people=20)


async def _name(database: Database, site: Site) -> str:
    name: str = await database.fetchval(
        "select name from workspace where workspace_id = $1", site.workspace_id
    )
    return name


async def test_one_refusal_leaves_its_neighbours_alone(
    database: Database, site: Site, writer: Writer
) -> None:
    answers = await asyncio.gather(
        writer.submit(site.membership(0, is_add=True)),
        writer.submit(Rename(site.workspace_id, "refused", not_found("workspace"))),
        writer.submit(Rename(site.workspace_id, "broken", None, "select 1/0")),
        writer.submit(Rename(site.workspace_id, "kept")),
        writer.submit(site.membership(1, is_add=True)),
        return_exceptions=True,
    )
    assert isinstance(answers[1], ApiError)
    assert type(answers[2]).__name__ == "DivisionByZeroError"
    assert answers[3] == "kept"
    assert await _name(database, site) == "kept"
    assert len(await check_journal(database, site.workspace_id)) == 3 + 20 + 2


async def test_a_bug_in_one_statement_for_many_does_not_spread(site: Site, writer: Writer) -> None:
    wrong = site.membership(0, is_add=True)
    object.__setattr__(wrong.change, "actor", "\0")  # PostgreSQL refuses NUL in a text
    answers = await asyncio.gather(
        *(writer.submit(site.membership(i, is_add=True)) for i in range(1, 10)),
        writer.submit(wrong),
        return_exceptions=True,
    )
    assert [isinstance(a, Exception) for a in answers] == [False] * 9 + [True]


async def test_a_commit_of_unknown_outcome_is_no_success(site: Site, writer: Writer) -> None:
    cut = "select pg_terminate_backend(pg_backend_pid())"
    with pytest.raises(Unavailable):
        await writer.submit(Rename(site.workspace_id, "lost", None, cut))
    assert await writer.submit(Rename(site.workspace_id, "next")) == "next"


async def test_a_held_counter_is_waited_for_and_then_unavailable(
    database: Database, site: Site, writer: Writer
) -> None:
    async with database.acquire() as connection, connection.transaction():
        await connection.execute("select from policy_revision for update")
        waiting = asyncio.create_task(writer.submit(site.membership(0, is_add=True)))
        with pytest.raises(Unavailable):
            await waiting
    assert (await writer.submit(site.membership(0, is_add=True))).status == "changed"


async def test_stopping_finishes_what_was_submitted(database: Database, site: Site) -> None:
    writer = Writer(database)
    await writer.start()
    tasks = [asyncio.create_task(writer.submit(site.membership(i, is_add=True))) for i in range(20)]
    await asyncio.sleep(0)
    await writer.stop()
    assert [(await task).status for task in tasks] == ["changed"] * 20
    with pytest.raises(Unavailable):
        await writer.submit(site.membership(0, is_add=False))


async def test_several_workspaces_share_a_batch(database: Database, writer: Writer) -> None:
    sites = [await make_site(database) for _ in range(5)]
    told: list[Commit] = []
    writer.on_commit.append(told.append)
    await asyncio.gather(
        *(writer.submit(site.membership(i, is_add=True)) for i in range(3) for site in sites)
    )
    for site in sites:
        await check_journal(database, site.workspace_id)
    assert set().union(*(commit.workspace_ids for commit in told)) == {
        site.workspace_id for site in sites
    }


async def test_an_unknown_workspace_moves_nothing(database: Database, writer: Writer) -> None:
    site = await make_site(database)
    stranger = site.membership(0, is_add=True)
    object.__setattr__(stranger.change, "workspace_id", uuid4())
    assert (await writer.submit(stranger)).status == "acs_user_not_found"


async def test_no_answer_before_the_commit(database: Database, site: Site, writer: Writer) -> None:
    """Of two operations in one batch the second ends the connection: the first is in doubt too."""
    cut = "select pg_terminate_backend(pg_backend_pid())"
    answers = await asyncio.gather(
        writer.submit(Rename(site.workspace_id, "in doubt")),
        writer.submit(Rename(site.workspace_id, "cut", None, cut)),
        return_exceptions=True,
    )
    assert [type(answer) for answer in answers] == [Unavailable, Unavailable]
    assert await _name(database, site) == "w"


async def test_writers_of_several_processes_lock_in_one_order(database: Database) -> None:
    sites = [await make_site(database, people=6) for _ in range(4)]
    writers = [Writer(database) for _ in range(3)]
    for writer in writers:
        await writer.start()

    def operations(place: int, turn: int) -> list[Any]:
        order = sites if place % 2 else sites[::-1]
        if turn % 2:
            return [site.membership(turn % 6, is_add=turn % 3 > 0) for site in order]
        return [Rename(site.workspace_id, str(turn)) for site in order]

    for turn in range(40):
        await asyncio.gather(
            *(w.submit(op) for place, w in enumerate(writers) for op in operations(place, turn))
        )
    for site in sites:
        await check_journal(database, site.workspace_id)
    for writer in writers:
        await writer.stop()


async def test_the_counter_is_locked_before_anything_else(
    database: Database, site: Site, writer: Writer
) -> None:
    await writer.submit(site.membership(0, is_add=True))
    async with database.acquire() as connection, connection.transaction():
        await connection.execute("select from acs_membership for update")
        removing = asyncio.create_task(writer.submit(site.membership(0, is_add=False)))
        unknown = asyncio.create_task(writer.submit(site.membership(1, is_add=True)))
        async with asyncio.timeout(4):
            while await _is_counter_free(database, site):
                await asyncio.sleep(0.01)
    assert (await removing).status == "changed"
    assert (await unknown).status == "changed"


async def _is_counter_free(database: Database, site: Site) -> bool:
    found = await database.fetchval(
        "select count(*) from (select from policy_revision where workspace_id = $1"
        " for update skip locked) free",
        site.workspace_id,
    )
    return bool(found)


async def test_commits_are_on_disk_when_they_are_answered(
    database: Database, writer: Writer
) -> None:
    site = await make_site(database)
    await writer.submit(site.membership(0, is_add=True))
    assert writer._connection is not None
    for source in (database, writer._connection):
        assert await source.fetchval("show synchronous_commit") == "on"
        assert await source.fetchval("show fsync") == "on"


async def test_a_listener_that_raises_takes_nobodys_answer(site: Site, writer: Writer) -> None:
    told: list[Commit] = []

    def broken(_commit: Commit) -> None:
        raise RuntimeError("a driver's bug")

    writer.on_commit += [broken, told.append]
    async with asyncio.timeout(10):
        for is_add in (True, False):
            answers = await asyncio.gather(
                *(writer.submit(site.membership(i, is_add=is_add)) for i in range(5))
            )
            assert [answer.status for answer in answers] == ["changed"] * 5
    assert sum(len(commit.facts[site.workspace_id].entries) for commit in told) == 10


async def test_a_fault_of_the_writers_own_ends_neither_it_nor_a_callers_wait(
    site: Site, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(writer, "_tell", broken)
    async with asyncio.timeout(10):
        with pytest.raises(Unavailable):
            await writer.submit(site.membership(0, is_add=True))
        monkeypatch.undo()
        again = await writer.submit(site.membership(0, is_add=True))
    assert again.status == "unchanged"


async def test_a_writer_that_was_ended_leaves_nobody_waiting(site: Site, writer: Writer) -> None:
    begun = asyncio.Event()

    class Endless(Rename):
        async def run(self, connection: Connection) -> str:  # noqa: ARG002
            begun.set()
            await asyncio.Event().wait()
            return ""

    running = asyncio.create_task(writer.submit(Endless(site.workspace_id, "never")))
    await begun.wait()
    queued = asyncio.create_task(writer.submit(site.membership(0, is_add=True)))
    await asyncio.sleep(0)
    assert writer._task is not None
    writer._task.cancel()
    async with asyncio.timeout(10):
        answers = await asyncio.gather(running, queued, return_exceptions=True)
        assert [type(answer) for answer in answers] == [Unavailable, Unavailable]
        with pytest.raises(Unavailable):
            await writer.submit(site.membership(0, is_add=True))
        await writer.stop()


async def test_what_cannot_be_handed_to_the_doors_is_answered_all_the_same(
    site: Site, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr("doorward.store.committed._news", broken)
    assert (await writer.submit(site.membership(0, is_add=True))).status == "changed"
