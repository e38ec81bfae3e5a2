"""What the command writes to the terminal: lines, tables, complaints.

Lines are never wrapped, so that they can be pasted and piped; colours are for terminals alone.
"""

import sys
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

_GAP: Final = "  "
# JSON escapes those below a space itself.
_ESCAPES: Final = {code: f"\\u{code:04x}" for code in range(127, 160)}
_REPLACEMENTS: Final = dict.fromkeys([*range(32), *_ESCAPES], "\N{REPLACEMENT CHARACTER}")


def say(line: str | Text = "") -> None:
    """Writes a line to the standard output; styles of a Text are seen on a terminal only."""
    Console(highlight=False, markup=False, emoji=False).print(line, soft_wrap=True)


def complain(line: str) -> None:
    """Writes what went wrong to the standard error, with the command's name before it."""
    print(f"doorward: {line}", file=sys.stderr)


def pretty(value: Any) -> str:
    """JSON as the API's documentation prints it; {} stays {}."""
    text = msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
    return text.translate(_ESCAPES)


def harmless(value: Any) -> Any:
    """JSON of which no text has control characters, with which a name could steer a terminal."""
    match value:
        case str():
            return value.translate(_REPLACEMENTS)
        case dict():
            return {key: harmless(item) for key, item in value.items()}
        case list():
            return [harmless(item) for item in value]
        case _:
            return value


def table(header: Sequence[str], rows: Sequence[Sequence[str | Text]]) -> list[Text]:
    """Lines with every column as wide as its widest cell, two spaces between them."""
    cells = [[Text(name, style="bold") for name in header]]
    cells += [[cell if isinstance(cell, Text) else Text(cell) for cell in row] for row in rows]
    widths = [max(cell_len(row[n].plain) for row in cells) for n in range(len(header))]
    return [_line(row, widths) for row in cells]


def _line(row: Sequence[Text], widths: Sequence[int]) -> Text:
    line = Text()
    for cell, width in zip(row, widths, strict=True):
        line.append_text(cell)
        line.append(" " * (width - cell_len(cell.plain)) + _GAP)
    line.rstrip()
    return line
