"""`doorward apply`, on a database of its own; what a site file may say is tested in tests/site."""

from pathlib import Path

import pytest

from tests.cli.conftest import Run

SANDBOX = Path(__file__).parents[2] / "src/doorward/site/sandbox.yaml"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A copy of the sandbox site."""
    copy = tmp_path / "site.yaml"
    copy.write_text(SANDBOX.read_text())
    return copy


def test_a_plan_changes_nothing(store: Run, file: Path) -> None:
    planned = store("apply", str(file), "--plan")
    assert planned.code == 0
    assert "to create" in planned.out
    assert store("apply", str(file), "--plan") == planned


def test_a_second_run_changes_nothing(store: Run, file: Path) -> None:
    assert "+ user jane" in store("apply", str(file)).out
    assert store("apply", str(file)) == (0, "nothing to change\n", "")


def test_deletes_only_when_told_to(store: Run, file: Path) -> None:
    store("apply", str(file))
    text = file.read_text()
    file.write_text(text[: text.index("  # In the system, and without")])
    assert "--prune deletes it" in store("apply", str(file)).out
    assert "- user yuki" in store("apply", str(file), "--prune").out
    assert store("apply", str(file)).out == "nothing to change\n"


def test_an_invalid_file_is_refused_with_its_line(store: Run, file: Path) -> None:
    file.write_text("workspace: {name: x}\nentrances: 3\n")
    ended = store("apply", str(file))
    assert (ended.code, ended.out) == (1, "")
    assert "site.yaml:2: " in ended.err


def test_a_file_that_is_not_there_is_refused_before_anything_starts(run: Run) -> None:
    ended = run("apply", "missing.yaml", "--data", "/dev/null/data")
    assert ended.code == 1
    assert "missing.yaml" in ended.err
