"""Getting the clients: once and not again, all or nothing, and telling why something is missing."""

import json
import os
import select
import shutil
from pathlib import Path

import pytest

from tests.clients import runtimes
from tests.clients.client import ReplayedClient
from tests.clients.conftest import obtain
from tests.clients.drivers import find, summary
from tests.clients.node_packages import STAMP, fingerprint, install_node_packages
from tests.clients.places import CHECKOUT, UNKNOWN, Finding, Places, read_finding, write_findings
from tests.clients.processes import run
from tests.clients.runtimes import (
    PHP,
    RUBY,
    Runtime,
    install_chromium,
    install_php_package,
    install_ruby_gem,
)

MISSING = Finding(installed=False, reason="not for this test")
DISCARD = 9


@pytest.fixture
def places(tmp_path: Path) -> Places:
    """A checkout of its own: the real lock file, nothing installed, an empty cache."""
    manifest = tmp_path / "manifest"
    manifest.mkdir()
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copyfile(CHECKOUT.manifest / name, manifest / name)
    return Places(manifest=manifest, home=tmp_path / "home")


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sends npm to a port where nobody listens."""
    monkeypatch.setenv("npm_config_registry", f"http://127.0.0.1:{DISCARD}")
    monkeypatch.setenv("npm_config_fetch_retries", "0")


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH that holds the programs which a test writes into this folder, and no others."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.delenv("DOORWARD_TEST_APT", raising=False)
    return folder


def write_program(folder: Path, name: str, script: str) -> None:
    program = folder / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


def test_lock_file_names_no_host() -> None:
    lock = json.loads((CHECKOUT.manifest / "package-lock.json").read_text())

    assert "://" not in json.dumps(lock)
    assert all("integrity" in package for name, package in lock["packages"].items() if name)


@pytest.mark.usefixtures("no_network")
def test_packages_that_are_there_need_no_network(places: Places) -> None:
    places.node.mkdir(parents=True)
    (places.node / STAMP).write_text(fingerprint(places))

    assert install_node_packages(places) == Finding(installed=True)


@pytest.mark.usefixtures("no_network")
def test_without_a_network_the_older_packages_stay(places: Places) -> None:
    package = places.node / "node_modules" / "seam" / "package.json"
    package.parent.mkdir(parents=True)
    package.write_text("{}")
    (places.node / STAMP).write_text("an older lock file")

    finding = install_node_packages(places)

    assert finding.installed
    assert "older packages stay" in finding.reason
    assert "ECONNREFUSED" in finding.reason
    assert package.read_text() == "{}"
    assert not (places.home / "node.new").exists()


@pytest.mark.usefixtures("no_network")
def test_without_a_network_and_packages_the_reason_is_told(places: Places) -> None:
    finding = install_node_packages(places)

    assert not finding.installed
    assert finding.reason.startswith("npm ci: ")
    assert not places.node.exists()


def test_missing_packages_skip_here_and_fail_under_ci(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_findings(places, {"node": MISSING})

    monkeypatch.delenv("CI", raising=False)
    assert _how_it_ends("javascript", places) is pytest.skip.Exception
    monkeypatch.setenv("CI", "true")
    assert _how_it_ends("cli", places) is pytest.fail.Exception


def _how_it_ends(name: str, places: Places) -> type[BaseException]:
    ends = (pytest.skip.Exception, pytest.fail.Exception)
    with pytest.raises(ends, match=f"{name}: not for this test") as raised:
        obtain(name, places)
    return raised.type


def test_nothing_is_known_before_the_first_run(places: Places) -> None:
    assert read_finding(places, "node") == Finding(installed=False, reason=UNKNOWN)


def test_ruby_and_php_are_replayed_where_they_are_missing(places: Places) -> None:
    write_findings(places, {"ruby": MISSING, "php": MISSING})

    assert isinstance(find("ruby", places), ReplayedClient)
    assert isinstance(find("php", places), ReplayedClient)


def test_ruby_and_php_are_real_where_they_are_installed(places: Places) -> None:
    write_findings(places, {"ruby": Finding(installed=True), "php": Finding(installed=True)})

    assert find("ruby", places).real
    assert find("php", places).real


def test_summary_counts_and_gives_reasons(places: Places) -> None:
    write_findings(places, {"node": MISSING, "ruby": MISSING, "php": Finding(installed=True)})

    told = summary(places)

    assert told.startswith("official clients: ")
    assert "ruby: not for this test)" in told
    assert "2 missing (javascript: not for this test; cli: not for this test)" in told


def test_no_language_and_no_apt(places: Places, programs: Path) -> None:
    assert list(programs.iterdir()) == []

    finding = install_ruby_gem(places)

    reason = "no ruby and gem on the PATH; no apt-get on the PATH either"
    assert finding == Finding(installed=False, reason=reason)


@pytest.mark.parametrize(
    ("offered", "reason"),
    [
        ("1:3.1", "apt offers 3.1, the tests need 3.3"),
        ("(none)", "apt offers none, the tests need 3.3"),
    ],
)
def test_apt_offers_nothing_that_would_do(programs: Path, offered: str, reason: str) -> None:
    write_program(programs, "apt-get", "exit 1")
    write_program(programs, "apt-cache", f"echo '  Candidate: {offered}'")

    assert RUBY.missing() == f"no ruby and gem on the PATH; {reason}"


def test_apt_is_not_asked_without_leave(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_program(programs, "apt-get", "exit 1")
    write_program(programs, "apt-cache", "echo '  Candidate: 2:8.2+93'")

    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert "DOORWARD_TEST_APT=1 lets it be installed" in PHP.missing()
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert PHP.missing().endswith("apt offers 8.2, but installing it needs root")


def test_apt_with_leave_installs_the_language(
    programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ruby = f"/bin/cp {programs}/apt-cache {programs}/gem && /bin/mv {programs}/new {programs}/ruby"
    write_program(programs, "new", "printf 3.4.1")
    write_program(programs, "apt-get", ruby)
    write_program(programs, "apt-cache", "echo '  Candidate: 1:3.4'")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setenv("DOORWARD_TEST_APT", "1")

    assert not RUBY.missing()


def test_ci_installs_what_nothing_stands_in_for(
    programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The list of packages comes with `update`, the browser with `install`.
    write_program(
        programs,
        "apt-get",
        f'[ "$1" = update ] && /bin/mv {programs}/list {programs}/apt-cache && exit\n'
        f"/bin/mv {programs}/new {programs}/chromium",
    )
    write_program(programs, "apt-cache", "echo '  Candidate: (none)'")
    write_program(programs, "list", "echo '  Candidate: 142.0.7444.59-1~deb12u1'")
    write_program(programs, "new", "echo 'Chromium 142.0.7444.59 built on Debian'")
    for tool in ("sh", "grep", "head"):
        (programs / tool).symlink_to(shutil.which(tool, path=os.defpath) or "")
    monkeypatch.setattr(os, "geteuid", lambda: 0)

    monkeypatch.delenv("CI", raising=False)
    assert install_chromium().reason == (
        "no chromium on the PATH; apt offers none, the tests need 120.0"
    )
    monkeypatch.setenv("CI", "true")
    assert install_chromium() == Finding(installed=True)


def test_old_language_is_too_old(programs: Path) -> None:
    write_program(programs, "gem", "exit 1")
    write_program(programs, "ruby", "printf 3.2.9")

    assert RUBY.missing() == "ruby 3.2 is too old, the tests need 3.3"


def test_gem_that_can_not_be_had_is_told(places: Places, programs: Path) -> None:
    write_program(programs, "ruby", "printf 3.4.1")
    write_program(programs, "gem", "echo fetching; echo 'ERROR:  no route to host'; exit 2")

    finding = install_ruby_gem(places)

    assert finding == Finding(installed=False, reason="gem install seam: ERROR:  no route to host")


def test_package_of_php_is_asked_for_once(places: Places, programs: Path) -> None:
    write_program(programs, "php", "printf 8.3.1")
    count = f'echo once >> "{programs}/count"; cat composer.json > "{programs}/asked"'
    install = f"PATH=/usr/bin:/bin; {count}; mkdir vendor; touch vendor/autoload.php"
    write_program(programs, "composer", install)

    assert install_php_package(places) == Finding(installed=True)
    assert install_php_package(places) == Finding(installed=True)
    assert (programs / "count").read_text() == "once\n"
    asked = json.loads((programs / "asked").read_text())
    assert asked == {"require": {"seamapi/seam": runtimes.PHP_SEAM}}


def test_program_that_hangs_is_ended_with_its_children(tmp_path: Path) -> None:
    held = tmp_path / "held"
    os.mkfifo(held)
    reading = os.open(held, os.O_RDONLY | os.O_NONBLOCK)

    failure = run(["/bin/sh", "-c", f"sleep 60 > '{held}' & wait"], 0.5)

    # The end of the pipe comes when its last writer, the child, is gone.
    ended, _, _ = select.select([reading], [], [], 10)
    content = os.read(reading, 1)
    os.close(reading)
    assert (failure, ended, content) == ("not done after 0.5 s", [reading], b"")


def test_runtime_needs_all_its_programs(programs: Path) -> None:
    write_program(programs, "ruby", "printf 3.4.1")
    half = Runtime(("ruby", "gem"), ("ruby",), (3, 3), ("ruby",))

    assert half.missing().startswith("no ruby and gem on the PATH")
