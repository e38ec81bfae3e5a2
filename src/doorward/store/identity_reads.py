"""User identities, as the API shows them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg

from doorward.resources.user_identity import MISMATCH, UnmanagedUserIdentity, UserIdentity
from doorward.resources.values import WarningEntry, iso
from doorward.store import search, visible
from doorward.store.select import After, Select, Source
from doorward.store.sight import Sight

_MANAGED: Final = """select n.*, n.user_identity_id id from user_identity n
where n.workspace_id = $1 and n.is_managed"""
_UNMANAGED: Final = """select n.*, n.user_identity_id id from user_identity n
where n.workspace_id = $1 and not n.is_managed"""
_ORDER: Final = ("n.created_at", "n.user_identity_id")

# A value that a user `q` and the identity `p` both have, and that differs.
_MISMATCH: Final = """(q.full_name <> p.full_name or q.phone_number <> p.phone_number
    or lower(q.email_address) <> lower(p.email_address))"""

# {seen}: whether the caller sees a user `u` of the identity. All is looked up for each identity of
# a page: a plain join can become one with the values of everybody there is.
_SHOWN: Final = f"""
select n.*, p.full_name, p.email_address, p.phone_number, w.*, y.*
from ({{rows}}) n
left join lateral (
  select * from personal p
  where p.workspace_id = n.workspace_id and p.subject_id = n.user_identity_id limit 1
) p on true
cross join lateral (
  select array_agg(u.acs_user_id order by u.created_at, u.acs_user_id) acs_user_ids,
    max(u.created_at) filter (where {_MISMATCH}) mismatch_since
  from acs_user u
  left join personal q on q.workspace_id = u.workspace_id and q.subject_id = u.acs_user_id
  where u.workspace_id = n.workspace_id and u.user_identity_id = n.user_identity_id and ({{seen}})
) w
cross join lateral (
  select array_agg(m.merged_user_identity_id order by m.merged_at, m.merged_user_identity_id)
      merged_ids,
    array_agg(m.merged_user_identity_key order by m.merged_at, m.merged_user_identity_id)
      filter (where m.merged_user_identity_key is not null) merged_keys
  from merged_user_identity m
  where m.workspace_id = n.workspace_id and m.user_identity_id = n.user_identity_id
) y
order by n.created_at, n.user_identity_id"""  # noqa: S608


async def get(
    source: Source, workspace_id: UUID, user_identity_id: UUID, *, sight: Sight | None = None
) -> UserIdentity | None:
    """An identity by id, None for an unknown one and for one that is out of sight."""
    row = await _one(_select(_MANAGED, workspace_id, sight), source, user_identity_id, sight)
    return _identity(row) if row else None


async def get_unmanaged(
    source: Source, workspace_id: UUID, user_identity_id: UUID, *, sight: Sight | None = None
) -> UnmanagedUserIdentity | None:
    """An unmanaged identity by id, None for an unknown one and for one that is out of sight."""
    row = await _one(_select(_UNMANAGED, workspace_id, sight), source, user_identity_id, sight)
    return UnmanagedUserIdentity(**_shown(row)) if row else None


async def list_identities(
    source: Source,
    workspace_id: UUID,
    *,
    user_identity_ids: Sequence[UUID] | None = None,
    created_before: datetime | None = None,
    term: str | None = None,
    sight: Sight | None = None,
    limit: int,
    after: After | None,
) -> tuple[list[UserIdentity], After | None]:
    """A page of the identities that match all filters, the oldest first."""
    select = _select(_MANAGED, workspace_id, sight)
    select.where_given("n.user_identity_id = any ({0}::uuid[])", user_identity_ids)
    select.where_given("n.created_at < {0}", created_before)
    if term:
        await search.where_identity_matches(source, select, workspace_id, term, by_system=False)
    if user_identity_ids is not None:
        visible.narrow_identity(select, sight)
    else:
        visible.narrow_identities(select, sight)
    rows, next_after = await select.page(source, _ORDER, limit, after)
    return [_identity(row) for row in rows], next_after


async def list_unmanaged(
    source: Source,
    workspace_id: UUID,
    *,
    created_before: datetime | None = None,
    term: str | None = None,
    sight: Sight | None = None,
    limit: int,
    after: After | None,
) -> tuple[list[UnmanagedUserIdentity], After | None]:
    """A page of the unmanaged identities that match all filters, the oldest first."""
    select = _select(_UNMANAGED, workspace_id, sight)
    select.where_given("n.created_at < {0}", created_before)
    if term:
        await search.where_identity_matches(source, select, workspace_id, term, by_system=True)
    visible.narrow_identities(select, sight)
    rows, next_after = await select.page(source, _ORDER, limit, after)
    return [UnmanagedUserIdentity(**_shown(row)) for row in rows], next_after


def _select(head: str, workspace_id: UUID, sight: Sight | None) -> Select:
    seen, arguments = visible.users_seen(sight)
    return Select(head, workspace_id, *arguments, shown=_SHOWN.format(rows="{rows}", seen=seen))


async def _one(
    select: Select, source: Source, user_identity_id: UUID, sight: Sight | None
) -> asyncpg.Record | None:
    select.where("n.user_identity_id = {0}", user_identity_id)
    visible.narrow_identity(select, sight)
    return await select.fetchrow(source)


def _identity(row: asyncpg.Record) -> UserIdentity:
    return UserIdentity(user_identity_key=row["user_identity_key"], **_shown(row))


def _shown(row: asyncpg.Record) -> dict[str, Any]:
    full_name, email, phone = row["full_name"], row["email_address"], row["phone_number"]
    return {
        "user_identity_id": row["user_identity_id"],
        "acs_user_ids": row["acs_user_ids"] or [],
        "created_at": iso(row["created_at"]),
        "display_name": full_name or email or phone or "Unnamed person",
        "email_address": email,
        "errors": [],
        "full_name": full_name,
        "merged_user_identity_ids": row["merged_ids"] or [],
        "merged_user_identity_keys": row["merged_keys"] or [],
        "phone_number": phone,
        "warnings": _warnings(row["created_at"], row["mismatch_since"]),
        "workspace_id": row["workspace_id"],
    }


def _warnings(created_at: datetime, mismatch_since: datetime | None) -> list[WarningEntry]:
    if mismatch_since is None:
        return []
    message = "Name, e-mail address or phone number of a user are others than those of the identity"
    since = iso(max(created_at, mismatch_since))
    return [WarningEntry(created_at=since, warning_code=MISMATCH, message=message)]
