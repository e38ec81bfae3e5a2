"""Deleting people, credentials, groups and entrances, with the events that tell of it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any
from uuid import UUID, uuid4

from msgspec.structs import replace

from doorward.events import catalogue
from doorward.events.catalogue import Occasion
from doorward.resources.event import Event
from doorward.store import events, pending_changes, systems
from doorward.store.database import Connection
from doorward.store.journal import Change
from doorward.store.people import CREDENTIALS, USERS, Credential, User
from doorward.store.rows import Table
from doorward.store.structure import ACCESS_GROUPS, ENCODERS, ENTRANCES


async def delete_users(
    connection: Connection, change: Change, acs_user_ids: Sequence[UUID]
) -> None:
    """Deletes people with their credentials, memberships, grants and personal values.

    The caller has the transaction and the journal's counter. An unknown id deletes nobody.
    """
    workspace_id = change.workspace_id
    rows = await USERS.read_by(connection, workspace_id, "acs_user_id", acs_user_ids)
    theirs = await CREDENTIALS.read_by(connection, workspace_id, "acs_user_id", acs_user_ids)
    await USERS.delete(connection, change, [row.ids for row in rows])
    await pending_changes.forget(connection, workspace_id, [row.acs_user_id for row in rows])
    accounts = await systems.accounts_of(connection, workspace_id)
    told = [*of_credentials(change, accounts, theirs), *_of_users(change, accounts, rows)]
    await events.insert_events(connection, workspace_id, in_order(told))


async def delete_credentials(connection: Connection, change: Change, ids: Sequence[UUID]) -> None:
    """Deletes credentials with the entrances that they open by themselves, as `delete_users`."""
    await _delete(connection, change, CREDENTIALS, ids, catalogue.acs_credential_deleted)


async def delete_groups(connection: Connection, change: Change, ids: Sequence[UUID]) -> None:
    """Deletes access groups with their memberships and entrances, as `delete_users`."""
    await _delete(connection, change, ACCESS_GROUPS, ids, catalogue.acs_access_group_deleted)
    await pending_changes.forget(connection, change.workspace_id, ids)


async def delete_entrances(connection: Connection, change: Change, ids: Sequence[UUID]) -> None:
    """Deletes entrances with their readers, and whatever opened them, as `delete_users`."""
    await _delete(connection, change, ENTRANCES, ids, catalogue.acs_entrance_removed)


async def delete_encoders(connection: Connection, change: Change, ids: Sequence[UUID]) -> None:
    """Deletes encoders, as `delete_users`."""
    await _delete(connection, change, ENCODERS, ids, catalogue.acs_encoder_removed)


async def _delete(
    connection: Connection,
    change: Change,
    table: Table[Any],
    ids: Sequence[UUID],
    deleted: Callable[..., Event],
) -> None:
    rows = await table.read_by(connection, change.workspace_id, table.keys[0], ids)
    await table.delete(connection, change, [row.ids for row in rows])
    accounts = await systems.accounts_of(connection, change.workspace_id)
    told = [
        deleted(_occasion(change), accounts[row.acs_system_id], row.acs_system_id, *row.ids)
        for row in rows
    ]
    await events.insert_events(connection, change.workspace_id, in_order(told))


def _of_users(change: Change, accounts: dict[UUID, UUID], rows: Iterable[User]) -> Iterator[Event]:
    for row in rows:
        account = accounts[row.acs_system_id]
        yield catalogue.acs_user_deleted(_occasion(change), account, *_of(row))


def of_credentials(
    change: Change, accounts: dict[UUID, UUID], rows: Iterable[Credential]
) -> Iterator[Event]:
    """What tells of credentials that are no more, and can no longer be used, if they could: those
    that went with their owner, or with the phone that they were on.
    """
    for row in rows:
        account = accounts[row.acs_system_id]
        if row.state == "active" and row.issued_at is not None:
            yield catalogue.acs_credential_invalidated(_occasion(change), account, *_of(row))
        yield catalogue.acs_credential_deleted(_occasion(change), account, *_of(row))


def in_order(told: Sequence[Event]) -> list[Event]:
    """Lists order what happened in one moment by id: what comes first gets the smaller one."""
    ids = sorted(uuid4() for _ in told)
    return [replace(event, event_id=each) for event, each in zip(told, ids, strict=True)]


def _of(row: User | Credential) -> tuple[UUID, UUID]:
    return row.acs_system_id, row.ids[0]


def _occasion(change: Change) -> Occasion:
    return Occasion(change.workspace_id, change.at, change.at)
