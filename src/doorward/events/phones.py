"""Phones that go, and the keys on phones, with the events that tell of them.

Of a key for all phones of a person (`is_multi_phone_sync_credential`) there is a child for each
phone, and for no other. Whatever may have changed that, phones, owners, identities or the key
itself, asks for it to be so again; how it came about plays no part. For whoever has the transaction
and the journal's counter.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from uuid import UUID, uuid4

from doorward.events import catalogue
from doorward.events.catalogue import Occasion
from doorward.events.credentials import of_state, tell
from doorward.events.deletions import in_order, of_credentials
from doorward.store import (
    credential_changes,
    events,
    pending_changes,
    phone_keys,
    phones,
    systems,
)
from doorward.store.database import Connection
from doorward.store.journal import Change
from doorward.store.links import CREDENTIAL_ENTRANCES
from doorward.store.people import CREDENTIALS, Credential


async def deactivate_phones_of(
    connection: Connection, change: Change, user_identity_ids: Sequence[UUID]
) -> None:
    """Deactivates all phones of identities that are about to go."""
    gone = await phones.deactivate_of(connection, change.workspace_id, user_identity_ids)
    await tell_of_phones(connection, change, gone)
    await follow_identities(connection, change, user_identity_ids)


async def tell_of_phones(
    connection: Connection, change: Change, device_ids: Sequence[UUID]
) -> None:
    """Tells of phones that have been taken away."""
    told = [catalogue.phone_deactivated(_occasion(change), each) for each in device_ids]
    await events.insert_events(connection, change.workspace_id, in_order(told))


async def follow_identities(
    connection: Connection, change: Change, user_identity_ids: Collection[UUID]
) -> None:
    """Brings the keys of identities to their phones."""
    found = await phone_keys.of_identities(connection, change.workspace_id, user_identity_ids)
    await follow(connection, change, found)


async def follow_users(
    connection: Connection, change: Change, acs_user_ids: Collection[UUID]
) -> None:
    """Brings the keys of people to the phones of the identities that they are."""
    found = await phone_keys.of_users(connection, change.workspace_id, acs_user_ids)
    await follow(connection, change, found)


async def follow(connection: Connection, change: Change, parent_ids: Collection[UUID]) -> None:
    """Makes of each key for all phones, by id, one for each phone that is as the key is.

    Of a key that is gone there is none.
    """
    if parent_ids:
        await (await _read(connection, change, parent_ids)).follow()


async def issue(
    connection: Connection, change: Change, acs_credential_ids: Collection[UUID]
) -> None:
    """Says that a system has these keys on phones; with the first one its parent counts as issued.

    What is issued already, or gone meanwhile, is left alone.
    """
    where = (connection, change.workspace_id)
    children = await CREDENTIALS.read(*where, [(each,) for each in acs_credential_ids])
    parent_ids = {each.parent_acs_credential_id for each in children.values()} - {None}
    parents = await CREDENTIALS.read(*where, [(each,) for each in parent_ids if each])
    fresh = [each for each in (parents | children).values() if each.issued_at is None]
    issued = [(each, replace(each, issued_at=change.at)) for each in fresh]
    await CREDENTIALS.update(connection, change, issued)
    told = [(each, catalogue.acs_credential_issued) for each in fresh]
    await tell(connection, change, told)


@dataclass(frozen=True, slots=True)
class _Keys:
    """Keys for all phones by id, the phones of their owners, and the children that there are."""

    connection: Connection
    change: Change
    parents: dict[UUID, Credential]
    phones: Sequence[tuple[UUID, UUID]]
    children: dict[tuple[UUID, UUID], Credential]

    async def follow(self) -> None:
        kept = {key: child for key, child in self.children.items() if self._stays(key, child)}
        await self._take_away([each for key, each in self.children.items() if key not in kept])
        await self._change(kept)
        for parent_id, device_id in self.phones:
            if (parent_id, device_id) not in kept:
                await self._make(self.parents[parent_id], device_id)

    def _stays(self, key: tuple[UUID, UUID], child: Credential) -> bool:
        return key in self.phones and child.acs_user_id == self.parents[key[0]].acs_user_id

    async def _take_away(self, gone: Sequence[Credential]) -> None:
        if not gone:
            return
        await CREDENTIALS.delete(self.connection, self.change, [each.ids for each in gone])
        for each in gone:
            await self._note(each, is_given=False)
        workspace_id = self.change.workspace_id
        accounts = await systems.accounts_of(self.connection, workspace_id)
        told = in_order([*of_credentials(self.change, accounts, gone)])
        await events.insert_events(self.connection, workspace_id, told)

    async def _change(self, kept: dict[tuple[UUID, UUID], Credential]) -> None:
        pairs = [(child, _like(self.parents[key[0]], child)) for key, child in kept.items()]
        other = [(old, new) for old, new in pairs if _differ(old, new)]
        await CREDENTIALS.update(self.connection, self.change, other)
        declared = [(old, new) for old, new in other if old.state != new.state]
        if declared:
            ids = [old.acs_credential_id for old, _ in declared]
            await phone_keys.copy_state(self.connection, self.change.workspace_id, ids)
        told = [(old, kind) for old, new in declared if (kind := of_state(old, new.state))]
        await tell(self.connection, self.change, told)

    async def _make(self, parent: Credential, device_id: UUID) -> None:
        blank = replace(
            parent,
            acs_credential_id=uuid4(),
            issued_at=None,
            uses="{}",
            is_multi_phone_sync_credential=False,
            parent_acs_credential_id=parent.acs_credential_id,
            device_id=device_id,
        )
        own = await CREDENTIAL_ENTRANCES.read_by(
            self.connection,
            self.change.workspace_id,
            "acs_credential_id",
            [parent.acs_credential_id],
        )
        entrances = [each.acs_entrance_id for each in own]
        await credential_changes.insert(self.connection, self.change, blank, entrances)
        await phone_keys.copy_state(
            self.connection, self.change.workspace_id, [blank.acs_credential_id]
        )
        await self._note(blank, is_given=True)

    async def _note(self, child: Credential, *, is_given: bool) -> None:
        assert child.acs_user_id is not None
        await pending_changes.note_assignment(
            self.connection,
            self.change,
            child.acs_system_id,
            child.acs_user_id,
            child.acs_credential_id,
            is_given=is_given,
        )


async def _read(connection: Connection, change: Change, parent_ids: Collection[UUID]) -> _Keys:
    where = (connection, change.workspace_id)
    parents = await CREDENTIALS.read(*where, [(each,) for each in parent_ids])
    children = await CREDENTIALS.read_by(*where, "parent_acs_credential_id", [*parent_ids])
    return _Keys(
        connection,
        change,
        {each.acs_credential_id: each for each in parents.values()},
        await phone_keys.phones_of(*where, parent_ids),
        {
            (each.parent_acs_credential_id, each.device_id): each
            for each in children
            if each.parent_acs_credential_id and each.device_id
        },
    )


def _like(parent: Credential, child: Credential) -> Credential:
    return replace(
        child,
        starts_at=parent.starts_at,
        ends_at=parent.ends_at,
        state=parent.state,
        use_limit=parent.use_limit,
    )


def _differ(old: Credential, new: Credential) -> bool:
    # Whether two are equal says nothing of a state and of a limit.
    return (old, old.state, old.use_limit) != (new, new.state, new.use_limit)


def _occasion(change: Change) -> Occasion:
    return Occasion(change.workspace_id, change.at, change.at)
