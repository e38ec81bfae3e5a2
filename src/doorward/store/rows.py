"""Rows as a site file writes them: many at a time, each change of policy journalled with them.

The caller has the transaction, and has locked the journal's counter first (DESIGN.md, decision 6).
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import Field, fields, replace
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any, ClassVar, Final, Generic, NamedTuple, Protocol, TypeVar
from uuid import UUID

import asyncpg
import msgspec

from doorward.errors import StartError
from doorward.policy.facts import NO_KEY, Kind, Window, encode_state
from doorward.policy.schedule import milliseconds
from doorward.store.database import Connection
from doorward.store.journal import Change

Ids = tuple[UUID, ...]

# Marks a field that is no column of the row's own table: computed, or kept in another table.
ELSEWHERE: Final = {"elsewhere": True}


class Entry(NamedTuple):
    """One change of a fact, as `journal.record` takes it; without a state the fact is gone."""

    acs_system_id: UUID
    kind: Kind
    key_a: UUID
    key_b: UUID = NO_KEY
    state: msgspec.Struct | None = None
    personal_hash: bytes | None = None

    def gone(self) -> "Entry":
        """The change after which the fact is no more."""
        return self._replace(state=None, personal_hash=None)


class Row(Protocol):
    """A row: a frozen dataclass whose fields are named as the table's columns.

    Fields that take no part in comparison are nothing that a site file declares.
    """

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    @property
    def ids(self) -> Ids:
        """What the row is found by."""

    def fact(self) -> Entry | None:
        """What controllers are told of the row, None for what is no policy."""


R = TypeVar("R", bound=Row)


class Table(Generic[R]):
    """Reads and writes the rows of one type.

    keys: the columns after workspace_id of the primary key. computed: fields that other tables
    tell, as SQL over the row `t` and what `joins` adds. constants: columns that every row has
    alike. object_kind: what systems with lists of their own call it, which have to let go of what
    is deleted; until then the row stays, out of reach, less what `forgets` sets.
    """

    def __init__(
        self,
        row: Callable[..., R],
        name: str,
        keys: Sequence[str],
        *,
        computed: Mapping[str, str] | None = None,
        joins: str = "",
        constants: Mapping[str, object] | None = None,
        has_created_at: bool = True,
        object_kind: str = "",
        forgets: str = "",
    ) -> None:
        self.row = row
        self.name = name
        self.keys = tuple(keys)
        self.has_created_at = has_created_at
        # Rows that cannot be without one of this table's, and their column that names it.
        self.dependents: list[tuple[Table[Any], str]] = []
        self._computed = computed or {}
        self._joins = joins
        self._constants = constants or {}
        self._object_kind = object_kind
        self._forgets = forgets
        found = fields(row)  # type: ignore[arg-type]  # a dataclass, which is its own constructor
        self._fields = [field.name for field in found]
        self._columns = [field.name for field in found if not field.metadata.get("elsewhere")]

    async def read(
        self, connection: Connection, workspace_id: UUID, ids: Sequence[Ids]
    ) -> dict[Ids, R]:
        """The rows of these ids that there are."""
        rows = await self.read_by(connection, workspace_id, self.keys[0], column(ids))
        wanted = set(ids)
        return {row.ids: row for row in rows if row.ids in wanted}

    async def read_by(
        self, connection: Connection, workspace_id: UUID, key: str, values: Sequence[UUID]
    ) -> list[R]:
        """The rows with one of these values in a column."""
        found = await connection.fetch(
            f"select {self._selected()} from {self.name} t {self._joins}"  # noqa: S608
            f" where t.workspace_id = $1 and t.{key} = any ($2){self._condition()}",
            workspace_id,
            list(values),
        )
        return [self.row(*record) for record in found]

    async def insert(self, connection: Connection, change: Change, rows: Sequence[R]) -> None:
        """Makes rows; lists keep their order."""
        await self.write(connection, change, rows)
        await record_all(connection, change, facts_of(rows))

    async def write(self, connection: Connection, change: Change, rows: Sequence[R]) -> None:
        """Makes rows of which the journal is told later in the same transaction."""
        columns = ["workspace_id", *self._constants, *self._columns]
        columns += ["created_at"] if self.has_created_at else []
        head = (change.workspace_id, *self._constants.values())
        values = attrgetter(*self._columns)
        records = [
            (*head, *values(row), moment) if self.has_created_at else (*head, *values(row))
            for row, moment in zip(rows, moments(change), strict=False)
        ]
        # In the order of their ids each page of an index is found in one go.
        place = len(head)
        records.sort(key=lambda record: record[place].bytes)
        await connection.copy_records_to_table(self.name, records=records, columns=columns)

    async def update(
        self, connection: Connection, change: Change, rows: Sequence[tuple[R, R]]
    ) -> None:
        """Changes rows; given are the old one, as it stands in the table, and the new one."""
        columns = [name for name in self._columns if name not in self.keys]
        places = ", ".join(f"{name} = ${place}" for place, name in enumerate(columns, 3))
        await connection.executemany(
            f"update {self.name} set {places} where workspace_id = $1 and {self.keys[0]} = $2",  # noqa: S608
            [
                (change.workspace_id, *new.ids, *(getattr(new, name) for name in columns))
                for _, new in rows
            ],
        )
        changed = [(old, new) for old, new in rows if self.is_policy_change(old, new)]
        await record_all(connection, change, list(_replaced(changed)))

    async def delete(self, connection: Connection, change: Change, ids: Sequence[Ids]) -> None:
        """Takes rows away, and with them what cannot be without them."""
        await self.erase(connection, change, self.keys[0], column(ids))

    async def erase(
        self, connection: Connection, change: Change, key: str, values: Sequence[UUID]
    ) -> None:
        """Deletes the rows with one of these values in a column, dependent rows before them."""
        rows = await self.read_by(connection, change.workspace_id, key, values)
        for table, their_key in self.dependents:
            await table.erase(connection, change, their_key, column(row.ids for row in rows))
        await record_all(connection, change, [fact.gone() for fact in facts_of(rows)])
        # With a system goes its list.
        is_whole = not self._object_kind or key == "acs_system_id"
        if not is_whole:
            await self._let_go(connection, change, key, values)
        await connection.execute(
            f"delete from {self.name} where workspace_id = $1 and {key} = any ($2)"  # noqa: S608
            f"{'' if is_whole else ' and deleted_at is null'}",
            change.workspace_id,
            list(values),
        )

    async def _let_go(
        self, connection: Connection, change: Change, key: str, values: Sequence[UUID]
    ) -> None:
        """Keeps rows of which another system has heard, until it has let go of them."""
        await connection.execute(
            f"update {self.name} t set is_managed = false, deleted_at = $3{self._forgets}"  # noqa: S608
            " from external_object x"
            f" where t.workspace_id = $1 and t.{key} = any ($2) and t.is_managed"
            " and x.workspace_id = t.workspace_id and x.acs_system_id = t.acs_system_id"
            f" and x.object_id = t.{self.keys[0]} and x.related_id = $4"
            f" and x.kind = '{self._object_kind}'",
            change.workspace_id,
            list(values),
            change.at,
            NO_KEY,
        )

    async def make_room(
        self, connection: Connection, workspace_id: UUID, ids: Sequence[Ids]
    ) -> None:
        """Forgets what was deleted and is now to be made again under the same id."""
        if self._object_kind:
            await connection.execute(
                f"delete from {self.name} where workspace_id = $1"  # noqa: S608
                f" and {self.keys[0]} = any ($2) and deleted_at is not null",
                workspace_id,
                column(ids),
            )

    def is_policy_change(self, old: R, new: R) -> bool:
        """Whether controllers must hear of this change of a row."""
        return old.fact() != new.fact()

    def merged(self, old: R, declared: R, names: Collection[str]) -> R:
        """The old row with these fields as they are declared."""
        return replace(old, **{name: getattr(declared, name) for name in names})

    def _selected(self) -> str:
        return ", ".join(self._computed.get(name, f"t.{name}") for name in self._fields)

    def _condition(self) -> str:
        return " and t.deleted_at is null" if self._object_kind else ""


@contextmanager
def conflicts() -> Iterator[None]:
    """Tells the operator what stands in the way of a file: raises StartError."""
    try:
        yield
    except asyncpg.ForeignKeyViolationError as conflict:
        raise StartError(
            "the change is refused: something that no site file declares needs what would go, or"
            f" has gone meanwhile ({conflict.table_name}); remove it first, or apply once more"
        ) from conflict
    except asyncpg.UniqueViolationError as conflict:
        raise StartError(
            f"somebody else made the same thing meanwhile ({conflict.table_name}); do it once more"
        ) from conflict


def window(starts_at: datetime | None, ends_at: datetime | None) -> Window:
    """A window of the tables as the journal has it."""
    return Window(
        None if starts_at is None else milliseconds(starts_at),
        None if ends_at is None else milliseconds(ends_at),
    )


def moments(change: Change) -> Iterator[datetime]:
    """Times of creation a microsecond apart, so that lists keep the order of the rows."""
    moment = change.at
    while True:
        yield moment
        moment += timedelta(microseconds=1)


def column(ids: Iterable[Ids], place: int = 0) -> list[UUID]:
    """One id of each, for a parameter that is an array."""
    return [each[place] for each in ids]


def facts_of(rows: Iterable[Row]) -> list[Entry]:
    """What controllers are told of rows."""
    return [fact for row in rows if (fact := row.fact()) is not None]


def _replaced(changed: Iterable[tuple[Row, Row]]) -> Iterator[Entry]:
    for old, new in changed:
        before, after = old.fact(), new.fact()
        if before and after and (before.key_a, before.key_b) != (after.key_a, after.key_b):
            yield before.gone()
        if after:
            yield after


class Facts(NamedTuple):
    """Changes of distinct facts in their order, as columns of one length."""

    acs_system_ids: list[UUID]
    kinds: list[str]
    keys_a: list[UUID]
    keys_b: list[UUID]
    states: list[str | None]
    personal_hashes: list[bytes | None]


def columns(entries: Sequence[Entry]) -> Facts:
    """What the journal takes."""
    return Facts(
        [entry.acs_system_id for entry in entries],
        [entry.kind.value for entry in entries],
        [entry.key_a for entry in entries],
        [entry.key_b for entry in entries],
        [
            encode_state(entry.state).decode() if entry.state is not None else None
            for entry in entries
        ],
        [entry.personal_hash for entry in entries],
    )


async def record_all(connection: Connection, change: Change, entries: Sequence[Entry]) -> int:
    """Appends changes of facts in their order; answers the revision of the first.

    Nothing to append answers 0.
    """
    if not entries:
        return 0
    first: int = await connection.fetchval(
        "select record_changes($1, $2, $3, false, $4, $5, $6, $7, $8::text[]::jsonb[], $9)",
        change.workspace_id,
        change.actor,
        change.at,
        *columns(entries),
    )
    return first
