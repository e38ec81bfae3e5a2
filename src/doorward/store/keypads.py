"""Wrong codes at keypads, handed in by the controller that counted them, for the next one."""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

import msgspec

from doorward.policy.throttle import Attempts, stricter
from doorward.store.controllers import ControllerKey, Link
from doorward.store.database import Connection

# The readers' rows are locked, also those that have no wrong codes yet: two servers that hand in
# at once do so one after the other.
_KNOWN: Final = """
select r.reader_id, k.attempts::text
from reader r left join keypad k on k.workspace_id = r.workspace_id and k.reader_id = r.reader_id
where r.workspace_id = $1 and r.reader_id = any ($2)
order by r.reader_id
for no key update of r
"""

_KEEP: Final = """
insert into keypad
select $1, x.reader_id, x.attempts::jsonb
from unnest($2::uuid[], $3::text[]) x (reader_id, attempts)
on conflict (workspace_id, reader_id) do update set attempts = excluded.attempts
"""

_TELL: Final = """
update controller set keypad_version = keypad_version + 1
where workspace_id = $1 and controller_id = $2
"""

_OF_CONTROLLER: Final = """
select k.reader_id, k.attempts::text
from acs_entrance e
join reader r on r.workspace_id = e.workspace_id and r.acs_entrance_id = e.acs_entrance_id
join keypad k on k.workspace_id = r.workspace_id and k.reader_id = r.reader_id
where e.workspace_id = $1 and e.controller_id = $2
"""


async def count_wrong(
    connection: Connection, key: ControllerKey, attempts: Mapping[UUID, Attempts]
) -> None:
    """Takes in what keypads remember, by reader_id, beside what is known of them already.

    It may come late, twice and in any order; readers that are gone are passed over. In a
    transaction.
    """
    rows = await connection.fetch(_KNOWN, key.workspace_id, list(attempts))
    known = {row["reader_id"]: _decoded(row["attempts"] or "{}") for row in rows}
    merged = {id_: stricter(old, attempts[id_]) for id_, old in known.items()}
    changed = {id_: new for id_, new in merged.items() if new != known[id_]}
    if changed:
        bodies = [msgspec.json.encode(each).decode() for each in changed.values()]
        await connection.execute(_KEEP, key.workspace_id, list(changed), bodies)
        await connection.execute(_TELL, *key[:2])


async def read_keypads(link: Link, key: ControllerKey) -> dict[UUID, Attempts]:
    """What the keypads of a controller remember, by reader_id; those without wrong codes are not
    in it. Raises `Unavailable`.
    """
    rows = await link.fetch(_OF_CONTROLLER, *key[:2])
    return {row["reader_id"]: _decoded(row["attempts"]) for row in rows}


def _decoded(attempts: str) -> Attempts:
    return msgspec.json.decode(attempts, type=Attempts)
