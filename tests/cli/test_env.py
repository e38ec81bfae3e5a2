"""`doorward env`."""

import subprocess
from pathlib import Path

import pytest

from doorward.site.sandbox import sandbox_secrets
from tests.cli.conftest import Run


def evaluated(lines: str, variable: str) -> str:
    """What a shell has in a variable after these lines."""
    script = f'{lines}\nprintf %s "${variable}"'
    return subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout


def test_gives_a_shell_what_the_clients_need(run: Run) -> None:
    secrets = sandbox_secrets()
    ended = run("env")
    wanted = {
        "SEAM_ENDPOINT": "http://127.0.0.1:8765",
        "SEAM_API_KEY": secrets.api_key,
        "SEAM_CLI_ENDPOINT": "http://127.0.0.1:8765",
        "SEAM_CLI_TOKEN": secrets.personal_access_token,
        "SEAM_CLI_WORKSPACE_ID": str(secrets.workspace_id),
    }
    assert {name: evaluated(ended.out, name) for name in wanted} == wanted
    assert ended.out.count("\n") == len(wanted)


def test_knows_host_and_port(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "SEAM_ENDPOINT='http://[::1]:99'\n" in run("env", "--host", "::1", "--port", "99").out
    monkeypatch.setenv("DOORWARD_PORT", "77")
    assert "SEAM_ENDPOINT=http://127.0.0.1:77\n" in run("env").out


def test_passes_on_a_data_folder_that_is_not_the_usual_one(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    given = run("env", "--data", "Jane's doors").out
    assert evaluated(given, "DOORWARD_DATA") == f"{tmp_path}/Jane's doors"
    monkeypatch.setenv("DOORWARD_DATA", "/srv/doors")
    assert "export DOORWARD_DATA=/srv/doors\n" in run("env").out


def test_a_port_that_is_none_is_one_line(run: Run) -> None:
    ended = run("env", "--port", "70000")
    assert (ended.code, ended.out) == (1, "")
    assert "'70000' is no port" in ended.err
