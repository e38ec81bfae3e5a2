"""Statements built per combination of filters: an optional filter in the text costs its index."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import asyncpg

from doorward.store.database import Connection, Database

Source = Database | Connection

# The last row of a page: its created_at in microseconds since 1970, and its id.
After = tuple[int, UUID]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


class Select:
    """One statement: a head that ends in a condition, further conditions, and their arguments.

    shown: what is made of the rows, a statement around {rows}; only of those of the page, where
    there are pages.
    """

    def __init__(self, head: str, *arguments: Any, shown: str = "{rows}") -> None:
        self._text = head
        self._arguments = list(arguments)
        self._shown = shown

    def where(self, condition: str, *values: Any) -> None:
        """Adds a condition; {0}, {1}, … in it stand for the values."""
        first = len(self._arguments) + 1
        numbers = (f"${number}" for number in range(first, first + len(values)))
        self._text += f" and ({condition.format(*numbers)})"
        self._arguments += values

    def where_given(self, condition: str, value: Any) -> None:
        """Adds a condition on a value, unless there is none."""
        if value is not None:
            self.where(condition, value)

    async def fetch(self, source: Source, tail: str) -> list[asyncpg.Record]:
        """All rows; `tail` orders them."""
        text = self._shown.format(rows=f"{self._text} {tail}")
        return await source.fetch(text, *self._arguments)

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
        self._arguments.append(limit + 1)
        tail = f"order by {created_at}, {row_id} limit ${len(self._arguments)}"
        rows = await self.fetch(source, tail)
        if len(rows) <= limit:
            return rows, None
        last = rows[limit - 1]
        return rows[:limit], (microseconds(last["created_at"]), last["id"])


def moment(count: int) -> datetime:
    """The time that is so many microseconds after the beginning of 1970."""
    return _EPOCH + timedelta(microseconds=count)


def microseconds(value: datetime) -> int:
    """How many microseconds after the beginning of 1970 a time is."""
    return (value - _EPOCH) // _MICROSECOND
