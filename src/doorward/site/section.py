"""Typed reading of one mapping of a site file: each key once, what is left over is unknown."""

import re
from collections.abc import Iterator
from collections.abc import Mapping as Choices
from datetime import UTC, datetime
from typing import Final, NamedTuple, TypeVar
from uuid import UUID

from doorward.resources.values import EARLIEST, LATEST
from doorward.site.document import Items, Mapping, Node, Text
from doorward.site.problems import Problems
from doorward.store.personal import LONGEST_TEXT

T = TypeVar("T")

_KEY: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_INTEGER: Final = re.compile(r"-?[0-9]{1,9}")
# Neither a terminal nor a UTF-8 database takes these.
CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
# What a site file and a file of people take for a code.
CODE: Final = re.compile(r"[0-9]{4,9}")
_BOOLEANS: Final = {"true": True, "false": False}


class Reference(NamedTuple):
    """A key of another section, as named in a line."""

    line: int
    key: str


class Section:
    """One mapping. `name` is how problems call it, such as "users.anna"."""

    def __init__(self, node: Mapping, name: str, problems: Problems) -> None:
        self.line = node.line
        self.name = name
        self.problems = problems
        self._nodes = dict(node.nodes)
        self._lines = {key: line for key, (line, _) in node.nodes.items()}

    def line_of(self, key: str) -> int:
        """The line of a key, of the whole mapping where the key is missing."""
        return self._lines.get(key, self.line)

    def problem(self, key: str, reason: str) -> None:
        """Notes what is wrong with a key's value."""
        self.problems.add(self.line_of(key), f"{self._named(key)} {reason}")

    def close(self) -> None:
        """Refuses the keys that nobody asked for."""
        for key, (line, _) in self._nodes.items():
            self.problems.add(line, f"{self._named(key)} is not a key that Doorward knows")

    def has(self, key: str) -> bool:
        """Whether a key stands there."""
        return key in self._lines

    def text(self, key: str, *, longest: int = LONGEST_TEXT) -> str | None:
        """A text on one line, None where it is not given."""
        node = self._take(key)
        if node is None:
            return None
        if not isinstance(node, Text):
            self.problem(key, "must be a text")
            return None
        if not node.value.strip():
            self.problem(key, "must not be empty")
            return None
        if len(node.value) > longest:
            self.problem(key, f"must have at most {longest} characters")
            return None
        if CONTROL.search(node.value):
            self.problem(key, "must not have control characters")
            return None
        return node.value

    def required(self, key: str) -> str:
        """A text that must be there; an empty one stands in for it once the problem is noted."""
        if not self.has(key):
            self.problem(key, "is missing")
        return self.text(key) or ""

    def matching(self, key: str, pattern: re.Pattern[str], meaning: str) -> str | None:
        """A text of a form; `meaning` says which, after "must be"."""
        value = self.text(key)
        if value is not None and not pattern.fullmatch(value):
            self.problem(key, f"must be {meaning}")
            return None
        return value

    def boolean(self, key: str, *, default: bool) -> bool:
        """True or false."""
        return self._one_of(key, _BOOLEANS, default)

    def choice(self, key: str, choices: tuple[str, ...], default: str) -> str:
        """One of a few words."""
        return self._one_of(key, {word: word for word in choices}, default)

    def integer(self, key: str, *, least: int, most: int, default: int) -> int:
        """A whole number within bounds."""
        value = self.matching(key, _INTEGER, "a whole number")
        if value is None:
            return default
        if not least <= int(value) <= most:
            self.problem(key, f"must be from {least} to {most}")
            return default
        return int(value)

    def uuid(self, key: str) -> UUID | None:
        """An id, None where it is not given."""
        value = self.matching(key, _UUID, "a UUID")
        return UUID(value) if value else None

    def instant(self, key: str) -> datetime | None:
        """A moment in UTC that can be stored, from ISO 8601 with an offset."""
        value = self.text(key)
        if value is None:
            return None
        try:
            moment = datetime.fromisoformat(value)
            if moment.tzinfo is None:
                self.problem(key, "must have an offset from UTC, such as Z or +01:00")
                return None
        except ValueError:
            self.problem(key, "must be a time such as 2026-01-31T08:00:00+01:00")
            return None
        if not EARLIEST <= moment <= LATEST:
            self.problem(key, f"must be from {EARLIEST:%Y-%m-%d} to {LATEST:%Y-%m-%d}, in UTC")
            return None
        return moment.astimezone(UTC)

    def references(self, key: str) -> tuple[Reference, ...]:
        """A list of keys of another section, each once."""
        node = self._take(key)
        if node is None:
            return ()
        if not isinstance(node, Items):
            self.problem(key, "must be a list")
            return ()
        found: dict[str, Reference] = {}
        for item in node.nodes:
            self._add_reference(key, item, found)
        return tuple(found.values())

    def reference(self, key: str) -> Reference | None:
        """A key of another section, None where it is not given."""
        value = self.text(key)
        return Reference(self.line_of(key), value) if value else None

    def sections(self, key: str) -> Iterator[tuple[str, "Section"]]:
        """The mappings of a mapping by their keys, such as the users by theirs."""
        node = self._take(key)
        if node is None:
            return
        if not isinstance(node, Mapping):
            self.problem(key, "must be a mapping")
            return
        for child, (line, value) in node.nodes.items():
            name = f"{self._named(key)}.{child}"
            if not _KEY.fullmatch(child):
                self.problems.add(line, f"{name}: a key has letters, digits, '.', '_' and '-'")
            elif not isinstance(value, Mapping):
                self.problems.add(line, f"{name} must be a mapping")
            else:
                yield child, Section(Mapping(line, value.nodes), name, self.problems)

    def section(self, key: str) -> "Section | None":
        """The mapping under a key."""
        line = self.line_of(key)
        node = self._take(key)
        if isinstance(node, Mapping):
            return Section(Mapping(line, node.nodes), self._named(key), self.problems)
        self.problem(key, "is missing" if node is None else "must be a mapping")
        return None

    def _take(self, key: str) -> Node | None:
        _, node = self._nodes.pop(key, (0, None))
        return None if isinstance(node, Text) and node.is_null else node

    def _named(self, key: str) -> str:
        return f"{self.name}.{key}" if self.name else key

    def _one_of(self, key: str, choices: Choices[str, T], default: T) -> T:
        value = self.text(key)
        if value is None:
            return default
        if value not in choices:
            self.problem(key, f"must be {' or '.join(choices)}")
        return choices.get(value, default)

    def _add_reference(self, key: str, item: Node, found: dict[str, Reference]) -> None:
        if not isinstance(item, Text) or item.is_null:
            self.problems.add(item.line, f"{self._named(key)} must hold texts")
        elif item.value in found:
            self.problems.add(item.line, f"{self._named(key)} names {item.value!r} twice")
        else:
            found[item.value] = Reference(item.line, item.value)
