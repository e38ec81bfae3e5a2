"""What becomes of desired rows once the doors have confirmed them (DESIGN.md, decision 7).

A row waits for every controller that is concerned: whose slice, as far as it has confirmed, holds
an entrance that the row is about; what pending_changes notes of a person or group is about every
entrance of the system. History rows of the entrances' and links' facts tell that, so that a
controller that has not heard that an entrance was taken from it still counts.
"""

from typing import Final
from uuid import UUID

from doorward.store.controllers import Link
from doorward.store.database import Database

# Bounds how long rows stay locked that the writer may want.
_BATCH: Final = 2_000

# reach_*: what controllers that are behind still hold, and the revision up to which the slowest
# of them has confirmed. Where a restore started a new epoch, nothing counts as confirmed.
_REACH: Final = """
with behind as materialized (
  select c.controller_id,
    case when c.confirmed_epoch = r.epoch then c.confirmed_revision else 0 end as confirmed
  from controller c join policy_revision r on r.workspace_id = c.workspace_id
  where c.workspace_id = $1 and (c.confirmed_epoch, c.confirmed_revision) < (r.epoch, r.revision)
), held as materialized (
  select f.key_a as acs_entrance_id, f.acs_system_id, b.confirmed
  from behind b join policy_fact f on f.workspace_id = $1 and f.kind = 'entrance'
    and f.key_b = b.controller_id and (f.to_revision is null or f.to_revision > b.confirmed)
), elsewhere as materialized (
  select acs_system_id from external_system where workspace_id = $1
), reach_entrance as materialized (
  select acs_entrance_id as subject, min(confirmed) as confirmed from held group by 1
), reach_system as materialized (
  select acs_system_id as subject, min(confirmed) as confirmed from held group by 1
), reach_group as materialized (
  select l.key_a as subject, min(h.confirmed) as confirmed
  from held h join policy_fact l on l.workspace_id = $1 and l.kind = 'group_entrance'
    and l.key_b = h.acs_entrance_id and (l.to_revision is null or l.to_revision > h.confirmed)
  group by 1
)"""

# The revision is compared once more under the row's lock: a row that was changed in between waits
# for its new revision. Rows that somebody holds are left for the next time, so that settling never
# waits for the writer, which takes its locks in an order of its own.
_TABLE: Final = """, {table}_ready as materialized (
  select m.{a}, m.{b}, m.revision from {table} m
  left join {reach} reach on reach.subject = m.{by}
  where m.workspace_id = $1 and m.is_unconfirmed
    and (reach.confirmed is null or reach.confirmed >= m.revision){unless}
  limit {batch}
), {table}_locked as materialized (
  select m.{a}, m.{b}, m.is_desired from {table} m
  join {table}_ready ready on ready.{a} = m.{a} and ready.{b} = m.{b}
    and ready.revision = m.revision
  where m.workspace_id = $1 and m.is_unconfirmed
  for update of m skip locked
), {table}_gone as (
  delete from {table} m using {table}_locked locked where m.workspace_id = $1
    and m.{a} = locked.{a} and m.{b} = locked.{b} and not locked.is_desired
), {table}_kept as (
  update {table} m set is_unconfirmed = false from {table}_locked locked where m.workspace_id = $1
    and m.{a} = locked.{a} and m.{b} = locked.{b} and locked.is_desired
)"""

# Without a state of its own: there while it is pending.
_CHANGES: Final = f""", pending_change_ready as materialized (
  select n.subject_id, n.what, n.object_id, n.revision from pending_change n
  left join reach_system reach on reach.subject = n.acs_system_id
  where n.workspace_id = $1 and (reach.confirmed is null or reach.confirmed >= n.revision)
    and n.acs_system_id not in (select acs_system_id from elsewhere)
  limit {_BATCH}
), pending_change_locked as materialized (
  select n.subject_id, n.what, n.object_id from pending_change n
  join pending_change_ready ready using (subject_id, what, object_id, revision)
  where n.workspace_id = $1
  for update of n skip locked
), pending_change_gone as (
  delete from pending_change n using pending_change_locked locked where n.workspace_id = $1
    and n.subject_id = locked.subject_id and n.what = locked.what
    and n.object_id = locked.object_id
)"""  # noqa: S608

# Systems with lists of their own confirm memberships themselves (doorward.store.external).
_UNLESS: Final = {
    "acs_membership": """
    and not exists (
      select from elsewhere join acs_access_group g on g.workspace_id = $1
        and g.acs_system_id = elsewhere.acs_system_id
      where g.acs_access_group_id = m.acs_access_group_id)"""
}
_TABLES: Final = (
    ("acs_membership", "acs_access_group_id", "acs_user_id", "reach_group", "acs_access_group_id"),
    (
        "access_group_entrance",
        "acs_access_group_id",
        "acs_entrance_id",
        "reach_entrance",
        "acs_entrance_id",
    ),
    ("user_entrance", "acs_user_id", "acs_entrance_id", "reach_entrance", "acs_entrance_id"),
    (
        "credential_entrance",
        "acs_credential_id",
        "acs_entrance_id",
        "reach_entrance",
        "acs_entrance_id",
    ),
)


def _statement() -> str:
    parts = [
        _TABLE.format(
            table=table, a=a, b=b, reach=reach, by=by, batch=_BATCH, unless=_UNLESS.get(table, "")
        )
        for table, a, b, reach, by in _TABLES
    ]
    names = (*(table for table, *_ in _TABLES), "pending_change")
    counts = ", ".join(f"(select count(*) from {name}_locked)" for name in names)  # noqa: S608
    return f"{_REACH}{''.join(parts)}{_CHANGES} select greatest({counts}) as most"


_SETTLE: Final = _statement()


async def unsettled_workspaces(database: Database) -> list[UUID]:
    """The workspaces with rows that wait for the doors, or for being settled."""
    tables = " union ".join(
        f"select workspace_id from {table} where is_unconfirmed"  # noqa: S608
        for table, *_ in _TABLES
    )
    tables += " union select workspace_id from pending_change"
    return [row["workspace_id"] for row in await database.fetch(tables)]


async def settle(link: Link, workspace_id: UUID) -> None:
    """Marks what no concerned controller is behind on as confirmed, and drops such tombstones.

    As often as one likes, from any process. Raises `Unavailable`.
    """
    while True:
        rows = await link.fetch(_SETTLE, workspace_id)
        if rows[0]["most"] < _BATCH:
            return
