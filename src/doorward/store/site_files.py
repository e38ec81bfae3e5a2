"""The site files of sandbox workspaces, sealed: they tell names, addresses and numbers."""

from uuid import UUID

from doorward.store.database import Connection
from doorward.store.journal import Change
from doorward.store.secrets import Keyring
from doorward.store.select import Source


async def keep(
    connection: Connection, keyring: Keyring, change: Change, data: bytes | None
) -> None:
    """Keeps the file that a workspace was brought to; with None there is none to be kept."""
    if data is None:
        await connection.execute(
            "delete from site_file where workspace_id = $1", change.workspace_id
        )
        return
    if await read(connection, keyring, change.workspace_id) == data:
        return  # sealed anew it would look changed
    await connection.execute(
        "insert into site_file values ($1, $2, $3) on conflict (workspace_id) do update"
        " set sealed = excluded.sealed, applied_at = excluded.applied_at",
        change.workspace_id,
        keyring.seal(data, _context(change.workspace_id)),
        change.at,
    )


async def read(source: Source, keyring: Keyring, workspace_id: UUID) -> bytes | None:
    """The file that a workspace was brought to last, None where none is kept."""
    sealed = await source.fetchval(
        "select sealed from site_file where workspace_id = $1", workspace_id
    )
    return None if sealed is None else keyring.open(sealed, _context(workspace_id))


def _context(workspace_id: UUID) -> bytes:
    return b"site_file" + workspace_id.bytes
