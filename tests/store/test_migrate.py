"""Migrations run by themselves, once, whoever starts, and never backwards."""

import asyncio
from uuid import uuid4

import asyncpg
import pytest

from doorward.errors import StartError
from doorward.store.copies import dsn_of
from doorward.store.migrate import migrate, migrations


def test_the_files_are_numbered_without_gaps() -> None:
    assert [m.version for m in migrations()] == list(range(1, len(migrations()) + 1))


async def test_any_number_may_start_at_once(postgres: str) -> None:
    name = f"t_{uuid4().hex}"
    admin = await asyncpg.connect(postgres)
    await admin.execute(f"create database {name}")
    address = dsn_of(postgres, name)
    await asyncio.gather(*(migrate(address) for _ in range(5)))
    connection = await asyncpg.connect(address)
    versions = await connection.fetch("select version from schema_migration order by version")
    await connection.close()
    await admin.execute(f"drop database {name}")
    await admin.close()
    assert [v[0] for v in versions] == [m.version for m in migrations()]


async def test_a_newer_database_is_refused(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    await connection.execute("insert into schema_migration values (9999, 'future', now())")
    await connection.close()
    with pytest.raises(StartError, match="newer than this program"):
        await migrate(dsn)


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://127.0.0.1:1/nothing",
        "postgresql:///x?host=/nowhere",
        "not an address",
        "postgresql://:::/",
    ],
)
async def test_a_database_that_is_down_is_one_line(address: str) -> None:
    with pytest.raises(StartError, match="--database-url") as refused:
        await migrate(address)
    assert "\n" not in str(refused.value)


async def test_every_tenant_table_is_led_by_its_workspace(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    rows = await connection.fetch(
        "select c.conrelid::regclass::text as name, a.attname from pg_constraint c"
        " join pg_attribute a on a.attrelid = c.conrelid and a.attnum = c.conkey[1]"
        " where c.contype = 'p' and c.connamespace = 'public'::regnamespace"
    )
    await connection.close()
    not_led = {row["name"] for row in rows if row["attname"] != "workspace_id"}
    assert not_led == {"installation", "schema_migration", "token", "token_generation"}
