"""What the command writes to the terminal: lines, tables, complaints.

Lines are never wrapped, so that they can be pasted and piped; colours are for terminals alone.
No control character is ever written, with which a name could steer the terminal.
"""

import sys
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

_GAP: Final = "  "
# JSON escapes those below a space itself.
_ESCAPES: Final = {code: f"\\u{code:04x}" for code in range(127, 160)}
_REPLACEMENTS: Final = dict.fromkeys([*range(32), *_ESCAPES], "\N{REPLACEMENT CHARACTER}")
# JSON, and the problems of a site file, have several lines.
_IN_LINES: Final = {code: text for code, text in _REPLACEMENTS.items() if code != ord("\n")}


def say(line: str | Text = "") -> None:
    """Writes a line to the standard output; styles of a Text are seen on a terminal only."""
    if isinstance(line, str):
        # An apply has four lines for a person, of which each costs the console 50 µs.
        print(line.translate(_IN_LINES), flush=True)
        return
    shown = _translated(line, _IN_LINES)
    Console(highlight=False, markup=False, emoji=False).print(shown, soft_wrap=True)


def complain(line: str) -> None:
    """Writes what went wrong to the standard error, with the command's name before it."""
    print(f"doorward: {line.translate(_IN_LINES)}", file=sys.stderr)


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
    cells += [[_translated(cell, _REPLACEMENTS) for cell in row] for row in rows]
    widths = [max(cell_len(row[n].plain) for row in cells) for n in range(len(header))]
    return [_line(row, widths) for row in cells]


def _translated(line: str | Text, replacements: Mapping[int, str]) -> Text:
    text = line.copy() if isinstance(line, Text) else Text(line)
    # Each is replaced by one, so that the styles stay where they are.
    text.plain = text.plain.translate(replacements)
    return text


def _line(row: Sequence[Text], widths: Sequence[int]) -> Text:
    line = Text()
    for cell, width in zip(row, widths, strict=True):
        line.append_text(cell)
        line.append(" " * (width - cell_len(cell.plain)) + _GAP)
    line.rstrip()
    return line
