"""The plugin in test suites of their own, outside this repository."""

import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from doorward.testing.hosting import Host, HostError
from tests.running import clean_environment, is_pid_gone
from tests.testing.suites import run, write

STRANGER = """
import sys

def test_nothing_of_it_is_there():
    ours = {name for name in sys.modules if name.startswith("doorward.")}
    assert ours == {"doorward.testing", "doorward.testing.plugin"}
    assert not {"asyncpg", "httpx", "msgspec", "seam", "uvloop"} & sys.modules.keys()
"""
OPENS = """
import pytest

@pytest.mark.parametrize("turn", range(4))
def test_it_opens(door, site, turn):
    door.opens("front-door", card=site.cards["jane/badge"])
"""
FAILS = """
def test_it_opens(door):
    door.opens("server-room", card="42-10006")
"""
GATE = """
import pytest

def test_the_suites_own_site(site):
    assert [*site.entrances] == ["gate"]

@pytest.mark.doorward("other.yaml")
def test_a_site_of_one_test(site):
    assert [*site.entrances] == ["hatch"]

@pytest.mark.doorward(site="other.yaml")
class TestClass:
    def test_a_site_of_one_class(self, site):
        assert [*site.entrances] == ["hatch"]
"""
WAITS = """
import os, time

def test_it_waits(doorward):
    print(doorward.pid, doorward.log.parent, flush=True)
    time.sleep(100)
"""
OFFICE = Path(__file__).with_name("office.yaml").read_text("utf-8")


def test_who_does_not_use_it_does_not_notice(tmp_path: Path) -> None:
    # Without what else is installed here, which may load anything.
    others = ("-p", "no:randomly", "-p", "no:schemathesis", "-p", "no:hypothesispytest")
    write(tmp_path, test_stranger__py=STRANGER)
    done = run(tmp_path, *others, "--strict-markers")
    assert done.returncode == 0, done.stdout
    assert "asyncio: mode=Mode.STRICT" in done.stdout


def test_on_several_cores(tmp_path: Path) -> None:
    # A module of the suite's that has the name of one that the server needs is not the server's.
    write(tmp_path, test_opens__py=OPENS, msgspec__py="raise SystemExit")
    done = run(tmp_path, "-n", "2")
    assert "4 passed" in done.stdout, done.stdout


def test_a_failure_shows_why_and_the_servers_log(tmp_path: Path) -> None:
    write(tmp_path, test_fails__py=FAILS)
    done = run(tmp_path, "--strict-markers")
    assert done.returncode == 1
    assert "AssertionError: server-room was to open for card 42-10006 (femi)" in done.stdout
    assert "no access group, credential or grant leads here" in done.stdout
    assert "Captured doorward call" in done.stdout
    assert "path=/doorward/doors/present status=200" in done.stdout
    # The traceback ends in the test, where the mistake is.
    assert "testing/door.py" not in done.stdout


def test_sites_of_suites_and_tests(tmp_path: Path) -> None:
    write(
        tmp_path,
        test_gate__py=GATE,
        office__yaml=OFFICE,
        other__yaml=OFFICE.replace("gate", "hatch"),
        pytest__ini="[pytest]\ndoorward_site = office.yaml\naddopts = --strict-markers\n",
    )
    done = run(tmp_path)
    assert "3 passed" in done.stdout, done.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_run_that_is_ended_leaves_nothing(tmp_path: Path, number: signal.Signals) -> None:
    write(tmp_path, test_waits__py=WAITS)
    with subprocess.Popen(
        [sys.executable, "-m", "pytest", "-s", "-p", "no:cacheprovider", "test_waits.py"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
        env=clean_environment(),
    ) as suite:
        assert suite.stdout is not None
        printed = next(line for line in suite.stdout if "doorward-testing" in line)
        pid, folder = printed.split()[-2:]
        postgres = int(next(Path(folder).rglob("postmaster.pid")).read_text().split()[0])
        os.kill(suite.pid, number)
        suite.wait(60)
    deadline = time.monotonic() + 60
    while Path(folder).exists() or not all(map(is_pid_gone, (int(pid), postgres))):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_servers_end_with_the_process_that_started_them() -> None:
    host, stack = Host(), ExitStack()
    server = stack.enter_context(host.serve())
    postgres = int(next(server.log.parent.rglob("postmaster.pid")).read_text().split()[0])
    assert host._process is not None
    host._process.kill()
    deadline = time.monotonic() + 60
    while not is_pid_gone(server.pid):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    with pytest.raises(HostError, match="has ended"):
        stack.close()
    os.kill(postgres, signal.SIGKILL)
    host.stop()
    assert not server.log.exists()
