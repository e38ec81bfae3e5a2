"""What all subcommands have in common: help, errors, exit codes, a quick start."""

import os
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import version
from typing import Any

import pytest

from doorward.cli import _SUMMARIES, module_of
from doorward.errors import ApiError, StartError, Unavailable, UsageError
from tests.cli import answers
from tests.cli.conftest import Run
from tests.cli.fake import FakeServer

# api has the route table's help instead (test_api).
COMMANDS = sorted(_SUMMARIES.keys() - {"api"})
CALLS = [(), *((name,) for name in COMMANDS)]


@pytest.mark.parametrize("words", CALLS, ids=lambda words: " ".join(words) or "doorward")
def test_help_is_there_and_needs_no_server(run: Run, words: tuple[str, ...]) -> None:
    ended = run(*words, "--help")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith(f"Usage: {' '.join(('doorward', *words))}")


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_help_has_a_column_for_what_options_mean(columns: int) -> None:
    # In a process of its own: the width is read once. A dumb terminal's counts with its height.
    environ = {**os.environ, "COLUMNS": str(columns), "LINES": "25"}
    command = [sys.executable, "-m", "doorward", "token", "create", "--help"]
    shown = subprocess.run(command, env=environ, capture_output=True, text=True, check=True).stdout
    lines = shown.partition("Parameters:\n")[2].partition("\n\n")[0].splitlines()
    column = lines[0].index("What it is for")
    assert {line[column - 1] for line in lines} == {" "}
    width = min(max(columns, 60), 100)
    assert width - 12 < max(map(len, lines)) <= width
    means = " ".join(line[column:] for line in lines)
    assert "and a console session every one; a client session what" in means
    assert "[choices: api-key, personal-access-token, console-session, client-session]" in means


@pytest.mark.parametrize("name", COMMANDS)
def test_help_has_an_example_that_can_be_pasted(run: Run, name: str) -> None:
    epilogue = import_module(module_of(name)).app.help_epilogue
    examples = epilogue.partition("Example:")[2].partition("\n\n")[0].splitlines()
    shown = run(name, "--help").out.splitlines()
    assert examples
    for example in examples:
        assert any(line.endswith(example.strip()) for line in shown)
        assert "doorward" in example


def test_without_a_subcommand_it_shows_help(run: Run) -> None:
    assert run() == run("--help")


def test_tells_its_version(run: Run) -> None:
    assert run("--version") == (0, f"{version('doorward')}\n", "")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("frobnicate",), 'Unknown command "frobnicate"'),
        (("present", "--entrence", "Lab"), "Did you mean --entrance"),
        (("present", "--card", "42-12345"), "--entrance"),
        (("env", "--port", "http"), '"http"'),
    ],
)
def test_a_command_line_that_cannot_be_read(run: Run, words: tuple[str, ...], message: str) -> None:
    ended = run(*words)
    assert (ended.code, ended.out) == (2, "")
    assert message in ended.err
    assert ended.err.startswith("doorward: ")
    assert ended.err.count("\n") == 1


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (StartError("the port is taken"), 1, "doorward: the port is taken\n"),
        (UsageError("give --card"), 2, "doorward: give --card\n"),
        (ApiError(404, "x_not_found", "x not found"), 1, "doorward: x not found\n"),
        (Unavailable("it is down"), 1, "doorward: the database cannot answer now: it is down\n"),
        (KeyboardInterrupt(), 130, ""),
    ],
    ids=lambda value: type(value).__name__,
)
@pytest.mark.usefixtures("fake")
def test_ends_without_a_traceback(
    run: Run, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, said: str
) -> None:
    monkeypatch.setattr("doorward.cli.doors.list_doors", _raising(error))
    assert run("doors", "--once") == (code, "", said)


def _raising(error: BaseException) -> Callable[..., Any]:
    def raise_it(*_: object) -> None:
        raise error

    return raise_it


def test_a_reader_that_goes_away_is_no_trouble(fake: FakeServer) -> None:
    many = [answers.door(answers.FRONT, f"Door {n}") for n in range(5000)]
    fake.answers("/doorward/doors/list", answers.doors(*many))
    command = [sys.executable, "-m", "doorward", "doors", "--once"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as started:
        assert started.stdout
        assert started.stderr
        assert started.stdout.readline().startswith(b"ENTRANCE")
        started.stdout.close()
        assert started.stderr.read() == b""
        assert started.wait() == 1


@pytest.mark.parametrize(
    ("words", "unused"),
    [
        (("env",), {"httpx", "uvicorn", "textual", "cryptography", "doorward.server"}),
        (("api", "--help"), {"uvicorn", "textual", "doorward.server"}),
    ],
    ids=["env", "api"],
)
def test_starts_without_what_it_does_not_need(words: tuple[str, ...], unused: set[str]) -> None:
    program = (
        "import sys; from doorward.cli import main; code = main(sys.argv[1:]);"
        "print(*sys.modules, file=sys.stderr); sys.exit(code)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, *words], capture_output=True, text=True, check=True
    )
    assert unused.isdisjoint(ended.stderr.split())
