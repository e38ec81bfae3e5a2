"""Encoders, as the API shows them; what simulated ones come to next, and which card lies there."""

from collections.abc import Sequence
from typing import Final, Literal, NamedTuple
from uuid import UUID

import asyncpg

from doorward.resources.acs_encoder import AcsEncoder
from doorward.resources.values import iso
from doorward.store import visible
from doorward.store.database import Connection
from doorward.store.select import After, Select, Source
from doorward.store.sight import Sight

Action = Literal["encode", "scan"]
Outcome = Literal[
    "action_attempt_expired",
    "credential_does_not_exist_on_seam",
    "credential_exists_on_seam",
    "credential_is_issued",
    "credential_on_encoder_is_empty",
    "credential_on_encoder_needs_update",
    "encoding_interrupted",
    "no_credential_on_encoder",
    "uncategorized_error",
]

_SELECT: Final = """
select d.*, d.acs_encoder_id id, s.connected_account_id, w.is_sandbox
from acs_encoder d
join acs_system s on s.workspace_id = d.workspace_id and s.acs_system_id = d.acs_system_id
join workspace w on w.workspace_id = d.workspace_id
where d.workspace_id = $1"""
_ORDER: Final = ("d.created_at", "d.acs_encoder_id")

_SET: Final = """
insert into acs_encoder_scenario (workspace_id, acs_encoder_id, action, outcome, acs_credential_id)
select workspace_id, acs_encoder_id, $3, $4, $5 from acs_encoder
where workspace_id = $1 and acs_encoder_id = $2 for key share
on conflict (workspace_id, acs_encoder_id, action)
do update set outcome = excluded.outcome, acs_credential_id = excluded.acs_credential_id
returning true"""

_TAKE: Final = """
delete from acs_encoder_scenario
where workspace_id = $1 and acs_encoder_id = $2 and action = $3
  and (action = 'scan' or acs_credential_id is null or acs_credential_id = $4)
returning outcome, acs_credential_id"""

# The first of the index by card, whose order says nothing of the cards.
_ANY_CARD: Final = """
select acs_credential_id from acs_credential
where workspace_id = $1 and acs_system_id = $2 and access_method = 'card'
  and lookup is not null and is_managed
order by lookup limit 1"""


class Encoder(NamedTuple):
    """Where cards are encoded. is_simulated: its workspace is a sandbox."""

    acs_encoder_id: UUID
    acs_system_id: UUID
    is_simulated: bool


class Scenario(NamedTuple):
    """What the next attempt comes to.

    acs_credential_id: the only credential that it holds for, or the one whose card is found.
    """

    outcome: Outcome
    acs_credential_id: UUID | None = None


async def get(source: Source, workspace_id: UUID, acs_encoder_id: UUID) -> AcsEncoder | None:
    """An encoder, None for an unknown id."""
    select = Select(_SELECT, workspace_id)
    select.where("d.acs_encoder_id = {0}", acs_encoder_id)
    row = await select.fetchrow(source)
    return _encoder(row) if row else None


async def list_encoders(
    source: Source,
    workspace_id: UUID,
    *,
    acs_system_ids: Sequence[UUID] | None = None,
    acs_encoder_ids: Sequence[UUID] | None = None,
    sight: Sight | None = None,
    limit: int,
    after: After | None,
) -> tuple[list[AcsEncoder], After | None]:
    """A page of the encoders that match all filters, the oldest first."""
    select = Select(_SELECT, workspace_id)
    select.where_given("d.acs_system_id = any ({0}::uuid[])", acs_system_ids)
    select.where_given("d.acs_encoder_id = any ({0}::uuid[])", acs_encoder_ids)
    visible.narrow_encoders(select, sight)
    rows, next_after = await select.page(source, _ORDER, limit, after)
    return [_encoder(row) for row in rows], next_after


async def find(
    source: Source, workspace_id: UUID, acs_encoder_id: UUID, *, sight: Sight | None = None
) -> Encoder | None:
    """Where to encode, None for an unknown id and for an encoder that is out of sight."""
    select = Select(_SELECT, workspace_id)
    select.where("d.acs_encoder_id = {0}", acs_encoder_id)
    visible.narrow_encoders(select, sight)
    row = await select.fetchrow(source)
    return Encoder(row["id"], row["acs_system_id"], row["is_sandbox"]) if row else None


async def set_scenario(
    connection: Connection,
    workspace_id: UUID,
    acs_encoder_id: UUID,
    action: Action,
    scenario: Scenario,
) -> bool:
    """Keeps what the next attempt comes to, instead of what was to be before; False where the
    encoder has gone.
    """
    kept = await connection.fetchval(_SET, workspace_id, acs_encoder_id, action, *scenario)
    return bool(kept)


async def take_scenario(
    connection: Connection,
    workspace_id: UUID,
    acs_encoder_id: UUID,
    action: Action,
    acs_credential_id: UUID | None = None,
) -> Scenario | None:
    """What an attempt comes to, None where nobody has said; no later one is told the same.

    acs_credential_id: the credential that is to be encoded.
    """
    row = await connection.fetchrow(_TAKE, workspace_id, acs_encoder_id, action, acs_credential_id)
    return Scenario(*row) if row else None


async def lay(
    connection: Connection, workspace_id: UUID, acs_encoder_id: UUID, acs_credential_id: UUID
) -> None:
    """Notes whose card lies on an encoder now."""
    await connection.execute(
        "update acs_encoder set acs_credential_id = $3"
        " where workspace_id = $1 and acs_encoder_id = $2",
        workspace_id,
        acs_encoder_id,
        acs_credential_id,
    )


async def lying(source: Source, workspace_id: UUID, acs_encoder_id: UUID) -> UUID | None:
    """The credential whose card lies on an encoder, if any; it may be gone."""
    found: UUID | None = await source.fetchval(
        "select acs_credential_id from acs_encoder where workspace_id = $1 and acs_encoder_id = $2",
        workspace_id,
        acs_encoder_id,
    )
    return found


async def any_card(source: Source, workspace_id: UUID, acs_system_id: UUID) -> UUID | None:
    """A card of a system that has its number, always the same one; None where there is none."""
    found: UUID | None = await source.fetchval(_ANY_CARD, workspace_id, acs_system_id)
    return found


def _encoder(row: asyncpg.Record) -> AcsEncoder:
    return AcsEncoder(
        acs_encoder_id=row["acs_encoder_id"],
        acs_system_id=row["acs_system_id"],
        connected_account_id=row["connected_account_id"],
        created_at=iso(row["created_at"]),
        display_name=row["display_name"],
        errors=[],
        workspace_id=row["workspace_id"],
    )
