"""The documents are held to the repository: tables, links, files and commands that they name.

Pages that go into detail have tests of their own: tests/cli/test_docs.py, tests/site/test_docs.py.
"""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from tools.compatibility import PAGE, counts, written
from tools.event_types import idle_reasons

from doorward.api.table import ROUTES
from doorward.cli import build
from doorward.cli.catalogue import Catalogue
from doorward.cli.parameters import parameters, read
from doorward.resources.event import EVENT_TYPES
from tests.contract.deviations import DOCUMENTED

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "doorward"
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
EVERY = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_PATH = re.compile(r"`((?:[\w.-]+/)+[\w.-]*)`")
_INLINE = re.compile(r"`doorward ([^`]*)`")
# A line of a shell; before the command there may be a prompt and the folder of an environment.
_LINE = re.compile(
    r"^(?:\$ )?(?:eval \"\$\()?(?:[\w./]+/)?doorward ([^\n]*?)(?:\)\")?$", re.MULTILINE
)


def _prose(page: Path) -> str:
    return _FENCE.sub("", page.read_text("utf-8"))


def _shell(page: Path) -> str:
    blocks = _FENCE.findall(page.read_text("utf-8"))
    text = "\n".join(block for kind, block in blocks if kind in {"sh", "console"})
    return text.replace("\\\n", " ")


def _commands() -> Iterator[tuple[str, list[str]]]:
    for page in PAGES:
        for line in _LINE.findall(_shell(page)):
            yield page.name, shlex.split(line)


def _mentions() -> Iterator[tuple[str, list[str]]]:
    """Commands in running text, which may leave out what is not the point."""
    for page in PAGES:
        for line in _INLINE.findall(_prose(page)):
            yield page.name, shlex.split(line.replace("…", ""))


COMMANDS = [pytest.param(words, id=f"{page} {' '.join(words)}") for page, words in _commands()]
MENTIONS = [pytest.param(words, id=f"{page} {' '.join(words)}") for page, words in _mentions()]


def test_the_tables_of_compatibility_are_up_to_date() -> None:
    page = PAGE.read_text("utf-8")
    assert page == written(page), "run: python tools/compatibility.py"
    assert counts() in page


def test_the_readme_counts_the_calls() -> None:
    assert counts() in (ROOT / "README.md").read_text("utf-8")


def test_every_documented_call_and_every_event_type_has_a_row() -> None:
    rows = re.findall(r"^\| `([^`]+)`", PAGE.read_text("utf-8"), re.MULTILINE)
    assert set(DOCUMENTED) | EVENT_TYPES <= set(rows)
    assert [each for each in (*DOCUMENTED, *EVENT_TYPES) if rows.count(each) != 1] == []


def test_no_reason_for_an_event_type_is_idle() -> None:
    assert idle_reasons() == []


def test_a_page_without_its_markers_is_refused() -> None:
    with pytest.raises(ValueError, match="counts"):
        written("# Compatibility")


@EVERY
def test_links_lead_somewhere(page: Path) -> None:
    targets = [link for link in _LINK.findall(_prose(page)) if "://" not in link]
    missing = [link for link in targets if not _is_there(page, link)]
    assert missing == []


def _is_there(page: Path, link: str) -> bool:
    name, _, heading = link.partition("#")
    target = (page.parent / name).resolve() if name else page
    return target.exists() and (not heading or heading in _headings(target))


def _headings(page: Path) -> list[str]:
    found = re.findall(r"^#+ (.*)$", page.read_text("utf-8"), re.MULTILINE)
    return [re.sub(r"[^\w -]", "", text).strip().lower().replace(" ", "-") for text in found]


@EVERY
def test_files_that_are_named_are_there(page: Path) -> None:
    rooms = {entry.name for folder in (ROOT, SOURCE) for entry in folder.iterdir()}
    named = [path for path in _PATH.findall(_prose(page)) if path.split("/")[0] in rooms]
    missing = [path for path in named if not (ROOT / path).exists() | (SOURCE / path).exists()]
    assert missing == []


@pytest.mark.parametrize("words", COMMANDS)
def test_commands_can_be_read(words: list[str]) -> None:
    _, bound, _ = build().parse_args(words)
    assert bound is not None
    if words[0] == "api" and "--help" not in words:
        first = next(n for n, word in enumerate(words) if word.startswith("--"))
        route = Catalogue(ROUTES).route(words[1:first])
        assert read(words[first:], parameters(route))


@pytest.mark.parametrize("words", MENTIONS)
def test_subcommands_and_options_exist(words: list[str]) -> None:
    command = build()
    for word in words:
        if word.startswith("--"):
            arguments = command.assemble_argument_collection()
            assert word.partition("=")[0] in {name for each in arguments for name in each.names}
        elif word.isalpha() and word.islower() and word in _subcommands(command):
            command = command[word]
    assert not words or command.name != ("doorward",), words


def _subcommands(command: object) -> set[str]:
    return {name for name in command if not name.startswith("-")}  # type: ignore[attr-defined]


def test_there_are_commands_to_read() -> None:
    assert len(COMMANDS) > 20
    assert len(MENTIONS) > 5
