"""SIGKILL of PostgreSQL, of its owner, and of both; and what they leave behind."""

import asyncio
import os
import shutil
import signal
from contextlib import suppress
from pathlib import Path

import asyncpg
import pytest

from doorward.store.embedded import EmbeddedPostgres, processes
from doorward.store.embedded.processes import mark
from tests.store.embedded.conftest import Ask, Start
from tests.store.embedded.scripts import Owner, is_gone, until

INSERT = "insert into kept values (2)"
KEPT = "select count(*) from kept"
# Looks at nothing but its own numbers, so that it does not notice that its server has gone.
BUSY = "select count(*) from generate_series(1, 1000000000000) number where number < 0"


async def kill(postgres: EmbeddedPostgres) -> None:
    os.kill(postgres.pid, signal.SIGKILL)
    assert await postgres.wait_exit() == -signal.SIGKILL


async def start_busy_backend(dsn: str) -> int:
    """Leaves a backend at work for a client that does not wait; its pid."""
    connection = await asyncpg.connect(dsn)
    pid = connection.get_server_pid()
    asyncio.create_task(connection.execute(BUSY)).add_done_callback(lambda task: task.exception())
    await until(lambda: cpu_ticks(pid) > 5)
    return pid


def cpu_ticks(pid: int) -> int:
    """What a process has computed so far, in hundredths of a second (proc(5), utime)."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11])


async def test_killed_postgres(data: Path, start: Start, ask: Ask) -> None:
    first = await start(data)
    await ask(first.dsn, INSERT)
    await kill(first)
    assert (data / "postgres" / "postmaster.pid").exists()
    await first.stop()
    second = await start(data)
    assert await ask(second.dsn, KEPT) == 2


async def test_killed_postgres_with_a_backend_at_work(data: Path, start: Start, ask: Ask) -> None:
    first = await start(data)
    backend = await start_busy_backend(first.dsn)
    await kill(first)
    assert not is_gone(backend)
    await first.stop()
    second = await start(data)
    assert is_gone(backend)
    assert await ask(second.dsn, KEPT) == 1


async def test_killed_owner(data: Path, start: Start, ask: Ask) -> None:
    owner = Owner(data)
    await ask(owner.dsn, INSERT)
    owner.kill()
    assert not is_gone(owner.postgres_pid)
    postgres = await start(data)
    assert is_gone(owner.postgres_pid)
    assert postgres.dsn == owner.dsn
    assert await ask(postgres.dsn, KEPT) == 2


async def test_sessions_of_a_killed_owner_do_not_go_on(data: Path, start: Start, ask: Ask) -> None:
    owner = Owner(data)
    connection = await asyncpg.connect(owner.dsn)
    await connection.execute("begin; insert into kept values (2); select pg_advisory_lock(1)")
    owner.kill()
    postgres = await start(data)
    assert await ask(postgres.dsn, KEPT) == 1
    assert await ask(postgres.dsn, "select pg_try_advisory_lock(1)") is True
    with suppress(asyncpg.PostgresError, OSError):
        await connection.close(timeout=1)


async def test_both_killed(data: Path, start: Start, ask: Ask) -> None:
    owner = Owner(data)
    await ask(owner.dsn, INSERT)
    owner.kill()
    os.kill(owner.postgres_pid, signal.SIGKILL)
    postgres = await start(data)
    assert await ask(postgres.dsn, KEPT) == 2


async def test_stopped_orphan(
    data: Path, start: Start, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that does not even answer signals is ended all the same."""
    monkeypatch.setattr(processes, "_ORPHANS_PATIENCE", 0.1)
    monkeypatch.setattr(processes, "_HARDER", ((signal.SIGQUIT, 0.1), (signal.SIGKILL, 5.0)))
    owner = Owner(data)
    os.kill(owner.postgres_pid, signal.SIGSTOP)
    owner.kill()
    postgres = await start(data)
    assert is_gone(owner.postgres_pid)
    assert await ask(postgres.dsn, KEPT) == 1


async def test_orphan_of_a_renamed_folder(data: Path, start: Start, ask: Ask) -> None:
    owner = Owner(data)
    owner.kill()
    moved = data.with_name("moved")
    shutil.move(data, moved)
    postgres = await start(moved)
    assert is_gone(owner.postgres_pid)
    assert await ask(postgres.dsn, KEPT) == 1


async def test_pid_in_use_again(data: Path, start: Start, ask: Ask) -> None:
    first = await start(data)
    await kill(first)
    await first.stop()
    pid_file = data / "postgres" / "postmaster.pid"
    # This process is alive, and no PostgreSQL; the parent would be taken for the starting pg_ctl.
    with_our_pid = pid_file.read_text().replace(str(first.pid), str(os.getpid()), 1)
    pid_file.write_text(with_our_pid)
    second = await start(data)
    assert await ask(second.dsn, KEPT) == 1


@pytest.mark.parametrize("content", ["", "\n\n", "no pid\n", "\0\0\0\0"])
async def test_pid_file_without_a_pid(data: Path, start: Start, ask: Ask, content: str) -> None:
    (data / "postgres" / "postmaster.pid").write_text(content)
    postgres = await start(data)
    assert await ask(postgres.dsn, KEPT) == 1


async def test_supervised_postgres_comes_back(data: Path, start: Start, ask: Ask) -> None:
    postgres = await start(data)
    supervision = asyncio.create_task(postgres.supervise())
    dead = postgres.pid
    backend = await start_busy_backend(postgres.dsn)
    os.kill(dead, signal.SIGKILL)
    await answer(postgres, ask, not_of=dead)
    assert is_gone(backend)
    await postgres.stop()
    await supervision
    assert is_gone(postgres.pid)


async def test_supervision_goes_on_trying(
    data: Path, start: Start, ask: Ask, caplog: pytest.LogCaptureFixture
) -> None:
    postgres = await start(data)
    supervision = asyncio.create_task(postgres.supervise())
    dead = postgres.pid
    control = data / "postgres" / "global" / "pg_control"
    away = control.rename(data / "pg_control")
    os.kill(dead, signal.SIGKILL)
    await until(lambda: caplog.text.count("cannot be started yet") == 2)
    away.rename(control)
    await answer(postgres, ask, not_of=dead)
    supervision.cancel()
    with pytest.raises(asyncio.CancelledError):
        await supervision


async def test_stop_while_it_is_started_again(data: Path, start: Start) -> None:
    postgres = await start(data)
    supervision = asyncio.create_task(postgres.supervise())
    dead = postgres.pid
    os.kill(dead, signal.SIGKILL)
    # The seed's start is the first in the log.
    await until(lambda: postgres.log.read_text().count("listening on Unix") == 3, step=0)
    await postgres.stop()
    await supervision
    assert is_gone(postgres.pid)


async def answer(postgres: EmbeddedPostgres, ask: Ask, *, not_of: int) -> None:
    """Waits until the data is there again, at the same address and from another process."""
    while True:
        with suppress(OSError, asyncpg.PostgresError):
            if await ask(postgres.dsn, KEPT) == 1 and postgres.pid != not_of:
                return
        await asyncio.sleep(0.01)


def test_processes_are_known_by_the_folder_and_not_its_name(data: Path, tmp_path: Path) -> None:
    word = mark(data / "postgres")
    assert mark(data.rename(tmp_path / "moved") / "postgres") == word
    data.mkdir()
    (data / "postgres").mkdir()
    assert mark(data / "postgres") != word
