"""What `serve` prints when it can answer, and how lines to paste name this command."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from doorward.cli.invocation import command, eval_line
from doorward.cli.sandbox import Sandbox, sandbox
from doorward.cli.welcome import welcome, welcome_sandbox
from doorward.server import Ready
from doorward.settings import Settings, default_data

SANDBOX = Sandbox(
    workspace_id=sandbox().workspace_id,
    api_key="seam_testKey_1",
    personal_access_token="seam_at1Token_2",
    card="42-12345",
    entrance="Jane's room",
)
USER = "8d7e0b3a-b889-49a7-9164-4b71a0506a33"
GROUP = "123e4567-e89b-12d3-a456-426614174000"


@pytest.fixture
def settings() -> Settings:
    return Settings("127.0.0.1", 8765, default_data(), None, None)


def test_the_sandbox_is_explained(settings: Settings) -> None:
    endpoint = "http://127.0.0.1:8765"
    ids = f"--acs_user_id {USER} --acs_access_group_id {GROUP}"
    present = "/somewhere/bin/doorward present --entrance 'Jane'\"'\"'s room' --card 42-12345"
    assert [*welcome_sandbox(Ready(endpoint, settings, is_sandbox=True), SANDBOX)] == [
        "Doorward answers at http://127.0.0.1:8765 (Ctrl-C stops it).",
        "Its calls, to read and to try: http://127.0.0.1:8765/docs",
        "This is the sandbox. Key and token are published, and honoured on this machine alone:",
        "",
        "  export SEAM_ENDPOINT=http://127.0.0.1:8765",
        "  export SEAM_API_KEY=seam_testKey_1",
        "  export SEAM_CLI_ENDPOINT=http://127.0.0.1:8765",
        "  export SEAM_CLI_TOKEN=seam_at1Token_2",
        f"  export SEAM_CLI_WORKSPACE_ID={SANDBOX.workspace_id}",
        "",
        "All of that at once, in another terminal:",
        "",
        '  eval "$(/somewhere/bin/doorward env)"',
        "",
        "Then Python, JavaScript and Ruby need nothing else. cURL, PHP and the Seam CLI:",
        "",
        (
            '  curl -sS -H "Authorization: Bearer $SEAM_API_KEY"'
            ' -H "Content-Type: application/json"'
            f' -d \'{{"acs_user_id":"{USER}"}}\' http://127.0.0.1:8765/acs/users/get'
        ),
        '  $seam = new Seam\\SeamClient("seam_testKey_1", "http://127.0.0.1:8765");',
        f"  seam acs users get --acs-user-id {USER} --remote-schema",
        "",
        "See a door refuse: it opens, the call is made, it stays shut (deny_no_access).",
        "",
        f"  {present}",
        f"  /somewhere/bin/doorward api acs users remove-from-access-group {ids}",
        f"  {present}",
        "",
        "And put the person back:",
        "",
        f"  /somewhere/bin/doorward api acs users add-to-access-group {ids}",
    ]


def test_a_site_of_its_own_is_told_how_to_make_a_key(settings: Settings) -> None:
    lines = [*welcome(Ready("http://127.0.0.1:8765", settings, is_sandbox=False))]
    assert lines[-1] == "  /somewhere/bin/doorward token create --name NAME"
    assert "  export SEAM_ENDPOINT=http://127.0.0.1:8765" in lines


def test_a_key_is_made_where_the_server_keeps_its_own(settings: Settings) -> None:
    elsewhere = replace(settings, data=Path("/srv/my doors"), database_url="postgresql://u:p@h/d")
    *_, last = welcome(Ready("http://127.0.0.1:8765", elsewhere, is_sandbox=False))
    assert last == (
        "  DOORWARD_DATA='/srv/my doors' /somewhere/bin/doorward token create --name NAME"
        ' --database-url "$DOORWARD_DATABASE_URL"'
    )


def test_the_line_to_evaluate_has_what_is_not_usual(settings: Settings) -> None:
    unusual = replace(settings, host="::1", port=0, data=Path("/srv/doors"))
    assert eval_line(unusual, 4711) == (
        'eval "$(DOORWARD_DATA=/srv/doors /somewhere/bin/doorward env --host ::1 --port 4711)"'
    )


def test_a_command_on_the_path_is_called_by_its_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    script = tmp_path / "doorward"
    script.touch(mode=0o755)
    monkeypatch.setattr("sys.argv", [str(script)])
    assert command() == str(script)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert command() == "doorward"


def test_a_relative_command_is_named_in_full(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["my venv/bin/doorward"])
    assert command() == f"'{tmp_path}/my venv/bin/doorward'"


def test_a_module_is_called_as_a_module(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["/lib/doorward/__main__.py"])
    assert command() == f"{sys.executable} -m doorward"


def test_the_demonstration_is_about_a_door_that_one_group_opens() -> None:
    assert sandbox().card == "42-10001"
    assert sandbox().entrance == "Server room"
