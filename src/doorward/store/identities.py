"""Who a user identity is, by whatever name, and which user of a system: found, linked, or made."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final
from uuid import UUID, uuid4

from doorward.policy.facts import Kind, UserState
from doorward.store import journal
from doorward.store.database import Connection
from doorward.store.journal import Change
from doorward.store.personal import Personal, put_personal
from doorward.store.select import Source

# People of a system $2 who are nobody's yet.
_UNLINKED: Final = """
select u.acs_user_id from personal p
join acs_user u on u.workspace_id = p.workspace_id and u.acs_user_id = p.subject_id
where p.workspace_id = $1 and p.acs_system_id = $2 and u.user_identity_id is null
  and u.is_managed"""

_BY_EMAIL: Final = f"{_UNLINKED} and lower(p.email_address) = lower($3)"
_BY_PHONE: Final = f"""{_UNLINKED} and p.phone_number = $3
  and ($4::text is null or p.email_address is null)"""

_BY_KEY: Final = """
select user_identity_id from user_identity
where workspace_id = $1 and user_identity_key = $2 and is_managed
union all
select user_identity_id from merged_user_identity
where workspace_id = $1 and merged_user_identity_key = $2
limit 1"""


@dataclass(frozen=True, slots=True)
class Identity:
    """A user identity with its values."""

    user_identity_id: UUID
    personal: Personal


async def exists(source: Source, workspace_id: UUID, user_identity_id: UUID) -> bool:
    """Whether the workspace has this identity."""
    found: bool = await source.fetchval(
        "select exists (select from user_identity"
        " where workspace_id = $1 and user_identity_id = $2 and is_managed)",
        workspace_id,
        user_identity_id,
    )
    return found


async def get(source: Source, workspace_id: UUID, user_identity_id: UUID) -> Identity | None:
    """An identity, None for an unknown id."""
    row = await source.fetchrow(
        "select p.full_name, p.email_address, p.phone_number from user_identity n"
        " left join personal p on p.workspace_id = n.workspace_id"
        " and p.subject_id = n.user_identity_id"
        " where n.workspace_id = $1 and n.user_identity_id = $2 and n.is_managed",
        workspace_id,
        user_identity_id,
    )
    return Identity(user_identity_id, Personal(*row)) if row else None


async def merged_into(
    source: Source, workspace_id: UUID, ids: Collection[UUID]
) -> dict[UUID, UUID]:
    """Of these ids those of merged identities, each with the identity that it names now."""
    rows = await source.fetch(
        "select merged_user_identity_id, user_identity_id from merged_user_identity"
        " where workspace_id = $1 and merged_user_identity_id = any ($2::uuid[])",
        workspace_id,
        list(ids),
    )
    return {row["merged_user_identity_id"]: row["user_identity_id"] for row in rows}


async def called(source: Source, workspace_id: UUID, user_identity_key: str) -> UUID | None:
    """The identity, by id, that a key names, or named before a merge; None for an unknown key."""
    found: UUID | None = await source.fetchval(_BY_KEY, workspace_id, user_identity_key)
    return found


async def names_of(source: Source, workspace_id: UUID, user_identity_id: UUID) -> list[UUID]:
    """Every id that names an identity: its own, and those of what was merged into it."""
    rows = await source.fetch(
        "select merged_user_identity_id from merged_user_identity"
        " where workspace_id = $1 and user_identity_id = $2",
        workspace_id,
        user_identity_id,
    )
    return [user_identity_id, *(row["merged_user_identity_id"] for row in rows)]


async def user_in_system(
    source: Source, workspace_id: UUID, user_identity_id: UUID, acs_system_id: UUID
) -> UUID | None:
    """The one user that an identity has in a system, by id, None where there is none."""
    found: UUID | None = await source.fetchval(
        "select acs_user_id from acs_user where workspace_id = $1 and user_identity_id = $2"
        " and acs_system_id = $3 and is_managed",
        workspace_id,
        user_identity_id,
        acs_system_id,
    )
    return found


async def users_of(source: Source, workspace_id: UUID, user_identity_id: UUID) -> list[UUID]:
    """The users of an identity in all systems, the oldest first; not those of unmanaged ones."""
    rows = await source.fetch(
        "select acs_user_id from acs_user"
        " where workspace_id = $1 and user_identity_id = $2 and is_managed"
        " order by created_at, acs_user_id",
        workspace_id,
        user_identity_id,
    )
    return [row["acs_user_id"] for row in rows]


async def has_user_in(
    source: Source, workspace_id: UUID, user_identity_id: UUID, acs_system_id: UUID
) -> bool:
    """Whether an identity has a user in a system, also one that another system manages."""
    found: bool = await source.fetchval(
        "select exists (select from acs_user"
        " where workspace_id = $1 and user_identity_id = $2 and acs_system_id = $3)",
        workspace_id,
        user_identity_id,
        acs_system_id,
    )
    return found


async def owner_of(
    source: Source, workspace_id: UUID, acs_user_id: UUID
) -> tuple[UUID, UUID | None] | None:
    """The system and the identity of a user, None for an unknown user."""
    row = await source.fetchrow(
        "select acs_system_id, user_identity_id from acs_user"
        " where workspace_id = $1 and acs_user_id = $2 and is_managed",
        workspace_id,
        acs_user_id,
    )
    return (row["acs_system_id"], row["user_identity_id"]) if row else None


async def personal_of(source: Source, workspace_id: UUID, acs_user_id: UUID) -> Personal:
    """The values of a user; of an unknown one none."""
    row = await source.fetchrow(
        "select full_name, email_address, phone_number from personal"
        " where workspace_id = $1 and subject_id = $2",
        workspace_id,
        acs_user_id,
    )
    return Personal(*row) if row else Personal()


async def link(
    connection: Connection, workspace_id: UUID, identity: Identity, acs_system_id: UUID
) -> UUID | None:
    """Gives an identity the user of a system who is surely the same person; None where none is.

    That is the one user who belongs to no identity and has the same e-mail address; where nobody
    has it, the one with the same phone number, unless identity and user have an address each, and
    so are two people who share a phone. Several such users: none of them, because a wrong link
    would give somebody else's doors away.
    """
    acs_user_id = await _same_person(connection, workspace_id, identity.personal, acs_system_id)
    if acs_user_id is not None:
        await give(connection, workspace_id, acs_user_id, identity.user_identity_id)
    return acs_user_id


async def give(
    connection: Connection, workspace_id: UUID, acs_user_id: UUID, user_identity_id: UUID | None
) -> None:
    """Makes a user an identity's, or nobody's; who may open what does not change by it."""
    await connection.execute(
        "update acs_user set user_identity_id = $3 where workspace_id = $1 and acs_user_id = $2",
        workspace_id,
        acs_user_id,
        user_identity_id,
    )


async def create_user(
    connection: Connection, change: Change, identity: Identity, acs_system_id: UUID
) -> UUID:
    """Makes a user of a system for an identity, with its name, e-mail address and phone number."""
    acs_user_id = uuid4()
    await connection.execute(
        "insert into acs_user (workspace_id, acs_user_id, acs_system_id, user_identity_id,"
        " created_at) values ($1, $2, $3, $4, $5)",
        change.workspace_id,
        acs_user_id,
        acs_system_id,
        identity.user_identity_id,
        change.at,
    )
    personal_hash = await put_personal(
        connection, change.workspace_id, acs_user_id, acs_system_id, identity.personal
    )
    await journal.record(
        connection,
        change,
        acs_system_id,
        Kind.USER,
        acs_user_id,
        state=UserState(),
        personal_hash=personal_hash,
    )
    return acs_user_id


async def _same_person(
    connection: Connection, workspace_id: UUID, personal: Personal, acs_system_id: UUID
) -> UUID | None:
    email, phone = personal.email_address, personal.phone_number
    found = await connection.fetch(_BY_EMAIL, workspace_id, acs_system_id, email)
    if not found:
        found = await connection.fetch(_BY_PHONE, workspace_id, acs_system_id, phone, email)
    return found[0]["acs_user_id"] if len(found) == 1 else None
