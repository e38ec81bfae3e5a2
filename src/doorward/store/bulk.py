"""Many people at once: what a file of people is checked against, and what is read for one."""

from collections.abc import AsyncIterator, Collection, Sequence
from typing import Final, NamedTuple
from uuid import UUID

from doorward.policy.cards import CardFormat, CardNumber, CodeNumber
from doorward.resources.provider import NATIVE
from doorward.store.credentials import open_number
from doorward.store.database import Connection
from doorward.store.secrets import Keyring
from doorward.store.select import Source


class System(NamedTuple):
    """An access system, and the account that stands for it. is_native: it is one of ours."""

    acs_system_id: UUID
    connected_account_id: UUID
    workspace_id: UUID
    name: str
    is_native: bool


class Group(NamedTuple):
    """A managed access group and the entrances that it opens."""

    acs_access_group_id: UUID
    name: str
    acs_entrance_ids: frozenset[UUID]


class Exported(NamedTuple):
    """A person as a file holds one, and how much of her it cannot hold. Cards and codes are in the
    order of their making, groups in that of their names.

    other_credentials: whether a door takes them only at times, or no longer. own_entrances: what
    she or a credential in the file opens without a group.
    """

    full_name: str | None
    email_address: str | None
    phone_number: str | None
    cards: tuple[CardNumber, ...]
    codes: tuple[CodeNumber, ...]
    acs_access_group_ids: tuple[UUID, ...]
    other_credentials: int
    own_entrances: int
    has_identity: bool


async def systems(source: Source) -> list[System]:
    """Every access system of every workspace, the oldest first."""
    rows = await source.fetch(
        "select acs_system_id, connected_account_id, workspace_id, name, external_type = $1"
        " from acs_system order by created_at, acs_system_id",
        NATIVE.external_type,
    )
    return [System(*row) for row in rows]


def choose(there: Sequence[System], wanted: str | None) -> list[System]:
    """The systems of a name or id; of None, the only one of ours where there is just one."""
    if wanted is not None:
        return [each for each in there if wanted in (each.name, str(each.acs_system_id))]
    native = [each for each in there if each.is_native]
    return native if len(native) == 1 else list(there)


async def groups_of(source: Source, system: System) -> list[Group]:
    """The managed access groups of a system, the oldest first."""
    rows = await source.fetch(
        "select g.acs_access_group_id, g.name, array(select o.acs_entrance_id"
        "  from access_group_entrance o where o.workspace_id = g.workspace_id"
        "  and o.acs_access_group_id = g.acs_access_group_id and o.is_desired) entrances"
        " from acs_access_group g"
        " where g.workspace_id = $1 and g.acs_system_id = $2 and g.is_managed"
        " order by g.created_at, g.acs_access_group_id",
        system.workspace_id,
        system.acs_system_id,
    )
    return [Group(row[0], row[1], frozenset(row[2])) for row in rows]


async def people_there(
    source: Source, system: System, emails: Collection[str], phones: Collection[str]
) -> set[tuple[str, str]]:
    """Which of these e-mail addresses, in lower case, and phone numbers people of a system have."""
    where = (system.workspace_id, system.acs_system_id)
    rows = await source.fetch(
        "select 'email', lower(email_address) from personal"
        " where workspace_id = $1 and acs_system_id = $2 and lower(email_address) = any ($3)"
        " union all select 'phone', phone_number from personal"
        " where workspace_id = $1 and acs_system_id = $2 and phone_number = any ($4)",
        *where,
        list(emails),
        list(phones),
    )
    return {(row[0], row[1]) for row in rows}


async def cards_there(source: Source, system: System, lookups: Collection[bytes]) -> set[bytes]:
    """Which of these cards a system has, by their keyed hashes."""
    rows = await source.fetch(
        "select lookup from acs_credential where workspace_id = $1 and acs_system_id = $2"
        " and access_method = 'card' and lookup = any ($3)",
        system.workspace_id,
        system.acs_system_id,
        list(lookups),
    )
    return {row[0] for row in rows}


async def codes_there(
    source: Source, workspace_id: UUID, lookups: Collection[bytes]
) -> set[tuple[bytes, UUID]]:
    """Where these codes, by their keyed hashes, are somebody's: code and entrance."""
    rows = await source.fetch(
        "select c.lookup, e.acs_entrance_id from acs_credential c,"
        " unnest(reach_of(c.workspace_id, c.acs_user_id, c.acs_credential_id)) e (acs_entrance_id)"
        " where c.workspace_id = $1 and c.access_method = 'code' and c.lookup = any ($2)",
        workspace_id,
        list(lookups),
    )
    return {(row[0], row[1]) for row in rows}


# The credentials of codes that there are more than one of, each with what it opens, in pairs.
# Two of one person clash without an entrance.
_CLASHES: Final = """
with same as materialized (
  select c.lookup, c.acs_credential_id, c.acs_user_id,
    reach_of(c.workspace_id, c.acs_user_id, c.acs_credential_id) as reach
  from acs_credential c join (
    select lookup from acs_credential
    where workspace_id = $1 and access_method = 'code' and {among}
    group by lookup having count(*) > 1) several using (lookup)
  where c.workspace_id = $1 and c.access_method = 'code'
)
select a.acs_credential_id, b.acs_credential_id, shared.acs_entrance_id
from same a join same b using (lookup), lateral (
  select null::uuid where a.acs_user_id = b.acs_user_id
  union select unnest(a.reach) intersect select unnest(b.reach)) shared (acs_entrance_id)
where a.acs_credential_id < b.acs_credential_id{of_these}"""

