"""Brings a database's schema up to this program: numbered files, forward only, at every start."""

import re
from importlib import resources
from typing import NamedTuple

import asyncpg

from doorward.errors import StartError
from doorward.store.database import Connection, connect

# Any number of servers may start at once; one of them migrates.
_LOCK = 0x646F6F72


class Migration(NamedTuple):
    """A numbered file of SQL."""

    version: int
    name: str
    sql: str


def migrations() -> list[Migration]:
    """The program's migrations in order."""
    folder = resources.files("doorward.store") / "migrations"
    found = [
        Migration(int(match[1]), match[2], entry.read_text("utf-8"))
        for entry in folder.iterdir()
        if (match := re.fullmatch(r"(\d{4})_(\w+)\.sql", entry.name))
    ]
    return sorted(found)


async def migrate(dsn: str) -> None:
    """Applies what is missing, each file in one transaction.

    Raises StartError when the database is down, or newer than the program.
    """
    connection = await _connect(dsn)
    try:
        await connection.execute("select pg_advisory_lock($1)", _LOCK)
        await _apply_missing(connection)
    finally:
        await connection.close()


async def _connect(dsn: str) -> Connection:
    try:
        return await connect(dsn)
    except (asyncpg.ClientConfigurationError, ValueError) as e:
        raise StartError(
            f"--database-url cannot be read ({e}); give postgresql://user:password@host:5432/name"
        ) from e
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as e:
        reason = str(e).splitlines()[0] if str(e) else type(e).__name__
        raise StartError(
            f"the database does not answer ({reason}); start it, or check --database-url"
        ) from e


async def _apply_missing(connection: Connection) -> None:
    await connection.execute(
        "create table if not exists schema_migration ("
        "version integer primary key, name text not null, applied_at timestamptz not null)"
    )
    done = await connection.fetchval("select coalesce(max(version), 0) from schema_migration")
    known = migrations()
    if done > known[-1].version:
        raise StartError(
            f"the database is newer than this program (schema {done}, here {known[-1].version});"
            " install the newer Doorward that last served it"
        )
    for migration in known:
        if migration.version > done:
            await _apply(connection, migration)


async def _apply(connection: Connection, migration: Migration) -> None:
    async with connection.transaction():
        await connection.execute(migration.sql)
        await connection.execute(
            "insert into schema_migration values ($1, $2, clock_timestamp())",
            migration.version,
            migration.name,
        )
