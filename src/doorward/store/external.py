"""Systems with lists of their own: what each is to have, and what it was seen to have.

What is desired is in the tables that the API reads; here is what was asked of a system, so that
whatever else it has can be told apart. All times here are real time.
"""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple
from uuid import UUID

import asyncpg
import msgspec

from doorward.policy.facts import NO_KEY
from doorward.resources.values import iso_or_none
from doorward.store.credentials import open_number
from doorward.store.database import Connection, Database
from doorward.store.secrets import Keyring
from doorward.store.select import Source

# In the order in which they need each other.
ObjectKind = Literal["user", "group", "credential", "membership"]
# A value that a system has and does not tell.
MASKED: Final = msgspec.UNSET
# What is to be said of an object; a name that is missing has no value.
Fields = Mapping[str, str | bool | msgspec.UnsetType | None]

# For how many seconds a process may write to a system without asking again.
LEASE: Final = 10.0
# Of a membership there is nothing to say but that it is there.
_MEMBER: Final[Fields] = {}


class Where(NamedTuple):
    """A system."""

    workspace_id: UUID
    acs_system_id: UUID


class Key(NamedTuple):
    """An object of a system. related_id: the group of a membership."""

    kind: ObjectKind
    object_id: UUID
    related_id: UUID = NO_KEY


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked of a system of an object, and how it went.

    digest: of the fields as they were asked last. is_confirmed: it was seen to be so once. wait:
    the seconds until the next try is due, 0 for now.
    """

    digest: bytes
    is_confirmed: bool
    failures: int
    wait: float
    is_stuck: bool


@dataclass(frozen=True, slots=True)
class Desired:
    """Everything that a system is to have, and was asked; no older than the revision."""

    revision: int
    objects: Mapping[Key, Fields]
    asked: Mapping[Key, Asked]


class Listed(NamedTuple):
    """A system to be reconciled, and its kind."""

    where: Where
    external_type: str


_USERS: Final = """
select u.acs_user_id, u.starts_at, u.ends_at, u.is_suspended, p.full_name, p.email_address,
  p.phone_number
from acs_user u left join personal p on p.workspace_id = u.workspace_id
  and p.subject_id = u.acs_user_id
where u.workspace_id = $1 and u.acs_system_id = $2 and u.is_managed"""
_GROUPS: Final = """
select acs_access_group_id, name, starts_at, ends_at from acs_access_group
where workspace_id = $1 and acs_system_id = $2 and is_managed"""
_MEMBERSHIPS: Final = """
select m.acs_user_id, m.acs_access_group_id from acs_access_group g
join acs_membership m on m.workspace_id = g.workspace_id
  and m.acs_access_group_id = g.acs_access_group_id
where g.workspace_id = $1 and g.acs_system_id = $2 and g.is_managed and m.is_desired"""
# What nobody has, or has no number yet, is nothing that a system could keep; nor is a key for all
# phones of a person, but for the one on each of them.
_CREDENTIALS: Final = """
select c.acs_credential_id, c.acs_user_id, c.access_method, c.starts_at, c.ends_at, c.sealed,
  c.device_id,
  (select string_agg(e.acs_entrance_id::text, ',' order by e.acs_entrance_id)
    from credential_entrance e where e.workspace_id = c.workspace_id
      and e.acs_credential_id = c.acs_credential_id and e.is_desired) entrances
from acs_credential c
where c.workspace_id = $1 and c.acs_system_id = $2 and c.is_managed and c.state = 'active'
  and c.acs_user_id is not null and not c.is_multi_phone_sync_credential
  and (c.issued_at is not null or c.device_id is not null)"""
_ASKED: Final = """
select kind, object_id, related_id, asked, confirmed_revision is not null, failures,
  greatest(0, extract(epoch from next_try_at - now()))::float8, is_stuck
from external_object where workspace_id = $1 and acs_system_id = $2"""

_TAKE: Final = """
update external_system set lease_holder = $3, lease_until = now() + $4::float8 * interval '1 s'
where workspace_id = $1 and acs_system_id = $2
  and (lease_holder = $3 or lease_until is null or lease_until < now())
returning true"""

_ASK: Final = """
insert into external_object as x
  (workspace_id, acs_system_id, kind, object_id, related_id, asked)
values ($1, $2, $3, $4, $5, $6)
on conflict (workspace_id, acs_system_id, object_id, related_id, kind) do update set
  failures = case when x.asked = excluded.asked then x.failures else 0 end,
  is_stuck = x.is_stuck and x.asked = excluded.asked,
  asked = excluded.asked, is_unconfirmed = true"""

_FAIL: Final = """
update external_object set is_unconfirmed = true, failures = failures + 1,
  next_try_at = now() + $6::float8 * interval '1 s', error_code = $7, is_stuck = $8,
  error_since = case when $7::text is null and not $8 then null
    else coalesce(error_since, now()) end
