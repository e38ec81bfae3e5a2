"""Deleting an account with its systems and all that is theirs, each with the event that tells."""

from doorward.events import catalogue, deletions
from doorward.events.catalogue import Occasion
from doorward.resources.connected_account import ConnectedAccount
from doorward.store import accounts, events
from doorward.store.database import Connection
from doorward.store.journal import Change
from doorward.store.people import CREDENTIALS, USERS
from doorward.store.rows import column
from doorward.store.structure import ACCESS_GROUPS, CONTROLLERS, ENCODERS, ENTRANCES, SYSTEMS


async def delete(connection: Connection, change: Change, account: ConnectedAccount) -> None:
    """Takes an account away. The caller has the transaction and the journal's counter."""
    workspace_id = change.workspace_id
    systems = await SYSTEMS.read_by(
        connection, workspace_id, "connected_account_id", [account.connected_account_id]
    )
    ids = column(system.ids for system in systems)
    for table, remove in (
        (USERS, deletions.delete_users),
        (CREDENTIALS, deletions.delete_credentials),
        (ACCESS_GROUPS, deletions.delete_groups),
        (ENCODERS, deletions.delete_encoders),
        (ENTRANCES, deletions.delete_entrances),
    ):
        rows = await table.read_by(connection, workspace_id, "acs_system_id", ids)
        await remove(connection, change, column(row.ids for row in rows))
    await CONTROLLERS.erase(connection, change, "acs_system_id", ids)
    await SYSTEMS.delete(connection, change, [system.ids for system in systems])
    await accounts.delete(connection, workspace_id, account.connected_account_id)
    occasion = Occasion(workspace_id, change.at, change.at)
    told = catalogue.connected_account_deleted(occasion, account)
    await events.insert_events(connection, workspace_id, [told])
