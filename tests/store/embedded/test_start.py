"""Starting, stopping, starting again: what is made, kept, refused and left alone."""

import asyncio
import os
import shutil
import stat
import tempfile
from pathlib import Path

import pytest

from doorward.errors import StartError
from doorward.store.embedded import EmbeddedPostgres
from doorward.store.embedded.log import LONGEST
from doorward.store.embedded.processes import PidFile
from doorward.store.embedded.sockets import dsn, socket_folder
from tests.store.embedded.conftest import Ask, Start
from tests.store.embedded.scripts import Owner, is_gone, run_script, start_script, until

KEPT = "select count(*) from kept"
WAIT_FOR_SLEEPER = """
do $$ begin
    while not exists (select from pg_stat_activity where query ~ '[p]g_sleep.100') loop
        perform pg_sleep(0.01), pg_stat_clear_snapshot();
    end loop;
end $$
"""
# Starts and stops on a folder, and prints what an operator would be told.
START = """
async def main():
    await (await EmbeddedPostgres.start(Path(sys.argv[1]))).stop()

try:
    asyncio.run(main())
except StartError as error:
    print(error)
"""


@pytest.mark.parametrize("major", [16, 18])
async def test_first_start_makes_a_cluster(
    tmp_path: Path, start: Start, ask: Ask, major: int
) -> None:
    data = tmp_path / "new" / "data"
    postgres = await start(data, major)
    assert (
        await ask(postgres.dsn, "select current_setting('server_version_num')::int / 10000")
        == major
    )
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    assert [path.name for path in data.glob("postgres.new*")] == []
    assert await ask(postgres.dsn, "select lower('ÄÖ') || upper('é')") == "äöÉ"
    assert await ask(postgres.dsn, "select 'Z' < 'a' and 'z' < 'ä'")


async def test_settings(data: Path, start: Start, ask: Ask) -> None:
    wanted = {
        "server_encoding": "UTF8",
        "listen_addresses": "",
        "fsync": "on",
        "synchronous_commit": "on",
        "data_checksums": "on",
        "TimeZone": "UTC",
        "unix_socket_permissions": "0700",
        "dynamic_shared_memory_type": "posix",
        "jit": "off",
    }
    postgres = await start(data)
    assert wanted == {
        name: await ask(postgres.dsn, f"select current_setting('{name}')") for name in wanted
    }


async def test_data_outlives_a_stop(data: Path, start: Start, ask: Ask) -> None:
    first = await start(data)
    await ask(first.dsn, "insert into kept values (2)")
    await first.stop()
    second = await start(data)
    assert second.dsn == first.dsn
    assert await ask(second.dsn, KEPT) == 2


async def test_stop_is_clean_and_leaves_no_zombie(data: Path, start: Start) -> None:
    postgres = await start(data)
    await postgres.stop()
    await postgres.stop()
    with pytest.raises(ProcessLookupError):
        os.kill(postgres.pid, 0)
    assert postgres.log.read_text().rstrip().endswith("database system is shut down")


async def test_stop_does_not_wait_for_clients(data: Path, start: Start, ask: Ask) -> None:
    postgres = await start(data)
    busy = asyncio.create_task(ask(postgres.dsn, "select pg_sleep(100)"))
    assert await ask(postgres.dsn, WAIT_FOR_SLEEPER) is None
    await postgres.stop()
    with pytest.raises(Exception, match=r"terminat|closed"):
        await busy


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_ctrl_c_reaches_the_owner_alone(data: Path, loop: str) -> None:
    owner = Owner(data, loop)
    assert os.getsid(owner.postgres_pid) not in (os.getsid(0), os.getsid(owner.pid))
    assert owner.finish() == ""
    assert is_gone(owner.postgres_pid)
    assert (data / "postgres.log").read_text().rstrip().endswith("database system is shut down")


async def test_killed_while_the_cluster_is_made(tmp_path: Path, start: Start, ask: Ask) -> None:
    data = tmp_path / "data"
    process = start_script("asyncio.run(EmbeddedPostgres.start(Path(sys.argv[1])))", data)
    await until(lambda: any(data.glob("postgres.new-*/postgres/global")))
    assert process.poll() is None
    process.kill()
    process.communicate()
    postgres = await start(data)
    assert await ask(postgres.dsn, "select 1") == 1
    await postgres.stop()
    # The orphaned initdb may have written on while the first clean-up ran.
    await (await start(data)).stop()
    assert not list(data.glob("postgres.new*"))


