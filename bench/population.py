"""People who are really there: written through the journal, in bulk, into a running database."""

import os
from collections.abc import Iterator, Sequence
from itertools import islice
from uuid import UUID, uuid4

from doorward.policy.facts import NO_KEY, Kind
from doorward.store.database import Connection
from doorward.store.personal import Of, Personal, personal_hash, put_all

# A transaction's worth: the doors take it in a few looks.
CHUNK = 5_000
# A row written often in one transaction gets slower each time.
_REFILL = 250

_FIRST = ("Ada", "Ben", "Cleo", "Dan", "Eva", "Finn", "Gül", "Hugo", "Iris", "Jan", "Kim", "Lena")
_SYLLABLES = [first + second for first in "bdfgklmnprstvwzj" for second in "aeiou"]


def name(place: int) -> str:
    """First name and surname of the person at a place; at most three of a million share theirs."""
    return f"{_FIRST[place % len(_FIRST)]} {surname(place)}"


def surname(place: int) -> str:
    """The surname of the person at a place."""
    # An odd multiplier spreads neighbours over all of them.
    number, parts = place * 205_891 % len(_SYLLABLES) ** 3, []
    for _ in range(3):
        number, part = divmod(number, len(_SYLLABLES))
        parts.append(_SYLLABLES[part])
    return "".join(parts).capitalize()


async def add_people(
    connection: Connection, workspace_id: UUID, acs_system_id: UUID, count: int
) -> list[UUID]:
    """Adds people to a system; answers their ids."""
    users = [uuid4() for _ in range(count)]
    for first, chunk in _chunks(users, CHUNK):
        async with connection.transaction():
            await _add(connection, workspace_id, acs_system_id, first, chunk)
    return users


async def _add(
    connection: Connection, workspace_id: UUID, acs_system_id: UUID, first: int, users: list[UUID]
) -> None:
    people = [
        Of(user, acs_system_id, os.urandom(16), Personal(name(first + place)))
        for place, user in enumerate(users)
    ]
    hashes = [personal_hash(of.salt, of.personal) for of in people]
    keys = [NO_KEY] * len(users)
    await _record(connection, workspace_id, acs_system_id, Kind.USER, users, keys, hashes)
    await connection.execute(
        "insert into acs_user (workspace_id, acs_user_id, acs_system_id, created_at)"
        " select $1, u, $2, now() from unnest($3::uuid[]) u",
        workspace_id,
        acs_system_id,
        users,
    )
    await put_all(connection, workspace_id, people)


async def join(
    connection: Connection,
    workspace_id: UUID,
    acs_system_id: UUID,
    acs_access_group_id: UUID,
    users: list[UUID],
) -> None:
    """Puts people into a group that they have never been in."""
    for _, chunk in _chunks(users, CHUNK):
        groups = [acs_access_group_id] * len(chunk)
        async with connection.transaction():
            first = await _record(
                connection, workspace_id, acs_system_id, Kind.MEMBERSHIP, groups, chunk
            )
            await connection.execute(
                "insert into acs_membership select $1, $2, u.id, true, true, $3 + u.n - 1, now(),"
                " now() from unnest($4::uuid[]) with ordinality u (id, n)",
                workspace_id,
                acs_access_group_id,
                first,
                chunk,
            )


async def _record(
    connection: Connection,
    workspace_id: UUID,
    acs_system_id: UUID,
    kind: Kind,
    a: Sequence[UUID],
    b: Sequence[UUID],
    hashes: Sequence[bytes] | None = None,
) -> int:
    count = len(a)
    first: int = await connection.fetchval(
        "select record_changes($1, 'bench', now(), true, $2, $3, $4, $5, $6::text[]::jsonb[], $7)",
        workspace_id,
        [acs_system_id] * count,
        [kind.value] * count,
        a,
        b,
        ["{}"] * count,
        hashes or [None] * count,
    )
    return first


async def refill(
    connection: Connection, workspace_id: UUID, acs_access_group_id: UUID, users: list[UUID]
) -> None:
    """Puts everybody back into the group."""
    for _, chunk in _chunks(users, _REFILL):
        count = len(chunk)
        await connection.execute(
            "select count(*) from change_memberships($1, $2, $3, $4, $5, $6, $7)",
            [await connection.fetchval("select now()")] * count,
            ["bench"] * count,
            [workspace_id] * count,
            [True] * count,
            [acs_access_group_id] * count,
            chunk,
            [None] * count,
        )


def _chunks(users: list[UUID], size: int) -> Iterator[tuple[int, list[UUID]]]:
    left, first = iter(users), 0
    while chunk := list(islice(left, size)):
        yield first, chunk
        first += len(chunk)


async def copy_site(connection: Connection, workspace_id: UUID) -> tuple[UUID, UUID, UUID]:
    """A second workspace without a controller: its id, its system's and its group's."""
    other, account, system, group = uuid4(), uuid4(), uuid4(), uuid4()
    async with connection.transaction():
        await connection.execute(
            "insert into workspace (workspace_id, name, company_name, is_sandbox, publishable_key,"
            " created_at) select $2, name, company_name, true, publishable_key, created_at"
            " from workspace where workspace_id = $1",
            workspace_id,
            other,
        )
        await connection.execute("insert into policy_revision (workspace_id) values ($1)", other)
        await connection.execute(
            "insert into connected_account (workspace_id, connected_account_id, account_type,"
            " account_type_display_name, display_name, created_at)"
            " values ($1, $2, 'doorward', 'Doorward', 'bench', now())",
            other,
            account,
        )
        await connection.execute(
            "insert into acs_system values ($1, $2, $3, 'bench', 'doorward_system', 'Doorward',"
            " null, now())",
            other,
            system,
            account,
        )
        await connection.execute(
            "insert into acs_access_group (workspace_id, acs_access_group_id, acs_system_id, name,"
            " created_at) values ($1, $2, $3, 'bench', now())",
            other,
            group,
            system,
        )
    return other, system, group
