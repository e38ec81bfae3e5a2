"""What a newcomer does: starts the server, and pastes what it prints."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.running import GROUP, USER, RunningServer, clean_environment, running


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with running(tmp_path_factory.mktemp("demonstration") / "data") as server:
        yield server


@pytest.fixture
def talking(server: RunningServer, monkeypatch: pytest.MonkeyPatch, run: Run) -> Run:
    """Runs commands in an environment as the printed line sets it."""
    for line in lines(server):
        if line.startswith("export "):
            name, _, value = line.removeprefix("export ").partition("=")
            monkeypatch.setenv(name, value)
    return run


def lines(server: RunningServer) -> list[str]:
    return [line.strip() for line in server.output().splitlines()]


def pasted(server: RunningServer, line: str) -> subprocess.CompletedProcess[str]:
    """A printed line in another terminal, after the one that sets the environment."""
    [to_evaluate] = [line for line in lines(server) if line.startswith("eval ")]
    return subprocess.run(
        ["sh", "-c", f"{to_evaluate}\n{line}"],
        cwd="/",
        env=clean_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_three_lines_and_the_way_back(server: RunningServer) -> None:
    before, call, after = [
        line for line in lines(server) if " present " in line or "remove" in line
    ]
    [back] = [line for line in lines(server) if "add-to-access-group" in line]
    allowed = pasted(server, before)
    assert (allowed.returncode, allowed.stderr) == (0, "")
    assert allowed.stdout.startswith("allow, rule 16")
    assert pasted(server, call).stdout == "{}\n"
    refused = pasted(server, after)
    assert (refused.returncode, refused.stderr) == (3, "")
    assert refused.stdout.startswith("deny_no_access, rule 11")
    assert pasted(server, back).stdout == "{}\n"
    assert pasted(server, before).returncode == 0


@pytest.mark.skipif(
    shutil.which("curl") is None and "CI" not in os.environ, reason="no curl on the PATH"
)
def test_the_line_for_curl(server: RunningServer) -> None:
    [curl] = [line for line in lines(server) if line.startswith("curl ")]
    assert '"display_name":"Jane Doe"' in pasted(server, curl).stdout


def test_a_database_that_a_server_uses_can_be_worked_on(
    server: RunningServer, talking: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOORWARD_DATA", str(server.data))
    assert talking("token", "list").out.count("published") == 2
    created = talking("token", "create", "--name", "test")
    with server.client(created.out.strip()) as client:
        assert client.post("/workspaces/get").status_code == 200
    sandbox = Path(__file__).parents[2] / "src/doorward/site/sandbox.yaml"
    assert talking("apply", str(sandbox), "--plan").out == "nothing to change\n"


def test_explains_with_the_policy_of_the_time(talking: Run) -> None:
    words = ("explain", "--user", "jane@example.com", "--entrance", "Server room")
    now = talking(*words)
    assert now.out.startswith("Jane Doe at Server room: allow, rule 16")
    assert GROUP in now.out
    before = talking(*words, "--at", "2020-01-01T00:00:00Z")
    assert before.out.startswith("Jane Doe at Server room: deny_unknown_entrance, rule 1, ")


def test_the_table_of_doors(talking: Run) -> None:
    talking("present", "--entrance", "Front door", "--code", "0000")
    shown = talking("doors", "--once").out
    assert "deny_unknown_credential" in shown
    assert shown.count("connected") == 5


def test_any_call_of_the_table(talking: Run) -> None:
    listed = talking("api", "acs", "users", "list", "--limit", "2", "--search", "jane")
    assert USER in listed.out
    unknown = talking("api", "acs", "users", "get", "--acs-user-id", GROUP)
    assert (unknown.code, unknown.out) == (1, "")
    assert '"acs_user_not_found"' in unknown.err
