"""Other Python processes that the tests start beside themselves: to kill, or as another user."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import doorward

_SOURCES = str(Path(doorward.__file__).parents[1])
NOBODY = 65534
PREAMBLE = """
import asyncio, os, sys
from pathlib import Path
from doorward.errors import StartError
from doorward.store.embedded import EmbeddedPostgres, RootMode, attach, open_database
"""

# Changes the user after everything is imported, because the interpreter may lie where only root can
# enter, as below root's home. A thread has been used before, because that imports more.
_CHANGE_USER = """
asyncio.run(asyncio.to_thread(int))
os.setgroups([])
os.setgid({user})
os.setuid({user})
"""

# Starts PostgreSQL on a folder, tells its pid and address, and stops it when its input ends.
_OWNER = """
async def main():
    async with await EmbeddedPostgres.start(Path(sys.argv[1])) as postgres:
        print(postgres.pid, postgres.dsn, flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)

if sys.argv[2:] == ["uvloop"]:
    import uvloop
    uvloop.run(main())
else:
    asyncio.run(main())
"""


def is_gone(pid: int) -> bool:
    """Whether a process has ended (a zombie has)."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return True
    return "\nState:\tZ" in status


def owner_of(pid: int) -> int:
    """The user id that a process has outside of its namespace."""
    return Path(f"/proc/{pid}").stat().st_uid


async def until(condition: Callable[[], bool], step: float = 0.005) -> None:
    """Waits for something that nobody announces."""
    while True:
        if condition():
            return
        await asyncio.sleep(step)


def start_script(
    script: str,
    *arguments: object,
    user: int | None = None,
    options: tuple[str, ...] = (),
    environment: dict[str, str] | None = None,
) -> "subprocess.Popen[str]":
    """Starts a script that has the package's names, in a session of its own, as another user."""
    change = "" if user is None else _CHANGE_USER.format(user=user)
    return subprocess.Popen(
        (sys.executable, *options, "-c", PREAMBLE + change + script, *map(str, arguments)),
        env={
            **os.environ,
            "PYTHONPATH": _SOURCES,
            "PYTHONDONTWRITEBYTECODE": "1",
            **(environment or {}),
        },
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        cwd="/",
    )


def run_script(
    script: str,
    *arguments: object,
    user: int | None = None,
    options: tuple[str, ...] = (),
    environment: dict[str, str] | None = None,
) -> str:
    """What a script prints until it ends, which it must do well."""
    process = start_script(script, *arguments, user=user, options=options, environment=environment)
    printed, _ = process.communicate(timeout=60)
    assert process.returncode == 0, printed
    return printed


class Owner:
    """Another Doorward process that has started PostgreSQL on a data folder."""

    def __init__(self, data: Path, *loop: str, user: int | None = None) -> None:
        self.process = start_script(_OWNER, data, *loop, user=user)
        assert self.process.stdout is not None
        self._output = self.process.stdout
        line = self._output.readline()
        pid, _, self.dsn = line.strip().partition(" ")
        assert pid.isdigit(), line + self._output.read()
        self.postgres_pid = int(pid)

    @property
    def pid(self) -> int:
        """The process, not PostgreSQL's."""
        return self.process.pid

    def kill(self) -> None:
        """Ends it with SIGKILL, so that PostgreSQL stays without an owner."""
        self.process.kill()
        self.process.communicate()

    def finish(self) -> str:
        """Lets it stop by itself; what it printed meanwhile, which is nothing if all is well."""
        printed, _ = self.process.communicate("", timeout=60)
        return printed
