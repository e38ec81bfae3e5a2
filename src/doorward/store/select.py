"""Statements built per combination of filters: an optional filter in the text costs its index."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import asyncpg

from doorward.store.database import Connection, Database

Source = Database | Connection

# A condition, in which {0}, {1}, … stand for its values.
Condition = tuple[str, tuple[Any, ...]]

# The last row of a page: its created_at in microseconds since 1970, and its id.
After = tuple[int, UUID]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


# Rows that a page looks at, one by one, for what meets a rare condition, beside some for each row
# asked for; where these are too few, whatever meets the condition is gathered.
_LOOKED: Final = 400


class Select:
    """One statement: a head that ends in a condition, further conditions, and their arguments.

    shown: what is made of the rows, a statement around {rows}; only of those of the page, where
    there are pages.
    """

    def __init__(self, head: str, *arguments: Any, shown: str = "{rows}") -> None:
        self._text = head
        self._arguments = list(arguments)
        self._shown = shown
        self._parts: list[tuple[str, str]] = []
        self._rare: list[tuple[Condition, Condition]] = []

    def where(self, condition: str, *values: Any) -> None:
        """Adds a condition; {0}, {1}, … in it stand for the values."""
        self._text += f" and ({condition.format(*_take(self._arguments, values))})"

    def where_given(self, condition: str, value: Any) -> None:
        """Adds a condition on a value, unless there is none."""
        if value is not None:
            self.where(condition, value)

    def where_rare(self, probe: Condition, gathered: Condition) -> None:
        """Adds a condition that may hold for few rows, all of them late, in two forms.

        probe: decides about one row. gathered: finds whatever meets the condition by itself.
        """
        self._rare.append((probe, gathered))

    def spread(self, parts: Sequence[tuple[str, str]], *values: Any) -> None:
        """Says that the rows of a page are those of several parts, none of them in two.

        Each has an index in the order of the page: a statement around {rows}, which stands for the
        first rows that meet a condition, and that condition.
        """
        numbers = _take(self._arguments, values)
        self._parts = [
            (around.format(*numbers, rows="{rows}"), condition.format(*numbers))
            for around, condition in parts
        ]

    async def fetch(self, source: Source, tail: str) -> list[asyncpg.Record]:
        """All rows; `tail` orders them."""
        for (condition, values), _ in self._rare:
            self.where(condition, *values)
        return await self._run(source, f"{self._text} {tail}")

    async def fetchrow(self, source: Source) -> asyncpg.Record | None:
        """The first row, if any."""
        return await source.fetchrow(self._shown.format(rows=self._text), *self._arguments)

    async def page(
        self, source: Source, key: tuple[str, str], limit: int, after: After | None
    ) -> tuple[list[asyncpg.Record], After | None]:
        """At most `limit` rows after a row in the order of `key` (created_at's and id's column).

        Rows must have columns created_at and id. Answers where the next page starts, None at the
        end.
        """
        created_at, row_id = key
        if after is not None:
            self.where(f"({created_at}, {row_id}) > ({{0}}, {{1}})", moment(after[0]), after[1])
        rows = await self._first(source, f"order by {created_at}, {row_id}", limit + 1)
        if len(rows) <= limit:
            return rows, None
        last = rows[limit - 1]
        return rows[:limit], (microseconds(last["created_at"]), last["id"])

    async def _first(self, source: Source, order: str, count: int) -> list[asyncpg.Record]:
        """The first `count` rows in an order."""
        if self._rare:
            near = await self._first_of_near(source, order, count)
            if len(near) == count:
                return near
        for _, (condition, values) in self._rare:
            self.where(condition, *values)
        (number,) = _take(self._arguments, [count])
        return await self._run(source, self._ordered(f"{order} limit {number}"))

    async def _first_of_near(self, source: Source, order: str, count: int) -> list[asyncpg.Record]:
        """Those of them that are among the rows that are looked at one by one."""
        arguments = [*self._arguments]
        looked, number = _take(arguments, [_LOOKED + 2 * count, count])
        near = self._ordered(f"{order} limit {looked}")
        probes = " and ".join(
            f"({probe.format(*_take(arguments, values))})" for (probe, values), _ in self._rare
        )
        text = f"select * from ({near}) {_alias(order)} where {probes} {order} limit {number}"  # noqa: S608
        return await source.fetch(self._shown.format(rows=text), *arguments)

    def _ordered(self, tail: str) -> str:
        """The rows of all parts; `tail` orders and limits those of each, and those of all."""
        if not self._parts:
            return f"{self._text} {tail}"
        parts = " union all ".join(
            f"({around.format(rows=f'{self._text} and ({condition}) {tail}')})"
            for around, condition in self._parts
        )
        return f"select * from ({parts}) {_alias(tail)} {tail}"  # noqa: S608

    async def _run(self, source: Source, rows: str) -> list[asyncpg.Record]:
        return await source.fetch(self._shown.format(rows=rows), *self._arguments)


def _take(arguments: list[Any], values: Sequence[Any]) -> list[str]:
    """Takes values as arguments; answers what stands for them in a text."""
    first = len(arguments) + 1
    arguments += values
    return [f"${number}" for number in range(first, first + len(values))]


def _alias(order: str) -> str:
    """What the rows are called, from "order by alias.column, …"."""
    return order.removeprefix("order by ").partition(".")[0]


def moment(count: int) -> datetime:
    """The time that is so many microseconds after the beginning of 1970."""
    return _EPOCH + timedelta(microseconds=count)


def microseconds(value: datetime) -> int:
    """How many microseconds after the beginning of 1970 a time is."""
    return (value - _EPOCH) // _MICROSECOND
