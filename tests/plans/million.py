"""A workspace with a million people and ten million memberships, made in minutes.

Most of it is in one system. Half of the people are identities too. Beside it lies what a walk in
order comes to last: a second system, and a second workspace, with some thousand people each.

Rows are written without their indexes, which are built afterwards as the migrations declare them.
Ids are hashes of numbers, so that tables refer to each other without being read. Of the facts of
memberships there is one for each person, which saves minutes, and no plan may walk through a
million any more than through ten.
"""

import asyncio
import hashlib
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import asyncpg

from doorward.store.embedded import EmbeddedPostgres
from doorward.store.migrate import migrate

PEOPLE = 1_000_000
GROUPS_OF_EACH = 10
GROUPS = 1_000
ENTRANCES = 1_000
CODES = 100_000
# Grants, own entrances of credentials, action attempts.
OWN = 100_000
# People of the second system and of the second workspace, made after all others.
LATE = 6_000
# The last people of the first system, who share a piece of their names.
COMMON = 70_000
# Bytes that all of it takes while it is made.
_ROOM = 18 * 2**30

# An encoder of the million's system.
ENCODER = UUID("88888888-8888-4888-8888-888888888888")
# Tables with a row, or ten, for each person, or for one in ten.
BIG = frozenset(
    {
        *("acs_credential", "acs_membership", "acs_user", "action_attempt", "credential_entrance"),
        *("event", "merged_user_identity", "personal", "policy_fact", "user_entrance"),
        "user_identity",
    }
)


@dataclass(frozen=True)
class Million:
    """Where it is, and its ids."""

    dsn: str
    workspace_id: UUID = field(default=UUID("11111111-1111-4111-8111-111111111111"))
    acs_system_id: UUID = field(default=UUID("22222222-2222-4222-8222-222222222222"))
    connected_account_id: UUID = field(default=UUID("33333333-3333-4333-8333-333333333333"))
    controller_id: UUID = field(default=UUID("44444444-4444-4444-8444-444444444444"))
    late_system_id: UUID = field(default=UUID("55555555-5555-4555-8555-555555555555"))
    late_account_id: UUID = field(default=UUID("66666666-6666-4666-8666-666666666666"))
    other_workspace_id: UUID = field(default=UUID("77777777-7777-4777-8777-777777777777"))