where workspace_id = $1 and acs_system_id = $2 and kind = $3 and object_id = $4
  and related_id = $5"""

# What is confirmed already is left as it is: a round in which nothing happens writes nothing.
# Rows that somebody holds wait for the next time, so that this never waits for the writer.
_CONFIRM: Final = """
with outstanding as materialized (
  select * from unnest($4::text[], $5::uuid[], $6::uuid[]) o (kind, object_id, related_id)
), alike as materialized (
  select * from unnest($7::text[], $8::uuid[], $9::uuid[]) o (kind, object_id, related_id)
), gone as materialized (
  select * from unnest($10::text[], $11::uuid[], $12::uuid[]) o (kind, object_id, related_id)
), kept as (
  update external_object x set confirmed_revision = $3, is_unconfirmed = false, failures = 0,
    next_try_at = null, error_code = null, error_since = null, is_stuck = false
  from alike where x.workspace_id = $1 and x.acs_system_id = $2 and x.kind = alike.kind
    and x.object_id = alike.object_id and x.related_id = alike.related_id and x.is_unconfirmed
), dropped as (
  delete from external_object x using gone where x.workspace_id = $1 and x.acs_system_id = $2
    and x.kind = gone.kind and x.object_id = gone.object_id and x.related_id = gone.related_id
), members as materialized (
  select m.acs_access_group_id, m.acs_user_id, m.is_desired from acs_membership m
  join acs_access_group g on g.workspace_id = m.workspace_id
    and g.acs_access_group_id = m.acs_access_group_id
  where m.workspace_id = $1 and m.is_unconfirmed and m.revision <= $3 and g.acs_system_id = $2
    and not exists (select from outstanding o where o.kind = 'membership'
      and o.object_id = m.acs_user_id and o.related_id = m.acs_access_group_id)
  for update of m skip locked
), members_kept as (
  update acs_membership m set is_unconfirmed = false from members where m.workspace_id = $1
    and m.acs_access_group_id = members.acs_access_group_id and m.acs_user_id = members.acs_user_id
    and members.is_desired
), members_gone as (
  delete from acs_membership m using members where m.workspace_id = $1
    and m.acs_access_group_id = members.acs_access_group_id and m.acs_user_id = members.acs_user_id
    and not members.is_desired
), changes as materialized (
  select n.subject_id, n.what, n.object_id from pending_change n
  where n.workspace_id = $1 and n.acs_system_id = $2 and n.revision <= $3
    and not exists (select from outstanding o where o.kind <> 'membership'
      and o.object_id = case n.what when 'credential' then n.object_id else n.subject_id end)
  for update of n skip locked
)
delete from pending_change n using changes where n.workspace_id = $1
  and n.subject_id = changes.subject_id and n.what = changes.what
  and n.object_id = changes.object_id"""


async def list_systems(database: Database) -> list[Listed]:
    """Every system with a list of its own. Raises `Unavailable`."""
    rows = await database.fetch(
        "select x.workspace_id, x.acs_system_id, s.external_type from external_system x"
        " join acs_system s using (workspace_id, acs_system_id)"
    )
    return [Listed(Where(row[0], row[1]), row[2]) for row in rows]


async def take(database: Database, where: Where, holder: UUID) -> bool:
    """Takes a system's lease, or prolongs it: for LEASE seconds nobody else writes there."""
    return bool(await database.fetchval(_TAKE, *where, holder, LEASE))


async def release(database: Database, where: Where, holder: UUID) -> None:
    """Gives the lease back."""
    await database.execute(
        "update external_system set lease_until = null"
        " where workspace_id = $1 and acs_system_id = $2 and lease_holder = $3",
        *where,
        holder,
    )


async def read_desired(database: Database, keyring: Keyring, where: Where) -> Desired:
    """What a system is to have, and was asked. Raises `Unavailable`."""
    async with database.acquire() as connection:
        # First: what is read afterwards is no older.
        revision = await connection.fetchval(
            "select revision from policy_revision where workspace_id = $1", where.workspace_id
        )
        objects = dict(
            [
                *(_user(row) for row in await connection.fetch(_USERS, *where)),
                *(_group(row) for row in await connection.fetch(_GROUPS, *where)),
                *(
                    _credential(keyring, where, row)
                    for row in await connection.fetch(_CREDENTIALS, *where)
                ),
                *(
                    (Key("membership", *row), _MEMBER)
                    for row in await connection.fetch(_MEMBERSHIPS, *where)
                ),
            ]
        )
        asked = await read_asked(connection, where)
    return Desired(revision, objects, asked)


async def read_asked(source: Source, where: Where) -> dict[Key, Asked]:
    """What a system was asked, and how it went."""
    rows = await source.fetch(_ASKED, *where)
    return {Key(row[0], row[1], row[2]): Asked(*row[3:]) for row in map(tuple, rows)}


