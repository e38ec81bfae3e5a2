"""Which entrances somebody can open at an instant, as fragments of statements.

The rule is the ladder's, rungs 3 and 8 to 11 (doorward.policy.decide): an entrance counts when it
is enabled and a path leads there that is open, for a person who is neither suspended nor outside
the access schedule. What a group opens and what was granted counts for a person without any
credential too; what a credential opens by itself, only while that credential is valid and not used
up. {at} is the instant.
"""

from datetime import datetime
from typing import Final

# [starts_at, ends_at), None for no bound.
Window = tuple[datetime | None, datetime | None]


def instant(at: datetime) -> datetime:
    """What {at} stands for: windows are whole milliseconds at the doors."""
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def _open(row: str) -> str:
    """A condition: the window of a row is open at {at}."""
    return (
        f"({row}.starts_at is null or {row}.starts_at <= {{at}})"
        f" and ({row}.ends_at is null or {row}.ends_at > {{at}})"
    )


_PERSON: Final = f"not u.is_suspended and {_open('u')}"

_GROUP_OPENS: Final = f"""
join access_group_entrance o on o.workspace_id = g.workspace_id
  and o.acs_access_group_id = g.acs_access_group_id and o.is_desired
where {_open("g")}"""

_MEMBER: Final = """
join acs_membership m on m.workspace_id = u.workspace_id and m.acs_user_id = u.acs_user_id
  and m.is_desired
join acs_access_group g on g.workspace_id = m.workspace_id
  and g.acs_access_group_id = m.acs_access_group_id"""

_GRANTED: Final = """
join user_entrance t on t.workspace_id = u.workspace_id and t.acs_user_id = u.acs_user_id
  and t.is_desired"""

_UNUSED: Final = """(c.use_limit is null or c.use_limit > (
  select coalesce(sum(n::bigint), 0) from jsonb_each_text(c.uses) as counted (by, n)))"""
_VALID: Final = f"c.state = 'active' and c.issued_at is not null and {_UNUSED} and {_open('c')}"

_CREDENTIAL_OPENS: Final = """
join credential_entrance k on k.workspace_id = c.workspace_id
  and k.acs_credential_id = c.acs_credential_id and k.is_desired"""

# {id}: an acs_access_group_id. The entrances that its members can open through it.
OF_GROUP: Final = f"""e.is_enabled and e.acs_entrance_id in (
select o.acs_entrance_id from acs_access_group g {_GROUP_OPENS}
  and g.workspace_id = $1 and g.acs_access_group_id = {{id}})"""  # noqa: S608


def _of_person(condition: str) -> str:
    return f"""e.is_enabled and e.acs_entrance_id in (
select o.acs_entrance_id from acs_user u {_MEMBER} {_GROUP_OPENS}
  and u.workspace_id = $1 and {condition} and {_PERSON}
union all
select t.acs_entrance_id from acs_user u {_GRANTED}
where u.workspace_id = $1 and {condition} and {_PERSON}
union all
select k.acs_entrance_id from acs_user u
join acs_credential c on c.workspace_id = u.workspace_id and c.acs_user_id = u.acs_user_id
{_CREDENTIAL_OPENS}
where u.workspace_id = $1 and {condition} and {_PERSON} and {_VALID})"""  # noqa: S608


# {id}: an acs_user_id.
OF_USER: Final = _of_person("u.acs_user_id = {id}")

# {id}: a user_identity_id. What its users can open, in all systems.
OF_IDENTITY: Final = _of_person("u.user_identity_id = {id}")

# {id}: an acs_credential_id; a credential that is nobody's opens nothing.
OF_CREDENTIAL: Final = f"""e.is_enabled and e.acs_entrance_id in (
select o.acs_entrance_id from acs_credential c
join acs_user u on u.workspace_id = c.workspace_id and u.acs_user_id = c.acs_user_id
{_MEMBER} {_GROUP_OPENS}
  and c.workspace_id = $1 and c.acs_credential_id = {{id}} and {_PERSON} and {_VALID}
union all
select t.acs_entrance_id from acs_credential c
join acs_user u on u.workspace_id = c.workspace_id and u.acs_user_id = c.acs_user_id
{_GRANTED}
where c.workspace_id = $1 and c.acs_credential_id = {{id}} and {_PERSON} and {_VALID}
union all
select k.acs_entrance_id from acs_credential c
join acs_user u on u.workspace_id = c.workspace_id and u.acs_user_id = c.acs_user_id
{_CREDENTIAL_OPENS}
where c.workspace_id = $1 and c.acs_credential_id = {{id}} and {_PERSON} and {_VALID})"""  # noqa: S608

# {id}: an acs_entrance_id. The credentials `c` that open it.
AT_ENTRANCE: Final = f"""c.acs_credential_id in (
select c.acs_credential_id from access_group_entrance o
join acs_access_group g on g.workspace_id = o.workspace_id
  and g.acs_access_group_id = o.acs_access_group_id
join acs_membership m on m.workspace_id = g.workspace_id
  and m.acs_access_group_id = g.acs_access_group_id and m.is_desired
join acs_user u on u.workspace_id = m.workspace_id and u.acs_user_id = m.acs_user_id
join acs_credential c on c.workspace_id = u.workspace_id and c.acs_user_id = u.acs_user_id
where o.workspace_id = $1 and o.acs_entrance_id = {{id}} and o.is_desired and {_open("g")}
  and {_PERSON} and {_VALID}
union all
select c.acs_credential_id from user_entrance t
join acs_user u on u.workspace_id = t.workspace_id and u.acs_user_id = t.acs_user_id
join acs_credential c on c.workspace_id = u.workspace_id and c.acs_user_id = u.acs_user_id
where t.workspace_id = $1 and t.acs_entrance_id = {{id}} and t.is_desired
  and {_PERSON} and {_VALID}
union all
select c.acs_credential_id from credential_entrance k
join acs_credential c on c.workspace_id = k.workspace_id
  and c.acs_credential_id = k.acs_credential_id
join acs_user u on u.workspace_id = c.workspace_id and u.acs_user_id = c.acs_user_id
where k.workspace_id = $1 and k.acs_entrance_id = {{id}} and k.is_desired
  and {_PERSON} and {_VALID})
and exists (select from acs_entrance e
  where e.workspace_id = $1 and e.acs_entrance_id = {{id}} and e.is_enabled)"""  # noqa: S608
