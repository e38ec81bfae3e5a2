"""Access systems, as the API shows them."""

from typing import Final
from uuid import UUID

import asyncpg
from msgspec import UNSET

from doorward.resources.acs_system import AcsSystem, Location
from doorward.resources.provider import PROVIDERS, Provider
from doorward.resources.values import iso, iso_or_none
from doorward.store import search, troubles, visible
from doorward.store.select import Select, Source
from doorward.store.sight import Sight

_SELECT = """
select s.*, x.error_code, x.error_since, x.crowded_since,
  (select a.customer_key from connected_account a
    where a.workspace_id = s.workspace_id
    and a.connected_account_id = s.connected_account_id) customer_key,
  (select coalesce(sum(t.people), 0)::bigint from acs_user_tally t
    where t.workspace_id = s.workspace_id and t.acs_system_id = s.acs_system_id) user_count,
  (select count(*) from acs_access_group g
    where g.workspace_id = s.workspace_id and g.acs_system_id = s.acs_system_id) group_count
from acs_system s
left join external_system x on x.workspace_id = s.workspace_id
  and x.acs_system_id = s.acs_system_id
where s.workspace_id = $1"""

# A condition: the system `s` belongs to an account of a customer, {0} by key.
OF_CUSTOMER: Final = """s.connected_account_id in (
  select a.connected_account_id from connected_account a
  where a.workspace_id = $1 and a.customer_key = {0})"""

# A condition: an identity, {0} by id, has a user in the system `s`.
_OF_IDENTITY: Final = """s.acs_system_id in (
  select u.acs_system_id from acs_user u
  where u.workspace_id = $1 and u.user_identity_id = {0} and u.is_managed)"""

# A picture that needs no server of anybody's: a door.
_IMAGE: Final = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 24 24'%3E"
    "%3Cpath d='M6 22V2h12v20z' fill='%23445'/%3E"
    "%3Ccircle cx='15' cy='12' r='1' fill='%23fff'/%3E%3C/svg%3E"
)


async def get(
    source: Source, workspace_id: UUID, acs_system_id: UUID, *, sight: Sight | None = None
) -> AcsSystem | None:
    """An access system, None for an unknown id and for one that is out of sight."""
    select = Select(_SELECT, workspace_id)
    select.where("s.acs_system_id = {0}", acs_system_id)
    visible.narrow_systems(select, sight)
    row = await select.fetchrow(source)
    return _system(row, sight) if row else None


async def list_systems(
    source: Source,
    workspace_id: UUID,
    *,
    connected_account_id: UUID | None = None,
    customer_key: str | None = None,
    user_identity_id: UUID | None = None,
    term: str | None = None,
    sight: Sight | None = None,
) -> list[AcsSystem]:
    """All access systems that match, the oldest first."""
    select = Select(_SELECT, workspace_id)
    select.where_given("s.connected_account_id = {0}", connected_account_id)
    select.where_given(OF_CUSTOMER, customer_key)
    select.where_given(_OF_IDENTITY, user_identity_id)
    search.where_matches(select, term, "s.name", "s.acs_system_id")
    visible.narrow_systems(select, sight)
    rows = await select.fetch(source, "order by s.created_at, s.acs_system_id")
    return [_system(row, sight) for row in rows]


async def account_of(source: Source, workspace_id: UUID, acs_system_id: UUID) -> UUID:
    """The connected account of a system that is known to exist."""
    connected_account_id: UUID = await source.fetchval(
        "select connected_account_id from acs_system"
        " where workspace_id = $1 and acs_system_id = $2",
        workspace_id,
        acs_system_id,
    )
    return connected_account_id


async def accounts_of(source: Source, workspace_id: UUID) -> dict[UUID, UUID]:
    """The connected account of each of a workspace's systems."""
    rows = await source.fetch(
        "select acs_system_id, connected_account_id from acs_system where workspace_id = $1",
        workspace_id,
    )
    return {row["acs_system_id"]: row["connected_account_id"] for row in rows}


async def provider_of(source: Source, workspace_id: UUID, acs_system_id: UUID) -> Provider:
    """The kind of a system that is known to exist."""
    external_type = await source.fetchval(
        "select external_type from acs_system where workspace_id = $1 and acs_system_id = $2",
        workspace_id,
        acs_system_id,
    )
    return PROVIDERS[external_type]


def _system(row: asyncpg.Record, sight: Sight | None) -> AcsSystem:
    # Whoever sees a system only because they are in it does not see who else is.
    is_whole = sight is None or sight.has_account(row["connected_account_id"], row["customer_key"])
    code, crowded_since = row["error_code"], iso_or_none(row["crowded_since"])
    nearly_full = PROVIDERS[row["external_type"]].nearly_full
    return AcsSystem(
        acs_system_id=row["acs_system_id"],
        acs_access_group_count=row["group_count"] if is_whole else UNSET,
        acs_user_count=row["user_count"] if is_whole else UNSET,
        connected_account_id=row["connected_account_id"],
        connected_account_ids=[row["connected_account_id"]],
        created_at=iso(row["created_at"]),
        default_credential_manager_acs_system_id=None,
        errors=[troubles.error(code, iso(row["error_since"]))] if code else [],
        external_type=row["external_type"],
        external_type_display_name=row["external_type_display_name"],
        image_alt_text="A door",
        image_url=_IMAGE,
        is_credential_manager=False,
        location=Location(time_zone=row["time_zone"]),
        name=row["name"],
        system_type=row["external_type"],
        system_type_display_name=row["external_type_display_name"],
        warnings=[troubles.crowded(nearly_full, crowded_since)]
        if nearly_full and crowded_since
        else [],
        workspace_id=row["workspace_id"],
    )
