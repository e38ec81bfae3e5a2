"""People in access systems, as the API shows them."""

from datetime import datetime
from uuid import UUID

import asyncpg
from msgspec import UNSET

from doorward.resources.acs_user import AcsUser, GroupReference, UpdatingGroupMembership
from doorward.resources.values import given, iso, schedule
from doorward.store import pending, search, visible
from doorward.store.select import After, Select, Source
from doorward.store.sight import Sight

_SELECT = "select u.*, u.acs_user_id id from acs_user u where u.workspace_id = $1"
_ORDER = ("u.created_at", "u.acs_user_id")

_SHOWN = f"""
select u.*, s.connected_account_id, p.full_name, p.email_address, p.phone_number,
  i.full_name identity_full_name, i.email_address identity_email, i.phone_number identity_phone,
  w.acs_access_group_ids, w.are_desired, w.changed_at
from ({{rows}}) u
join acs_system s on s.workspace_id = u.workspace_id and s.acs_system_id = u.acs_system_id
left join personal p on p.workspace_id = u.workspace_id and p.subject_id = u.acs_user_id
left join personal i on i.workspace_id = u.workspace_id and i.subject_id = u.user_identity_id
cross join lateral (
  select array_agg(m.acs_access_group_id order by m.revision) acs_access_group_ids,
    array_agg(m.is_desired order by m.revision) are_desired,
    array_agg(m.changed_at order by m.revision) changed_at
  from acs_membership m
  where m.workspace_id = u.workspace_id and m.acs_user_id = u.acs_user_id and {pending.MEMBERSHIP}
) w
order by u.created_at, u.acs_user_id"""  # noqa: S608

_OF_IDENTITY = """u.user_identity_id = (
  select n.subject_id from personal n where n.workspace_id = $1 and n.acs_system_id is null"""
_BY_IDENTITY_EMAIL = f"{_OF_IDENTITY} and lower(n.email_address) = lower({{0}}))"
_BY_IDENTITY_PHONE = f"{_OF_IDENTITY} and n.phone_number = {{0}})"


async def get(
    source: Source, workspace_id: UUID, acs_user_id: UUID, *, sight: Sight | None = None
) -> AcsUser | None:
    """A person by id, None for an unknown one and for one who is out of sight."""
    select = Select(_SELECT, workspace_id, shown=_SHOWN)
    select.where("u.acs_user_id = {0}", acs_user_id)
    visible.narrow_users(select, sight)
    row = await select.fetchrow(source)
    return _user(row) if row else None


async def list_users(
    source: Source,
    workspace_id: UUID,
    *,
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
    select = Select(_SELECT, workspace_id, shown=_SHOWN)
    select.where_given("u.acs_system_id = {0}", acs_system_id)
    select.where_given("u.user_identity_id = {0}", user_identity_id)
    select.where_given(_BY_IDENTITY_EMAIL, user_identity_email_address)
    select.where_given(_BY_IDENTITY_PHONE, user_identity_phone_number)
    select.where_given("u.created_at < {0}", created_before)
    if term is not None:
        await search.where_user_matches(source, select, workspace_id, term)
    visible.narrow_users(select, sight)
    rows, next_after = await select.page(source, _ORDER, limit, after)
    return [_user(row) for row in rows], next_after


async def list_of_group(
    source: Source, workspace_id: UUID, acs_access_group_id: UUID
) -> list[AcsUser]:
    """The members of a group, the oldest first."""
    select = Select(_SELECT, workspace_id, shown=_SHOWN)
    select.where(
        "u.acs_user_id in (select m.acs_user_id from acs_membership m where m.workspace_id = $1"
        " and m.acs_access_group_id = {0} and m.is_desired)",
        acs_access_group_id,
    )
    return [
        _user(row) for row in await select.fetch(source, "order by u.created_at, u.acs_user_id")
    ]


def _user(row: asyncpg.Record) -> AcsUser:
    has_identity = row["user_identity_id"] is not None
    full_name, email, phone = row["full_name"], row["email_address"], row["phone_number"]
    return AcsUser(
        acs_user_id=row["acs_user_id"],
        acs_system_id=row["acs_system_id"],
        access_schedule=schedule(row["starts_at"], row["ends_at"], row["created_at"]),
        connected_account_id=row["connected_account_id"],
        created_at=iso(row["created_at"]),
        display_name=full_name or email or phone or "Unnamed user",
        email=given(email),
        email_address=given(email),
        errors=[],
        external_type="doorward_user",
        external_type_display_name="Doorward user",
        full_name=given(full_name),
        is_managed=True,
        is_suspended=row["is_suspended"],
        last_successful_sync_at=None,
        pending_mutations=_pending(row),
        phone_number=given(phone),
        user_identity_email_address=row["identity_email"] if has_identity else UNSET,
        user_identity_full_name=row["identity_full_name"] if has_identity else UNSET,
        user_identity_id=given(row["user_identity_id"]),
        user_identity_phone_number=row["identity_phone"] if has_identity else UNSET,
        warnings=[],
        workspace_id=row["workspace_id"],
    )


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
