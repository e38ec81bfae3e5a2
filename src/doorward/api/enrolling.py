"""Learning a card's number at a reader: what /doorward/credentials/enroll asks for beforehand, and
what goes on after it.
"""

from dataclasses import replace
from uuid import UUID

from doorward.api.changing import carry_out
from doorward.api.issuing import Issuer, check_is_card
from doorward.api.requests import found
from doorward.api.services import Services
from doorward.errors import ApiError, Unavailable, decided_elsewhere, invalid_input, not_found
from doorward.policy.shown import Answer, Shown
from doorward.resources.enrollment import EnrollmentError
from doorward.store import credential_changes, enrollments, entrances
from doorward.store.credentials import lookup
from doorward.store.database import Connection
from doorward.store.enrollments import Asked, Outcome
from doorward.store.journal import Change
from doorward.wire.route import Call


async def check(connection: Connection, workspace_id: UUID, asked: Asked) -> None:
    """Raises ApiError for what cannot be enrolled there."""
    credential = found(
        await credential_changes.find(connection, workspace_id, asked.acs_credential_id),
        "acs_credential",
    )
    check_is_card(credential)
    if credential.lookup is not None:
        raise invalid_input("The card has a number already, and keeps it")
    system = await entrances.system_of(connection, workspace_id, asked.acs_entrance_id)
    if found(system, "acs_entrance") != credential.acs_system_id:
        raise invalid_input("The entrance and the credential are of different access systems")
    if await entrances.controller_of(connection, workspace_id, asked.acs_entrance_id) is None:
        raise decided_elsewhere()
    if asked.reader_id is not None and not await enrollments.has_reader(
        connection, workspace_id, asked.acs_entrance_id, asked.reader_id
    ):
        raise not_found("reader")


def start(call: Call[Services], enrollment_id: UUID, asked: Asked) -> None:
    """Waits for the card, in the background."""
    # What the call's key stands for is answered already.
    waiting = replace(call, idempotency=None)
    call.services.background.start(_name(enrollment_id), _learn(waiting, enrollment_id, asked))


def stop(call: Call[Services], enrollment_id: UUID) -> None:
    """No longer waits for the card, where this process does."""
    call.services.background.cancel(_name(enrollment_id))


async def _learn(call: Call[Services], enrollment_id: UUID, asked: Asked) -> None:
    async def take(shown: Shown) -> Answer:
        return await _take(call, enrollment_id, asked.acs_credential_id, shown)

    doors, where = call.services.doors, (call.workspace_id, asked.acs_entrance_id, asked.reader_id)
    try:
        if not await doors.await_card(*where, asked.timeout, take):
            expired = EnrollmentError(type="enrollment_expired", message="No new card was shown")
            await _end(call, enrollment_id, "expired", expired)
    except ApiError as refusal:
        await _fail(call, enrollment_id, refusal)


async def _take(
    call: Call[Services], enrollment_id: UUID, acs_credential_id: UUID, shown: Shown
) -> Answer:
    async def make(connection: Connection, change: Change) -> Answer:
        card = lookup(call.services.keyring, change.workspace_id, shown.card)
        where = (connection, change.workspace_id)
        if await enrollments.is_news(*where, acs_credential_id, card, shown.revision):
            # The reader has yet to hear whose it is: nobody has shown a new one.
            return "ignore"
        # It was cancelled, or its credential has a number by now or is gone.
        if not await enrollments.end(*where, enrollment_id, "succeeded"):
            return "pass_on"
        issuer = Issuer(connection, change, call.services.keyring)
        await issuer.set_card_number(await issuer.find(acs_credential_id), shown.card)
        return "done"

    try:
        return await carry_out(call, make)
    except Unavailable:
        # Where it was committed all the same, the next card finds the enrolment ended.
        return "ignore"
    except ApiError as refusal:
        await _fail(call, enrollment_id, refusal)
        return "done" if refusal.kind == "duplicate_card_number" else "pass_on"


async def _fail(call: Call[Services], enrollment_id: UUID, refusal: ApiError) -> None:
    error = EnrollmentError(type=refusal.kind, message=refusal.message)
    await _end(call, enrollment_id, "failed", error)


async def _end(
    call: Call[Services], enrollment_id: UUID, outcome: Outcome, error: EnrollmentError
) -> None:
    await enrollments.end(call.services.database, call.workspace_id, enrollment_id, outcome, error)


def _name(enrollment_id: UUID) -> str:
    return f"enrollment {enrollment_id}"
