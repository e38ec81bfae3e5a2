"""One owner for each data folder, and the commands beside it."""

import asyncio
import fcntl
import os
import signal
from pathlib import Path

import asyncpg
import pytest

from doorward.errors import StartError
from doorward.store.embedded import attach, open_database
from doorward.store.embedded.lock import DataLock
from tests.store.embedded.conftest import Ask, Start
from tests.store.embedded.scripts import Owner, is_gone, run_script, start_script, until

KEPT = "select count(*) from kept"
# Opens the database, tells its address, and goes on when its input ends.
COMMAND = """
async def main():
    async with open_database(Path(sys.argv[1])) as dsn:
        print(dsn, flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)

asyncio.run(main())
"""


async def test_second_server_is_refused(data: Path, start: Start, ask: Ask) -> None:
    owner = Owner(data)
    with pytest.raises(StartError) as refused:
        await start(data)
    assert str(refused.value) == (
        f"data folder {data} is in use by another Doorward server (pid {owner.pid}); "
        "stop it or choose another with --data"
    )
    assert await ask(owner.dsn, KEPT) == 1
    assert owner.finish() == ""
    await start(data)


async def test_second_server_in_the_same_process(data: Path, start: Start) -> None:
    await start(data)
    with pytest.raises(StartError, match=f"in use by another Doorward server .pid {os.getpid()}"):
        await start(data)


async def test_attach(data: Path, start: Start) -> None:
    assert attach(data) is None
    assert attach(data / "missing") is None
    postgres = await start(data)
    assert attach(data) == postgres.dsn
    os.kill(postgres.pid, signal.SIGKILL)
    await postgres.wait_exit()
    assert attach(data) is None
    await postgres.stop()
    assert attach(data) is None


async def test_attach_is_not_led_by_the_environment(data: Path, tmp_path: Path) -> None:
    owner = Owner(data)
    script = "print(attach(Path(sys.argv[1])))"
    assert run_script(script, data, environment={"TMPDIR": str(tmp_path)}) == f"{owner.dsn}\n"
    assert owner.finish() == ""


async def test_open_database_attaches(data: Path, start: Start, ask: Ask) -> None:
    postgres = await start(data)
    async with open_database(data) as dsn:
        assert dsn == postgres.dsn
        assert await ask(dsn, KEPT) == 1
    assert not is_gone(postgres.pid)


async def test_open_database_starts_and_stops(data: Path, ask: Ask) -> None:
    async with open_database(data) as dsn:
        pid = await ask(dsn, "select pg_backend_pid()")
        assert await ask(dsn, KEPT) == 1
        assert attach(data) is None
    assert isinstance(pid, int)
    with pytest.raises(OSError, match=r"No such file|Connection refused"):
        await ask(dsn, KEPT)


async def test_open_database_after_a_killed_server(data: Path, ask: Ask) -> None:
    owner = Owner(data)
    owner.kill()
    async with open_database(data) as dsn:
        assert is_gone(owner.postgres_pid)
        assert await ask(dsn, KEPT) == 1


async def test_open_database_waits_for_a_starting_server(
    data: Path, start: Start, ask: Ask
) -> None:
    starting = asyncio.create_task(start(data))
    await until((data / "postgres" / "postmaster.pid").exists, step=0)
    async with open_database(data) as dsn:
        postgres = await starting
        assert dsn == postgres.dsn
        assert await ask(dsn, KEPT) == 1


async def test_commands_at_once(data: Path, ask: Ask) -> None:
    async def command() -> object:
        async with open_database(data) as dsn:
            return await ask(dsn, "insert into kept values (2) returning number")

    assert await asyncio.gather(*(command() for _ in range(3))) == [2, 2, 2]
    async with open_database(data) as dsn:
        assert await ask(dsn, KEPT) == 4


async def test_server_waits_for_a_command(data: Path, start: Start, ask: Ask) -> None:
    command = start_script(COMMAND, data)
    assert command.stdout is not None
    assert command.stdout.readline().startswith("postgresql://")
    starting = asyncio.create_task(start(data))
    await asyncio.sleep(0.1)
    assert not starting.done()
    command.communicate("")
    assert await ask((await starting).dsn, KEPT) == 1


async def test_patience_with_a_command_ends(data: Path) -> None:
    lock = DataLock.take(data, "command")
    assert isinstance(lock, DataLock)
    with pytest.raises(StartError, match=f"pid {os.getpid()}"):
        await DataLock.acquire(data, "server", patience=0.05)
    lock.release()
    lock.release()
    (await DataLock.acquire(data, "server", patience=0.05)).release()


async def test_a_look_at_the_lock_is_no_server(data: Path) -> None:
    (await DataLock.acquire(data, "server")).release()
    looking = os.open(data / "doorward.lock", os.O_RDONLY)
    fcntl.flock(looking, fcntl.LOCK_SH)
    waiting = asyncio.create_task(DataLock.acquire(data, "server"))
    await asyncio.sleep(0.05)
    assert not waiting.done()
    os.close(looking)
    (await waiting).release()


async def test_a_failed_body_stops_the_database(data: Path, ask: Ask) -> None:
    async def fail() -> None:
        async with open_database(data) as dsn:
            await ask(dsn, "select 1 / 0")

    with pytest.raises(asyncpg.DivisionByZeroError):
        await fail()
    (await DataLock.acquire(data, "server", patience=0)).release()


async def test_failed_start_frees_the_folder(data: Path, start: Start) -> None:
    with pytest.raises(StartError, match="made by PostgreSQL 18 and this is 16"):
        await start(data, 16)
    await start(data, 18)
