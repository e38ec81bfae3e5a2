"""What the journal's history says about one person and one entrance, at any revision."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from doorward.policy.facts import Fact, Kind
from doorward.resources.acs_entrance import AcsEntrance
from doorward.store.select import Source

# $3: the person, $4: the entrance, $5: its system. Each part reads one index of policy_fact.
_FACTS: Final = """
with held as not materialized (
  select f.kind, f.key_a, f.key_b, f.from_revision, f.state from policy_fact f
  where f.workspace_id = $1 and f.acs_system_id = $5 and f.from_revision <= $2
    and (f.to_revision is null or f.to_revision > $2)
), membership as (
  select * from held where kind = 'membership' and key_b = $3
), credential as (
  select * from held where kind = 'credential' and key_b = $3
)
select * from held where kind = 'entrance' and key_a = $4
union all select * from held where kind = 'user' and key_a = $3
union all select * from held where kind = 'grant' and key_a = $3 and key_b = $4
union all select * from membership
union all select * from held where kind = 'group' and key_a in (select key_a from membership)
union all select * from held where kind = 'group_entrance' and key_b = $4
  and key_a in (select key_a from membership)
union all select * from credential
union all select * from held where kind = 'credential_entrance' and key_b = $4
  and key_a in (select key_a from credential)
"""

_NAMES: Final = """
select acs_access_group_id as source_id, name from acs_access_group
  where workspace_id = $1 and acs_access_group_id = any ($2)
union all
select acs_credential_id, display_name from acs_credential
  where workspace_id = $1 and acs_credential_id = any ($2)
union all
select subject_id, coalesce(full_name, email_address, phone_number) from personal
  where workspace_id = $1 and subject_id = any ($2)
    and coalesce(full_name, email_address, phone_number) is not null
"""


async def current_revision(source: Source, workspace_id: UUID) -> int:
    """The newest revision of a workspace's journal."""
    revision: int = await source.fetchval(
        "select revision from policy_revision where workspace_id = $1", workspace_id
    )
    return revision


async def revision_at(source: Source, workspace_id: UUID, at: datetime) -> int:
    """The newest revision recorded at an instant or before it, 0 where there was none."""
    revision: int | None = await source.fetchval(
        "select revision from policy_journal where workspace_id = $1 and recorded_at <= $2"
        " order by revision desc limit 1",
        workspace_id,
        at,
    )
    return revision or 0


async def facts_about(
    source: Source, workspace_id: UUID, revision: int, acs_user_id: UUID, entrance: AcsEntrance
) -> list[Fact]:
    """Every fact that a decision about this person at this entrance rests on, as of a revision.

    They are facts of the entrance's system: a controller knows nobody of another one. Credentials
    come without the keyed hash of their number, which history does not have.
    """
    rows = await source.fetch(
        _FACTS,
        workspace_id,
        revision,
        acs_user_id,
        entrance.acs_entrance_id,
        entrance.acs_system_id,
    )
    return [
        Fact(Kind(kind), key_a, key_b, from_revision, state.encode())
        for kind, key_a, key_b, from_revision, state in rows
    ]


async def names(source: Source, workspace_id: UUID, ids: Sequence[UUID]) -> dict[UUID, str]:
    """What groups, credentials and people are called now, by id; one that is gone is missing."""
    rows = await source.fetch(_NAMES, workspace_id, ids)
    return {row["source_id"]: row["name"] for row in rows}
