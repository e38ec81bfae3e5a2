"""Databases made as copies of one another, in the time that copying files takes."""

from doorward.store.database import connect, unavailable


def dsn_of(dsn: str, name: str) -> str:
    """The address of another database of the same PostgreSQL."""
    head, separator, query = dsn.partition("?")
    return f"{head.rpartition('/')[0]}/{name}{separator}{query}"


async def create(dsn: str, name: str, template: str | None = None) -> str:
    """Makes a database, a copy of `template` or an empty one; answers its address.

    Nobody may be connected to the template. Raises Unavailable.
    """
    copied = f" template {_quoted(template)} strategy file_copy" if template else ""
    await _run(dsn, f"create database {_quoted(name)}{copied}")
    return dsn_of(dsn, name)


async def drop(dsn: str, name: str) -> None:
    """Drops a database, whoever is connected to it. Raises Unavailable."""
    await _run(dsn, f"drop database {_quoted(name)} with (force)")


async def _run(dsn: str, statement: str) -> None:
    with unavailable():
        connection = await connect(dsn)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
