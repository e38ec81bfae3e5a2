"""Unlocking an entrance from afar: a command that is kept, asked once, and ends in seconds.

It is never repeated by itself, and what is not known to have worked is never called a success.
"""

import asyncio
import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import msgspec

from doorward.api.creating import once
from doorward.api.parameters import AcsCredentialId, AcsEntranceId
from doorward.api.services import Services
from doorward.errors import ApiError, TooLate, Unavailable, invalid_input, not_found
from doorward.events import catalogue
from doorward.events.catalogue import Occasion
from doorward.resources.action_attempt import ActionAttempt, ActionError, ActionResult
from doorward.resources.decision import Decision
from doorward.resources.provider import PROVIDERS
from doorward.store import action_attempts, events
from doorward.store.action_attempts import EXPIRED, LIFE_SECONDS, Ended, Unlocking
from doorward.store.database import Connection
from doorward.store.idempotency import Kept
from doorward.wire.route import Call

# How often attempts are looked for that nobody is there to end: their server has gone.
_SWEEP: Final = 1.0
_SWEPT: Final = 100


class UnlockEntrance(msgspec.Struct):
    """An entrance, and the cloud key that opens it."""

    acs_credential_id: AcsCredentialId
    acs_entrance_id: AcsEntranceId


async def unlock(call: Call[Services], request: UnlockEntrance) -> ActionAttempt | Kept:
    """The attempt: ended already where the door was quick, else pending.

    Under an Idempotency-Key the door is asked once. Raises ApiError 404 `acs_entrance_not_found` or
    `acs_credential_not_found`, 400 for a credential that cannot unlock from afar, and for an
    entrance of a system that cannot.
    """
    # Taken before the attempt is kept: the door's time is over before the attempt's is.
    deadline = time.time() + LIFE_SECONDS
    subject = request.acs_entrance_id, request.acs_credential_id
    kept: list[UUID] = []

    async def make(connection: Connection) -> ActionAttempt:
        found = await action_attempts.find_unlocking(connection, call.workspace_id, *subject)
        _check(found)
        attempt = await action_attempts.create_unlocking(
            connection, call.workspace_id, *subject, found, call.caller.actor
        )
        kept.append(attempt.action_attempt_id)
        return attempt

    answer = await once(call, make)
    if not kept:
        return answer  # of the call that has asked the door
    door = _Asking(call.services, call.workspace_id, kept[0], *subject, deadline).run()
    task = call.services.background.start(f"action attempt {kept[0]}", door)
    await asyncio.wait((task,), timeout=call.services.confirm_timeout)
    return await _as_it_is(call, answer)


def _check(unlocking: Unlocking) -> None:
    if unlocking.acs_system_id is None or unlocking.external_type is None:
        raise not_found("acs_entrance")
    if unlocking.access_method is None:
        raise not_found("acs_credential")
    provider = PROVIDERS[unlocking.external_type]
    if "cloud_key" not in provider.methods:
        raise invalid_input(f"{provider.display_name} unlocks nothing from afar")
    if not unlocking.is_of_system:
        raise invalid_input("the credential is of another access system than the entrance")
    if unlocking.access_method != "cloud_key":
        raise invalid_input("only a credential with the access method cloud_key unlocks from afar")


async def _as_it_is(call: Call[Services], answer: ActionAttempt | Kept) -> ActionAttempt | Kept:
    if isinstance(answer, Kept):
        return answer
    services, attempt_id = call.services, answer.action_attempt_id
    now = await action_attempts.get(
        services.database, services.keyring, call.workspace_id, attempt_id
    )
    return now.attempt if now else answer


@dataclass(frozen=True, slots=True)
class _Asking:
    """One attempt at one door. deadline: in real seconds since 1970."""

    services: Services
    workspace_id: UUID
    action_attempt_id: UUID
    acs_entrance_id: UUID
    acs_credential_id: UUID
    deadline: float

    async def run(self) -> None:
        """Asks the door once, and ends the attempt with what it answers."""
        outcome = await self._outcome()
        # Without the database it stays pending, and so fails when its time is over.
        with contextlib.suppress(Unavailable):
            async with self.services.database.transaction() as connection:
                ended = await action_attempts.end(
                    connection, self.workspace_id, self.action_attempt_id, outcome
                )
                if ended is not None:
                    await _tell(connection, self.services, ended)

    async def _outcome(self) -> ActionResult | ActionError:
        try:
            async with asyncio.timeout(self.deadline - time.time()):
                decision = await self._decision()
        except (TimeoutError, TooLate):
            return EXPIRED
        except ApiError as refusal:
            return ActionError(type=refusal.kind, message=refusal.message)
        except Unavailable as trouble:
            return ActionError(type="service_unavailable", message=str(trouble))
        if decision.outcome != "allow":
            return ActionError(type=decision.reason, message="The entrance refused the credential.")
        return ActionResult(was_confirmed_by_device=True)

    async def _decision(self) -> Decision:
        return await self.services.doors.unlock(
            self.workspace_id,
            self.acs_entrance_id,
            self.acs_credential_id,
            deadline=self.deadline,
        )


async def end_expired_on(services: Services) -> None:
    """Ends what nobody was there to end, for as long as the server runs."""
    while True:
        with contextlib.suppress(Unavailable):
            await end_expired(services)
        await asyncio.sleep(_SWEEP)


async def end_expired(services: Services) -> None:
    """Ends the attempts whose time is over, each with its event. Raises Unavailable."""
    async with services.database.transaction() as connection:
        for ended in await action_attempts.end_expired(connection, _SWEPT):
            await _tell(connection, services, ended)


async def end_where_over(
    services: Services, workspace_id: UUID, found: Sequence[action_attempts.Seen]
) -> bool:
    """Ends those of the attempts that were found whose time is over, unless somebody is just ending
    them; answers whether there were any, so that they are to be read again. Raises Unavailable.
    """
    over = [each.attempt.action_attempt_id for each in found if each.is_over]
    if over:
        async with services.database.transaction() as connection:
            for ended in await action_attempts.end_expired_of(connection, workspace_id, over):
                await _tell(connection, services, ended)
    return bool(over)


async def _tell(connection: Connection, services: Services, ended: Ended) -> None:
    if ended.action_type != "UNLOCK_DOOR":
        return  # the API has no event for what encoders did
    now = services.clock.now(ended.workspace_id)
    event = catalogue.unlock_door_ended(
        Occasion(ended.workspace_id, now, now),
        ended.connected_account_id,
        ended.action_attempt_id,
        is_success=ended.is_success,
    )
    await events.insert_events(connection, ended.workspace_id, [event])
