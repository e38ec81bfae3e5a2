"""Whose code is whose: equal codes must never open the same entrance."""

from uuid import UUID

from doorward.errors import ApiError
from doorward.store.database import Connection


async def is_taken(
    connection: Connection,
    workspace_id: UUID,
    lookup: bytes,
    acs_credential_id: UUID,
    acs_user_id: UUID | None,
    acs_entrance_ids: list[UUID],
) -> bool:
    """Whether a credential that gets this code, owner or entrances of its own would share the code
    with another one at an entrance. Windows, states and suspension do not count.

    lookup: the code's keyed hash. acs_entrance_ids: beside what the owner and the credential open.
    """
    taken: bool = await connection.fetchval(
        "select is_code_taken($1, $2, $3, $4, reach_of($1, $4, $3) || $5::uuid[])",
        workspace_id,
        lookup,
        acs_credential_id,
        acs_user_id,
        acs_entrance_ids,
    )
    return taken


async def check_codes_of(connection: Connection, workspace_id: UUID, acs_user_id: UUID) -> None:
    """Refuses what gave a person more entrances where one of her codes is somebody else's there.

    To be called after the change, in its savepoint. Raises ApiError 409.
    """
    is_shared: bool = await connection.fetchval(
        "select exists (select from acs_credential c"
        " where c.workspace_id = $1 and c.acs_user_id = $2 and c.access_method = 'code'"
        " and c.lookup is not null and is_code_taken($1, c.lookup, c.acs_credential_id, $2,"
        " reach_of($1, $2, c.acs_credential_id)))",
        workspace_id,
        acs_user_id,
    )
    if is_shared:
        raise duplicate_code()


def duplicate_code() -> ApiError:
    """What is answered to a change that would let two equal codes meet; not whose the other is."""
    return ApiError(
        409, "duplicate_access_code", "The code is taken at an entrance that it would open"
    )
