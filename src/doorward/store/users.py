"""People in access systems, as the API shows them."""

from datetime import datetime
from uuid import UUID

import asyncpg
from msgspec import UNSET

from doorward.resources.acs_user import (
    AcsUser,
    GroupReference,
    UnmanagedAcsUser,
    UpdatingGroupMembership,
)
from doorward.resources.provider import PROVIDERS, display_name
from doorward.resources.values import WarningEntry, given, iso, schedule
from doorward.store import access, pending, pending_changes, search, troubles, visible
from doorward.store.select import After, Select, Source
from doorward.store.sight import Sight

_SELECT = "select u.*, u.acs_user_id id from acs_user u where u.workspace_id = $1"
_ORDER = ("u.created_at", "u.acs_user_id")

# Each member is looked up, as values below are.
_MEMBERS = """
select u.*, u.acs_user_id id from acs_membership m cross join lateral (
  select * from acs_user u
  where u.workspace_id = m.workspace_id and u.acs_user_id = m.acs_user_id limit 1
) u
where m.workspace_id = $1 and m.acs_access_group_id = $2 and m.is_desired and u.is_managed"""

# Values are looked up for each person of a page: a plain join can become one with those of
# everybody there is.
_SHOWN = f"""
select u.*, s.connected_account_id, s.external_type system_type,
  p.full_name, p.email_address, p.phone_number,
  i.full_name identity_full_name, i.email_address identity_email, i.phone_number identity_phone,
  w.acs_access_group_ids, w.are_desired, w.changed_at,
  y.noted, y.noted_at, y.noted_before, y.noted_after,
  z.trouble_codes, z.troubled_since, z.are_stuck, z.is_taken
from ({{rows}}) u
join acs_system s on s.workspace_id = u.workspace_id and s.acs_system_id = u.acs_system_id
left join lateral (
  select * from personal p
  where p.workspace_id = u.workspace_id and p.subject_id = u.acs_user_id limit 1
) p on true
left join lateral (
  select * from personal i
  where i.workspace_id = u.workspace_id and i.subject_id = u.user_identity_id limit 1
) i on true
cross join lateral (
  select array_agg(m.acs_access_group_id order by m.revision) acs_access_group_ids,
    array_agg(m.is_desired order by m.revision) are_desired,
    array_agg(m.changed_at order by m.revision) changed_at
  from acs_membership m
  where m.workspace_id = u.workspace_id and m.acs_user_id = u.acs_user_id and {pending.MEMBERSHIP}
) w
cross join lateral {pending_changes.noted("u.workspace_id", "u.acs_user_id")} y
cross join lateral {troubles.of("u", "acs_user_id")} z
order by u.created_at, u.acs_user_id"""  # noqa: S608

_OF_IDENTITY = """u.user_identity_id = (
  select n.subject_id from personal n where n.workspace_id = $1 and n.acs_system_id is null"""
_BY_IDENTITY_EMAIL = f"{_OF_IDENTITY} and lower(n.email_address) = lower({{0}}))"
_BY_IDENTITY_PHONE = f"{_OF_IDENTITY} and n.phone_number = {{0}})"


async def get(
    source: Source,
    workspace_id: UUID,
    acs_user_id: UUID,
    now: datetime,
    *,
    is_managed: bool = True,
    is_here: bool = False,
    sight: Sight | None = None,
) -> AcsUser | None:
    """A person by id, None for an unknown one and for one who is out of sight.

    now: the workspace's time, which tells whose access has not begun or is over. is_managed: those
    whom another system manages are found by False alone, here and in every other call. is_here:
    only somebody who was not deleted.
    """
    select = _select(workspace_id, is_managed=is_managed)
    if is_here:
        select.where("u.deleted_at is null")
    select.where("u.acs_user_id = {0}", acs_user_id)
    visible.narrow_user(select, sight)
    row = await select.fetchrow(source)
    return _user(row, now) if row else None


async def system_of(source: Source, workspace_id: UUID, acs_user_id: UUID) -> UUID | None:
    """The access system of a managed person, None for an unknown one."""
    found: UUID | None = await source.fetchval(
        "select acs_system_id from acs_user"
        " where workspace_id = $1 and acs_user_id = $2 and is_managed",
        workspace_id,
        acs_user_id,
    )
    return found


async def list_users(
    source: Source,
    workspace_id: UUID,
    now: datetime,
    *,
    is_managed: bool = True,
    acs_system_id: UUID | None = None,
    user_identity_id: UUID | None = None,
    user_identity_email_address: str | None = None,
    user_identity_phone_number: str | None = None,
    created_before: datetime | None = None,
    term: str | None = None,
    sight: Sight | None = None,
    limit: int,
    after: After | None,
) -> tuple[list[AcsUser], After | None]:
    """A page of the people who match all filters, the oldest first."""
    select = _select(workspace_id, is_managed=is_managed)
    select.where_given("u.acs_system_id = {0}", acs_system_id)
    select.where_given("u.user_identity_id = {0}", user_identity_id)
    select.where_given(_BY_IDENTITY_EMAIL, user_identity_email_address)
    select.where_given(_BY_IDENTITY_PHONE, user_identity_phone_number)
    select.where_given("u.created_at < {0}", created_before)
    if term is not None:
        await search.where_user_matches(source, select, workspace_id, term)
    visible.narrow_users(select, sight)
    rows, next_after = await select.page(source, _ORDER, limit, after)
    return [_user(row, now) for row in rows], next_after


