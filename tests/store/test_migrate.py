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


async def test_times_that_are_no_instants_are_mended(
    postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"t_{uuid4().hex}"
    admin = await asyncpg.connect(postgres)
    await admin.execute(f"create database {name}")
    address = dsn_of(postgres, name)
    with monkeypatch.context() as before:
        released = [each for each in migrations() if each.version <= 4]
        before.setattr("doorward.store.migrate.migrations", lambda: released)
        await migrate(address)
    connection = await asyncpg.connect(address)
    await connection.execute(_TIMELESS)
    await migrate(address)
    rows = await connection.fetch(
        "select starts_at::text, ends_at::text from acs_user order by acs_user_id"
    )
    expires_at = await connection.fetchval("select expires_at::text from client_session")
    await connection.close()
    await admin.execute(f"drop database {name}")
    await admin.close()
    days = [tuple(value and value[:10] for value in row) for row in rows]
    assert days == [
        (None, None),
        ("2026-01-01", None),
        (None, "2026-01-01"),
        ("9998-12-31", None),
        (None, "1970-01-01"),
        ("2026-01-01", "2026-01-02"),
    ]
    assert expires_at.startswith("9998-12-31")


# As servers stored them that took the ends of Python's calendar.
_TIMELESS = """
insert into workspace values (gen_random_uuid(), 'w', 'c', true, 'pk', now());
insert into connected_account (workspace_id, connected_account_id, account_type,
  account_type_display_name, display_name, created_at)
  select workspace_id, gen_random_uuid(), 'd', 'd', 'd', now() from workspace;
insert into acs_system
  select workspace_id, gen_random_uuid(), connected_account_id, 's', 'doorward_system', 'Doorward',
    null, now() from connected_account;
insert into acs_user (workspace_id, acs_user_id, acs_system_id, starts_at, ends_at, created_at)
  select workspace_id, lpad(place::text, 32, '0')::uuid, acs_system_id, starts_at, ends_at, now()
  from acs_system, (values
    (1, '-infinity'::timestamptz, 'infinity'::timestamptz),
    (2, '2026-01-01Z', 'infinity'),
    (3, '-infinity', '2026-01-01Z'),
    (4, 'infinity', null),
    (5, null, '-infinity'),
    (6, '2026-01-01Z', '2026-01-02Z')) as given (place, starts_at, ends_at);
insert into client_session (workspace_id, client_session_id, hash, sealed,
  connected_account_ids, created_at, expires_at)
  select workspace_id, gen_random_uuid(), sha256(''), '', '{}', now(), 'infinity'
  from workspace;
"""