# $w workspace, $s system, $a account, $c controller; $t and $b: the late system and account, $o the
# other workspace. A credential with a lookup and no seal is
# shown without its number: nobody has to seal a million of them.
_SCRIPT = """
create function pg_temp.id(kind text, n bigint) returns uuid language sql immutable
  return md5(kind || n)::uuid;
alter table acs_credential drop constraint acs_credential_check1;
insert into workspace (workspace_id, name, company_name, is_sandbox, publishable_key, created_at)
  values ($w, 'Million', 'Million Ltd', true, 'seam_pkmillion_1', '2026-01-01');
insert into workspace (workspace_id, name, company_name, is_sandbox, publishable_key, created_at)
  values ($o, 'Other', 'Other Ltd', true, 'seam_pkmillion_2', '2026-01-01');
insert into policy_revision (workspace_id, revision) values ($w, 20000000), ($o, 20000000);
insert into connected_account (workspace_id, connected_account_id, account_type,
    account_type_display_name, display_name, created_at)
  values ($w, $a, 'doorward_system', 'Doorward', 'Million', '2026-01-01');
insert into acs_system values
  ($w, $s, $a, 'Million', 'doorward_system', 'Doorward', 'UTC', '2026-01-01');
insert into controller (workspace_id, controller_id, acs_system_id, name, confirmed_epoch,
    confirmed_revision, created_at)
  values ($w, $c, $s, 'Million', 1, 20000000, '2026-01-01');
insert into acs_encoder (workspace_id, acs_encoder_id, acs_system_id, display_name, created_at)
  values ($w, $desk, $s, 'Encoder', '2026-01-01');
insert into acs_entrance (workspace_id, acs_entrance_id, acs_system_id, controller_id,
    display_name, is_enabled, unlock_seconds, can_unlock_with_card, can_unlock_with_code,
    created_at)
  select $w, pg_temp.id('e', n), $s, $c, 'Entrance ' || n, true, 5, true, true,
    timestamptz '2026-01-01' + n * interval '1 s' from generate_series(1, $entrances) n;
insert into reader select $w, pg_temp.id('r', n), pg_temp.id('e', n), 'Reader', 'virtual', 'entry'
  from generate_series(1, $entrances) n;
insert into acs_access_group (workspace_id, acs_access_group_id, acs_system_id, name, created_at)
  select $w, pg_temp.id('g', n), $s, 'Group ' || n, timestamptz '2026-01-01' + n * interval '1 s'
  from generate_series(1, $groups) n;
insert into acs_access_group (workspace_id, acs_access_group_id, acs_system_id, name, created_at)
  select $w, pg_temp.id('h', n), $s, 'Small ' || n, timestamptz '2026-02-01' + n * interval '1 s'
  from generate_series(1, $groups) n;
insert into access_group_entrance
  select $w, pg_temp.id('g', n), pg_temp.id('e', n), true, false, n, '2026-01-01'
  from generate_series(1, $groups) n;
insert into user_identity (workspace_id, user_identity_id, user_identity_key, created_at)
  select $w, pg_temp.id('i', n), 'key-' || n, timestamptz '2026-01-01' + n * interval '1 s'
  from generate_series(2, $people, 2) n;
insert into acs_user (workspace_id, acs_user_id, acs_system_id, user_identity_id, created_at)
  select $w, pg_temp.id('u', n), $s, case when n % 2 = 0 then pg_temp.id('i', n) end,
    timestamptz '2026-01-01' + n * interval '1 s' from generate_series(1, $people) n;
insert into personal (workspace_id, subject_id, acs_system_id, salt, full_name, email_address,
    phone_number, grams)
  select $w, pg_temp.id(k.kind, n), k.acs_system_id, '\\x00',
    'P' || to_hex(n) || case when n > $people - $common then ' Qq' else '' end,
    to_hex(n) || '@x.test', '+1' || (2000000000 + n), g.grams
  from generate_series(1, $people) n
  cross join (values ('u', $s), ('i', null)) k (kind, acs_system_id)
  cross join lateral (select array['$p' || 'p', '$p' || substr(to_hex(n), 1, 1),
    '$p' || 'p' || substr(to_hex(n), 1, 1), '$p' || 'p' || substr(to_hex(n), 1, 2),
    '$p' || substr(to_hex(n), 1, 3), '$p' || substr(to_hex(n), 2, 3),
    '$p' || substr(to_hex(n), 3, 3)]
    || case when n > $people - $common then array['$pqq'] else '{}' end grams) g
  where k.kind = 'u' or n % 2 = 0;
create temporary table in_group as
  select n.n, array_agg(pg_temp.id('g', (n.n * 7 + k * 97) % $groups + 1)) groups
  from generate_series(0, $groups - 1) n (n), generate_series(0, $each - 1) k group by 1;
insert into acs_membership
  select $w, unnest(i.groups), pg_temp.id('u', n.n), true, false, n.n, '2026-01-01', '2026-01-01'
  from generate_series(1, $people) n (n) join in_group i on i.n = n.n % $groups;
insert into acs_membership
  select $w, pg_temp.id('h', n), pg_temp.id('u', n * 20 + k), true, false, n, '2026-01-01',
    '2026-01-01' from generate_series(1, $groups) n, generate_series(1, 20) k;
insert into acs_credential (workspace_id, acs_credential_id, acs_system_id, acs_user_id,
    access_method, display_name, issued_at, created_at, card_format, lookup)
  select $w, pg_temp.id('c', n), $s, pg_temp.id('u', n), 'card', 'Card', '2026-01-01',
    timestamptz '2026-01-01' + n * interval '1 s', 'h10301', sha256(int8send(n))
  from generate_series(1, $people) n;
insert into acs_credential (workspace_id, acs_credential_id, acs_system_id, acs_user_id,
    access_method, display_name, issued_at, created_at, lookup, code_length)
  select $w, pg_temp.id('k', n), $s, pg_temp.id('u', n), 'code', 'Code', '2026-01-01',
    timestamptz '2026-01-01' + n * interval '1 s', sha256(int8send(-n)), 6
  from generate_series(1, $codes) n;
insert into acs_credential (workspace_id, acs_credential_id, acs_system_id, acs_user_id,
    access_method, display_name, created_at)
  select $w, pg_temp.id('w', n), $s, pg_temp.id('u', n), 'card', 'Waiting', '2026-01-01'
  from generate_series(1, $groups) n;
insert into acs_credential (workspace_id, acs_credential_id, acs_system_id, acs_user_id,
    access_method, display_name, issued_at, created_at)
  select $w, pg_temp.id('x', n), $s, pg_temp.id('u', n), 'cloud_key', 'Key', '2026-01-01',
    '2026-01-01' from generate_series(1, $groups) n;
insert into user_entrance
  select $w, pg_temp.id('u', n), pg_temp.id('e', n % $entrances + 1), true, false, n, '2026-01-01'
  from generate_series(1, $own) n;
insert into credential_entrance
  select $w, pg_temp.id('c', n), pg_temp.id('e', n * 3 % $entrances + 1), true, false, n,
    '2026-01-01' from generate_series(1, $own) n;
insert into action_attempt (workspace_id, action_attempt_id, action_type, status, result,
    acs_system_id, acs_entrance_id, acs_credential_id, user_identity_id, actor, created_at, ends_at)
  select $w, pg_temp.id('a', n), 'UNLOCK_DOOR', 'success', '{"was_confirmed_by_device":true}', $s,
    pg_temp.id('e', n % $entrances + 1), pg_temp.id('c', n * 2), pg_temp.id('i', n * 2), 'plans',
    timestamptz '2026-01-01' + n * interval '1 s', '2026-01-02' from generate_series(1, $own) n;
insert into event
  select $w, pg_temp.id('v', n), 'acs_user.created', timestamptz '2026-01-01' + n * interval '1 s',
    timestamptz '2026-01-01' + n * interval '1 s', array[pg_temp.id('u', n)], '{}'
  from generate_series(1, $own) n;
insert into merged_user_identity
  select $w, pg_temp.id('m', n), pg_temp.id('i', n * 2), 'old-' || n, '2026-01-01'
  from generate_series(1, $own / 4) n;
insert into connected_account (workspace_id, connected_account_id, account_type,
    account_type_display_name, display_name, customer_key, created_at)
  values ($w, $b, 'doorward_system', 'Doorward', 'Late', 'late', '2026-03-01'),
    ($o, $b, 'doorward_system', 'Doorward', 'Late', 'late', '2026-03-01');
insert into acs_system
  select w, $t, $b, 'Late', 'doorward_system', 'Doorward', 'UTC', '2026-03-01'
  from unnest(array[$w, $o]) w;
insert into controller (workspace_id, controller_id, acs_system_id, name, confirmed_epoch,
    confirmed_revision, created_at)
  select w, $t, $t, 'Late', 1, 20000000, '2026-03-01' from unnest(array[$w, $o]) w;
insert into acs_entrance (workspace_id, acs_entrance_id, acs_system_id, controller_id,
    display_name, is_enabled, unlock_seconds, can_unlock_with_card, can_unlock_with_code,
    created_at)
  select w, pg_temp.id('f', n), $t, $t, 'Late ' || n, true, 5, true, true, '2026-03-01'
  from unnest(array[$w, $o]) w, generate_series(1, 20) n;
insert into acs_access_group (workspace_id, acs_access_group_id, acs_system_id, name, created_at)
  select w, pg_temp.id('l', n), $t, 'Late ' || n, '2026-03-01'
  from unnest(array[$w, $o]) w, generate_series(1, 20) n;
insert into user_identity (workspace_id, user_identity_id, user_identity_key, created_at)
  select w, pg_temp.id('y', n), 'late-' || n, timestamptz '2026-03-01' + n * interval '1 s'
  from unnest(array[$w, $o]) w, generate_series(2, $late, 2) n;
insert into acs_user (workspace_id, acs_user_id, acs_system_id, user_identity_id, created_at)
  select w, pg_temp.id('z', n), $t, case when n % 2 = 0 then pg_temp.id('y', n) end,
    timestamptz '2026-03-01' + n * interval '1 s'
  from unnest(array[$w, $o]) w, generate_series(1, $late) n;
insert into personal (workspace_id, subject_id, acs_system_id, salt, full_name, email_address,
    phone_number, grams)
  select w, pg_temp.id(k.kind, n), k.acs_system_id, '\\x00', 'Zz' || n, n || '@late.test',
    '+2' || (2000000000 + n), array[left(w::text, 8) || 'zz']
  from unnest(array[$w, $o]) w, generate_series(1, $late) n
  cross join (values ('z', $t), ('y', null)) k (kind, acs_system_id)
  where k.kind = 'z' or n % 2 = 0;
insert into acs_credential (workspace_id, acs_credential_id, acs_system_id, acs_user_id,
    access_method, display_name, issued_at, created_at)
  select w, pg_temp.id('t', n), $t, pg_temp.id('z', n), 'cloud_key', 'Late', '2026-03-01',
    timestamptz '2026-03-01' + n * interval '1 s'
  from unnest(array[$w, $o]) w, generate_series(1, $late) n;
insert into acs_membership
  select w, pg_temp.id('l', n % 20 + 1), pg_temp.id('z', n), true, false, n, '2026-03-01',
    '2026-03-01' from unnest(array[$w, $o]) w, generate_series(1, $late) n;
insert into user_entrance
  select w, pg_temp.id('z', n), pg_temp.id('f', 1), true, false, n, '2026-03-01'
  from unnest(array[$w, $o]) w, generate_series(1, 3) n;
insert into credential_entrance
  select w, pg_temp.id('t', n), pg_temp.id('f', 2), true, false, n, '2026-03-01'
  from unnest(array[$w, $o]) w, generate_series(1, 3) n;
insert into action_attempt (workspace_id, action_attempt_id, action_type, status, result,
    acs_system_id, acs_entrance_id, acs_credential_id, user_identity_id, actor, created_at, ends_at)
  select w, pg_temp.id('b', n), 'UNLOCK_DOOR', 'success', '{"was_confirmed_by_device":true}', $t,
    pg_temp.id('f', 1), pg_temp.id('t', n), pg_temp.id('y', n), 'plans',
    timestamptz '2026-03-01' + n * interval '1 s', '2026-03-02'
  from unnest(array[$w, $o]) w, generate_series(2, 1000, 2) n;
insert into policy_fact
  select $w, f.kind, f.a, f.b, $s, row_number() over (), null, f.state from (
    select 'entrance' kind, pg_temp.id('e', n) a, $c b,
      '{}'::jsonb state from generate_series(1, $entrances) n
    union all select 'reader', pg_temp.id('r', n), pg_temp.id('e', n), '{}'
      from generate_series(1, $entrances) n
    union all select 'group', pg_temp.id('g', n), $0, '{}' from generate_series(1, $groups) n
    union all select 'group_entrance', pg_temp.id('g', n), pg_temp.id('e', n), '{}'
      from generate_series(1, $groups) n
    union all select 'user', pg_temp.id('u', n), $0, '{}' from generate_series(1, $people) n
    union all select 'credential', pg_temp.id('c', n), pg_temp.id('u', n),
      '{"access_method":"card"}' from generate_series(1, $people) n
    union all select 'credential', pg_temp.id('k', n), pg_temp.id('u', n),
      '{"access_method":"code"}' from generate_series(1, $codes) n
    union all select 'membership', i.groups[1], pg_temp.id('u', n.n), '{}'
      from generate_series(1, $people) n (n) join in_group i on i.n = n.n % $groups) f
"""

