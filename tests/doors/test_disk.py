"""A controller's file: what is in it, who may have it, what becomes of a broken one."""

import asyncio
import os
import sqlite3
import stat
import sys
from pathlib import Path
from uuid import uuid4

import pytest

from doorward.doors.disk import Disk, DiskLocked, Header, new_header
from doorward.policy.facts import NO_KEY, Fact, Kind
from doorward.store.controllers import ControllerKey
from doorward.store.watch import Position
from tests.doors.conftest import Serve
from tests.doors.slices_of import in_tables, on_disk
from tests.doors.worlds import World


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the file will be."""
    return tmp_path / "controllers" / "c.db"


def header(revision: int) -> Header:
    """A header at a revision."""
    return Header(
        ControllerKey(uuid4(), uuid4(), uuid4()), "holder", True, Position(1, revision), uuid4()
    )


def fact(revision: int, state: bytes | None = b"{}", lookup: bytes | None = None) -> Fact:
    """A fact about something new."""
    return Fact(Kind.CREDENTIAL, uuid4(), NO_KEY, revision, state, lookup)


async def facts(disk: Disk) -> list[Fact]:
    """All facts in a file, by revision."""
    found = [each async for chunk in disk.facts() for each in chunk]
    return sorted(found, key=lambda each: each.revision)


async def test_slice_and_place_come_back(path: Path) -> None:
    disk = await Disk.open(path)
    assert await disk.header() is None
    kept = [fact(1), fact(2, lookup=b"hash")]
    at = header(2)
    await disk.keep(kept, at)
    await disk.close()
    again = await Disk.open(path)
    assert await facts(again) == kept
    assert await again.header() == at
    await again.close()


async def test_a_later_fact_replaces_and_an_ended_one_goes(path: Path) -> None:
    disk = await Disk.open(path)
    first, second = fact(1), fact(2)
    await disk.keep([first, second], header(2))
    changed = Fact(first.kind, first.key_a, first.key_b, 3, b'{"a":1}', b"new")
    ended = Fact(second.kind, second.key_a, second.key_b, 4, None)
    await disk.keep([changed, ended], header(4))
    assert await facts(disk) == [changed]
    await disk.close()


async def test_a_whole_slice_replaces_at_once_or_not_at_all(path: Path) -> None:
    disk = await Disk.open(path)
    old, new, at = fact(1), fact(2), header(2)
    await disk.keep([old], header(1))
    await disk.begin_replacement()
    await disk.stage([new])
    await disk.close()

    disk = await Disk.open(path)
    assert await facts(disk) == [old]
    await disk.begin_replacement()
    await disk.stage([new])
    await disk.replace(at)
    assert await facts(disk) == [new]
    assert await disk.header() == at
    await disk.close()


async def test_a_fault_in_between_changes_nothing(path: Path) -> None:
    disk = await Disk.open(path)
    first, at = fact(1), header(1)
    await disk.keep([first], at)
    broken = Fact(Kind.USER, uuid4(), NO_KEY, 2**70, b"{}")
    with pytest.raises(OverflowError):
        await disk.keep([fact(2), broken], header(2))
    assert await facts(disk) == [first]
    assert await disk.header() == at
    await disk.close()


async def test_only_its_owner_can_read_it(path: Path) -> None:
    before = os.umask(0)
    try:
        disk = await Disk.open(path)
        await disk.keep([fact(1)], header(1))
        modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in path.parent.iterdir()}
        assert modes == {"c.db": 0o600, "c.db-wal": 0o600}
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    finally:
        os.umask(before)
    await disk.close()


async def test_one_at_a_time_has_it(path: Path) -> None:
    disk = await Disk.open(path)
    with pytest.raises(DiskLocked):
        await Disk.open(path)
    await disk.close()
    await (await Disk.open(path)).close()


_HAVE_IT = """
import asyncio, sys
from pathlib import Path
from doorward.doors.disk import Disk

async def main():
    disk = await Disk.open(Path(sys.argv[1]))
    print("open", flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


async def test_the_lock_holds_between_processes_and_ends_with_sigkill(path: Path) -> None:
    other = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _HAVE_IT, str(path), stdout=asyncio.subprocess.PIPE
    )
    assert other.stdout is not None
    assert await other.stdout.readline() == b"open\n"
    with pytest.raises(DiskLocked):
        await Disk.open(path)
    other.kill()
    await other.communicate()
    await (await Disk.open(path)).close()


async def test_every_file_has_a_holder_of_its_own() -> None:
    key = ControllerKey(uuid4(), uuid4(), uuid4())
    assert new_header(key).holder != new_header(key).holder


@pytest.mark.parametrize("damage", [b"no database at all" * 500, b""])
async def test_a_broken_file_is_put_aside_and_fetched_anew(
    world: World, serve: Serve, damage: bytes
) -> None:
    server = await serve()
    await server.submit(world, world.add())
    await server.stop()
    file = server.data / "controllers" / f"{world.controllers[0]}.db"
    file.write_bytes(damage)
    again = await serve()
    assert (await again.present(world)).outcome == "allow"
    await again.stop()
    assert on_disk(again.data, world.key()) == await in_tables(again.database, world.key())
    assert bool(list(file.parent.glob("*.damaged-*"))) == bool(damage)


async def test_a_file_of_another_format_is_put_aside(world: World, serve: Serve) -> None:
    server = await serve()
    await server.stop()
    file = server.data / "controllers" / f"{world.controllers[0]}.db"
    with sqlite3.connect(file) as connection:
        connection.execute("pragma user_version = 999")
    connection.close()
    again = await serve()
    assert (await again.present(world)).reason == "deny_no_access"
    assert list(file.parent.glob("*.damaged-*"))


async def test_an_older_file_is_taken_over(world: World, serve: Serve) -> None:
    server = await serve()
    await server.submit(world, world.add())
    await server.stop()
    file = server.data / "controllers" / f"{world.controllers[0]}.db"
    with sqlite3.connect(file) as connection:
        connection.execute("drop table observed")
        connection.execute("pragma user_version = 1")
    connection.close()
    again = await serve()
    assert not list(file.parent.glob("*.damaged-*"))
    for _ in range(5):
        await again.doors.present(world.workspace_id, world.entrances[0], code="1111")
    assert (await again.present(world)).outcome == "allow"
    [observed] = await again.controller(world.controllers[0])._disk.observed()
    assert observed.kind == "keypad"
