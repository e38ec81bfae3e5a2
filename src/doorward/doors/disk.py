"""A controller's file: the slice it decides on, what it has observed at its doors, and the spool of
what happened, in SQLite.

Everything runs on one thread of the file's own. The file is locked for as long as it is open, so
that of the processes that share a data folder only one runs the controller.
"""

import asyncio
import contextlib
import os
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, TypeVar
from uuid import UUID, uuid4

import msgspec

from doorward.policy.facts import Fact, Kind
from doorward.store.controllers import ControllerKey
from doorward.store.watch import Position

T = TypeVar("T")

_FORMAT: Final = 2
_CHUNK: Final = 2_000
_KINDS: Final = {kind.value: kind for kind in Kind}

_FACT_COLUMNS: Final = """(
  kind text not null, key_a blob not null, key_b blob not null, revision integer not null,
  state blob not null, lookup blob, primary key (kind, key_a, key_b)
) without rowid"""

# A file of format 1 lacks `observed` alone.
_SCHEMA: Final = f"""
begin;
create table if not exists header (only integer primary key check (only = 1), body blob not null);
create table if not exists fact {_FACT_COLUMNS};
create table if not exists spool (
  sequence integer primary key autoincrement, body blob not null
);
create table if not exists observed (
  kind text not null, key blob not null, body blob not null, primary key (kind, key)
) without rowid;
pragma user_version = {_FORMAT};
commit;
"""

_FACT: Final = (
    "insert into fact values (?, ?, ?, ?, ?, ?) on conflict do update set"
    " revision = excluded.revision, state = excluded.state, lookup = excluded.lookup"
)


class Observed(NamedTuple):
    """What was observed at the doors and outlives a restart; a later body replaces an earlier.

    keypad: the wrong codes at a reader. uses: how often a credential has opened a door here.
    """

    kind: Literal["keypad", "uses"]
    key: UUID
    body: bytes


class DiskLocked(Exception):
    """Another process has the file open, and so runs the controller."""


class Header(msgspec.Struct, frozen=True):
    """Whose file this is, and up to where its slice is complete.

    holder: the name under which the file's owner takes the lease. is_ours: the slice was kept up
    under the lease, and nobody has been seen to run the controller since. connected_account_id:
    what events name beside the system. position None: there is no slice yet. journal_hash: of the
    journal's entry at that position.
    """

    key: ControllerKey
    holder: str
    is_ours: bool = False
    position: Position | None = None
    connected_account_id: UUID | None = None
    journal_hash: bytes = b""


