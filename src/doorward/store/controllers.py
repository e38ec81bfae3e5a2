"""Controllers as the server knows them: who runs one, what it has confirmed, what that settles."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple
from uuid import UUID

import asyncpg
import msgspec

from doorward.resources.door import DoorReader
from doorward.store.database import Connection, Database, unavailable
from doorward.store.watch import Position

LEASE_SECONDS: Final = 5.0


class ControllerKey(NamedTuple):
    """Which controller, with the access system whose doors it keeps."""

    workspace_id: UUID
    controller_id: UUID
    acs_system_id: UUID


@dataclass(frozen=True, slots=True)
class ControllerRow:
    """A controller as the database has it. `is_connected`: somebody runs it, and it is not held."""

    key: ControllerKey
    name: str
    is_held: bool
    is_connected: bool
    confirmed: Position
    last_contact_at: datetime | None


@dataclass(frozen=True, slots=True)
class EntranceRow:
    """An entrance, the controller that keeps it, and its readers, entry readers first."""

    acs_entrance_id: UUID
    display_name: str
    controller: ControllerRow
    readers: list[DoorReader]


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What a controller holds in memory and on disk, with the lease that entitles it to say so."""

    key: ControllerKey
    holder: str
    generation: int
    position: Position


@dataclass(frozen=True, slots=True)
class Claim:
    """The answer to whoever wants to run a controller.

    standing: `ours` with its generation, `other` while somebody else's lease runs, `retired` when
    there is no such controller.
    """

    standing: Literal["ours", "other", "retired"]
    generation: int


class Link:
    """A connection that all controllers of a process share, so that they wait for no other caller.

    Leases, the journal's tail and confirmations go over it. It does not wait for PostgreSQL's
    disk: a crash that forgets a confirmation makes the same controller confirm again, and whoever
    loses a lease so is told with the next renewal.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection: Connection | None = None
        self._turn = asyncio.Lock()

    async def fetch(self, query: str, *args: Any) -> list[asyncpg.Record]:
        """All rows of a statement. Raises `Unavailable`; the next call connects anew."""
        async with self._turn:
            connection = self._connection or await self._connect()
            try:
                with unavailable():
                    return await connection.fetch(query, *args)
            except BaseException:
                self._drop()
                raise

    async def close(self) -> None:
        """Lets go of the connection."""
        async with self._turn:
            self._drop()

    async def _connect(self) -> Connection:
        connection = await self._database.connect()
        self._connection = connection
        with unavailable():
            await connection.execute("set synchronous_commit = off")
        return connection

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()


_ROW: Final = (
    "c.workspace_id, c.controller_id, c.acs_system_id, c.name, c.is_held,"
    " not c.is_held and coalesce(c.lease_until > clock_timestamp(), false) as is_connected,"
    " c.confirmed_epoch, c.confirmed_revision, c.last_contact_at"
)

_READERS: Final = (
    "coalesce((select jsonb_agg(jsonb_build_object('reader_id', r.reader_id, 'name', r.name,"
    " 'direction', r.direction) order by r.direction <> 'entry', r.reader_id) from reader r"
    " where r.workspace_id = e.workspace_id and r.acs_entrance_id = e.acs_entrance_id), '[]')"
)


def _row(row: asyncpg.Record) -> ControllerRow:
    return ControllerRow(
        ControllerKey(row["workspace_id"], row["controller_id"], row["acs_system_id"]),
        row["name"],
        row["is_held"],
        row["is_connected"],
        Position(row["confirmed_epoch"], row["confirmed_revision"]),
        row["last_contact_at"],
    )


async def list_controllers(database: Database) -> list[ControllerRow]:
    """Every controller of every workspace."""
    rows = await database.fetch(f"select {_ROW} from controller c order by c.controller_id")  # noqa: S608
    return [_row(row) for row in rows]


async def list_entrances(database: Database, workspace_id: UUID) -> list[EntranceRow]:
    """The entrances of a workspace in the order of their making, each with its controller."""
    rows = await database.fetch(
        f"select e.acs_entrance_id, e.display_name, {_READERS} as readers, {_ROW}"  # noqa: S608
        " from acs_entrance e"
        " join controller c on c.workspace_id = e.workspace_id"
        " and c.controller_id = e.controller_id where e.workspace_id = $1"
        " order by e.created_at, e.acs_entrance_id",
        workspace_id,
    )
    return [
        EntranceRow(row["acs_entrance_id"], row["display_name"], _row(row), _readers(row))
        for row in rows
    ]


def _readers(row: asyncpg.Record) -> list[DoorReader]:
    return msgspec.json.decode(row["readers"], type=list[DoorReader])


async def decides_at(database: Database, workspace_id: UUID, acs_entrance_id: UUID) -> bool | None:
    """Whether a controller of ours decides at an entrance; None for an unknown one."""
    decides: bool | None = await database.fetchval(
        "select controller_id is not null from acs_entrance"
        " where workspace_id = $1 and acs_entrance_id = $2",
        workspace_id,
        acs_entrance_id,
    )
    return decides


async def set_held(
    database: Database, workspace_id: UUID, controller_id: UUID, *, is_held: bool
) -> bool:
    """Cuts a controller's link on purpose, or mends it; False without such a controller."""
    tag = await database.execute(
        "update controller set is_held = $3 where workspace_id = $1 and controller_id = $2",
        workspace_id,
        controller_id,
        is_held,
    )
    return tag != "UPDATE 0"


