"""Access groups, as the API shows them."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from doorward.resources.acs_access_group import (
    AcsAccessGroup,
    EntranceReference,
    UnmanagedAcsAccessGroup,
    UpdatingEntranceMembership,
    UpdatingUserMembership,
    UserReference,
)
from doorward.resources.pending_mutation import UpdatingAccessSchedule
from doorward.resources.provider import NATIVE, PROVIDERS, display_name
from doorward.resources.values import iso, schedule
from doorward.store import pending, pending_changes, search, troubles, visible
from doorward.store.select import Select, Source
from doorward.store.sight import Sight

_SELECT = f"""
select g.*, s.connected_account_id, s.external_type system_type,
  w.acs_user_ids, w.are_members, w.members_changed_at,
  x.acs_entrance_ids, x.are_opened, x.entrances_changed_at,
  y.noted, y.noted_at, y.noted_before, y.noted_after,
  z.trouble_codes, z.troubled_since, z.are_stuck, z.is_taken
from acs_access_group g
join acs_system s on s.workspace_id = g.workspace_id and s.acs_system_id = g.acs_system_id
cross join lateral (
  select array_agg(m.acs_user_id order by m.revision) acs_user_ids,
    array_agg(m.is_desired order by m.revision) are_members,
    array_agg(m.changed_at order by m.revision) members_changed_at
  from acs_membership m
  where m.workspace_id = g.workspace_id and m.acs_access_group_id = g.acs_access_group_id
    and {pending.MEMBERSHIP}
) w
cross join lateral (
  select array_agg(o.acs_entrance_id order by o.revision) acs_entrance_ids,
    array_agg(o.is_desired order by o.revision) are_opened,
    array_agg(o.changed_at order by o.revision) entrances_changed_at
  from access_group_entrance o
  where o.workspace_id = g.workspace_id and o.acs_access_group_id = g.acs_access_group_id
    and {pending.GROUP_ENTRANCE}
) x
cross join lateral {pending_changes.noted("g.workspace_id", "g.acs_access_group_id")} y
cross join lateral {troubles.of("g", "acs_access_group_id")} z
where g.workspace_id = $1"""  # noqa: S608

_SYSTEM = """
select g.acs_access_group_id, g.acs_system_id from acs_access_group g
join acs_system s on s.workspace_id = g.workspace_id and s.acs_system_id = g.acs_system_id
where g.workspace_id = $1 and g.is_managed"""

_OF_MEMBER = """exists (
  select from acs_membership m join acs_user u on u.workspace_id = m.workspace_id
    and u.acs_user_id = m.acs_user_id
  where m.workspace_id = $1 and m.acs_access_group_id = g.acs_access_group_id and m.is_desired"""
_OF_USER = f"{_OF_MEMBER} and u.acs_user_id = {{0}})"
_OF_IDENTITY = f"{_OF_MEMBER} and u.user_identity_id = {{0}})"


async def get(
    source: Source, workspace_id: UUID, acs_access_group_id: UUID, *, is_managed: bool = True
) -> AcsAccessGroup | None:
    """An access group, None for an unknown id.

    is_managed: those that another system manages are found by False alone.
    """
    select = _select(workspace_id, is_managed=is_managed)
    select.where("g.acs_access_group_id = {0}", acs_access_group_id)
    row = await select.fetchrow(source)
    return _group(row) if row else None


async def system_of(
    source: Source, workspace_id: UUID, acs_access_group_id: UUID, *, sight: Sight | None = None
) -> UUID | None:
    """The access system of a managed group, None for an unknown group.

    sight: also None for a group of no account that a session is for.
    """
    select = Select(_SYSTEM, workspace_id)
    select.where("g.acs_access_group_id = {0}", acs_access_group_id)
    visible.narrow_to_accounts(select, sight)
    row = await select.fetchrow(source)
    return row["acs_system_id"] if row else None


async def systems_of(
    source: Source, workspace_id: UUID, acs_access_group_ids: Sequence[UUID]
) -> dict[UUID, UUID]:
    """The access systems of managed groups, by group; without those that are unknown."""
    select = Select(_SYSTEM, workspace_id)
    select.where("g.acs_access_group_id = any ({0}::uuid[])", list(acs_access_group_ids))
    rows = await select.fetch(source, "")
    return {row["acs_access_group_id"]: row["acs_system_id"] for row in rows}


async def list_groups(
    source: Source,
    workspace_id: UUID,
    *,
    is_managed: bool = True,
    acs_system_id: UUID | None = None,
    acs_user_id: UUID | None = None,
    user_identity_id: UUID | None = None,
    term: str | None = None,
) -> list[AcsAccessGroup]:
    """All access groups that match, the oldest first; of a person, those with a membership."""
    select = _select(workspace_id, is_managed=is_managed)
    select.where_given("g.acs_system_id = {0}", acs_system_id)
    select.where_given(_OF_USER, acs_user_id)
    select.where_given(_OF_IDENTITY, user_identity_id)
    search.where_matches(select, term, "g.name", "g.acs_access_group_id")
    rows = await select.fetch(source, "order by g.created_at, g.acs_access_group_id")
    return [_group(row) for row in rows]


def _select(workspace_id: UUID, *, is_managed: bool) -> Select:
    select = Select(_SELECT, workspace_id)
    select.where(troubles.ours("g") if is_managed else troubles.others("g"))
    return select


def _group(row: asyncpg.Record) -> AcsAccessGroup:
    group_type = PROVIDERS[row["system_type"]].group_type or str(NATIVE.group_type)
    is_ours = troubles.is_ours(row)
    kind = AcsAccessGroup if is_ours else UnmanagedAcsAccessGroup
    return kind(
        acs_access_group_id=row["acs_access_group_id"],
        acs_system_id=row["acs_system_id"],
        access_group_type=group_type,
        access_group_type_display_name=display_name(group_type),
        access_schedule=schedule(row["starts_at"], row["ends_at"], row["created_at"]),
        connected_account_id=row["connected_account_id"],
        created_at=iso(row["created_at"]),
        display_name=row["name"],
        errors=troubles.errors(row),
        external_type=group_type,
        external_type_display_name=display_name(group_type),
        is_managed=is_ours,
        name=row["name"],
        pending_mutations=[
            *troubles.passages(row),
            *_pending_members(row),
            *_pending_entrances(row),
            *_pending_changes(row),
        ],
        warnings=[
            *troubles.leaving(row),
            *troubles.warnings(row, "unknown_issue_with_acs_access_group"),
        ],
        workspace_id=row["workspace_id"],
    )


def _pending_members(row: asyncpg.Record) -> Iterator[UpdatingUserMembership]:
    for acs_user_id, is_member, changed_at in _changes(
        row, "acs_user_ids", "are_members", "members_changed_at"
    ):
        user, nobody = UserReference(acs_user_id=acs_user_id), UserReference(acs_user_id=None)
        what = "added to" if is_member else "removed from"
        yield UpdatingUserMembership(
            created_at=iso(changed_at),
            message=f"The doors have still to confirm that the user was {what} the access group.",
            from_=nobody if is_member else user,
            to=user if is_member else nobody,
        )


def _pending_entrances(row: asyncpg.Record) -> Iterator[UpdatingEntranceMembership]:
    for acs_entrance_id, is_opened, changed_at in _changes(
        row, "acs_entrance_ids", "are_opened", "entrances_changed_at"
    ):
        entrance = EntranceReference(acs_entrance_id=acs_entrance_id)
        none = EntranceReference(acs_entrance_id=None)
        what = "opens" if is_opened else "no longer opens"
        yield UpdatingEntranceMembership(
            created_at=iso(changed_at),
            message=f"The doors have still to confirm that the access group {what} the entrance.",
            from_=none if is_opened else entrance,
            to=entrance if is_opened else none,
        )


def _pending_changes(row: asyncpg.Record) -> Iterator[UpdatingAccessSchedule]:
    for mutation in pending_changes.mutations(row):
        if isinstance(mutation, UpdatingAccessSchedule):
            yield mutation


def _changes(row: asyncpg.Record, *columns: str) -> Iterator[tuple[UUID, bool, datetime]]:
    """The pending rows that a select has put side by side in arrays, null where there is none."""
    return zip(*(row[column] or () for column in columns), strict=True)
