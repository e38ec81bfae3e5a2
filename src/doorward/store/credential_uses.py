"""How often credentials with a use limit have opened doors, as controllers hand it in."""

from collections.abc import Mapping
from dataclasses import replace
from uuid import UUID

import msgspec

from doorward.store.database import Connection
from doorward.store.journal import Change
from doorward.store.people import CREDENTIALS, Credential


async def count_uses(
    connection: Connection, change: Change, controller_id: UUID, totals: Mapping[UUID, int]
) -> None:
    """Takes in how often credentials have opened doors of one controller, in all.

    totals: by acs_credential_id. A count only ever grows, so that totals may come late, twice and
    in any order; credentials that are gone are passed over. For an operation of the writer.
    """
    rows = await CREDENTIALS.read(connection, change.workspace_id, [(each,) for each in totals])
    counted = [
        (row, _counted(row, str(controller_id), totals[row.acs_credential_id]))
        for row in rows.values()
    ]
    changed = [(old, new) for old, new in counted if old.uses != new.uses]
    if changed:
        await CREDENTIALS.update(connection, change, changed)


def use_count(uses: str) -> int:
    """How often a credential has opened a door, from what acs_credential.uses holds."""
    return sum(msgspec.json.decode(uses, type=dict[str, int]).values())


def _counted(row: Credential, controller: str, total: int) -> Credential:
    uses = msgspec.json.decode(row.uses, type=dict[str, int])
    if total <= uses.get(controller, 0):
        return row
    return replace(row, uses=msgspec.json.encode({**uses, controller: total}).decode())
