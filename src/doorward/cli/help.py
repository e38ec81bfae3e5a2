"""How `--help` shows options: each with its meaning beside it, wrapped to the terminal."""

import io
import textwrap
from collections.abc import Sequence
from typing import Final

from cyclopts.help import HelpEntry, HelpPanel, PlainFormatter
from rich.console import Console, ConsoleOptions

# Longer lines are hard to read, and narrower terminals wrap by themselves.
_WIDTHS: Final = (60, 100)
_WIDE: Final = 10_000


class HelpFormatter(PlainFormatter):
    """Plain text; what an option means stands in a column of its own."""

    def __call__(self, console: Console, options: ConsoleOptions, panel: HelpPanel) -> None:
        """Prints a panel."""
        if panel.format != "parameter" or not panel.entries:
            super().__call__(console, options, panel)
            return
        least, most = _WIDTHS
        for line in _lines(panel, max(least, min(most, console.width))):
            console.out(line, highlight=False)
        console.print()


def _lines(panel: HelpPanel, width: int) -> list[str]:
    names = [", ".join(entry.display_labels_with_metavar) for entry in panel.entries]
    column = max(map(len, names)) + 4
    lines = [f"{panel.title}:"]
    for name, entry in zip(names, panel.entries, strict=True):
        meaning = textwrap.wrap(_meaning(entry), width - column, break_on_hyphens=False)
        lines += _beside(f"  {name}".ljust(column), meaning)
    return lines


def _beside(name: str, meaning: Sequence[str]) -> list[str]:
    first, *others = meaning or ("",)
    return [(name + first).rstrip(), *(" " * len(name) + line for line in others)]


def _meaning(entry: HelpEntry) -> str:
    words = [_plain(entry.description)]
    if entry.choices:
        words.append(f"[choices: {', '.join(entry.choices)}]")
    if entry.default is not None:
        words.append(f"[default: {entry.default}]")
    if entry.required:
        words.append("[required]")
    return " ".join(words)


def _plain(description: object) -> str:
    wide = Console(file=io.StringIO(), width=_WIDE, no_color=True, markup=False, emoji=False)
    with wide.capture() as capture:
        wide.print(description or "", end="", highlight=False)
    return capture.get().strip()
