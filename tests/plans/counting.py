"""What each statement reads: pages by table and index, in the sessions of the server under test."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import pytest

# Pages of this transaction so far by table or index, those that functions read included, whether
# they were in memory or not (PostgreSQL, the cumulative statistics system).
_COUNTS = """
select c.relname::text, pg_stat_get_xact_blocks_fetched(c.oid) from pg_class c
where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'i')
  and pg_stat_get_xact_blocks_fetched(c.oid) > 0
"""

Counts = dict[str, int]


# Runs of a statement that are remembered: those that read most.
_KEPT = 12


@dataclass(frozen=True)
class Run:
    """One run of a statement: its arguments, the kind of call that ran it, the pages that it read
    by relation, and for how many rows of an answer.
    """

    arguments: tuple[Any, ...]
    kind: str
    read: Counts
    answered: int

    @property
    def pages(self) -> int:
        """All pages that it read."""
        return sum(self.read.values())


@dataclass
class Statement:
    """One statement that calls ran: its text, its worst runs, the relations that it read, and by
    relation the most pages that were too many.
    """

    text: str
    runs: list[Run] = field(default_factory=list)
    relations: set[str] = field(default_factory=set)
    beyond: Counts = field(default_factory=dict)


class Recorder:
    """Every statement that went through here, by its text; what the calls answered, by path.

    kind: of the call that is under way.
    """

    def __init__(self, bound: Callable[[str, int], int]) -> None:
        """bound: how many pages of one relation a kind of call may read for so many rows."""
        self.bound = bound
        self.kind = "change"
        self.statements: dict[str, Statement] = {}
        self.answers: dict[str, set[str]] = {}
        self.counting: set[int] = set()

    def note(self, text: str, run: Run) -> None:
        """Remembers one run of a statement."""
        known = self.statements.setdefault(text, Statement(text))
        known.runs = sorted([*known.runs, run], key=lambda each: -each.pages)[:_KEPT]
        known.relations |= run.read.keys()
        for name, pages in run.read.items():
            if pages > self.bound(run.kind, run.answered):
                known.beyond[name] = max(known.beyond.get(name, 0), pages)


@contextmanager
def recording(patch: pytest.MonkeyPatch, bound: Callable[[str, int], int]) -> Iterator[Recorder]:
    """Counts for every statement with parameters that asyncpg is given in this process."""
    recorder = Recorder(bound)
    kind: Any = asyncpg.Connection
    execute, many = kind._execute, kind._executemany

    async def counted(connection: Any, query: str, args: Any, *more: Any, **named: Any) -> Any:
        if id(connection) in recorder.counting:
            return await execute(connection, query, args, *more, **named)
        if not connection.is_in_transaction():
            async with connection.transaction():
                return await counted(connection, query, args, *more, **named)
        before = await read(connection)
        answer = await execute(connection, query, args, *more, **named)
        read_now = _beyond(before, await read(connection))
        recorder.note(query, Run(tuple(args), recorder.kind, read_now, _answered(answer)))
        return answer

    async def counted_many(connection: Any, query: str, args: Any, *more: Any, **named: Any) -> Any:
        args = [tuple(each) for each in args]
        for each in args[:1]:
            recorder.note(query, Run(each, recorder.kind, {}, 0))
        return await many(connection, query, args, *more, **named)

    async def read(connection: Any) -> Counts:
        recorder.counting.add(id(connection))
        try:
            return dict(await connection.fetch(_COUNTS))
        finally:
            recorder.counting.discard(id(connection))

    patch.setattr(kind, "_execute", counted)
    patch.setattr(kind, "_executemany", counted_many)
    yield recorder


def _answered(answer: Any) -> int:
    """The rows that a statement answered, else those that it wrote, as its command tag tells."""
    rows, tag = (answer[0], answer[1]) if isinstance(answer, tuple) else (answer, b"")
    written = tag.decode().split()[-1:] if isinstance(tag, bytes) else []
    count = int(written[0]) if written and written[0].isdigit() else 0
    return max(count, len(rows) if isinstance(rows, list) else 0)


def _beyond(before: Counts, after: Counts) -> Counts:
    return {name: rows - before.get(name, 0) for name, rows in after.items()}