_FAST = """
set synchronous_commit = off;
set maintenance_work_mem = '1GB';
set work_mem = '256MB';
set max_parallel_maintenance_workers = 1;
"""

_CONSTRAINTS = """
select conrelid::regclass::text as relation, conname as name,
  pg_get_constraintdef(oid) as definition
from pg_constraint
where connamespace = 'public'::regnamespace and contype::text = any ($1::text[])
  and (conrelid::regclass::text = any ($2)
    or contype = 'f' and confrelid::regclass::text = any ($2))
order by 1, 2
"""

_INDEXES = """
select indexrelid::regclass::text as name, pg_get_indexdef(indexrelid) as definition
from pg_index i where indrelid::regclass::text = any ($1)
  and not exists (select from pg_constraint c where c.conindid = i.indexrelid)
order by 1
"""


def million_id(kind: str, number: int) -> UUID:
    """The id of a number from 1: a person's (`u`), identity's (`i`), card's (`c`), code's (`k`),
    waiting card's (`w`), cloud key's (`x`), group's (`g`; `h`: of twenty people), entrance's (`e`),
    attempt's (`a`); of the late ones person's (`z`), identity's (`y`), cloud key's (`t`), group's
    (`l`), entrance's (`f`). Identities have even numbers.
    """
    return UUID(hashlib.md5(f"{kind}{number}".encode(), usedforsecurity=False).hexdigest())


