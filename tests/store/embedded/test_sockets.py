"""The socket's folder: private, verified, and removed."""

import os
import stat
from pathlib import Path

import pytest

from doorward.errors import StartError
from doorward.store.embedded.sockets import remove_socket_folder, socket_folder
from tests.store.embedded.conftest import Ask, Start
from tests.store.embedded.scripts import NOBODY

REFUSED = "is not a folder that only this user can enter, .*; remove it"


async def test_private_while_it_runs_and_gone_afterwards(data: Path, start: Start) -> None:
    postgres = await start(data)
    folder = socket_folder(data)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} <= {0o700, 0o600}
    await postgres.stop()
    assert not folder.exists()


async def test_link_in_its_place(data: Path, tmp_path: Path, start: Start) -> None:
    trap = tmp_path / "trap"
    trap.mkdir(mode=0o700)
    (trap / ".s.PGSQL.5432").touch()
    folder = socket_folder(data)
    folder.symlink_to(trap)
    try:
        with pytest.raises(StartError, match=REFUSED):
            await start(data)
        assert [path.name for path in trap.iterdir()] == [".s.PGSQL.5432"]
        assert folder.is_symlink()
    finally:
        folder.unlink()
    await start(data)


async def test_open_folder_in_its_place(data: Path, start: Start) -> None:
    folder = socket_folder(data)
    folder.mkdir()
    folder.chmod(0o777)
    try:
        with pytest.raises(StartError, match=REFUSED):
            await start(data)
    finally:
        folder.rmdir()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make another user's folder")
async def test_another_users_folder_in_its_place(data: Path, start: Start) -> None:
    folder = socket_folder(data)
    folder.mkdir(mode=0o700)
    os.chown(folder, NOBODY, NOBODY)
    try:
        with pytest.raises(StartError, match=REFUSED):
            await start(data)
    finally:
        folder.rmdir()


async def test_left_by_a_killed_server(data: Path, start: Start, ask: Ask) -> None:
    folder = socket_folder(data)
    folder.mkdir(mode=0o700)
    (folder / ".s.PGSQL.5432").touch()
    (folder / ".s.PGSQL.5432.lock").write_text(f"{os.getpid()}\n")
    postgres = await start(data)
    assert await ask(postgres.dsn, "select count(*) from kept") == 1


def test_what_others_put_into_it_stays(tmp_path: Path) -> None:
    (tmp_path / "mine").touch()
    remove_socket_folder(tmp_path)
    assert (tmp_path / "mine").exists()
