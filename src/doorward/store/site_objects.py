"""What site files have declared before, and what a file must not take from somebody else."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from doorward.store.database import Connection
from doorward.store.journal import Change
from doorward.store.people import Identity, User
from doorward.store.personal import personal_hash
from doorward.store.rows import Ids, Row

Declared = dict[str, Any]


@dataclass(frozen=True, slots=True)
class SiteObject:
    """An object as a file declared it last, by the file's kind and key.

    `declared` holds no personal value and no number: persons' values as one salted hash, numbers
    as their lookup.
    """

    kind: str
    key: str
    ids: Ids
    declared: Declared


class Taken(NamedTuple):
    """A value that must be unique, and the row that has it."""

    what: str
    value: str
    owner: UUID


def declared(row: Row, salt: bytes | None = None) -> Declared:
    """What is remembered of a row: the fields that files declare.

    `salt` is that of the person's row in the database, where the given one has another.
    """
    values = {name: _plain(getattr(row, name)) for name in _declared_fields(type(row))}
    if isinstance(row, Identity | User):
        salted = personal_hash(row.salt if salt is None else salt, row.personal)
        values["personal"] = salted.hex()
    return values


@cache
def _declared_fields(row_type: type[Row]) -> tuple[str, ...]:
    found = (field for field in fields(row_type) if field.compare)
    return tuple(field.name for field in found if not field.metadata.get("personal"))


def _plain(value: object) -> object:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, tuple):
        return list(value)
    return value.hex() if isinstance(value, bytes) else value


async def read_site_objects(connection: Connection, workspace_id: UUID) -> list[SiteObject]:
    """Everything that files have declared in a workspace, in a stable order."""
    rows = await connection.fetch(
        "select kind, key, object_ids, declared from site_object where workspace_id = $1"
        " order by kind, key",
        workspace_id,
    )
    decode = msgspec.json.decode
    return [
        SiteObject(row["kind"], row["key"], tuple(row["object_ids"]), decode(row["declared"]))
        for row in rows
    ]


async def count(connection: Connection, workspace_id: UUID) -> int:
    """How many objects files have declared in a workspace."""
    number: int = await connection.fetchval(
        "select count(*) from site_object where workspace_id = $1", workspace_id
    )
    return number


async def remember(connection: Connection, change: Change, objects: Sequence[SiteObject]) -> None:
    """Keeps what a file declares, each object once."""
    await connection.execute(
        "insert into site_object"
        " select $1, x.kind, x.key, x.ids::uuid[], x.declared::jsonb, $2"
        " from unnest($3::text[], $4::text[], $5::text[], $6::text[])"
        " as x (kind, key, ids, declared) order by x.kind, x.key"
        " on conflict (workspace_id, kind, key) do update set object_ids = excluded.object_ids,"
        " declared = excluded.declared, applied_at = excluded.applied_at",
        change.workspace_id,
        change.at,
        [each.kind for each in objects],
        [each.key for each in objects],
        [f"{{{','.join(map(str, each.ids))}}}" for each in objects],
        [msgspec.json.encode(each.declared).decode() for each in objects],
    )


async def forget(
    connection: Connection, workspace_id: UUID, objects: Iterable[tuple[str, str]]
) -> None:
    """Forgets objects by kind and key."""
    found = list(objects)
    await connection.execute(
        "delete from site_object o using unnest($2::text[], $3::text[]) x (kind, key)"
        " where o.workspace_id = $1 and o.kind = x.kind and o.key = x.key",
        workspace_id,
        [kind for kind, _ in found],
        [key for _, key in found],
    )


async def numbers_taken(
    connection: Connection, workspace_id: UUID, lookups: Collection[bytes]
) -> list[tuple[UUID, bytes, UUID]]:
    """The credentials with these numbers: system, lookup, credential."""
    rows = await connection.fetch(
        "select acs_system_id, lookup, acs_credential_id from acs_credential"
        " where workspace_id = $1 and lookup = any ($2)",
        workspace_id,
        list(lookups),
    )
    return [(row[0], row[1], row[2]) for row in rows]


async def identities_taken(
    connection: Connection,
    workspace_id: UUID,
    *,
    keys: Collection[str],
    emails: Collection[str],
    phones: Collection[str],
) -> list[Taken]:
    """The identities with these keys, e-mail addresses in lower case, and phone numbers.

    The key of a merged identity is the one's that it was merged into.
    """
    rows = await connection.fetch(
        "select 'user_identity_key', user_identity_key, user_identity_id from user_identity"
        " where workspace_id = $1 and user_identity_key = any ($2)"
        " union all select 'user_identity_key', merged_user_identity_key, user_identity_id"
        " from merged_user_identity"
        " where workspace_id = $1 and merged_user_identity_key = any ($2)"
        " union all select 'email', lower(email_address), subject_id from personal"
        " where workspace_id = $1 and acs_system_id is null and lower(email_address) = any ($3)"
        " union all select 'phone', phone_number, subject_id from personal"
        " where workspace_id = $1 and acs_system_id is null and phone_number = any ($4)",
        workspace_id,
        list(keys),
        list(emails),
        list(phones),
    )
    return [Taken(*row) for row in rows]


async def users_of_identities(
    connection: Connection, workspace_id: UUID, user_identity_ids: Collection[UUID]
) -> list[tuple[UUID, UUID, UUID]]:
    """The users that these identities have: identity, system, user."""
    rows = await connection.fetch(
        "select user_identity_id, acs_system_id, acs_user_id from acs_user"
        " where workspace_id = $1 and user_identity_id = any ($2)",
        workspace_id,
        list(user_identity_ids),
    )
    return [(row[0], row[1], row[2]) for row in rows]
