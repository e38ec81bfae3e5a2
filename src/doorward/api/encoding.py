"""Attempts at encoders: begun by a call, answered as pending, ended by one operation of the writer.

Whatever an attempt does and its end are one transaction: it is never half done, and one whose
server has gone has done nothing when its time is over. Encoders are simulated, in sandbox
workspaces alone. A card of the native system is known by its serial number, which nobody can
write: encoding is to learn the number of the new card that lies on the encoder.
"""

import contextlib
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from doorward.api import linking
from doorward.api.changing import carry_out
from doorward.api.creating import once
from doorward.api.issuing import Issuer, Wanted
from doorward.api.requests import found
from doorward.api.services import Services
from doorward.errors import ApiError, Unavailable
from doorward.policy import cards
from doorward.policy.cards import CardNumber
from doorward.resources.acs_credential import AcsCredential
from doorward.resources.action_attempt import (
    ActionAttempt,
    ActionError,
    ActionType,
    CredentialOnEncoder,
    ScanResult,
    ScanWarning,
)
from doorward.store import (
    action_attempts,
    credential_changes,
    credentials,
    encoders,
    identities,
    users,
)
from doorward.store.database import Connection
from doorward.store.encoders import Encoder, Scenario
from doorward.store.idempotency import Kept
from doorward.store.journal import Change
from doorward.wire.route import Call

Outcome = AcsCredential | ScanResult | ActionError

# Bytes of the serial number of a card as ISO 14443-3 has them.
_SERIAL: Final = 7

