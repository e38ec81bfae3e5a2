"""Writes the tables of docs/compatibility.md anew: `python tools/compatibility.py`.

They follow from the official document's paths and event types, from the route table, from the
deviations that the contract tests accept, and from the catalogues of errors and events. What stands
outside the markers is written by hand.
"""

import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Started by its path, Python looks for modules beside this file and not in the checkout.
sys.path.insert(0, str(ROOT))

from tests.contract.deviations import (  # noqa: E402
    DEVIATIONS,
    DOCUMENTED,
    OF_CLIENTS_ALONE,
    PACKAGE_VERSION,
    UNDOCUMENTED,
)
from tools.event_types import Sent, reason_of, sent_types  # noqa: E402

from doorward.api.table import ROUTES  # noqa: E402
from doorward.resources.event import EVENT_TYPES  # noqa: E402
from doorward.wire.responses import error_table  # noqa: E402
from doorward.wire.route import Route  # noqa: E402

PAGE = ROOT / "docs" / "compatibility.md"
OWN = "/doorward/"
_BEHAVIOUR = ROOT / "tests" / "api"
_CLIENTS = ROOT / "tests" / "clients" / "test_seed_call.py"
_TABLE = {route.path: route for route in ROUTES}
_MORE = UNDOCUMENTED | OF_CLIENTS_ALONE


def written(page: str) -> str:
    """The page with what stands between its markers made anew. Raises ValueError without them."""
    parts = {
        "counts": counts(),
        "calls": _calls(),
        "own": _own(),
        "events": _events(),
        "deviations": _deviations(),
        "errors": error_table(),
    }
    for name, text in parts.items():
        block = f"<!-- {name} -->\n{text}\n<!-- end of {name} -->"
        pattern = rf"<!-- {name} -->\n.*?<!-- end of {name} -->"
        page, times = re.subn(pattern, block.replace("\\", r"\\"), page, flags=re.DOTALL)
        if times != 1:
            raise ValueError(f"{PAGE} has {times} places for {name}")
    return page


def counts() -> str:
    """How much of the API there is, in one sentence."""
    answered = len(_TABLE.keys() & {*DOCUMENTED})
    own = sum(path.startswith(OWN) for path in _TABLE)
    return (
        f"Doorward answers {answered} of the {len(DOCUMENTED)} documented paths of the API (OpenAPI"
        f" of `@seamapi/types` {PACKAGE_VERSION}), {len(_TABLE.keys() & _MORE)} that its clients"
        f" know and its documentation leaves out, and {own} of its own. It sends"
        f" {len(sent_types())} of the {len(EVENT_TYPES)} types of events."
    )


def _calls() -> str:
    paths = [*DOCUMENTED, *(path for path in _TABLE if path in _MORE)]
    sections = groupby(sorted(paths, key=lambda path: (_section(path), path)), _section)
    told = [_calls_of(section, [*paths]) for section, paths in sections]
    # What is there before what is not.
    return "\n\n".join(sorted(told, key=lambda text: text.startswith("<details>")))


def _section(path: str) -> str:
    return path.split("/")[1]


def _calls_of(section: str, paths: Sequence[str]) -> str:
    documented = [path for path in paths if path not in _MORE]
    count = f"{len(_TABLE.keys() & {*documented})} of {len(documented)} documented calls"
    if not _TABLE.keys() & {*paths}:
        rows = ((f"`{path}`", "not yet") for path in paths)
        return _folded(f"/{section}", count, _table(("call", "verbs"), rows))
    head = ("call", "verbs", "answers", "by schema", "by behaviour", "differs")
    return f"### `/{section}`: {count}\n\n{_table(head, map(_row, paths))}"


def _folded(name: str, count: str, table: str) -> str:
    summary = f"<summary><code>{name}</code>: {count}</summary>"
    return f"<details>{summary}\n\n{table}\n\n</details>"


def _row(path: str) -> tuple[str, ...]:
    if path not in _TABLE:
        return f"`{path}`", "not yet", "", "", "", ""
    route = _TABLE[path]
    schema = "no: the document lacks it" if path in OF_CLIENTS_ALONE else "yes"
    return *_of_route(route), schema, _links(_tests(route)), ", ".join(_numbers(route))


