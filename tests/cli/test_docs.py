"""docs/command-line.md tells what the command does."""

import re
import shlex
from pathlib import Path

import pytest

from doorward.api.table import ROUTES
from doorward.cli import _SUMMARIES, build
from doorward.cli.catalogue import Catalogue
from doorward.cli.parameters import parameters, read

PAGE = (Path(__file__).parents[2] / "docs" / "command-line.md").read_text("utf-8")
SHELL = "\n".join(re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL))
LINES = [shlex.split(line)[1:] for line in SHELL.splitlines() if line.startswith("doorward ")]
CALLS = [line[1:] for line in LINES if line[0] == "api" and "--help" not in line]
# The commands that have commands of their own, which all are about people.
PEOPLE = ("import", "export")


def test_every_subcommand_has_its_section() -> None:
    assert re.findall(r"^## (\w+)$", PAGE, re.MULTILINE) == list(_SUMMARIES)


@pytest.mark.parametrize("words", LINES, ids=" ".join)
def test_every_example_can_be_read(words: list[str]) -> None:
    _, bound, _ = build().parse_args(words)
    assert bound is not None


@pytest.mark.parametrize("words", CALLS, ids=" ".join)
def test_every_call_is_one_of_the_api(words: list[str]) -> None:
    options = next(n for n, word in enumerate(words) if word.startswith("--"))
    route = Catalogue(ROUTES).route(words[:options])
    assert read(words[options:], parameters(route))


@pytest.mark.parametrize(
    "name",
    [*sorted(_SUMMARIES.keys() - {"api", "token", *PEOPLE}), *(f"{n} people" for n in PEOPLE)],
)
def test_every_option_is_told(name: str) -> None:
    app = build()
    for word in name.split():
        app = app[word]
    arguments = app.assemble_argument_collection()
    names = {name for argument in arguments for name in argument.names}
    assert [name for name in names if name.startswith("--") and f"`{name}`" not in PAGE] == []
