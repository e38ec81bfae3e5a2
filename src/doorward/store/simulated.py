"""Simulated access systems: the list that each would keep elsewhere, and how it misbehaves.

Values are sealed, as everything that tells of people's cards and codes is.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Final
from uuid import UUID

import msgspec

from doorward.store.database import Database
from doorward.store.external import Fields, Key, Where
from doorward.store.secrets import Keyring


class Faults(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a system misbehaves.

    refused: users whom it does not take. seats: how many people it takes, None for any number.
    is_lying: it says that it has done what it was asked, and does nothing. is_erring: it does what
    it was asked, and says that it could not. is_masking: it does not tell numbers of credentials.
    drops_codes: it takes a credential and leaves its number away. code_digits: it keeps so many
    digits of a code. lacks_suspension: it claims that it can suspend people, and cannot.
    """

    is_unreachable: bool = False
    refused: frozenset[UUID] = frozenset()
    seats: Annotated[int, msgspec.Meta(ge=0)] | None = None
    is_lying: bool = False
    is_erring: bool = False
    is_masking: bool = False
    drops_codes: bool = False
    code_digits: Annotated[int, msgspec.Meta(ge=1)] | None = None
    lacks_suspension: bool = False


class Behaviour(msgspec.Struct, frozen=True):
    """How long a system takes for an answer, in milliseconds, and its faults."""

    latency_ms: int
    faults: Faults


_PUT: Final = """
insert into simulated_object values ($1, $2, $4, $5, $3, $6)
on conflict (workspace_id, acs_system_id, object_id, related_id, kind) do update
set sealed = excluded.sealed"""

_COUNT: Final = """
select count(*) from simulated_object o
join unnest($3::text[], $4::uuid[], $5::uuid[]) k (kind, object_id, related_id)
  on k.kind = o.kind and k.object_id = o.object_id and k.related_id = o.related_id
where o.workspace_id = $1 and o.acs_system_id = $2"""

# A person takes memberships and credentials along, a group its memberships.
_DELETE: Final = """
delete from simulated_object where workspace_id = $1 and acs_system_id = $2 and (
  (kind = $3 and object_id = $4 and related_id = $5)
  or ($3 = 'user' and kind = 'membership' and object_id = $4)
  or ($3 = 'group' and kind = 'membership' and related_id = $4)
  or (kind, object_id, related_id) in (select * from unnest($6::text[], $7::uuid[], $8::uuid[])))"""


async def behaviour(database: Database, where: Where) -> Behaviour | None:
    """How a system behaves now, None for one that is not simulated."""
    row = await database.fetchrow(
        "select latency_ms, faults from simulated_system"
        " where workspace_id = $1 and acs_system_id = $2",
        *where,
    )
    if row is None:
        return None
    return Behaviour(row[0], msgspec.json.decode(row[1], type=Faults))


async def behave(database: Database, where: Where, behaviour: Behaviour) -> None:
    """Sets how a system behaves from now on."""
    await database.execute(
        "update simulated_system set latency_ms = $3, faults = $4::text::jsonb"
        " where workspace_id = $1 and acs_system_id = $2",
        *where,
        behaviour.latency_ms,
        msgspec.json.encode(behaviour.faults).decode(),
    )


async def read(database: Database, keyring: Keyring, where: Where) -> dict[Key, Fields]:
    """The system's own list."""
    rows = await database.fetch(
        "select kind, object_id, related_id, sealed from simulated_object"
        " where workspace_id = $1 and acs_system_id = $2",
        *where,
    )
    found: dict[Key, Fields] = {}
    for kind, object_id, related_id, sealed in rows:
        key = Key(kind, object_id, related_id)
        found[key] = msgspec.json.decode(keyring.open(sealed, _context(where, key)))
    return found


async def count(database: Database, where: Where, keys: Sequence[Key]) -> int:
    """How many of these objects are on the list."""
    if not keys:
        return 0
    columns = [[key[place] for key in keys] for place in range(len(Key._fields))]
    return int(await database.fetchval(_COUNT, *where, *columns))


async def count_people(database: Database, where: Where) -> int:
    """How many people are on the list."""
    found: int = await database.fetchval(
        "select count(*) from simulated_object"
        " where workspace_id = $1 and acs_system_id = $2 and kind = 'user'",
        *where,
    )
    return found


async def put(
    database: Database, keyring: Keyring, where: Where, key: Key, fields: Mapping[str, object]
) -> None:
    """Writes one object into the list."""
    sealed = keyring.seal(msgspec.json.encode(fields), _context(where, key))
    await database.execute(_PUT, *where, *key, sealed)


async def delete(database: Database, where: Where, key: Key, with_it: Sequence[Key] = ()) -> None:
    """Takes one object off the list, and its memberships, and what else goes with it."""
    columns = [[each[place] for each in with_it] for place in range(len(Key._fields))]
    await database.execute(_DELETE, *where, *key, *columns)


async def forget(database: Database, where: Where) -> None:
    """Empties the list."""
    await database.execute(
        "delete from simulated_object where workspace_id = $1 and acs_system_id = $2", *where
    )


def _context(where: Where, key: Key) -> bytes:
    return b"simulated_object" + where.acs_system_id.bytes + key.object_id.bytes