async def list_of_identity(
    source: Source, workspace_id: UUID, user_identity_id: UUID, now: datetime
) -> list[AcsUser]:
    """The people that an identity is in all systems, the oldest first."""
    select = _select(workspace_id, is_managed=True)
    select.where("u.user_identity_id = {0}", user_identity_id)
    rows = await select.fetch(source, "order by u.created_at, u.acs_user_id")
    return [_user(row, now) for row in rows]


async def list_of_group(
    source: Source, workspace_id: UUID, acs_access_group_id: UUID, now: datetime
) -> list[AcsUser]:
    """The members of a group, the oldest first."""
    select = Select(_MEMBERS, workspace_id, acs_access_group_id, shown=_SHOWN)
    rows = await select.fetch(source, "order by u.created_at, u.acs_user_id")
    return [_user(row, now) for row in rows]


def _select(workspace_id: UUID, *, is_managed: bool) -> Select:
    select = Select(_SELECT, workspace_id, shown=_SHOWN)
    select.where(troubles.ours("u") if is_managed else troubles.others("u"))
    return select


def _user(row: asyncpg.Record, now: datetime) -> AcsUser:
    is_ours = troubles.is_ours(row)
    kind = AcsUser if is_ours else UnmanagedAcsUser
    has_identity = row["user_identity_id"] is not None
    user_type = PROVIDERS[row["system_type"]].user_type
    full_name, email, phone = row["full_name"], row["email_address"], row["phone_number"]
    return kind(
        acs_user_id=row["acs_user_id"],
        acs_system_id=row["acs_system_id"],
        access_schedule=schedule(row["starts_at"], row["ends_at"], row["created_at"]),
        connected_account_id=row["connected_account_id"],
        created_at=iso(row["created_at"]),
        display_name=full_name or email or phone or "Unnamed user",
        email=given(email),
        email_address=given(email),
        errors=troubles.errors(row),
        external_type=given(user_type),
        external_type_display_name=given(user_type and display_name(user_type)),
        full_name=given(full_name),
        is_managed=is_ours,
        is_suspended=row["is_suspended"],
        last_successful_sync_at=None,
        pending_mutations=[
            *troubles.passages(row),
            *_pending(row),
            *pending_changes.mutations(row),
        ],
        phone_number=given(phone),
        user_identity_email_address=row["identity_email"] if has_identity else UNSET,
        user_identity_full_name=row["identity_full_name"] if has_identity else UNSET,
        user_identity_id=given(row["user_identity_id"]),
        user_identity_phone_number=row["identity_phone"] if has_identity else UNSET,
        warnings=_warnings(row, access.instant(now)),
        workspace_id=row["workspace_id"],
    )


def _warnings(row: asyncpg.Record, now: datetime) -> list[WarningEntry]:
    found = [*troubles.leaving(row), *troubles.warnings(row, "unknown_issue_with_acs_user")]
    if (inactive := _inactive(row, now)) is not None:
        since, message = inactive
        found.append(
            WarningEntry(created_at=iso(since), message=message, warning_code="acs_user_inactive")
        )
    return found


def _inactive(row: asyncpg.Record, now: datetime) -> tuple[datetime, str] | None:
    """Since when and why no door opens to somebody, None for whom one may."""
    starts_at, ends_at = row["starts_at"], row["ends_at"]
    if row["is_suspended"]:
        return row["suspended_at"] or row["created_at"], "The user is suspended."
    if ends_at is not None and ends_at <= now:
        return ends_at, "The user's access schedule is over."
    if starts_at is not None and starts_at > now:
        return row["created_at"], "The user's access schedule has not begun."
    return None


def _pending(row: asyncpg.Record) -> list[UpdatingGroupMembership]:
    if row["acs_access_group_ids"] is None:
        return []
    changes = zip(row["acs_access_group_ids"], row["are_desired"], row["changed_at"], strict=True)
    return [_membership_pending(*change) for change in changes]


def _membership_pending(
    acs_access_group_id: UUID, is_desired: bool, changed_at: datetime
) -> UpdatingGroupMembership:
    group, none = (
        GroupReference(acs_access_group_id=acs_access_group_id),
        GroupReference(acs_access_group_id=None),
    )
    what = "added to" if is_desired else "removed from"
    return UpdatingGroupMembership(
        created_at=iso(changed_at),
        message=f"The doors have still to confirm that the user was {what} the access group.",
        from_=none if is_desired else group,
        to=group if is_desired else none,
    )
