"""What an end user's session sees of a workspace, as conditions of statements.

It sees the accounts that it names or whose customer it is, and what belongs to their systems; of
its person the users, the systems that they are in, and the entrances that they can open now. For
every other caller the sight is None, and nothing is added to a statement.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from doorward.store import access
from doorward.store.select import Select
from doorward.store.sight import Sight

# {0}: connected_account_ids, {1}: customer_key, {2}: user_identity_id, {3}: the instant.
_ACCOUNT: Final = (
    "a.connected_account_id = any ({0}::uuid[]) or a.customer_key = {1}::text"  # either may be none
)
_ACCOUNTS: Final = f"""select a.connected_account_id from connected_account a
  where a.workspace_id = $1 and ({_ACCOUNT})"""  # noqa: S608
_SYSTEMS: Final = f"""select s.acs_system_id from acs_system s
  where s.workspace_id = $1 and s.connected_account_id in ({_ACCOUNTS})"""  # noqa: S608
_OWN_USERS: Final = "u.user_identity_id = {2}::uuid"
_USER: Final = f"{_OWN_USERS} or u.acs_system_id in ({_SYSTEMS})"
# Of credentials `c` with their owners `u`, who are of the credentials' systems.
_CREDENTIAL: Final = _USER
# The people and the credentials of each system in the order of its index, and one's own elsewhere.
_OWN_ELSEWHERE: Final = f"{_OWN_USERS} and u.acs_system_id not in ({_SYSTEMS})"
_USERS: Final = (
    (
        f"select u.* from ({_SYSTEMS}) y cross join lateral ({{rows}}) u",  # noqa: S608
        "u.acs_system_id = y.acs_system_id",
    ),
    ("{rows}", _OWN_ELSEWHERE),
)
_CREDENTIALS: Final = (
    (
        f"select c.* from ({_SYSTEMS}) y cross join lateral ({{rows}}) c",  # noqa: S608
        "c.acs_system_id = y.acs_system_id and c.acs_user_id is not null",
    ),
    ("{rows}", _OWN_ELSEWHERE),
)
_SYSTEM: Final = f"""s.connected_account_id in ({_ACCOUNTS}) or s.acs_system_id in (
  select u.acs_system_id from acs_user u
  where u.workspace_id = $1 and {_OWN_USERS})"""  # noqa: S608
_ENTRANCE: Final = (
    f"e.acs_system_id in ({_SYSTEMS}) or {access.OF_IDENTITY.format(id='{2}', at='{3}')}"
)
# A probe for each identity: `exists` can become the set of all people, made anew for every call.
_IDENTITY: Final = f"""n.user_identity_id = {{2}}::uuid or (select true from acs_user u
  where u.workspace_id = $1 and u.user_identity_id = n.user_identity_id
  and u.acs_system_id in ({_SYSTEMS}) limit 1)"""  # noqa: S608
# In order, which leads through the systems' own index, not through that of all identities.
_IDENTITIES: Final = f"""n.user_identity_id = {{2}}::uuid or n.user_identity_id = any (array(
  select u.user_identity_id from ({_SYSTEMS}) y cross join lateral (
    select u.user_identity_id from acs_user u
    where u.workspace_id = $1 and u.acs_system_id = y.acs_system_id
    order by u.created_at, u.acs_user_id
  ) u))"""  # noqa: S608
# Whoever is in an account's system has events that name the account.
_EVENT: Final = f"""v.subject_ids && array({_ACCOUNTS} union all select {{2}}::uuid
  union all select y.merged_user_identity_id from merged_user_identity y
  where y.workspace_id = $1 and y.user_identity_id = {{2}}::uuid
  union all select u.acs_user_id from acs_user u
  where u.workspace_id = $1 and {_OWN_USERS})"""  # noqa: S608
_ATTEMPT: Final = f"""t.acs_system_id in ({_SYSTEMS}) or t.user_identity_id in (
  select {{2}}::uuid union all select y.merged_user_identity_id from merged_user_identity y
  where y.workspace_id = $1 and y.user_identity_id = {{2}}::uuid)"""  # noqa: S608
_OPENED_BY: Final = f"""exists (select from acs_credential c
  join acs_user u on u.workspace_id = c.workspace_id and u.acs_user_id = c.acs_user_id
  where c.workspace_id = $1 and c.acs_credential_id = {{3}} and ({_CREDENTIAL}))"""


def narrow_accounts(select: Select, sight: Sight | None) -> None:
    """Leaves of connected accounts `a` what a session sees."""
    if sight is not None:
        select.where(_ACCOUNT, list(sight.connected_account_ids), sight.customer_key)


def narrow_to_accounts(select: Select, sight: Sight | None) -> None:
    """Leaves of access systems `s` those of accounts that a session is for.

    Who is merely in a system sees it, but does not run it.
    """
    if sight is not None:
        accounts = list(sight.connected_account_ids)
        select.where(f"s.connected_account_id in ({_ACCOUNTS})", accounts, sight.customer_key)


def narrow_encoders(select: Select, sight: Sight | None) -> None:
    """Leaves of encoders `d` those of systems that a session runs."""
    if sight is not None:
        accounts = list(sight.connected_account_ids)
        select.where(f"d.acs_system_id in ({_SYSTEMS})", accounts, sight.customer_key)


def narrow_systems(select: Select, sight: Sight | None) -> None:
    """Leaves of access systems `s` what a session sees."""
    _narrow(select, _SYSTEM, sight)


def narrow_user(select: Select, sight: Sight | None) -> None:
    """Leaves of few people `u` whom a session sees."""
    _narrow(select, _USER, sight)


def narrow_users(select: Select, sight: Sight | None) -> None:
    """Leaves of a page of people `u` whom a session sees."""
    _spread(select, _USERS, sight)


def narrow_identity(select: Select, sight: Sight | None) -> None:
    """Leaves of few identities `n` those that `narrow_identities` leaves."""
    _narrow(select, _IDENTITY, sight)


def narrow_identities(select: Select, sight: Sight | None) -> None:
    """Leaves of a page of identities `n` the session's own, and those with a user in a system that
    it sees.
    """
    if sight is None:
        return
    if _is_persons_alone(sight):
        select.where("n.user_identity_id = {0}::uuid", sight.user_identity_id)
    else:
        arguments = _arguments(sight)
        select.where_rare((_IDENTITY, arguments), (_IDENTITIES, arguments))


def users_seen(sight: Sight | None) -> tuple[str, tuple[object, ...]]:
    """A condition on people `u` whom a session sees, and its arguments, to be $2 and following.

    For the part of a statement that is written around the rows of a Select.
    """
    if sight is None:
        return "true", ()
    return _USER.format("$2", "$3", "$4"), _arguments(sight)


def narrow_some_credentials(select: Select, sight: Sight | None) -> None:
    """Leaves of few credentials `c` those of people `u` whom a session sees."""
    _narrow(select, _CREDENTIAL, sight)


def narrow_credentials(select: Select, sight: Sight | None) -> None:
    """Leaves of a page of credentials `c` those of people `u` whom a session sees."""
    _spread(select, _CREDENTIALS, sight)


def narrow_events(select: Select, sight: Sight | None) -> None:
    """Leaves of events `v` those that name an account or a person whom a session sees."""
    _narrow(select, _EVENT, sight)


def narrow_entrances(select: Select, sight: Sight | None, at: datetime) -> None:
    """Leaves of entrances `e` what a session sees at an instant."""
    _narrow(select, _ENTRANCE, sight, access.instant(at))


def narrow_attempts(select: Select, sight: Sight | None) -> None:
    """Leaves of action attempts `t` those of a session's person, and of systems that it runs."""
    _narrow(select, _ATTEMPT, sight)


def narrow_openers(select: Select, sight: Sight | None, acs_credential_id: object) -> None:
    """Leaves nothing where a session does not see the credential that it asks about."""
    _narrow(select, _OPENED_BY, sight, acs_credential_id)


def _narrow(select: Select, condition: str, sight: Sight | None, *more: object) -> None:
    if sight is not None:
        select.where(condition, *_arguments(sight), *more)


def _spread(select: Select, parts: Sequence[tuple[str, str]], sight: Sight | None) -> None:
    if sight is None:
        return
    if _is_persons_alone(sight):
        # Without the other conditions, which would hide the index of this one.
        select.where("u.user_identity_id = {0}::uuid", sight.user_identity_id)
    else:
        select.spread(parts, *_arguments(sight))


def _is_persons_alone(sight: Sight) -> bool:
    return not sight.connected_account_ids and sight.customer_key is None


def _arguments(sight: Sight) -> tuple[list[UUID], str | None, UUID | None]:
    return list(sight.connected_account_ids), sight.customer_key, sight.user_identity_id
