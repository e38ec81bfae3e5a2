"""What happened is on disk before anybody is answered, and counts once at the server."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from doorward.doors.disk import Disk, Observed
from doorward.doors.handing_in import HandIn
from doorward.doors.spool import Happening, Spool, new_event_id
from doorward.errors import Unavailable
from doorward.policy.model import Decision
from doorward.store.database import Database
from doorward.store.writer import Writer
from tests.conftest import MovableClock
from tests.doors.conftest import Serve, until
from tests.doors.worlds import World


@pytest.fixture
async def disk(tmp_path: Path) -> AsyncIterator[Disk]:
    """An open file."""
    disk = await Disk.open(tmp_path / "a.db")
    yield disk
    await disk.close()


def happening(entrance: UUID | None = None, user: UUID | None = None) -> Happening:
    """Somebody who opened a door."""
    decision = Decision("allow", "allow", 16, 1, entrance or uuid4(), acs_user_id=user)
    return Happening(new_event_id(), datetime.now(UTC), "card", decision)


@dataclass
class Told:
    """A deed that is done, or is too late."""

    is_in_time: bool = True
    used: Sequence[Observed] = ()

    def do(self) -> bool:
        """Whether it was done."""
        return self.is_in_time

    def undo(self) -> Sequence[Observed]:
        """What is observed instead."""
        return self.used


async def put(spool: Spool, happening: Happening) -> None:
    """Spools what happened."""
    assert await spool.put(happening, (), Told())


class Receiver:
    """A server that answers with the given faults first, and remembers what it has committed."""

    def __init__(self, *faults: Exception) -> None:
        self.faults = list(faults)
        self.calls: list[list[UUID]] = []

    async def __call__(self, happenings: Sequence[Happening]) -> None:
        """Takes happenings, or fails."""
        self.calls.append([each.event_id for each in happenings])
        if self.faults:
            raise self.faults.pop(0)


async def test_what_is_put_is_on_disk_when_it_is_answered(disk: Disk) -> None:
    spool = Spool(disk, Receiver())
    first = happening()
    await put(spool, first)
    assert len(await disk.spooled(10)) == 1


async def test_many_at_once_share_a_write(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    writes: list[int] = []
    write = disk.spool

    async def counted(bodies: Sequence[bytes], observed: Sequence[Observed]) -> list[int]:
        writes.append(len(bodies))
        return await write(bodies, observed)

    monkeypatch.setattr(disk, "spool", counted)
    spool = Spool(disk, Receiver())
    await asyncio.gather(*(put(spool, happening()) for _ in range(50)))
    assert sum(writes) == 50
    assert len(writes) <= 2
    assert len(await disk.spooled(100)) == 50


async def test_it_is_handed_in_in_order_and_then_gone(disk: Disk) -> None:
    receiver = Receiver()
    spool = Spool(disk, receiver)
    made = [happening() for _ in range(250)]
    for each in made:
        await put(spool, each)
    task = asyncio.create_task(spool.hand_in_on())
    await until(lambda: _is_empty(disk))
    task.cancel()
    handed_in = [event_id for call in receiver.calls for event_id in call]
    assert handed_in == [each.event_id for each in made]
    assert handed_in == sorted(handed_in)


async def test_the_same_is_handed_in_again_after_a_fault(
    disk: Disk, caplog: pytest.LogCaptureFixture
) -> None:
    receiver = Receiver(Unavailable("away"), RuntimeError("a bug"))
    spool = Spool(disk, receiver)
    first = happening()
    await put(spool, first)
    task = asyncio.create_task(spool.hand_in_on())
    await until(lambda: _is_empty(disk))
    task.cancel()
    assert receiver.calls == [[first.event_id]] * 3
    assert "could not be handed in" in caplog.text


async def test_a_hurry_ends_the_pause(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("doorward.doors.spool._FIRST_PAUSE", 60)
    receiver = Receiver(Unavailable("away"))
    spool = Spool(disk, receiver)
    await put(spool, happening())
    task = asyncio.create_task(spool.hand_in_on())
    await until(lambda: receiver.calls)
    await put(spool, happening())
    assert len(receiver.calls) == 1

    async def hurried() -> bool:
        spool.hurry()
        return await _is_empty(disk)

    await until(hurried)
    task.cancel()


async def _is_empty(disk: Disk) -> bool:
    return not await disk.spooled(1)


async def test_what_was_not_done_is_taken_back_and_never_handed_in(
    disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    withdraw, faults = disk.withdraw, [sqlite3.OperationalError("full")] * 2

    async def failing(*what: Any) -> None:
        if faults:
            raise faults.pop()
        await withdraw(*what)

    monkeypatch.setattr(disk, "withdraw", failing)
    receiver = Receiver()
    spool = Spool(disk, receiver)
    task = asyncio.create_task(spool.hand_in_on())
    key, made = uuid4(), [happening() for _ in range(3)]
    used, given_back = [Observed("uses", key, body) for body in (b"1", b"0")]
    late = Told(is_in_time=False, used=[given_back])
    done = await asyncio.gather(
        put(spool, made[0]), spool.put(made[1], [used], late), put(spool, made[2])
    )
    assert not done[1]
    await until(lambda: _is_empty(disk))
    task.cancel()
    assert not faults
    assert receiver.calls == [[made[0].event_id, made[2].event_id]]
    assert await disk.observed() == [given_back]
    assert disk.spool_length == 0


async def test_it_outlives_the_process(tmp_path: Path) -> None:
    disk = await Disk.open(tmp_path / "a.db")
    spool = Spool(disk, Receiver())
    first = happening()
    await put(spool, first)
    await disk.close()
    again = await Disk.open(tmp_path / "a.db")
    receiver = Receiver()
    task = asyncio.create_task(Spool(again, receiver).hand_in_on())
    await until(lambda: _is_empty(again))
    task.cancel()
    assert receiver.calls == [[first.event_id]]
    await again.close()


async def test_a_lost_answer_counts_once(
    disk: Disk, database: Database, world: World, clock: MovableClock
) -> None:
    hand_in = HandIn(database, Writer(database), clock, world.key())
    answers: list[str] = []

    async def deliver(happenings: Sequence[Happening]) -> None:
        await hand_in.deliver(world.connected_account_id, happenings)
        answers.append("lost" if not answers else "heard")
        if answers == ["lost"]:
            raise Unavailable("the answer to the commit was lost")

    spool = Spool(disk, deliver)
    made = [happening(world.entrances[0], world.users[place]) for place in range(3)]
    await asyncio.gather(*(put(spool, each) for each in made))
    task = asyncio.create_task(spool.hand_in_on())
    await until(lambda: _is_empty(disk))
    task.cancel()
    rows = await database.fetch("select event_id from event order by created_at, event_id")
    assert [row[0] for row in rows] == [each.event_id for each in made]
    assert answers == ["lost", "heard"]


async def test_a_crash_before_handing_in_loses_nothing(world: World, serve: Serve) -> None:
    server = await serve()
    spool = server.controller(world.controllers[0])._spool
    # The process is killed before it could hand in: its file has them, the server has not.
    spool._deliver = Receiver(*(Unavailable("killed"),) * 1000)
    for _ in range(5):
        await server.present(world)
    await server.kill()
    assert not await server.database.fetch("select from event")
    again = await serve()
    await until(lambda: _count(again.database, 5))


async def _count(database: Database, expected: int) -> bool:
    found: int = await database.fetchval("select count(*) from event")
    assert found <= expected
    return found == expected