def digest(keyring: Keyring, where: Where, fields: Fields) -> bytes:
    """A keyed hash of fields: it tells nothing of them, and whether they are still the same."""
    text = msgspec.json.encode(sorted(fields.items()))
    key = keyring.derive("external object") + where.acs_system_id.bytes
    return hashlib.blake2b(text, digest_size=16, key=key).digest()


async def ask(database: Database, where: Where, key: Key, asked: bytes) -> None:
    """Notes that an object is ours, before the system hears of it: it stays ours after a crash."""
    await database.execute(_ASK, *where, *key, asked)


async def fail(
    database: Database,
    where: Where,
    key: Key,
    wait: float,
    error_code: str | None,
    *,
    is_stuck: bool = False,
) -> None:
    """Notes that a system has not done what it was asked; the next try is due in `wait` seconds."""
    await database.execute(_FAIL, *where, *key, wait, error_code, is_stuck)


async def confirm(
    database: Database,
    where: Where,
    revision: int,
    outstanding: Collection[Key],
    alike: Sequence[Key],
    gone: Sequence[Key],
) -> None:
    """Says what a system was seen to have: everything up to the revision but the outstanding.

    alike: objects as they are desired. gone: objects that were asked and need not be any more.
    """
    columns = [
        [each[place] for each in keys]
        for keys in (outstanding, alike, gone)
        for place in range(len(Key._fields))
    ]
    await database.execute(_CONFIRM, *where, revision, *columns)


async def system_failed(connection: Connection, where: Where, error_code: str, wait: float) -> bool:
    """Notes that a system cannot be reached; answers whether it could be until now."""
    failures = await connection.fetchval(
        "update external_system set failures = failures + 1, error_code = $3,"
        " error_since = case when error_code = $3 then error_since else now() end,"
        " next_try_at = now() + $4::float8 * interval '1 s'"
        " where workspace_id = $1 and acs_system_id = $2 returning failures",
        *where,
        error_code,
        wait,
    )
    return bool(failures == 1)


async def system_answered(
    connection: Connection, where: Where, error_code: str | None, *, is_crowded: bool
) -> bool:
    """Notes that a system can be reached, and what is wrong with it all the same; answers whether
    it could not be until now. is_crowded: it has nearly as many people as it takes.
    """
    could = await connection.fetchval(
        "with old as (select failures from external_system"
        "  where workspace_id = $1 and acs_system_id = $2 for update)"
        " update external_system x set failures = 0, next_try_at = null, error_code = $3,"
        " error_since = case when $3::text is null then null"
        "  when x.error_code = $3 then x.error_since else now() end,"
        " crowded_since = case when $4 then coalesce(x.crowded_since, now()) end"
        " from old where workspace_id = $1 and acs_system_id = $2"
        " and (x.failures > 0 or x.error_code is distinct from $3"
        "  or (x.crowded_since is not null) <> $4)"
        " returning old.failures > 0",
        *where,
        error_code,
        is_crowded,
    )
    return bool(could)


async def has_error(database: Database, where: Where, error_code: str) -> bool:
    """Whether an object of a system has an error."""
    found: bool = await database.fetchval(
        "select exists (select from external_object where workspace_id = $1 and acs_system_id = $2"
        " and is_unconfirmed and error_code = $3)",
        *where,
        error_code,
    )
    return found


async def try_at_once(database: Database, where: Where) -> None:
    """Ends all waiting for a next try, because something has changed at the system."""
    await database.execute(
        "update external_object set next_try_at = null where workspace_id = $1"
        " and acs_system_id = $2 and is_unconfirmed",
        *where,
    )


def _user(row: asyncpg.Record) -> tuple[Key, Fields]:
    return Key("user", row["acs_user_id"]), {
        "full_name": row["full_name"],
        "email_address": row["email_address"],
        "phone_number": row["phone_number"],
        "is_suspended": row["is_suspended"],
        **_window(row),
    }


def _group(row: asyncpg.Record) -> tuple[Key, Fields]:
    return Key("group", row["acs_access_group_id"]), {"name": row["name"], **_window(row)}


def _credential(keyring: Keyring, where: Where, row: asyncpg.Record) -> tuple[Key, Fields]:
    credential_id, sealed = row["acs_credential_id"], row["sealed"]
    number = sealed and open_number(keyring, where.workspace_id, credential_id, sealed)
    return Key("credential", credential_id), {
        "acs_user_id": str(row["acs_user_id"]),
        "access_method": row["access_method"],
        "number": number,
        "entrances": row["entrances"],
        **({} if row["device_id"] is None else {"device_id": str(row["device_id"])}),
        **_window(row),
    }


def _window(row: asyncpg.Record) -> dict[str, str | None]:
    return {"starts_at": iso_or_none(row["starts_at"]), "ends_at": iso_or_none(row["ends_at"])}
