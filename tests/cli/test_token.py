"""`doorward token`, on a database of its own."""

import asyncio
import functools
import re
import time
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import jwt
import pytest

from tests.cli.conftest import Ended, Run

SITE = """\
workspace: {{id: {id}, name: {name}, company_name: Acme, is_sandbox: {is_sandbox}}}
"""
HOTEL = "398d80b7-3f96-47c2-b85a-6f8ba21d0701"
OFFICE = "398d80b7-3f96-47c2-b85a-6f8ba21d0702"


def add_workspace(store: Run, tmp_path: Path, workspace_id: str, name: str) -> None:
    file = tmp_path / f"{name}.yaml"
    file.write_text(SITE.format(id=workspace_id, name=name, is_sandbox="false"))
    assert store("apply", str(file)).code == 0


def rows(store: Run) -> list[list[str]]:
    lines = store("token", "list").out.splitlines()[1:]
    return [re.split(r"\s{2,}", line) for line in lines]


def test_a_key_opens_the_only_workspace(store: Run, tmp_path: Path) -> None:
    add_workspace(store, tmp_path, HOTEL, "Hotel")
    ended = store("token", "create", "--name", "back end")
    secret = ended.out.strip()
    assert re.fullmatch(r"seam_(?!at|cst|pk|test)[A-Za-z0-9]{8}_[A-Za-z0-9]{24}", secret)
    [(_, kind, name, hint, workspace, _, _, _, state)] = rows(store)
    assert (kind, name, workspace, state) == ("api_key", "back end", HOTEL, "active")
    assert secret.startswith(f"{hint}_")


def test_a_personal_access_token_opens_every_workspace(store: Run, tmp_path: Path) -> None:
    add_workspace(store, tmp_path, HOTEL, "Hotel")
    add_workspace(store, tmp_path, OFFICE, "Office")
    ended = store("token", "create", "--name", "laptop", "--kind", "personal-access-token")
    assert ended.out.startswith("seam_at1")
    assert rows(store)[0][4] == "every one"


def test_one_of_several_workspaces_must_be_named(store: Run, tmp_path: Path) -> None:
    add_workspace(store, tmp_path, HOTEL, "Hotel")
    add_workspace(store, tmp_path, OFFICE, "Office")
    ended = store("token", "create", "--name", "x")
    assert (ended.code, ended.out) == (1, "")
    assert f"{HOTEL} (Hotel)" in ended.err
    assert f"{OFFICE} (Office)" in ended.err
    for wanted in (OFFICE, OFFICE.upper(), "Office"):
        made = store("token", "create", "--name", wanted, "--workspace", wanted)
        assert made.code == 0
        assert {row[2]: row[4] for row in rows(store)}[wanted] == OFFICE
    assert rows(store)[0][4] == OFFICE


def test_a_workspace_that_is_not_there_is_refused(store: Run, tmp_path: Path) -> None:
    assert "has no workspace yet" in store("token", "create", "--name", "x").err
    add_workspace(store, tmp_path, HOTEL, "Hotel")
    for kind in ("api-key", "personal-access-token"):
        words = ("token", "create", "--name", "x", "--kind", kind, "--workspace", OFFICE)
        assert f"choose one with --workspace: {HOTEL} (Hotel)" in store(*words).err
    assert rows(store) == []


def test_a_revoked_token_stays_on_the_list(store: Run, tmp_path: Path) -> None:
    add_workspace(store, tmp_path, HOTEL, "Hotel")
    store("token", "create", "--name", "x")
    [[token_id, *_]] = rows(store)
    for _ in range(2):
        assert store("token", "revoke", token_id).out == f"revoked {token_id}\n"
    assert rows(store)[0][-1].startswith("revoked ")


def test_an_unknown_token_is_told(store: Run) -> None:
    assert store("token", "revoke", HOTEL).err == f"doorward: there is no token {HOTEL}\n"
    unsaid = store("token", "revoke")
    assert unsaid.code == 2
    assert "name at least one token id" in unsaid.err
    assert store("token", "revoke", "x").code == 2


def test_published_tokens_are_marked(store: Run) -> None:
    sandbox = Path(__file__).parents[2] / "src/doorward/site/sandbox.yaml"
    assert store("apply", str(sandbox)).code == 0
    assert [row[-1] for row in rows(store)] == ["published", "published"]
    ended = store("token", "create", "--name", "x")
    assert ended.out.startswith("seam_test")


def test_a_key_has_the_scopes_that_it_is_given(store: Run, tmp_path: Path) -> None:
    add_workspace(store, tmp_path, HOTEL, "Hotel")
    store("token", "create", "--name", "a")
    store("token", "create", "--name", "b", "--scope", "metrics", "--scope", "doors")
    store("token", "create", "--name", "c", "--kind", "personal-access-token")
    assert [row[5] for row in rows(store)] == ["none", "doors metrics", "doors"]
    assert store("token", "create", "--name", "d", "--scope", "everything").code == 2


