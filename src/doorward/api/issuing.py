"""Giving out credentials, changing and withdrawing them: what each does to the journal, to events
and to what its owner's record shows as pending. For operations of the writer.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID, uuid4

from doorward.api.windows import changed, window
from doorward.errors import invalid_input, not_found
from doorward.events import catalogue, phones
from doorward.events.credentials import Kind, of_state, tell
from doorward.policy import codes as policy_codes
from doorward.policy.cards import CardNumber, CodeNumber
from doorward.resources.provider import METHOD_NAMES, Method, Provider
from doorward.store import (
    codes,
    credential_changes,
    enrollments,
    identities,
    pending_changes,
    systems,
    users,
)
from doorward.store.access import instant
from doorward.store.credential_changes import State
from doorward.store.credentials import lookup
from doorward.store.database import Connection
from doorward.store.journal import Change
from doorward.store.people import Credential
from doorward.store.secrets import Keyring

# Chosen codes that are taken, one after another: then nearly every code must be.
_ATTEMPTS: Final = 100


@dataclass(frozen=True, slots=True)
class Wanted:
    """A credential to be made. code: its digits, None for one that is chosen."""

    access_method: Method
    acs_system_id: UUID
    acs_user_id: UUID
    acs_entrance_ids: Sequence[UUID]
    starts_at: datetime | None
    ends_at: datetime | None
    code: str | None


@dataclass(frozen=True, slots=True)
class Issuer:
    """One operation on credentials: who asks for it and when, on which connection."""

    connection: Connection
    change: Change
    keyring: Keyring

    async def find(self, acs_credential_id: UUID) -> Credential:
        """A credential that may be changed. Raises ApiError 404, 400 for a key on one phone."""
        where = (self.connection, self.change.workspace_id)
        found = await credential_changes.find(*where, acs_credential_id)
        if found is None:
            raise not_found("acs_credential")
        if found.parent_acs_credential_id is not None:
            raise invalid_input(
                "This is the key on one phone: change the credential that is its"
                f" parent_acs_credential_id ({found.parent_acs_credential_id}), or deactivate"
                " the phone"
            )
        return found

    async def create(self, wanted: Wanted) -> UUID:
        """Makes a credential; a card waits for its number, a mobile key for a system to have it on
        a phone; the others are issued at once.
        """
        provider = await self._provider(wanted.acs_system_id)
        if wanted.access_method not in provider.methods:
            raise invalid_input(
                f"{provider.display_name} has no credentials of the access method"
                f" '{wanted.access_method}'"
            )
        if wanted.access_method == "mobile_key":
            await self._check_has_phones(wanted.acs_user_id)
        entrances = await self._entrances(wanted.acs_system_id, wanted.acs_entrance_ids)
        credential = self._unnumbered(wanted)
        if wanted.access_method == "code":
            credential = await self._coded(credential, wanted.code, entrances)
        elif wanted.access_method == "cloud_key":
            credential = replace(credential, issued_at=self.change.at)
        await credential_changes.insert(self.connection, self.change, credential, entrances)
        await self._note(credential, wanted.acs_user_id, is_given=True)
        if credential.issued_at is not None:
            await self._tell(credential, catalogue.acs_credential_issued)
        await self._follow(credential)
        return credential.acs_credential_id

    async def update(self, old: Credential, code: str | None, ends_at: datetime | None) -> None:
        """Changes code and end of validity, None for what stays. What is so already, stays."""
        new = old
        if ends_at is not None:
            before, asked = (old.starts_at, old.ends_at), (old.starts_at, ends_at)
            new = replace(old, ends_at=changed(before, asked, self.change.at)[1])
        if code is not None:
            new = await self._recoded(new, code)
        if new.lookup != old.lookup or new.ends_at != old.ends_at:
            await credential_changes.update(self.connection, self.change, old, new)
        if new.lookup != old.lookup:
            await self._tell(old, catalogue.acs_credential_reissued)
        await self._follow(old)

    async def delete(self, credential: Credential) -> None:
        """Takes a credential away."""
        await credential_changes.delete(self.connection, self.change, credential)
        if credential.acs_user_id is not None:
            await self._note(credential, credential.acs_user_id, is_given=False)
        await self._tell(credential, catalogue.acs_credential_deleted)
        await self._follow(credential)

    async def assign(self, old: Credential, acs_user_id: UUID) -> None:
        """Gives a credential to a person of the same system, whoever had it before."""
        acs_system_id = await users.system_of(
            self.connection, self.change.workspace_id, acs_user_id
        )
        if acs_system_id is None:
            raise not_found("acs_user")
        if acs_system_id != old.acs_system_id:
            raise invalid_input("The user and the credential are of different access systems")
        if old.acs_user_id == acs_user_id:
            return
        if old.is_multi_phone_sync_credential:
            await self._check_has_phones(acs_user_id)
        new = replace(old, acs_user_id=acs_user_id)
        if await self._is_taken(new, []):
            raise codes.duplicate_code()
        await self._hand_over(old, new)

    async def unassign(self, old: Credential) -> None:
        """Takes a credential from whoever has it; it stays, and opens nothing."""
        await self._hand_over(old, replace(old, acs_user_id=None))

    async def set_state(self, old: Credential, state: State, reason: str | None) -> None:
        """Declares a credential disabled, lost or stolen, or active again."""
        if old.state == state:
            return
        await credential_changes.set_state(self.connection, self.change, old, state, reason)
        kind = of_state(old, state)
        if kind is not None:
            await self._tell(old, kind)
        await self._follow(old)

    async def set_use_limit(self, old: Credential, use_limit: int | None) -> None:
        """Sets how often a credential may open a door in all, None for as often as one likes."""
        if old.use_limit != use_limit:
            new = replace(old, use_limit=use_limit)
            await credential_changes.update(self.connection, self.change, old, new)
            await self._follow(old)

    async def set_card_number(self, old: Credential, number: CardNumber) -> None:
        """Gives a card its number, by which doors know it from now on; it keeps it for ever.

        Raises ApiError 400 for what is no card or has another number, 409 for another one's.
        """
        check_is_card(old)
        if old.lookup == lookup(self.keyring, self.change.workspace_id, number):
            return
        if old.lookup is not None:
            raise invalid_input("The card has a number already, and keeps it")
        new = self._numbered(old, number)
        await credential_changes.update(self.connection, self.change, old, new)
        await enrollments.end_of(self.connection, self.change.workspace_id, old.acs_credential_id)
        await self._tell(new, catalogue.acs_credential_issued)

    async def _entrances(self, acs_system_id: UUID, ids: Sequence[UUID]) -> list[UUID]:
        where = (self.connection, self.change.workspace_id)
        found = await credential_changes.systems_of_entrances(*where, ids)
        if not found.keys() >= set(ids):
            raise not_found("acs_entrance")
        if any(system != acs_system_id for system in found.values()):
            raise invalid_input("An entrance is of another access system than the credential")
        return list(dict.fromkeys(ids))

    def _unnumbered(self, wanted: Wanted) -> Credential:
        now = self.change.at
        starts_at = None if wanted.starts_at is None else instant(wanted.starts_at)
        _, ends_at = window(wanted.starts_at, wanted.ends_at, now)
        return Credential(
            acs_credential_id=uuid4(),
            acs_system_id=wanted.acs_system_id,
            acs_user_id=wanted.acs_user_id,
            access_method=wanted.access_method,
            display_name=METHOD_NAMES[wanted.access_method],
            starts_at=starts_at,
            ends_at=ends_at,
            card_format=None,
            lookup=None,
            sealed=None,
            state="active",
            issued_at=None,
            is_multi_phone_sync_credential=wanted.access_method == "mobile_key",
        )

    async def _coded(
        self, credential: Credential, code: str | None, entrances: list[UUID]
    ) -> Credential:
        """A new code credential with its code, given or chosen."""
        length = await self._length(credential.acs_system_id, code)
        for _ in range(1 if code is not None else _ATTEMPTS):
            number = CodeNumber(code or policy_codes.choose(secrets.randbelow, length))
            numbered = self._numbered(credential, number)
            if not await self._is_taken(numbered, entrances):
                return numbered
        raise codes.duplicate_code()

    async def _provider(self, acs_system_id: UUID) -> Provider:
        return await systems.provider_of(self.connection, self.change.workspace_id, acs_system_id)

    async def _length(self, acs_system_id: UUID, code: str | None) -> int:
        """How many digits a code has, or is to have where it is chosen. Raises ApiError 400."""
        provider = await self._provider(acs_system_id)
        fewest, most = provider.code_lengths
        if code is None:
            return min(max(policy_codes.chosen_length(), fewest), most)
        if not fewest <= len(code) <= most:
            digits = f"{fewest}" if fewest == most else f"{fewest} to {most}"
            raise invalid_input(f"A code of {provider.display_name} has {digits} digits")
        return len(code)

    async def _recoded(self, old: Credential, code: str) -> Credential:
        if old.access_method != "code":
            raise invalid_input("Only a credential with the access method 'code' has a code")
        await self._length(old.acs_system_id, code)
        new = self._numbered(old, CodeNumber(code))
        if new.lookup == old.lookup:
            return old
        if await self._is_taken(new, []):
            raise codes.duplicate_code()
        return new

    async def _is_taken(self, credential: Credential, entrances: list[UUID]) -> bool:
        if credential.access_method != "code" or credential.lookup is None:
            return False
        return await codes.is_taken(
            self.connection,
            self.change.workspace_id,
            credential.lookup,
            credential.acs_credential_id,
            credential.acs_user_id,
            entrances,
        )

    def _numbered(self, credential: Credential, number: CardNumber | CodeNumber) -> Credential:
        return credential_changes.numbered(
            self.keyring, self.change.workspace_id, credential, number, self.change.at
        )

    async def _hand_over(self, old: Credential, new: Credential) -> None:
        await credential_changes.update(self.connection, self.change, old, new)
        if old.acs_user_id is not None:
            await self._note(old, old.acs_user_id, is_given=False)
        if new.acs_user_id is not None:
            await self._note(new, new.acs_user_id, is_given=True)
        await self._follow(new)

    async def _follow(self, credential: Credential) -> None:
        if credential.is_multi_phone_sync_credential:
            await phones.follow(self.connection, self.change, [credential.acs_credential_id])

    async def _check_has_phones(self, acs_user_id: UUID) -> None:
        owner = await identities.owner_of(self.connection, self.change.workspace_id, acs_user_id)
        if owner is not None and owner[1] is None:
            raise invalid_input(
                "Phones belong to user identities, and the user belongs to none:"
                " /user_identities/add_acs_user"
            )

    async def _note(self, credential: Credential, acs_user_id: UUID, *, is_given: bool) -> None:
        if credential.is_multi_phone_sync_credential:
            # Nothing that a system has to do: it is asked for the keys on the phones.
            return
        await pending_changes.note_assignment(
            self.connection,
            self.change,
            credential.acs_system_id,
            acs_user_id,
            credential.acs_credential_id,
            is_given=is_given,
        )

    async def _tell(self, credential: Credential, kind: Kind) -> None:
        await tell(self.connection, self.change, [(credential, kind)])


def check_is_card(credential: Credential) -> None:
    """Raises ApiError 400 for a credential that has no card number."""
    if credential.access_method != "card":
        raise invalid_input("Only a credential with the access method 'card' has a card number")
