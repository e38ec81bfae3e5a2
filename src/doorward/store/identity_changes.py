"""Changes of user identities, for operations of the writer: made, changed, merged, taken away.

Who may open what hangs on users, not on identities: none of this is in the policy journal.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Final
from uuid import UUID, uuid4

import asyncpg

from doorward.errors import ApiError
from doorward.store.database import Connection
from doorward.store.identities import Identity, called
from doorward.store.journal import Change
from doorward.store.people import IDENTITIES
from doorward.store.personal import Personal, put_personal

KEY: Final = "user_identity_key"

# What is unique among the identities of a workspace, by the index that sees to it.
_UNIQUE: Final = {
    "user_identity_by_key": KEY,
    "personal_identity_email": "email_address",
    "personal_identity_phone": "phone_number",
}


async def create(
    connection: Connection, change: Change, user_identity_key: str | None, personal: Personal
) -> Identity:
    """Makes an identity. Raises ApiError 409 where another one has its key, e-mail or phone."""
    identity = Identity(uuid4(), personal)
    workspace_id, user_identity_id = change.workspace_id, identity.user_identity_id
    await _check_key(connection, workspace_id, user_identity_id, user_identity_key)
    with _unique():
        await connection.execute(
            "insert into user_identity (workspace_id, user_identity_id, user_identity_key,"
            " created_at) values ($1, $2, $3, $4)",
            workspace_id,
            user_identity_id,
            user_identity_key,
            change.at,
        )
        await put_personal(connection, workspace_id, user_identity_id, None, personal)
    return identity


async def update(
    connection: Connection,
    workspace_id: UUID,
    identity: Identity,
    values: Mapping[str, str | None],
) -> None:
    """Changes key, full_name, email_address and phone_number, as far as they are among the values.

    Raises ApiError 409 where another identity has the new key, e-mail address or phone number.
    """
    if KEY in values:
        await set_key(connection, workspace_id, identity.user_identity_id, values[KEY])
    personal = replace(
        identity.personal, **{name: value for name, value in values.items() if name != KEY}
    )
    await _set_personal(connection, workspace_id, identity, personal)


async def set_key(
    connection: Connection, workspace_id: UUID, user_identity_id: UUID, key: str | None
) -> None:
    """Gives an identity another key, or none. Raises ApiError 409 where another one has it."""
    await _check_key(connection, workspace_id, user_identity_id, key)
    with _unique():
        await connection.execute(
            "update user_identity set user_identity_key = $3 where workspace_id = $1"
            " and user_identity_id = $2 and user_identity_key is distinct from $3",
            workspace_id,
            user_identity_id,
            key,
        )


async def manage(connection: Connection, workspace_id: UUID, user_identity_id: UUID) -> None:
    """Makes an unmanaged identity one like all others."""
    await connection.execute(
        "update user_identity set is_managed = true"
        " where workspace_id = $1 and user_identity_id = $2",
        workspace_id,
        user_identity_id,
    )


async def erase(connection: Connection, change: Change, user_identity_id: UUID) -> None:
    """Takes an identity away, its values too; whoever was it must have gone before."""
    await IDENTITIES.delete(connection, change, [(user_identity_id,)])


async def systems_in_common(
    connection: Connection, workspace_id: UUID, user_identity_ids: Collection[UUID]
) -> list[str]:
    """The names of the systems in which two or more of these identities have a user."""
    rows = await connection.fetch(
        "select s.name from acs_user u join acs_system s on s.workspace_id = u.workspace_id"
        " and s.acs_system_id = u.acs_system_id"
        " where u.workspace_id = $1 and u.user_identity_id = any ($2::uuid[])"
        " group by s.acs_system_id, s.name having count(*) > 1 order by s.name",
        workspace_id,
        list(user_identity_ids),
    )
    return [row["name"] for row in rows]


async def merge(
    connection: Connection, change: Change, primary: Identity, others: Sequence[Identity]
) -> None:
    """Makes of several identities, of which no two have users in one system, the first one.

    Users, client sessions, phones and action attempts become the primary's, as do all names that
    the others ever had. An e-mail address or a phone number that it lacks it takes from the first
    of the others that has one.
    """
    ids = [other.user_identity_id for other in others]
    for statement in _MOVED:
        await connection.execute(statement, change.workspace_id, primary.user_identity_id, ids)
    await connection.execute(_NAMED, change.workspace_id, primary.user_identity_id, ids, change.at)
    await IDENTITIES.delete(connection, change, [(each,) for each in ids])
    inherited = primary.personal
    for other in others:
        inherited = replace(
            inherited,
            email_address=inherited.email_address or other.personal.email_address,
            phone_number=inherited.phone_number or other.personal.phone_number,
        )
    await _set_personal(connection, change.workspace_id, primary, inherited)


# Whatever names an identity, but for what happened.
_MOVED: Final = tuple(
    f"update {table} set user_identity_id = $2"  # noqa: S608
    " where workspace_id = $1 and user_identity_id = any ($3::uuid[])"
    for table in ("acs_user", "client_session", "action_attempt", "phone", "merged_user_identity")
)
_NAMED: Final = """
insert into merged_user_identity
select n.workspace_id, n.user_identity_id, $2, n.user_identity_key, $4 from user_identity n
where n.workspace_id = $1 and n.user_identity_id = any ($3::uuid[])"""


async def _set_personal(
    connection: Connection, workspace_id: UUID, identity: Identity, personal: Personal
) -> None:
    if personal != identity.personal:
        with _unique():
            await put_personal(connection, workspace_id, identity.user_identity_id, None, personal)


async def _check_key(
    connection: Connection, workspace_id: UUID, user_identity_id: UUID, key: str | None
) -> None:
    if key is not None and await called(connection, workspace_id, key) not in {
        None,
        user_identity_id,
    }:
        raise _duplicate(KEY)


@contextmanager
def _unique() -> Iterator[None]:
    try:
        yield
    except asyncpg.UniqueViolationError as conflict:
        name = _UNIQUE.get(conflict.constraint_name or "")
        if name is None:
            raise
        raise _duplicate(name) from conflict


def _duplicate(name: str) -> ApiError:
    return ApiError(409, f"duplicate_{name}", f"Another user identity has this {name}")
