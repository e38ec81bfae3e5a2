"""What others have made in systems with lists of their own: shown as unmanaged, and left alone."""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from doorward.resources.provider import METHOD_NAMES
from doorward.store.database import Connection
from doorward.store.external import Fields, Key, Where
from doorward.store.people import new_salt
from doorward.store.personal import Of, Personal, put_all
from doorward.store.select import Source

_THERE: Final = """
select 'user' kind, acs_user_id id from acs_user
  where workspace_id = $1 and acs_system_id = $2 and not is_managed and deleted_at is null
union all select 'group', acs_access_group_id from acs_access_group
  where workspace_id = $1 and acs_system_id = $2 and not is_managed and deleted_at is null
union all select 'credential', acs_credential_id from acs_credential
  where workspace_id = $1 and acs_system_id = $2 and not is_managed and deleted_at is null"""

_USERS: Final = """
insert into acs_user (workspace_id, acs_user_id, acs_system_id, is_managed, created_at)
values ($1, $3, $2, false, now()) on conflict do nothing"""
_GROUPS: Final = """
insert into acs_access_group (workspace_id, acs_access_group_id, acs_system_id, name, is_managed,
  created_at)
values ($1, $3, $2, $4, false, now()) on conflict do nothing"""
# Whose number is not ours to hand on: it stays where it is.
_CREDENTIALS: Final = """
insert into acs_credential (workspace_id, acs_credential_id, acs_system_id, acs_user_id,
  access_method, display_name, is_managed, issued_at, created_at)
values ($1, $3, $2, (select acs_user_id from acs_user where workspace_id = $1
  and acs_system_id = $2 and acs_user_id = $4), $5, $6, false, now(), now())
on conflict do nothing"""

_LOCK: Final = (
    "select from external_system where workspace_id = $1 and acs_system_id = $2 for update"
)
# In which they need each other.
_ORDER: Final = ("user", "group", "credential")


async def is_news(source: Source, where: Where, others: Mapping[Key, Fields]) -> bool:
    """Whether others' objects at a system are not those that are shown."""
    return await _there(source, where) != _here(others)


async def adopt(
    connection: Connection, where: Where, others: Mapping[Key, Fields]
) -> tuple[list[Key], list[Key]]:
    """Makes what is shown of others' objects what a system has of them now; answers which are new,
    and which are gone.

    No time of their making is known but the one at which they were seen. Of two processes that
    look at the same time, the later one finds nothing new.
    """
    await connection.execute(_LOCK, *where)
    there, here = await _there(connection, where), _here(others)
    new = sorted(here - there, key=lambda key: _ORDER.index(key.kind))
    gone = sorted(there - here, key=lambda key: _ORDER[::-1].index(key.kind))
    for kind in _ORDER[::-1]:
        ids = [key.object_id for key in gone if key.kind == kind]
        if ids:
            await _REMOVE[kind](connection, where, ids)
    for key in new:
        await _ADD[key.kind](connection, where, key.object_id, others[key])
    return new, gone


async def _there(source: Source, where: Where) -> set[Key]:
    rows = await source.fetch(_THERE, *where)
    return {Key(row["kind"], row["id"]) for row in rows}


def _here(others: Mapping[Key, Fields]) -> set[Key]:
    return {key for key in others if key.kind in _ORDER}


async def _add_user(connection: Connection, where: Where, object_id: UUID, its: Fields) -> None:
    await connection.execute(_USERS, *where, object_id)
    values = (_text(its, name) for name in ("full_name", "email_address", "phone_number"))
    of = Of(object_id, where.acs_system_id, new_salt(), Personal(*values))
    await put_all(connection, where.workspace_id, [of])


async def _add_group(connection: Connection, where: Where, object_id: UUID, its: Fields) -> None:
    await connection.execute(_GROUPS, *where, object_id, _text(its, "name") or "Unnamed group")


async def _add_credential(
    connection: Connection, where: Where, object_id: UUID, its: Fields
) -> None:
    owner, method = _text(its, "acs_user_id"), _text(its, "access_method") or "code"
    await connection.execute(
        _CREDENTIALS, *where, object_id, owner and UUID(owner), method, METHOD_NAMES[method]
    )


async def _remove_users(connection: Connection, where: Where, ids: list[UUID]) -> None:
    await connection.execute(
        "update acs_credential set acs_user_id = null where workspace_id = $1"
        " and acs_user_id = any ($2) and not is_managed",
        where.workspace_id,
        ids,
    )
    await connection.execute(
        "delete from personal where workspace_id = $1 and subject_id = any ($2)",
        where.workspace_id,
        ids,
    )
    await connection.execute(
        "delete from acs_user where workspace_id = $1 and acs_user_id = any ($2)"
        " and not is_managed",
        where.workspace_id,
        ids,
    )


async def _remove_groups(connection: Connection, where: Where, ids: list[UUID]) -> None:
    await connection.execute(
        "delete from acs_access_group where workspace_id = $1 and acs_access_group_id = any ($2)"
        " and not is_managed",
        where.workspace_id,
        ids,
    )


async def _remove_credentials(connection: Connection, where: Where, ids: list[UUID]) -> None:
    await connection.execute(
        "delete from acs_credential where workspace_id = $1 and acs_credential_id = any ($2)"
        " and not is_managed",
        where.workspace_id,
        ids,
    )


_ADD: Final = {"user": _add_user, "group": _add_group, "credential": _add_credential}
_REMOVE: Final = {
    "user": _remove_users,
    "group": _remove_groups,
    "credential": _remove_credentials,
}


def _text(fields: Fields, name: str) -> str | None:
    value = fields.get(name)
    return value if isinstance(value, str) else None
