"""Entrances, as the API shows them, and which of them somebody can open."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from doorward.resources.acs_entrance import AcsEntrance
from doorward.resources.provider import PROVIDERS
from doorward.resources.values import iso
from doorward.store import access, search, systems, visible
from doorward.store.select import After, Select, Source
from doorward.store.sight import Sight

_SELECT = """
select e.*, e.acs_entrance_id id, s.connected_account_id, s.external_type system_type
from acs_entrance e
join acs_system s on s.workspace_id = e.workspace_id and s.acs_system_id = e.acs_system_id
where e.workspace_id = $1"""
_ORDER = ("e.created_at", "e.acs_entrance_id")


async def get(
    source: Source,
    workspace_id: UUID,
    acs_entrance_id: UUID,
    at: datetime,
    *,
    sight: Sight | None = None,
) -> AcsEntrance | None:
    """An entrance, None for an unknown id and for one that is out of sight at the instant `at`."""
    select = Select(_SELECT, workspace_id)
    select.where("e.acs_entrance_id = {0}", acs_entrance_id)
    visible.narrow_entrances(select, sight, at)
    row = await select.fetchrow(source)
    return _entrance(row) if row else None


async def system_of(source: Source, workspace_id: UUID, acs_entrance_id: UUID) -> UUID | None:
    """The access system of an entrance, None for an unknown one."""
    found: UUID | None = await source.fetchval(
        "select acs_system_id from acs_entrance where workspace_id = $1 and acs_entrance_id = $2",
        workspace_id,
        acs_entrance_id,
    )
    return found


async def controller_of(source: Source, workspace_id: UUID, acs_entrance_id: UUID) -> UUID | None:
    """The controller that decides at an entrance, None where another system does, and for an
    unknown entrance.
    """
    found: UUID | None = await source.fetchval(
        "select controller_id from acs_entrance where workspace_id = $1 and acs_entrance_id = $2",
        workspace_id,
        acs_entrance_id,
    )
    return found


async def list_entrances(
    source: Source,
    workspace_id: UUID,
    at: datetime,
    *,
    acs_credential_id: UUID | None = None,
    acs_entrance_ids: Sequence[UUID] | None = None,
    acs_system_id: UUID | None = None,
    connected_account_id: UUID | None = None,
    customer_key: str | None = None,
    term: str | None = None,
    sight: Sight | None = None,
    limit: int,
    after: After | None,
) -> tuple[list[AcsEntrance], After | None]:
    """A page of the entrances that match all filters, the oldest first.

    `acs_credential_id` asks for what that credential opens at the instant `at`.
    """
    select = Select(_SELECT, workspace_id)
    if acs_credential_id is not None:
        _where_accessible(select, access.OF_CREDENTIAL, acs_credential_id, at)
        visible.narrow_openers(select, sight, acs_credential_id)
    select.where_given("e.acs_entrance_id = any ({0}::uuid[])", acs_entrance_ids)
    select.where_given("e.acs_system_id = {0}", acs_system_id)
    select.where_given("s.connected_account_id = {0}", connected_account_id)
    select.where_given(systems.OF_CUSTOMER, customer_key)
    search.where_matches(select, term, "e.display_name", "e.acs_entrance_id")
    visible.narrow_entrances(select, sight, at)
    rows, next_after = await select.page(source, _ORDER, limit, after)
    return [_entrance(row) for row in rows], next_after


async def list_accessible_to_user(
    source: Source, workspace_id: UUID, acs_user_id: UUID, at: datetime
) -> list[AcsEntrance]:
    """What a person can open at an instant (doorward.store.access), the oldest first."""
    return await _list_accessible(source, workspace_id, access.OF_USER, acs_user_id, at)


async def list_accessible_to_identity(
    source: Source,
    workspace_id: UUID,
    user_identity_id: UUID,
    at: datetime,
    *,
    sight: Sight | None = None,
) -> list[AcsEntrance]:
    """What the users of an identity can open at an instant, the oldest first."""
    select = Select(_SELECT, workspace_id)
    _where_accessible(select, access.OF_IDENTITY, user_identity_id, at)
    visible.narrow_entrances(select, sight, at)
    return [_entrance(row) for row in await select.fetch(source, f"order by {', '.join(_ORDER)}")]


async def list_accessible_to_group(
    source: Source, workspace_id: UUID, acs_access_group_id: UUID, at: datetime
) -> list[AcsEntrance]:
    """What a member can open through a group at an instant, the oldest first."""
    return await _list_accessible(source, workspace_id, access.OF_GROUP, acs_access_group_id, at)


async def list_accessible_to_credential(
    source: Source, workspace_id: UUID, acs_credential_id: UUID, at: datetime
) -> list[AcsEntrance]:
    """What a credential opens at an instant, the oldest first."""
    return await _list_accessible(source, workspace_id, access.OF_CREDENTIAL, acs_credential_id, at)


async def _list_accessible(
    source: Source, workspace_id: UUID, rule: str, subject_id: UUID, at: datetime
) -> list[AcsEntrance]:
    select = Select(_SELECT, workspace_id)
    _where_accessible(select, rule, subject_id, at)
    return [_entrance(row) for row in await select.fetch(source, f"order by {', '.join(_ORDER)}")]


def _where_accessible(select: Select, rule: str, subject_id: UUID, at: datetime) -> None:
    select.where(rule.format(id="{0}", at="{1}"), subject_id, access.instant(at))


def _entrance(row: asyncpg.Record) -> AcsEntrance:
    return AcsEntrance(
        acs_entrance_id=row["acs_entrance_id"],
        acs_system_id=row["acs_system_id"],
        can_belong_to_reservation=False,
        can_unlock_with_card=row["can_unlock_with_card"],
        can_unlock_with_cloud_key="cloud_key" in PROVIDERS[row["system_type"]].methods,
        can_unlock_with_code=row["can_unlock_with_code"],
        can_unlock_with_mobile_key="mobile_key" in PROVIDERS[row["system_type"]].methods,
        connected_account_id=row["connected_account_id"],
        created_at=iso(row["created_at"]),
        display_name=row["display_name"],
        errors=[],
        space_ids=[],
        warnings=[],
    )