@contextmanager
def million(major: int) -> Iterator[Million]:
    """A server of its own with the million in it, gone at the end."""
    shared = Path("/dev/shm")  # noqa: S108
    has_room = shared.is_dir() and shutil.disk_usage(shared).free > _ROOM
    data = Path(tempfile.mkdtemp(prefix="doorward-million-", dir=shared if has_room else None))
    with asyncio.Runner() as runner:
        server = runner.run(EmbeddedPostgres.start(data, major))
        try:
            made = Million(server.dsn)
            runner.run(_make(made))
            yield made
        finally:
            runner.run(server.stop())
            shutil.rmtree(data)


async def _make(made: Million) -> None:
    await migrate(made.dsn)
    connection = await asyncpg.connect(made.dsn)
    try:
        await connection.execute(_FAST)
        async with connection.transaction():
            restore = await _strip(connection)
            # In one transaction with what is written, so that none of that goes through the log.
            await connection.execute(f"truncate {', '.join(sorted(BIG))}")
            for statement in (*_statements(made), *restore):
                await connection.execute(statement)
        await connection.execute("vacuum analyze")
    finally:
        await connection.close()


def _statements(made: Million) -> list[str]:
    values = {
        "$w": f"uuid '{made.workspace_id}'",
        "$desk": f"uuid '{ENCODER}'",
        "$s": f"uuid '{made.acs_system_id}'",
        "$a": f"uuid '{made.connected_account_id}'",
        "$c": f"uuid '{made.controller_id}'",
        "$0": "uuid '00000000-0000-0000-0000-000000000000'",
        "$people": str(PEOPLE),
        "$groups": str(GROUPS),
        "$entrances": str(ENTRANCES),
        "$codes": str(CODES),
        "$own": str(OWN),
        "$late": str(LATE),
        "$common": str(COMMON),
        "$t": f"uuid '{made.late_system_id}'",
        "$b": f"uuid '{made.late_account_id}'",
        "$o": f"uuid '{made.other_workspace_id}'",
        "$each": str(GROUPS_OF_EACH),
        "$p": made.workspace_id.hex[:8],
    }
    script = _SCRIPT
    for name in sorted(values, key=len, reverse=True):
        script = script.replace(name, values[name])
    return [each for each in script.split(";\n") if each.strip()]


async def _strip(connection: "asyncpg.Connection[asyncpg.Record]") -> Sequence[str]:
    """Drops what slows writing down; answers the statements that bring it back."""
    big = sorted(BIG)
    restore: list[str] = []
    indexes = await connection.fetch(_INDEXES, big)
    foreign = await connection.fetch(_CONSTRAINTS, ["f"], big)
    keys = await connection.fetch(_CONSTRAINTS, ["p", "u"], big)
    for each in [*foreign, *keys]:
        await connection.execute(f"alter table {each['relation']} drop constraint {each['name']}")
    for each in indexes:
        await connection.execute(f"drop index {each['name']}")
    restore += [
        f"alter table {k['relation']} add constraint {k['name']} {k['definition']}" for k in keys
    ]
    restore += [each["definition"] for each in indexes]
    restore += [
        f"alter table {f['relation']} add constraint {f['name']} {f['definition']} not valid"
        for f in foreign
    ]
    return restore