class Disk:
    """The open file of one controller. Errors of the disk are sqlite3.Error or OSError.

    spool_length: how many entries the spool has.
    """

    def __init__(
        self,
        path: Path,
        connection: sqlite3.Connection,
        thread: ThreadPoolExecutor,
        spool_length: int,
    ) -> None:
        self.path = path
        self.spool_length = spool_length
        self._connection = connection
        self._thread = thread

    @classmethod
    async def open(cls, path: Path) -> "Disk":
        """Opens the file, or makes it (mode 0600).

        Raises DiskLocked while another has it, sqlite3.DatabaseError for a file that is no
        database of ours any more.
        """
        thread = ThreadPoolExecutor(1, thread_name_prefix=path.stem)
        try:
            connection, spool_length = await _on(thread, lambda: _open(path))
        except BaseException:
            thread.shutdown(wait=False)
            raise
        return cls(path, connection, thread, spool_length)

    async def close(self) -> None:
        """Closes the file and lets go of its lock."""
        await self._run(self._connection.close)
        self._thread.shutdown(wait=False)

    async def header(self) -> Header | None:
        """What the file says of itself, None for a new one."""
        rows = await self._run(
            lambda: self._connection.execute("select body from header").fetchall()
        )
        return msgspec.json.decode(rows[0][0], type=Header) if rows else None

    async def set_header(self, header: Header) -> None:
        """Changes what the file says of itself."""
        await self._write(lambda: self._put_header(header))

    async def facts(self) -> AsyncIterator[list[Fact]]:
        """The slice, some thousand facts at a time."""
        cursor = await self._run(lambda: self._connection.execute("select * from fact"))
        while rows := await self._run(lambda: cursor.fetchmany(_CHUNK)):
            yield [_fact(row) for row in rows]

    async def keep(self, facts: Sequence[Fact], header: Header) -> None:
        """Puts changed facts and the place in the journal on disk, both or neither."""
        await self._write(lambda: self._put_facts(facts), lambda: self._put_header(header))

    async def begin_replacement(self) -> None:
        """Makes room for a whole slice beside the present one."""
        await self._write(self._make_incoming)

    async def stage(self, facts: Sequence[Fact]) -> None:
        """Puts a part of a whole slice aside."""
        rows = [_row(fact) for fact in facts]
        await self._write(
            lambda: self._connection.executemany("insert into incoming values (?,?,?,?,?,?)", rows)
        )

    async def replace(self, header: Header, newer: Sequence[Fact] = ()) -> None:
        """Puts the staged slice in place of the present one, with the facts that are newer."""
        await self._write(
            self._swap_incoming,
            lambda: self._put_facts(newer),
            lambda: self._put_header(header),
        )

    async def spool(self, bodies: Sequence[bytes], observed: Sequence[Observed] = ()) -> list[int]:
        """Appends to the spool, and keeps what was observed with it, or neither; answers the
        entries' numbers.
        """
        sequences: list[int] = []
        await self._write(
            lambda: sequences.extend(self._append(body) for body in bodies),
            lambda: self._put_observed(observed),
        )
        self.spool_length += len(bodies)
        return sequences

    async def withdraw(self, sequences: Sequence[int], observed: Sequence[Observed]) -> None:
        """Drops entries of the spool, and keeps what was observed instead, or neither."""
        await self._write(
            lambda: self._connection.executemany(
                "delete from spool where sequence = ?", [(each,) for each in sequences]
            ),
            lambda: self._put_observed(observed),
        )
        self.spool_length -= len(sequences)

    async def observed(self) -> list[Observed]:
        """Everything that was observed and is kept."""
        rows = await self._run(
            lambda: self._connection.execute("select kind, key, body from observed").fetchall()
        )
        return [Observed(kind, UUID(bytes=key), body) for kind, key, body in rows]

    async def forget(self, observed: Sequence[Observed]) -> None:
        """Drops what is of no use any more."""
        keys = [(each.kind, each.key.bytes) for each in observed]
        await self._write(
            lambda: self._connection.executemany(
                "delete from observed where kind = ? and key = ?", keys
            )
        )

    async def spooled(self, limit: int) -> list[tuple[int, bytes]]:
        """The oldest entries of the spool, each with its number."""
        query = "select sequence, body from spool order by sequence limit ?"
        return await self._run(lambda: self._connection.execute(query, (limit,)).fetchall())

    async def unspool(self, sequence: int) -> None:
        """Drops the spool's entries up to a number."""
        await self._write(lambda: self._drop_spooled(sequence))

    async def _run(self, work: Callable[[], T]) -> T:
        return await _on(self._thread, work)

    async def _write(self, *steps: Callable[[], object]) -> None:
        await _on(self._thread, lambda: self._commit(steps))

    def _commit(self, steps: Sequence[Callable[[], object]]) -> None:
        with _transaction(self._connection):
            for step in steps:
                step()

    def _append(self, body: bytes) -> int:
        cursor = self._connection.execute("insert into spool (body) values (?)", (body,))
        assert cursor.lastrowid is not None
        return cursor.lastrowid

    def _put_observed(self, observed: Sequence[Observed]) -> None:
        self._connection.executemany(
            "insert or replace into observed values (?, ?, ?)",
            [(each.kind, each.key.bytes, each.body) for each in observed],
        )

    def _drop_spooled(self, sequence: int) -> None:
        dropped = self._connection.execute("delete from spool where sequence <= ?", (sequence,))
        self.spool_length -= dropped.rowcount

    def _put_header(self, header: Header) -> None:
        self._connection.execute(
            "insert or replace into header values (1, ?)", (msgspec.json.encode(header),)
        )

    def _put_facts(self, facts: Sequence[Fact]) -> None:
        for fact in facts:
            if fact.state is None:
                self._connection.execute(
                    "delete from fact where kind = ? and key_a = ? and key_b = ?", _row(fact)[:3]
                )
            else:
                self._connection.execute(_FACT, _row(fact))

    def _make_incoming(self) -> None:
        self._connection.execute("drop table if exists incoming")
        self._connection.execute(f"create table incoming {_FACT_COLUMNS}")

    def _swap_incoming(self) -> None:
        self._connection.execute("drop table fact")
        self._connection.execute("alter table incoming rename to fact")


def new_header(key: ControllerKey) -> Header:
    """The header of a new file, with a holder's name that no other file has."""
    return Header(key, uuid4().hex)


async def _on(thread: ThreadPoolExecutor, work: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(thread, work)


@contextlib.contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("begin immediate")
    try:
        yield
    except BaseException:
        connection.rollback()
        raise
    connection.execute("commit")


def _open(path: Path) -> tuple[sqlite3.Connection, int]:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Made beforehand, because SQLite would leave the mode to the umask. Never opened when it is
    # there: closing it again would let go of a lock that this process has on it.
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL, 0o600))
    connection = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
    try:
        _lock(connection)
        _prepare(connection)
        spool_length = connection.execute("select count(*) from spool").fetchone()[0]
    except BaseException:
        connection.close()
        raise
    return connection, spool_length


def _lock(connection: sqlite3.Connection) -> None:
    try:
        connection.execute("pragma locking_mode = exclusive")
        connection.execute("pragma journal_mode = wal")
        connection.execute("pragma synchronous = full")
        with _transaction(connection):
            pass
    except sqlite3.OperationalError as trouble:
        if trouble.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise DiskLocked from trouble
        raise


def _prepare(connection: sqlite3.Connection) -> None:
    """Makes the tables in a new file, or those that an older one lacks."""
    version = connection.execute("pragma user_version").fetchone()[0]
    if version < _FORMAT:
        connection.executescript(_SCHEMA)
    elif version != _FORMAT:
        raise sqlite3.DatabaseError(f"a file of format {version}, not {_FORMAT}")


def put_aside(path: Path) -> Path:
    """Keeps a file that cannot be read for whoever wants to look into it; answers its new name."""
    kept = path.with_name(f"{path.stem}.damaged-{uuid4().hex[:8]}")
    for suffix in ("", "-wal", "-shm"):
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.rename(kept.with_name(kept.name + suffix))
    return kept


def _row(fact: Fact) -> tuple[Any, ...]:
    return (
        fact.kind.value,
        fact.key_a.bytes,
        fact.key_b.bytes,
        fact.revision,
        fact.state,
        fact.lookup,
    )


def _fact(row: tuple[Any, ...]) -> Fact:
    kind, key_a, key_b, revision, state, lookup = row
    # Twice as fast as the constructors; the slice of a million people has 12 million rows.
    a, b = msgspec.convert(key_a, UUID), msgspec.convert(key_b, UUID)
    return Fact(_KINDS[kind], a, b, revision, state, lookup)