_ERRORS: Final = {
    "action_attempt_expired": "No card was laid on the encoder in time.",
    "credential_cannot_be_reissued": "The credential has a card already, and keeps it.",
    "credential_deleted": "The credential was deleted before a card was laid on the encoder.",
    "encoder_not_online": "No encoder answers; only sandbox workspaces have encoders.",
    "encoding_interrupted": "The card was taken away before it was written.",
    "no_credential_on_encoder": "No card lies on the encoder, or an empty one.",
    "uncategorized_error": "The encoder failed for an unknown reason.",
}
_NOT_FOUND: Final = ScanWarning(
    warning_code="acs_credential_on_seam_not_found",
    warning_message="No credential of the access system has this card.",
)
_OUT_OF_SYNC: Final = ScanWarning(
    warning_code="acs_credential_on_encoder_out_of_sync",
    warning_message="The card holds other times than its credential; encode it anew.",
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What is attempted. acs_credential_id: what is to be encoded. acs_user_id, user_identity_id:
    whose the scanned card is to be.
    """

    action_type: ActionType
    encoder: Encoder
    acs_credential_id: UUID | None = None
    acs_user_id: UUID | None = None
    user_identity_id: UUID | None = None


async def begin(
    call: Call[Services], look: Callable[[Connection], Awaitable[Asked]]
) -> ActionAttempt | Kept:
    """The attempt, pending; it goes on in the background. `look` says what is asked, or refuses."""
    begun: list[_Attempt] = []

    async def make(connection: Connection) -> ActionAttempt:
        asked = await look(connection)
        scenario = await encoders.take_scenario(
            connection,
            call.workspace_id,
            asked.encoder.acs_encoder_id,
            "encode" if asked.action_type == "ENCODE_CREDENTIAL" else "scan",
            asked.acs_credential_id,
        )
        attempt = await action_attempts.create(
            connection,
            call.workspace_id,
            asked.action_type,
            asked.encoder.acs_system_id,
            call.caller.actor,
            acs_credential_id=asked.acs_credential_id,
            user_identity_id=asked.user_identity_id,
        )
        # What the call's key stands for is answered with the attempt.
        waiting = replace(call, idempotency=None)
        begun.append(_Attempt(waiting, attempt.action_attempt_id, asked, scenario))
        return attempt

    answer = await once(call, make)
    for each in begun:
        name = f"action attempt {each.action_attempt_id}"
        call.services.background.start(name, each.run())
    return answer


@dataclass(frozen=True, slots=True)
class _Attempt:
    """One attempt, and what it comes to where somebody has said so."""

    call: Call[Services]
    action_attempt_id: UUID
    asked: Asked
    scenario: Scenario | None

    async def run(self) -> None:
        """Carries it out and ends it, or leaves it to its time."""
        # Without the database it stays pending, and so fails when its time is over.
        with contextlib.suppress(Unavailable):
            try:
                await carry_out(self.call, self._end)
            except ApiError as refusal:
                await self._fail(refusal)

    async def _end(self, connection: Connection, change: Change) -> None:
        where = change.workspace_id, self.action_attempt_id
        if await action_attempts.hold(connection, *where):
            keyring = self.call.services.keyring
            desk = _Desk(Issuer(connection, change, keyring), self.asked, self.scenario)
            await action_attempts.conclude(connection, keyring, *where, await desk.outcome())

    async def _fail(self, refusal: ApiError) -> None:
        error = ActionError(type="uncategorized_error", message=refusal.message)
        async with self.call.services.database.transaction() as connection:
            await action_attempts.end(
                connection, self.call.workspace_id, self.action_attempt_id, error
            )


@dataclass(frozen=True, slots=True)
class _Card:
    """A card on an encoder. credential: whose it is, None for nobody's.

    is_outdated: it holds what its credential was before.
    """

    number: str
    credential: AcsCredential | None = None
    is_outdated: bool = False


@dataclass(frozen=True, slots=True)
class _Desk:
    """A simulated encoder, and what somebody does there."""

    issuer: Issuer
    asked: Asked
    scenario: Scenario | None

    async def outcome(self) -> Outcome:
        """What it comes to; all that it changes is changed."""
        if not self.asked.encoder.is_simulated:
            return self._unreachable()
        if self.scenario is not None and self.scenario.outcome in _ERRORS:
            return _error(self.scenario.outcome)
        match self.asked.action_type:
            case "ENCODE_CREDENTIAL":
                return await self._encode()
            case "SCAN_CREDENTIAL":
                return _scanned(await self._card())
            case _:
                return await self._assign()

    def _unreachable(self) -> ActionError:
        # The API knows no such failure of a scan that is to assign.
        is_known = self.asked.action_type != "SCAN_TO_ASSIGN_CREDENTIAL"
        message = _ERRORS["encoder_not_online"]
        kind = "encoder_not_online" if is_known else "uncategorized_error"
        return ActionError(type=kind, message=message)

    async def _encode(self) -> Outcome:
        assert self.asked.acs_credential_id is not None
        credential = await credential_changes.find(*self._where, self.asked.acs_credential_id)
        if credential is None:
            return _error("credential_deleted")
        if credential.lookup is not None:
            return _error("credential_cannot_be_reissued")
        await self.issuer.set_card_number(credential, _new_number())
        return await self._laid(credential.acs_credential_id)

    async def _assign(self) -> Outcome:
        card = await self._card()
        if card is None:
            return _error("no_credential_on_encoder")
        acs_user_id = await self._user()
        if card.credential is None:
            return await self._laid(await self._register(card, acs_user_id))
        credential = await self.issuer.find(card.credential.acs_credential_id)
        await self.issuer.assign(credential, acs_user_id)
        return await self._laid(credential.acs_credential_id)

    async def _user(self) -> UUID:
        if self.asked.acs_user_id is not None:
            found(await users.system_of(*self._where, self.asked.acs_user_id), "acs_user")
            return self.asked.acs_user_id
        assert self.asked.user_identity_id is not None
        identity = await identities.get(*self._where, self.asked.user_identity_id)
        system_id = self.asked.encoder.acs_system_id
        return await linking.user_of(
            self.issuer.connection, self.issuer.change, found(identity, "user_identity"), system_id
        )

    async def _register(self, card: _Card, acs_user_id: UUID) -> UUID:
        """A new credential for a card that nobody has."""
        system_id = self.asked.encoder.acs_system_id
        made = await self.issuer.create(
            Wanted("card", system_id, acs_user_id, [], None, None, None)
        )
        number = CardNumber("csn", card.number)
        await self.issuer.set_card_number(await self.issuer.find(made), number)
        return made

    async def _card(self) -> _Card | None:
        """The card that lies there, None for an empty one."""
        said = self.scenario.outcome if self.scenario else None
        if said == "credential_on_encoder_is_empty":
            return None
        credential = None
        if said != "credential_does_not_exist_on_seam":
            credential = await self._known(is_needed=said is not None)
        if credential is None or credential.card_number is None:
            return _Card(_new_number().text)
        is_outdated = said == "credential_on_encoder_needs_update"
        return _Card(credential.card_number, credential, is_outdated)

    async def _known(self, *, is_needed: bool) -> AcsCredential | None:
        """Whose card lies there: what a scenario names, what was here last, or else any."""
        encoder = self.asked.encoder
        named = self.scenario and self.scenario.acs_credential_id
        if named is not None:
            return await self._shown(named)
        last = await encoders.lying(*self._where, encoder.acs_encoder_id)
        credential = await self._shown(last) if last is not None else None
        if credential is None and is_needed:
            other = await encoders.any_card(*self._where, encoder.acs_system_id)
            credential = await self._shown(other) if other is not None else None
        return credential

    async def _laid(self, acs_credential_id: UUID) -> AcsCredential:
        """The credential as it is now; its card lies on the encoder."""
        await encoders.lay(*self._where, self.asked.encoder.acs_encoder_id, acs_credential_id)
        return found(await self._shown(acs_credential_id), "acs_credential")

    async def _shown(self, acs_credential_id: UUID) -> AcsCredential | None:
        connection, workspace_id = self._where
        keyring = self.issuer.keyring
        return await credentials.get(connection, keyring, workspace_id, acs_credential_id)

    @property
    def _where(self) -> tuple[Connection, UUID]:
        return self.issuer.connection, self.issuer.change.workspace_id


def _scanned(card: _Card | None) -> ScanResult:
    if card is None:
        return ScanResult(acs_credential_on_encoder=None, acs_credential_on_seam=None, warnings=[])
    if card.credential is None:
        warnings = [_NOT_FOUND]
    else:
        warnings = [_OUT_OF_SYNC] if card.is_outdated else []
    return ScanResult(
        acs_credential_on_encoder=_on_encoder(card),
        acs_credential_on_seam=card.credential,
        warnings=warnings,
    )


def _on_encoder(card: _Card) -> CredentialOnEncoder:
    known = card.credential
    if known is None:
        return CredentialOnEncoder(
            card_number=card.number, created_at=None, ends_at=None, is_issued=False, starts_at=None
        )
    # An outdated card was good until its credential's number was given anew.
    ends_at = known.issued_at if card.is_outdated else known.ends_at or None
    return CredentialOnEncoder(
        card_number=card.number,
        created_at=known.issued_at,
        ends_at=ends_at,
        is_issued=True,
        starts_at=None if card.is_outdated else known.starts_at or None,
    )


def _new_number() -> CardNumber:
    number = cards.csn(secrets.token_bytes(_SERIAL))
    assert isinstance(number, CardNumber)
    return number


def _error(kind: str) -> ActionError:
    return ActionError(type=kind, message=_ERRORS[kind])
