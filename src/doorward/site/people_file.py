"""People as lines of a CSV file, read and written; nothing here knows a database.

One line a person. Several cards, codes or groups of one person stand in one field, separated by
semicolons.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from doorward.policy.cards import CardNumber, CodeNumber, parse_card
from doorward.site.problems import Problems
from doorward.site.section import CODE, CONTROL
from doorward.store.personal import EMAIL, LONGEST_TEXT, PHONE

# Who is in thousands of groups has a longer field than Python's reader takes by itself.
_LONGEST_FIELD: Final = 1 << 24
COLUMNS: Final = ("name", "email", "phone", "card", "code", "groups")
# The columns that hold several of a person, and so may be long.
_LISTS: Final = ("card", "code", "groups")
SEPARATOR: Final = ";"
# Whoever changes access meanwhile waits until all of them are in (doorward.site.people_import).
MOST: Final = 50_000

# What spreadsheets write where a comma is part of a number. A semicolon means something else here.
_SEPARATORS: Final = {";": "semicolons", "\t": "tabs"}

Number = CardNumber | CodeNumber


class Person(NamedTuple):
    """A line of a file: its number, and what it says. `groups` are names or ids."""

    line: int
    name: str
    email: str | None = None
    phone: str | None = None
    cards: tuple[CardNumber, ...] = ()
    codes: tuple[CodeNumber, ...] = ()
    groups: tuple[str, ...] = ()

    @property
    def numbers(self) -> tuple[Number, ...]:
        """The person's cards and codes."""
        return (*self.cards, *self.codes)

    @property
    def key(self) -> tuple[str, str] | None:
        """What tells the person from others: the column, and the e-mail address in lower case,
        else the phone number, which a household may share.
        """
        if self.email:
            return "email", self.email.lower()
        return ("phone", self.phone) if self.phone else None


def read_people(data: bytes, problems: Problems) -> list[Person]:
    """The people of a file's bytes, as far as they can be read; the rest is noted, also that there
    is nobody.

    Raises SiteError where the columns cannot be known.
    """
    rows = _rows(_text(data, problems), problems)
    header = next(rows, None)
    if header is None:
        problems.refuse()
        raise problems.fail(1, "the file is empty")
    columns = _columns(*header, problems)
    people = [_person(line, _fields(line, row, columns, problems)) for line, row in rows]
    found = [person for person in people if person is not None]
    if not people and not problems.found:
        problems.add(header[0], "the file has nobody: there is no line after its columns")
    if len(people) > MOST:
        problems.add(1, f"the file has {len(people):,} people; split it into files of {MOST:,}")
    return found


def write_people(people: Iterable[Person]) -> bytes:
    """A file's bytes, that `read_people` reads as the same people."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(map(_row, people))
    return out.getvalue().encode()


def _row(person: Person) -> tuple[str, ...]:
    cards, codes = ((each.text for each in some) for some in (person.cards, person.codes))
    lists = (SEPARATOR.join(each) for each in (cards, codes, person.groups))
    return (person.name, person.email or "", person.phone or "", *lists)


def _text(data: bytes, problems: Problems) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise problems.fail(line, "the file is not UTF-8") from None


def _rows(text: str, problems: Problems) -> Iterator[tuple[int, list[str]]]:
    """The rows with the lines in which they begin; empty lines are left out.

    From a row on that is no CSV, such as one with a quote that nobody closes, there are no more.
    """
    csv.field_size_limit(_LONGEST_FIELD)  # of the whole process; nothing else in it reads CSV
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    line = 1
    try:
        for row in reader:
            if row:
                yield line, row
            line = reader.line_num + 1
    except csv.Error as error:
        problems.add(line, f"this is no CSV: {error}")


def _columns(line: int, names: list[str], problems: Problems) -> list[str]:
    """The columns in the file's order. Raises SiteError where they are others than they can be."""
    columns = [name.strip().lower() for name in names]
    if len(columns) == 1 and (separator := re.search(r"[;\t]", columns[0])):
        reason = f"the columns are separated by {_SEPARATORS[separator[0]]}; save it with commas"
        raise problems.fail(line, reason)
    for name in columns:
        if name not in COLUMNS:
            problems.add(line, f"{name!r} is no column; there are {', '.join(COLUMNS)}")
        elif columns.count(name) > 1:
            problems.add(line, f"the column {name} stands there twice")
    if "name" not in columns:
        problems.add(line, "the column name is missing")
    problems.refuse()
    return columns


class _Fields:
    """The fields of one line by their columns; notes what is wrong with each."""

    def __init__(self, line: int, values: Mapping[str, str], problems: Problems) -> None:
        self._line = line
        self._values = values
        self._problems = problems

    def problem(self, column: str, reason: str) -> None:
        """Notes what is wrong with a field."""
        self._problems.add(self._line, f"{column}: {reason}")

    def text(self, column: str) -> str:
        """A field without blanks around it, empty where the file has no such column."""
        value = self._values.get(column, "").strip()
        if CONTROL.search(value):
            self.problem(column, "must not have control characters or line breaks")
        elif len(value) > LONGEST_TEXT and column not in _LISTS:
            self.problem(column, f"must have at most {LONGEST_TEXT} characters")
        return value

    def matching(self, column: str, pattern: re.Pattern[str], meaning: str) -> str | None:
        """A field of a form, None for an empty one; `meaning` says which, after "must be"."""
        value = self.text(column)
        if value and not pattern.fullmatch(value):
            self.problem(column, f"must be {meaning}")
        return value or None

    def items(self, column: str) -> tuple[str, ...]:
        """The parts of a field, each once and in order."""
        value = self.text(column)
        if not value:
            return ()
        parts = [part.strip() for part in value.split(SEPARATOR)]
        return tuple(dict.fromkeys(part for part in parts if part))


def _fields(line: int, row: list[str], columns: list[str], problems: Problems) -> _Fields | None:
    if len(row) != len(columns):
        reason = f"the line has {len(row)} fields, the first line {len(columns)}"
        problems.add(line, reason)
        return None
    return _Fields(line, dict(zip(columns, row, strict=True)), problems)


def _person(line: int, fields: _Fields | None) -> Person | None:
    if fields is None:
        return None
    name = fields.text("name")
    if not name:
        fields.problem("name", "is missing")
    return Person(
        line,
        name,
        fields.matching("email", EMAIL, "an e-mail address"),
        fields.matching("phone", PHONE, "a number such as +4930123456"),
        # One card can be written in several ways.
        tuple(dict.fromkeys(_cards(fields))),
        tuple(_codes(fields)),
        fields.items("groups"),
    )


def _cards(fields: _Fields) -> Iterator[CardNumber]:
    for text in fields.items("card"):
        card = parse_card(text)
        if isinstance(card, CardNumber):
            yield card
        else:
            fields.problem("card", "must be FACILITY-NUMBER such as 42-12345, or a serial number")


def _codes(fields: _Fields) -> Iterator[CodeNumber]:
    for text in fields.items("code"):
        if CODE.fullmatch(text):
            yield CodeNumber(text)
        else:
            fields.problem("code", "must be 4 to 9 digits")
