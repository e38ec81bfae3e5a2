"""Telling of credentials: what became of each."""

from collections.abc import Callable, Iterable
from uuid import UUID

from doorward.events import catalogue
from doorward.events.catalogue import Occasion
from doorward.events.deletions import in_order
from doorward.resources.event import Event
from doorward.store import events, systems
from doorward.store.database import Connection
from doorward.store.journal import Change
from doorward.store.people import Credential

# A type of events about one credential, of the catalogue.
Kind = Callable[[Occasion, UUID, UUID, UUID], Event]


async def tell(
    connection: Connection, change: Change, told: Iterable[tuple[Credential, Kind]]
) -> None:
    """Tells of credentials, in this order. For whoever has the transaction."""
    accounts = await systems.accounts_of(connection, change.workspace_id)
    occasion = Occasion(change.workspace_id, change.at, change.at)
    made = [
        kind(occasion, accounts[each.acs_system_id], each.acs_system_id, each.acs_credential_id)
        for each, kind in told
    ]
    await events.insert_events(connection, change.workspace_id, in_order(made))


def of_state(old: Credential, state: str) -> Kind | None:
    """What tells that a credential is declared so, None where nobody could use it anyway."""
    if old.issued_at is None:
        return None
    if old.state == "active":
        return catalogue.acs_credential_invalidated
    return catalogue.acs_credential_reissued if state == "active" else None