def _of_route(route: Route) -> tuple[str, str, str]:
    answers = f"`{route.response_key or '{}'}`" + (", in pages" if route.page_limit else "")
    note = " (undocumented)" if route.path in _MORE else ""
    return f"`{route.path}`{note}", ", ".join(route.verbs), answers


def _numbers(route: Route) -> Iterator[str]:
    """The rows of the table of deviations that are about a route."""
    for number, deviation in enumerate(DEVIATIONS, 1):
        if route.path not in OF_CLIENTS_ALONE and deviation.concerns(route):
            yield str(number)


def _own() -> str:
    routes = [route for route in ROUTES if route.path.startswith(OWN)]
    rows = ((*_of_route(route), route.summary) for route in routes)
    return _table(("call", "verbs", "answers", "what it does"), rows)


def _events() -> str:
    sent = sent_types()
    kinds = groupby(sorted(EVENT_TYPES), lambda each: each.partition(".")[0])
    told = [_events_of(kind, [*types], sent) for kind, types in kinds]
    return "\n\n".join(sorted(told, key=lambda text: text.startswith("<details>")))


def _events_of(kind: str, types: Sequence[str], sent: dict[str, Sent]) -> str:
    count = f"{len(sent.keys() & {*types})} of {len(types)} types"
    if not sent.keys() & {*types}:
        rows = ((f"`{each}`", f"not yet: {reason_of(each)}") for each in types)
        return _folded(kind, count, _table(("type", "sent when"), rows))
    head = ("type", "sent when", "made by", "from", "tests")
    rows_of_kind = (_event_row(each, sent.get(each)) for each in types)
    return f"### `{kind}`: {count}\n\n{_table(head, rows_of_kind)}"


def _event_row(event_type: str, sent: Sent | None) -> tuple[str, ...]:
    if sent is None:
        return f"`{event_type}`", f"not yet: {reason_of(event_type)}", "", "", ""
    modules = ", ".join(f"`{module}`" for module in sent.modules)
    links = _links(_tests_of_event(event_type))
    return f"`{event_type}`", sent.cause, f"`{sent.function}`", modules, links


def _tests_of_event(event_type: str) -> Iterator[Path]:
    """The first test that names the type, or what it says after its kind."""
    for written_so in (f'"{event_type}"', f'"{event_type.partition(".")[2]}"'):
        if found := [file for file in _test_files() if written_so in _text(file)]:
            yield found[0].relative_to(ROOT)
            return


def _test_files() -> Iterator[Path]:
    """Where the behaviour of events is tested; the catalogue's own test shows their fields."""
    for room in ("api", "site", "stateful", "doors", "clients", "contract"):
        yield from sorted((ROOT / "tests" / room).rglob("test_*.py"))


def _deviations() -> str:
    rows = (
        (str(number), each.where, each.ours, each.reason)
        for number, each in enumerate(DEVIATIONS, 1)
    )
    return _table(("", "where", "Doorward", "why"), rows)


def _links(files: Iterable[Path]) -> str:
    return ", ".join(f"[{_name(file)}](../{file.as_posix()})" for file in files)


def _name(file: Path) -> str:
    return file.stem.removeprefix("test_").replace("_", " ")


def _tests(route: Route) -> Iterator[Path]:
    """The test of the module that answers or that the path names, else the first with the call."""
    answering = _BEHAVIOUR.joinpath(*route.handler.__module__.split(".")[2:])
    named = _BEHAVIOUR / Path(route.path.strip("/")).parent
    own = [folder.with_name(f"test_{folder.name}.py") for folder in (answering, named)]
    files = [*own, *sorted(_BEHAVIOUR.rglob("test_*.py"))]
    method = route.path.rpartition("/")[2]
    for written_so in (f'"{route.path}"', f'/{method}"'):
        if found := [file for file in files if written_so in _text(file)]:
            yield found[0].relative_to(ROOT)
            break
    if f".{method}(" in _text(_CLIENTS):
        yield _CLIENTS.relative_to(ROOT)


def _text(file: Path) -> str:
    return file.read_text("utf-8") if file.exists() else ""


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    names = [*head]
    lines = [names, ["---"] * len(names), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text("utf-8")), "utf-8")