_EVERY: Final = _CLASHES.format(among="lookup is not null", of_these="")
_OF_SOME: Final = _CLASHES.format(
    among="""lookup = any (array(select o.lookup from acs_credential o
      where o.workspace_id = $1 and o.access_method = 'code'
      and (o.acs_user_id = any ($2) or o.acs_credential_id = any ($3))))""",
    of_these="""
  and (a.acs_user_id = any ($2) or a.acs_credential_id = any ($3)
    or b.acs_user_id = any ($2) or b.acs_credential_id = any ($3))""",
)


class Touched(NamedTuple):
    """Whose codes may open more than before."""

    acs_user_ids: Collection[UUID]
    acs_credential_ids: Collection[UUID]


class Clash(NamedTuple):
    """Two credentials with equal codes, and the entrance that both open, None where both are the
    same person's.
    """

    acs_credential_id: UUID
    other_credential_id: UUID
    acs_entrance_id: UUID | None

    @property
    def acs_credential_ids(self) -> tuple[UUID, UUID]:
        """The two credentials."""
        return self.acs_credential_id, self.other_credential_id


async def clashing_codes(
    source: Source, workspace_id: UUID, touched: Touched | None = None
) -> set[Clash]:
    """Where equal codes meet.

    touched: where one of these codes does; without it every code of the workspace is read.
    """
    if touched is None:
        rows = await source.fetch(_EVERY, workspace_id)
    else:
        rows = await source.fetch(_OF_SOME, workspace_id, *map(list, touched))
    return {Clash(*row) for row in rows}


# What a file cannot say, so that whoever has it would get more from the file than there was.
_PLAIN_USER: Final = (
    "u.is_managed and not u.is_suspended and u.starts_at is null and u.ends_at is null"
)
_PLAIN_CREDENTIAL: Final = """c.is_managed and c.state = 'active' and c.lookup is not null
  and c.use_limit is null and c.starts_at is null and c.ends_at is null
  and c.access_method in ('card', 'code')"""

_EXPORT: Final = f"""
select p.full_name, p.email_address, p.phone_number,
  (select array_agg((c.acs_credential_id, c.card_format, c.sealed)
      order by c.created_at, c.acs_credential_id)
    from acs_credential c where c.workspace_id = u.workspace_id
    and c.acs_user_id = u.acs_user_id and {_PLAIN_CREDENTIAL}) as credentials,
  (select array_agg(m.acs_access_group_id order by g.name, m.acs_access_group_id)
    from acs_membership m join acs_access_group g using (workspace_id, acs_access_group_id)
    where m.workspace_id = u.workspace_id and m.acs_user_id = u.acs_user_id
    and m.is_desired) as groups,
  (select count(*) from acs_credential c where c.workspace_id = u.workspace_id
    and c.acs_user_id = u.acs_user_id and not ({_PLAIN_CREDENTIAL})) as other_credentials,
  (select count(*) from user_entrance o where o.workspace_id = u.workspace_id
    and o.acs_user_id = u.acs_user_id and o.is_desired)
  + (select count(*) from acs_credential c
    join credential_entrance o using (workspace_id, acs_credential_id)
    where c.workspace_id = u.workspace_id and c.acs_user_id = u.acs_user_id
    and o.is_desired and {_PLAIN_CREDENTIAL}) as own_entrances,
  u.user_identity_id is not null as has_identity
from acs_user u
left join personal p on p.workspace_id = u.workspace_id and p.subject_id = u.acs_user_id
where u.workspace_id = $1 and u.acs_system_id = $2 and {_PLAIN_USER}
order by u.created_at, u.acs_user_id"""  # noqa: S608

_LEFT_OUT: Final = f"""
select
  (select count(*) from acs_user u where u.workspace_id = $1 and u.acs_system_id = $2
    and not ({_PLAIN_USER})),
  (select count(*) from acs_credential
    where workspace_id = $1 and acs_system_id = $2 and acs_user_id is null)"""  # noqa: S608


async def export(
    connection: Connection, keyring: Keyring, system: System
) -> AsyncIterator[Exported]:
    """The people of a system whom a file can hold, the oldest first; within a transaction."""
    where = (system.workspace_id, system.acs_system_id)
    async for row in connection.cursor(_EXPORT, *where, prefetch=1_000):
        numbers = [_number(keyring, system.workspace_id, each) for each in row["credentials"] or ()]
        cards = tuple(each for each in numbers if isinstance(each, CardNumber))
        codes = tuple(each for each in numbers if isinstance(each, CodeNumber))
        groups = tuple(row["groups"] or ())
        yield Exported(row[0], row[1], row[2], cards, codes, groups, *row[5:])


async def left_out(connection: Connection, system: System) -> tuple[int, int]:
    """How many people of a system `export` leaves out, and how many credentials of nobody."""
    where = (system.workspace_id, system.acs_system_id)
    row = await connection.fetchrow(_LEFT_OUT, *where)
    assert row is not None
    return row[0], row[1]


def _number(
    keyring: Keyring, workspace_id: UUID, credential: tuple[UUID, CardFormat | None, bytes]
) -> CardNumber | CodeNumber:
    credential_id, card_format, sealed = credential
    text = open_number(keyring, workspace_id, credential_id, sealed)
    return CodeNumber(text) if card_format is None else CardNumber(card_format, text)
