"""What the database holds of a site: the rows that the file declares, or declared before."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple
from uuid import UUID

from doorward.site.declaration import Declaration
from doorward.site.kinds import KINDS, Address
from doorward.site.plan import Actual
from doorward.store import site_objects
from doorward.store.database import Connection
from doorward.store.links import GROUP_ENTRANCES
from doorward.store.rows import Ids, Row
from doorward.store.site_objects import SiteObject


class State(NamedTuple):
    """The rows that there are, and what files have declared before."""

    actual: Actual
    memory: list[SiteObject]


async def read_state(
    connection: Connection, workspace_id: UUID, declared: Sequence[Declaration]
) -> State:
    """The state of everything that is declared, or was before."""
    memory = await site_objects.read_site_objects(connection, workspace_id)
    known = [each for each in memory if each.kind in KINDS]
    wanted = _by_kind([*(each.address for each in declared), *((m.kind, m.ids) for m in known)])
    actual: dict[Address, Row] = {}
    for kind, ids in wanted.items():
        rows = await KINDS[kind].rows.read(connection, workspace_id, ids)
        actual |= {(kind, found): row for found, row in rows.items()}
    for link in await _opened(connection, workspace_id, declared):
        actual["access_group_entrance", link.ids] = link
    return State(actual, known)


def _by_kind(addresses: Iterable[Address]) -> dict[str, list[Ids]]:
    found: dict[str, dict[Ids, None]] = defaultdict(dict)
    for kind, ids in addresses:
        found[kind][ids] = None
    return {kind: list(ids) for kind, ids in found.items()}


async def _opened(
    connection: Connection, workspace_id: UUID, declared: Iterable[Declaration]
) -> Sequence[Row]:
    """Every entrance that the declared groups open, also those that no file names."""
    groups = [each.row.ids[0] for each in declared if each.kind == "access_group"]
    return await GROUP_ENTRANCES.read_by(connection, workspace_id, "acs_access_group_id", groups)
