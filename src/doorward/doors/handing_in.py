"""Turns what happened at the doors into the server's events."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from doorward.clock import Clock
from doorward.doors.spool import Happening, Withheld
from doorward.events import catalogue
from doorward.events.catalogue import AtDoor, Occasion
from doorward.policy.throttle import Attempts
from doorward.resources.event import Event
from doorward.store import controllers, credential_uses, events, keypads
from doorward.store.controllers import ControllerKey
from doorward.store.database import Connection, Database
from doorward.store.journal import Change
from doorward.store.writer import Writer


@dataclass(frozen=True, slots=True)
class HandIn:
    """The server's side of one controller's spool."""

    database: Database
    writer: Writer
    clock: Clock
    key: ControllerKey

    async def deliver(self, connected_account_id: UUID, happenings: Sequence[Happening]) -> None:
        """Commits happenings as events, and the uses and wrong codes that they are, all or none.

        Raises Unavailable, or Withheld while held.
        """
        delivery = _Delivery(self, connected_account_id, happenings)
        if delivery.uses:
            # Uses are policy, which has one way to be written.
            await self.writer.submit(delivery)
            return
        async with self.database.transaction() as connection:
            await delivery.run(connection)


@dataclass(frozen=True, slots=True)
class _Delivery:
    """A part of the spool, as the writer takes operations."""

    to: HandIn
    connected_account_id: UUID
    happenings: Sequence[Happening]

    @property
    def workspace_id(self) -> UUID:
        """The workspace of the controller."""
        return self.to.key.workspace_id

    @property
    def uses(self) -> dict[UUID, int]:
        """How often credentials with a limit have opened a door here; a later total counts."""
        totals = ((each.decision.acs_credential_id, each.uses) for each in self.happenings)
        return {id_: total for id_, total in totals if id_ is not None and total is not None}

    @property
    def wrong_codes(self) -> dict[UUID, Attempts]:
        """What keypads remember by now: one's history, of which the last says all that counts."""
        wrong = (each.wrong_code for each in self.happenings)
        return {each.reader_id: each.attempts for each in wrong if each is not None}

    async def run(self, connection: Connection) -> None:
        """Raises Withheld while the controller is held."""
        # Looked at in the same breath: what follows a hold must not get through.
        if await controllers.is_held(connection, self.to.key):
            raise Withheld
        now = self.to.clock.now(self.workspace_id)
        await events.insert_events(connection, self.workspace_id, await self._made(connection, now))
        if wrong_codes := self.wrong_codes:
            await keypads.count_wrong(connection, self.to.key, wrong_codes)
        if uses := self.uses:
            controller_id = self.to.key.controller_id
            change = Change(self.workspace_id, f"controller:{controller_id}", now)
            await credential_uses.count_uses(connection, change, controller_id, uses)

    async def _made(self, connection: Connection, now: datetime) -> list[Event]:
        people = {id_ for each in self.happenings if (id_ := each.decision.acs_user_id)}
        identities = await controllers.identities(connection, self.workspace_id, people)
        made = (self._event(each, now, identities) for each in self.happenings)
        return [event for event in made if event is not None]

    def _event(
        self, happening: Happening, now: datetime, identities: Mapping[UUID, UUID]
    ) -> Event | None:
        decision, user_id = happening.decision, happening.decision.acs_user_id
        occasion = Occasion(self.workspace_id, happening.occurred_at, now, happening.event_id)
        at_door = AtDoor(
            self.connected_account_id,
            self.to.key.acs_system_id,
            decision.acs_entrance_id,
            user_id,
            identities.get(user_id) if user_id else None,
        )
        match decision.outcome:
            case "allow":
                return catalogue.lock_unlocked(occasion, at_door, happening.origin)
            case "deny":
                return catalogue.lock_access_denied(occasion, at_door, decision.reason)
            case _:
                return None
