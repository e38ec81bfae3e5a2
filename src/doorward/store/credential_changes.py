"""Credentials, as the API makes and changes them; for operations of the writer.

Every change is journalled with the row, and none tells anybody by an event: the API does.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

import asyncpg

from doorward.errors import ApiError
from doorward.policy.cards import CardNumber, CodeNumber
from doorward.store.credentials import lookup, seal_number
from doorward.store.database import Connection
from doorward.store.journal import Change
from doorward.store.links import CREDENTIAL_ENTRANCES, CredentialEntrance
from doorward.store.people import CREDENTIALS, Credential
from doorward.store.secrets import Keyring

State = Literal["active", "disabled", "lost", "stolen"]

_SET_STATE: Final = """
update acs_credential set state_changed_at = $3, state_changed_by = $4, state_reason = $5
where workspace_id = $1 and acs_credential_id = $2"""


async def find(
    connection: Connection, workspace_id: UUID, acs_credential_id: UUID
) -> Credential | None:
    """A credential that may be changed, None for an unknown id and for an unmanaged one."""
    is_managed = await connection.fetchval(
        "select is_managed from acs_credential where workspace_id = $1 and acs_credential_id = $2",
        workspace_id,
        acs_credential_id,
    )
    if not is_managed:
        return None
    found = await CREDENTIALS.read(connection, workspace_id, [(acs_credential_id,)])
    return found.get((acs_credential_id,))


async def insert(
    connection: Connection,
    change: Change,
    credential: Credential,
    acs_entrance_ids: Sequence[UUID],
) -> None:
    """Makes a credential, with the entrances that it opens by itself."""
    await CREDENTIALS.insert(connection, change, [credential])
    if acs_entrance_ids:
        credential_id, system_id = credential.acs_credential_id, credential.acs_system_id
        rows = [CredentialEntrance(credential_id, each, system_id) for each in acs_entrance_ids]
        await CREDENTIAL_ENTRANCES.insert(connection, change, rows)


async def update(connection: Connection, change: Change, old: Credential, new: Credential) -> None:
    """Changes a credential. Raises ApiError 409 where another one has its card."""
    with _one_of_each_card():
        await CREDENTIALS.update(connection, change, [(old, new)])


async def set_state(
    connection: Connection, change: Change, old: Credential, state: State, reason: str | None
) -> None:
    """Sets a credential's state, and keeps who did it and why."""
    await update(connection, change, old, replace(old, state=state))
    ids = (change.workspace_id, old.acs_credential_id)
    await connection.execute(_SET_STATE, *ids, change.at, change.actor, reason)


async def delete(connection: Connection, change: Change, credential: Credential) -> None:
    """Takes a credential away, with its number and its entrances."""
    await CREDENTIALS.delete(connection, change, [credential.ids])


def numbered(
    keyring: Keyring,
    workspace_id: UUID,
    credential: Credential,
    number: CardNumber | CodeNumber,
    issued_at: datetime,
) -> Credential:
    """The credential with a number, issued at an instant."""
    credential_id = credential.acs_credential_id
    is_card = isinstance(number, CardNumber)
    return replace(
        credential,
        card_format=number.format if isinstance(number, CardNumber) else None,
        lookup=lookup(keyring, workspace_id, number),
        sealed=seal_number(keyring, workspace_id, credential_id, number.text),
        code_length=None if is_card else len(number.text),
        issued_at=issued_at,
    )


async def systems_of_entrances(
    connection: Connection, workspace_id: UUID, acs_entrance_ids: Sequence[UUID]
) -> dict[UUID, UUID]:
    """The access system of each of these entrances that there are."""
    rows = await connection.fetch(
        "select acs_entrance_id, acs_system_id from acs_entrance"
        " where workspace_id = $1 and acs_entrance_id = any ($2::uuid[])",
        workspace_id,
        list(acs_entrance_ids),
    )
    return {row["acs_entrance_id"]: row["acs_system_id"] for row in rows}


@contextmanager
def _one_of_each_card() -> Iterator[None]:
    try:
        yield
    except asyncpg.UniqueViolationError as conflict:
        if conflict.constraint_name != "acs_credential_by_card":
            raise
        raise ApiError(
            409, "duplicate_card_number", "Another credential of the access system has this card"
        ) from conflict