_CLAIM: Final = """
with claimed as (
  update controller set
    lease_holder = $3,
    lease_until = clock_timestamp() + $4 * interval '1 second',
    lease_generation = lease_generation
      + case when lease_holder = $3 and lease_generation = $5 then 0 else 1 end,
    last_contact_at = case when is_held then last_contact_at else clock_timestamp() end
  where workspace_id = $1 and controller_id = $2 and (
    (lease_holder = $3 and (lease_generation = $5 or $6))
    or lease_until is null or lease_until < clock_timestamp())
  returning lease_generation
)
select 'ours' as standing, lease_generation from claimed
union all
select 'other', lease_generation from controller
  where workspace_id = $1 and controller_id = $2 and not exists (select from claimed)
"""


async def claim(
    link: Link, key: ControllerKey, holder: str, generation: int, *, is_first: bool
) -> Claim:
    """Takes the lease of a controller for LEASE_SECONDS, or renews it; never another's that runs.

    A lease that lapsed is renewed under its generation as long as nobody else took it. is_first:
    the holder has just started, so that a lease under its name is left over from an earlier life.
    """
    rows = await link.fetch(_CLAIM, *key[:2], holder, LEASE_SECONDS, generation, is_first)
    return Claim(*rows[0]) if rows else Claim("retired", 0)


async def release(link: Link, key: ControllerKey, holder: str, generation: int) -> None:
    """Gives a lease back, so that the next one need not wait until it has lapsed."""
    await link.fetch(
        "update controller set lease_until = null where workspace_id = $1 and controller_id = $2"
        " and lease_holder = $3 and lease_generation = $4",
        *key[:2],
        holder,
        generation,
    )


_CONFIRM: Final = """
update controller c set
  confirmed_epoch = x.epoch, confirmed_revision = x.revision, last_contact_at = clock_timestamp()
from unnest($1::uuid[], $2::uuid[], $3::text[], $4::bigint[], $5::integer[], $6::bigint[])
  x (workspace_id, controller_id, holder, generation, epoch, revision)
where c.workspace_id = x.workspace_id and c.controller_id = x.controller_id
  and c.lease_holder = x.holder and c.lease_generation = x.generation and not c.is_held
returning c.controller_id
"""


async def confirm(link: Link, confirmations: Sequence[Confirmation]) -> set[UUID]:
    """Keeps what controllers confirm; answers which were heard.

    A held controller is not heard, nor one whose lease went to somebody else.
    """
    ordered = sorted(confirmations, key=lambda each: each.key.controller_id)
    rows = await link.fetch(
        _CONFIRM,
        [each.key.workspace_id for each in ordered],
        [each.key.controller_id for each in ordered],
        [each.holder for each in ordered],
        [each.generation for each in ordered],
        [each.position.epoch for each in ordered],
        [each.position.revision for each in ordered],
    )
    return {row["controller_id"] for row in rows}


async def is_behind(
    database: Database, workspace_id: UUID, position: Position
) -> tuple[bool, bool]:
    """Whether any controller of a workspace is behind `position`, and any of the connected ones."""
    row = await database.fetchrow(
        "select count(*) > 0, count(*) filter (where not is_held"
        " and lease_until > clock_timestamp()) > 0 from controller"
        " where workspace_id = $1 and (confirmed_epoch, confirmed_revision) < ($2, $3)",
        workspace_id,
        *position,
    )
    assert row is not None
    return row[0], row[1]


async def is_held(connection: Connection, key: ControllerKey) -> bool:
    """Whether a controller's link is cut on purpose; a retired one's is not."""
    held: bool | None = await connection.fetchval(
        "select is_held from controller where workspace_id = $1 and controller_id = $2", *key[:2]
    )
    return bool(held)


async def identities(
    connection: Connection, workspace_id: UUID, acs_user_ids: Collection[UUID]
) -> dict[UUID, UUID]:
    """The identity of each of these users that has one."""
    rows = await connection.fetch(
        "select acs_user_id, user_identity_id from acs_user where workspace_id = $1"
        " and acs_user_id = any ($2) and user_identity_id is not null",
        workspace_id,
        acs_user_ids,
    )
    return {row["acs_user_id"]: row["user_identity_id"] for row in rows}
