"""YAML as mappings, lists and texts that know their line; nothing here knows what a site is.

Read from the parser's events, so that no tag is ever resolved: `code: 0815` and `name: no` stay
the texts that somebody wrote.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import yaml

from doorward.site.problems import Problems

# Half a million people; whoever has more does not keep them in one file.
MAX_BYTES: Final = 64 * 1024 * 1024
# YAML 1.1 ends a line at these, and no editor does, so that lines would be counted differently.
_ODD_BREAK: Final = re.compile("[\x85\u2028\u2029]|\r(?!\n)")
# A site needs five levels. Without a bound, a file of brackets would exhaust the stack.
MAX_DEPTH: Final = 12

_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NULLS: Final = ("", "~", "null", "Null", "NULL")


@dataclass(frozen=True, slots=True)
class Text:
    """A scalar as written. A `plain` one stands without quotes."""

    line: int
    value: str
    plain: bool = True

    @property
    def is_null(self) -> bool:
        """Whether nothing was given."""
        return self.plain and self.value in _NULLS


@dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    line: int
    nodes: "list[Node]" = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Mapping:
    """A mapping with texts as keys, in the file's order."""

    line: int
    nodes: "dict[str, tuple[int, Node]]" = field(default_factory=dict)


Node = Text | Items | Mapping


def read_document(data: bytes, problems: Problems) -> Mapping:
    """The one document of a file, which must be a mapping.

    Raises SiteError for what is no YAML, for aliases and tags, and for a document too large.
    """
    if len(data) > MAX_BYTES:
        raise problems.fail(1, f"the file is larger than {MAX_BYTES // 2**20} MiB")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise problems.fail(line, "the file is not UTF-8") from None
    if found := _ODD_BREAK.search(text):
        line = text.count("\n", 0, found.start()) + 1
        raise problems.fail(line, "a character that YAML takes for the end of a line")
    try:
        return _Composer(_events(text), problems).document()
    except yaml.YAMLError as error:
        raise problems.fail(*_reason(error, data)) from None


def _events(text: str) -> Iterator[yaml.Event]:
    return iter(yaml.parse(text, Loader=_LOADER))


def _reason(error: yaml.YAMLError, data: bytes) -> tuple[int, str]:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark:
        # What is missing at the end of the file is found after its last line.
        line = min(error.problem_mark.line, data.count(b"\n")) + 1
        return line, f"this is no YAML: {error.problem}"
    if isinstance(error, yaml.reader.ReaderError):
        line = data.count(b"\n", 0, error.position) + 1
        return line, "a character that YAML does not allow"
    return 1, "this is no YAML"


class _Composer:
    """Builds nodes from events; remembers what is wrong and goes on where it can."""

    def __init__(self, events: Iterator[yaml.Event], problems: Problems) -> None:
        self._events = events
        self._problems = problems

    def document(self) -> Mapping:
        first = self._after_start()
        if first is None:
            raise self._problems.fail(1, "the file is empty")
        node = self._node(first, 0)
        next(self._events)
        if not isinstance(next(self._events), yaml.StreamEndEvent):
            raise self._problems.fail(_line(first), "the file has more than one document")
        if not isinstance(node, Mapping):
            raise self._problems.fail(node.line, "the file must be a mapping of sections")
        return node

    def _after_start(self) -> yaml.Event | None:
        for event in self._events:
            if isinstance(event, yaml.StreamEndEvent):
                return None
            if not isinstance(event, yaml.StreamStartEvent | yaml.DocumentStartEvent):
                return event
        return None

    def _node(self, event: yaml.Event, depth: int) -> Node:
        self._check(event, depth)
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(event, depth)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._items(event, depth)
        return _text(event)

    def _check(self, event: yaml.Event, depth: int) -> None:
        line = _line(event)
        if isinstance(event, yaml.AliasEvent):
            raise self._problems.fail(line, "aliases are not allowed")
        if getattr(event, "anchor", None):
            raise self._problems.fail(line, "anchors are not allowed")
        if getattr(event, "tag", None):
            raise self._problems.fail(line, "tags are not allowed")
        if depth > MAX_DEPTH:
            raise self._problems.fail(line, f"more than {MAX_DEPTH} levels")

    def _items(self, start: yaml.Event, depth: int) -> Items:
        items = Items(_line(start))
        for event in self._events:
            if isinstance(event, yaml.SequenceEndEvent):
                break
            items.nodes.append(self._node(event, depth + 1))
        return items

    def _mapping(self, start: yaml.Event, depth: int) -> Mapping:
        mapping = Mapping(_line(start))
        for event in self._events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            key = self._node(event, depth + 1)
            self._put(mapping, key, self._node(next(self._events), depth + 1))
        return mapping

    def _put(self, mapping: Mapping, key: Node, value: Node) -> None:
        if not isinstance(key, Text) or key.is_null:
            self._problems.add(key.line, "a key must be a text")
        elif key.value in mapping.nodes:
            first, _ = mapping.nodes[key.value]
            self._problems.add(key.line, f"the key {key.value!r} stands in line {first} already")
        else:
            mapping.nodes[key.value] = (key.line, value)


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 1


def _text(event: yaml.Event) -> Text:
    assert isinstance(event, yaml.ScalarEvent)
    return Text(_line(event), event.value, plain=not event.style)
