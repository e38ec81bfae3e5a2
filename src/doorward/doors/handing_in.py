"""Turns what happened at the doors into the server's events."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from doorward.clock import Clock
from doorward.doors.spool import Happening, Withheld
from doorward.events import catalogue
from doorward.events.catalogue import AtDoor, Occasion
from doorward.resources.event import Event
from doorward.store import controllers, events
from doorward.store.controllers import ControllerKey
from doorward.store.database import Database


@dataclass(frozen=True, slots=True)
class HandIn:
    """The server's side of one controller's spool."""

    database: Database
    clock: Clock
    key: ControllerKey

    async def deliver(self, connected_account_id: UUID, happenings: Sequence[Happening]) -> None:
        """Commits happenings as events, all or none. Raises Unavailable, or Withheld while held."""
        workspace_id = self.key.workspace_id
        people = {id_ for each in happenings if (id_ := each.decision.acs_user_id)}
        async with self.database.transaction() as connection:
            # Looked at in the same breath: what follows a hold must not get through.
            if await controllers.is_held(connection, self.key):
                raise Withheld
            identities = await controllers.identities(connection, workspace_id, people)
            now = self.clock.now(workspace_id)
            made = [
                event
                for each in happenings
                if (event := self._event(each, now, connected_account_id, identities))
            ]
            await events.insert_events(connection, workspace_id, made)

    def _event(
        self,
        happening: Happening,
        now: datetime,
        connected_account_id: UUID,
        identities: Mapping[UUID, UUID],
    ) -> Event | None:
        decision, user_id = happening.decision, happening.decision.acs_user_id
        occasion = Occasion(self.key.workspace_id, happening.occurred_at, now, happening.event_id)
        at_door = AtDoor(
            connected_account_id,
            self.key.acs_system_id,
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
