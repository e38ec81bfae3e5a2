"""Writes the tables of docs/compatibility.md anew: `python tools/compatibility.py`.

They follow from the route table, from the deviations that the contract tests accept, and from the
catalogue of errors. What stands outside the markers is written by hand.
"""

import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Started by its path, Python looks for modules beside this file and not in the checkout.
sys.path.insert(0, str(ROOT))

from tests.contract.deviations import (  # noqa: E402
    DEVIATIONS,
    DOCUMENTED_PATHS,
    OF_CLIENTS_ALONE,
    PACKAGE_VERSION,
    UNDOCUMENTED,
)

from doorward.api.table import ROUTES  # noqa: E402
from doorward.wire.responses import error_table  # noqa: E402
from doorward.wire.route import Route  # noqa: E402

PAGE = ROOT / "docs" / "compatibility.md"
OWN = "/doorward/"
_BEHAVIOUR = ROOT / "tests" / "api"
_CLIENTS = ROOT / "tests" / "clients" / "test_seed_call.py"


def written(page: str) -> str:
    """The page with what stands between its markers made anew. Raises ValueError without them."""
    parts = {
        "counts": counts(),
        "calls": _calls(),
        "own": _own(),
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
    paths = {route.path for route in ROUTES}
    own = {path for path in paths if path.startswith(OWN)}
    others = paths & (UNDOCUMENTED | OF_CLIENTS_ALONE)
    return (
        f"Doorward answers {len(paths - own - others)} of the {DOCUMENTED_PATHS} documented paths"
        f" of the API (OpenAPI of `@seamapi/types` {PACKAGE_VERSION}), {len(others)} that its"
        f" clients know and its documentation leaves out, and {len(own)} of its own."
    )


def _calls() -> str:
    routes = [route for route in ROUTES if not route.path.startswith(OWN)]
    return _table(("call", "verbs", "answers", "tests of its behaviour"), map(_row, routes))


def _own() -> str:
    routes = [route for route in ROUTES if route.path.startswith(OWN)]
    rows = ((*_row(route)[:3], route.summary) for route in routes)
    return _table(("call", "verbs", "answers", "what it does"), rows)


def _deviations() -> str:
    rows = ((each.where, each.ours, each.reason) for each in DEVIATIONS)
    return _table(("where", "Doorward", "why"), rows)


def _row(route: Route) -> tuple[str, ...]:
    answers = f"`{route.response_key or '{}'}`" + (", in pages" if route.page_limit else "")
    links = ", ".join(f"[{_name(file)}](../{file.as_posix()})" for file in _tests(route))
    return f"`{route.path}`", ", ".join(route.verbs), answers, links


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