async def test_cancelled_start_leaves_nothing(data: Path, start: Start) -> None:
    task = asyncio.create_task(EmbeddedPostgres.start(data))
    await until(lambda: PidFile.read(data / "postgres") is not None, step=0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert PidFile.read(data / "postgres") is None
    await start(data)


async def test_cancelled_while_the_cluster_is_made(tmp_path: Path, start: Start) -> None:
    data = tmp_path / "data"
    task = asyncio.create_task(EmbeddedPostgres.start(data))
    await until(lambda: any(data.glob("postgres.new-*")), step=0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (data / "postgres" / "PG_VERSION").exists()
    await start(data)


async def test_another_major_version_is_refused(tmp_path: Path, seed16: Path, start: Start) -> None:
    data = tmp_path / "data"
    shutil.copytree(seed16, data)
    with pytest.raises(StartError, match=r"made by PostgreSQL 16 and this is 18; .*--database-url"):
        await start(data, 18)
    await start(data, 16)


async def test_what_is_no_cluster_is_left_alone(tmp_path: Path, start: Start) -> None:
    (tmp_path / "data" / "postgres").mkdir(parents=True)
    (tmp_path / "data" / "postgres" / "mine").touch()
    with pytest.raises(StartError, match="is no data folder of PostgreSQL; move it away"):
        await start(tmp_path / "data")
    assert [path.name for path in (tmp_path / "data" / "postgres").iterdir()] == ["mine"]


async def test_data_folder_that_is_a_file(tmp_path: Path, start: Start) -> None:
    (tmp_path / "data").touch()
    with pytest.raises(StartError, match=r"cannot be written: File exists; .*--data"):
        await start(tmp_path / "data")
    with pytest.raises(StartError, match=r"cannot be written: File exists \(.*data\); .*--data"):
        await start(tmp_path / "data" / "below")


async def test_damaged_cluster(data: Path, start: Start) -> None:
    control = data / "postgres" / "global" / "pg_control"
    kept = control.read_bytes()
    control.unlink()
    with pytest.raises(
        StartError, match=r"PostgreSQL did not start: .*could not .*pg_control"
    ) as refused:
        await start(data)
    assert str(refused.value).endswith(f"its log is {data / 'postgres.log'}")
    assert "\n" not in str(refused.value)
    control.write_bytes(kept)
    await start(data)


def test_machine_without_the_wheel(tmp_path: Path) -> None:
    # Without site packages there is no wheel.
    printed = run_script(START, tmp_path / "data", options=("-S",))
    assert "no embedded PostgreSQL" in printed
    assert printed.endswith("with --database-url\n")
    assert printed.count("\n") == 1


async def test_long_paths(tmp_path: Path, seed18: Path, start: Start, ask: Ask) -> None:
    data = tmp_path / ("long" * 20) / ("löng and spaced " * 5) / "data"
    shutil.copytree(seed18, data)
    postgres = await start(data)
    assert await ask(postgres.dsn, KEPT) == 1


async def test_long_temp_dir(
    data: Path, tmp_path: Path, start: Start, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    temp = tmp_path / ("t" * 90)
    temp.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temp))
    postgres = await start(data)
    assert await ask(postgres.dsn, KEPT) == 1
    assert list(temp.iterdir()) == []


async def test_relative_path(
    data: Path, start: Start, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(data.parent)
    postgres = await start(Path("data"))
    assert postgres.dsn == dsn(socket_folder(data))
    assert await ask(postgres.dsn, KEPT) == 1


async def test_environment_is_kept_out(
    tmp_path: Path, start: Start, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", "no_SUCH")
    monkeypatch.setenv("PGUSER", "nobody")
    monkeypatch.setenv("DOORWARD_SECRET_KEY", "secret")
    postgres = await start(tmp_path / "data")
    assert await ask(postgres.dsn, "select 1") == 1
    assert b"secret" not in await asyncio.to_thread(environment, postgres.pid)


def environment(pid: int) -> bytes:
    return Path(f"/proc/{pid}/environ").read_bytes()


async def test_a_long_log_is_moved_away(data: Path, start: Start) -> None:
    log = data / "postgres.log"
    log.write_bytes(b"x" * (LONGEST + 1))
    await start(data)
    assert 0 < log.stat().st_size < 10_000
    assert (data / "postgres.log.1").stat().st_size == LONGEST + 1


async def test_permissions_outside_stay(tmp_path: Path, start: Start) -> None:
    (tmp_path / "closed").mkdir(mode=0o700)
    data = tmp_path / "closed" / "data"
    before = [_permissions(folder) for folder in data.parents]
    postgres = await start(data)
    assert [_permissions(folder) for folder in data.parents] == before
    await postgres.stop()
    assert [_permissions(folder) for folder in data.parents] == before


def _permissions(folder: Path) -> tuple[int, int, int]:
    found = folder.stat()
    return found.st_mode, found.st_uid, found.st_gid
