"""What the doors have still to confirm (DESIGN.md, decision 7), as fragments of statements.

A row is pending while a controller is behind it that is concerned: one whose slice, as far as it
has confirmed, holds an entrance that the row is about. Nobody concerned: not pending. Settling
(doorward.store.settling) follows the same rule, but some milliseconds later.
"""

from typing import Final

# A controller `c` has confirmed everything up to here; nothing, where an older epoch is all it has.
_HELD: Final = "case when c.confirmed_epoch = r.epoch then c.confirmed_revision else 0 end"

# About a row whose workspace_id and revision are {row}'s; {links} leads to its entrances.
_BEHIND: Final = f"""exists (
    select from policy_revision r
      join controller c on c.workspace_id = r.workspace_id
        and (c.confirmed_epoch, c.confirmed_revision) < (r.epoch, {{row}}.revision){{links}}
      join policy_fact f on f.workspace_id = r.workspace_id and f.kind = 'entrance'
        and {{entrance}} and f.key_b = c.controller_id
        and (f.to_revision is null or f.to_revision > {_HELD})
    where r.workspace_id = {{row}}.workspace_id)"""
# Systems with lists of their own confirm row by row (doorward.store.external).
_CONCERNED: Final = f"{{row}}.is_unconfirmed and ({_BEHIND}{{elsewhere}})"

# About rows `m` of acs_membership.
MEMBERSHIP: Final = _CONCERNED.format(
    row="m",
    elsewhere="""
  or exists (
    select from acs_access_group ag join external_system x on x.workspace_id = ag.workspace_id
      and x.acs_system_id = ag.acs_system_id
    where ag.workspace_id = m.workspace_id and ag.acs_access_group_id = m.acs_access_group_id)""",
    entrance="f.key_a = l.key_b",
    links=f"""
      join policy_fact l on l.workspace_id = r.workspace_id and l.kind = 'group_entrance'
        and l.key_a = m.acs_access_group_id
        and (l.to_revision is null or l.to_revision > {_HELD})""",
)

# About rows `o` of access_group_entrance.
GROUP_ENTRANCE: Final = _CONCERNED.format(
    row="o", elsewhere="", entrance="f.key_a = o.acs_entrance_id", links=""
)

# About rows `n` of pending_change, which concern every entrance of their system.
CHANGE: Final = f"""({
    _BEHIND.format(row="n", entrance="c.acs_system_id = n.acs_system_id", links="")
}
  or exists (
    select from external_system x
    where x.workspace_id = n.workspace_id and x.acs_system_id = n.acs_system_id))"""