def test_a_token_may_end(store: Run, tmp_path: Path) -> None:
    add_workspace(store, tmp_path, HOTEL, "Hotel")
    for span in ("90d", "12h", "1s"):
        assert store("token", "create", "--name", span, "--expires-in", span).code == 0
    time.sleep(1)
    assert [row[-1] for row in rows(store)] == ["active", "active", "expired"]


@pytest.mark.parametrize(
    ("span", "told"),
    [
        *((span, "is no span of time") for span in ("12", "h", "1.5h", "1 h", "--h", "9" * 100)),
        *((span, f"--expires-in {span} must be above 0") for span in ("0h", "-5s", "-90d")),
        ("99999999d", "is too long: give at most 999999d"),
        (f"{'9' * 99}s", "is too long: give at most 86399913600s"),
    ],
)
def test_what_is_wrong_with_a_span_is_told(store: Run, span: str, told: str) -> None:
    ended = store("token", "create", "--name", "x", "--expires-in", span)
    assert (ended.code, ended.out) == (2, "")
    assert told in ended.err


def test_the_longest_span_is_kept(store: Run, tmp_path: Path) -> None:
    add_workspace(store, tmp_path, HOTEL, "Hotel")
    for span in ("999999d", "86399913600s"):
        assert store("token", "create", "--name", "x", "--expires-in", span).code == 0
    assert [row[-2][0] for row in rows(store)] == ["4", "4"]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("", "must not be empty"),
        (" ", "must not be empty"),
        ("a\nb", "must not have control characters"),
        ("\x1b[31mred", "must not have control characters"),
        ("\x9b31mred", "must not have control characters"),
        ("\udcff", "must not have control characters"),
        ("x" * 256, "must have at most 255 characters"),
    ],
)
def test_a_name_is_a_line_of_text(store: Run, name: str, told: str) -> None:
    by_name = store("token", "create", "--name", name)
    assert by_name == (2, "", f"doorward: --name {told}\n")
    session = ("token", "create", "--kind", "client-session", "--customer-key", name)
    assert store(*session) == (2, "", f"doorward: --customer-key {told}\n")


async def test_no_name_reaches_the_terminal_raw(run: Run, dsn: str, tmp_path: Path) -> None:
    def on_database(*words: str) -> Ended:
        return run(*words, "--data", str(tmp_path / "data"), "--database-url", dsn)

    add = functools.partial(add_workspace, on_database, tmp_path)
    await asyncio.to_thread(add, HOTEL, "Hotel")
    await asyncio.to_thread(add, OFFICE, "Office")
    words = ("token", "create", "--name", "x", "--workspace", HOTEL)
    assert (await asyncio.to_thread(on_database, *words)).code == 0
    connection = await asyncpg.connect(dsn)
    await connection.execute("update token set name = $1", "a\nb\x1b[31mred\x9b")
    await connection.execute("update workspace set name = $1", "a\rb\x1b[31mred\x9b")
    await connection.close()
    listed = (await asyncio.to_thread(on_database, "token", "list")).out
    assert "a\ufffdb\ufffd[31mred\ufffd" in listed
    assert len(listed.splitlines()) == 2
    asked = (await asyncio.to_thread(on_database, "token", "create", "--name", "y")).err
    assert f"{HOTEL} (a\ufffdb\ufffd[31mred\ufffd)" in asked


def test_a_console_session_opens_every_workspace(store: Run, tmp_path: Path) -> None:
    add_workspace(store, tmp_path, HOTEL, "Hotel")
    text = store("token", "create", "--name", "me", "--kind", "console-session").out.strip()
    claims = jwt.decode(text, options={"verify_signature": False})
    [(token_id, kind, _, hint, workspace, scopes, _, expires, state)] = rows(store)
    assert (kind, workspace, scopes, state) == ("console_session", "every one", "doors", "active")
    assert claims["jti"] == token_id
    assert text.startswith(f"{hint}.")
    assert expires == f"{datetime.fromtimestamp(claims['exp'], UTC):%Y-%m-%d %H:%M}"
    assert 11 * 3600 < claims["exp"] - time.time() <= 12 * 3600


def test_a_customers_session(store: Run, tmp_path: Path) -> None:
    add_workspace(store, tmp_path, HOTEL, "Hotel")
    words = ("token", "create", "--kind", "client-session", "--customer-key", "acme")
    for more in ((), ("--read-only",), ("--expires-in", "1h")):
        assert store(*words, *more).out.startswith("seam_cst1")
    assert rows(store) == []


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "say with --name what it is for"),
        (("--kind", "client-session"), "say with --customer-key whose client session it is"),
        (
            ("--kind", "client-session", "--customer-key", "c", "--name", "x"),
            "a client session has no --name",
        ),
        (
            ("--kind", "client-session", "--customer-key", "c", "--scope", "doors"),
            "a client session has no --scope",
        ),
        (
            ("--name", "x", "--customer-key", "c"),
            "--customer-key and --read-only are for --kind client-session",
        ),
        (
            ("--name", "x", "--read-only"),
            "--customer-key and --read-only are for --kind client-session",
        ),
    ],
)
def test_what_goes_together(store: Run, words: tuple[str, ...], told: str) -> None:
    ended = store("token", "create", *words)
    assert (ended.code, ended.err) == (2, f"doorward: {told}\n")
