"""A controller's decisions: made on its slice and what it has observed, recorded, then followed."""

import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from doorward.clock import Clock
from doorward.doors.disk import Observed
from doorward.doors.door import Door, Read
from doorward.doors.observations import Aftermath, Observations
from doorward.doors.spool import Happening, Spool, new_event_id
from doorward.errors import ApiError, TooLate
from doorward.policy.decide import decide
from doorward.policy.index import PolicyIndex
from doorward.policy.model import Request
from doorward.policy.schedule import milliseconds


class Deciding:
    """Decides at the doors of one controller, and knows how each of them is."""

    def __init__(
        self, workspace_id: UUID, clock: Clock, observations: Observations, spool: Spool
    ) -> None:
        self._workspace_id = workspace_id
        self._clock = clock
        self._observations = observations
        self._spool = spool
        self._doors: dict[UUID, Door] = {}

    def door(self, acs_entrance_id: UUID) -> Door:
        """Lock, light and last read of an entrance."""
        return self._doors.setdefault(acs_entrance_id, Door())

    async def decide(
        self, policy: PolicyIndex, request: Request, deadline: float | None = None
    ) -> Read:
        """Decides, records on disk, then opens or refuses.

        deadline: in real seconds since 1970; from then on no door opens, and nothing is recorded of
        one that did not. Raises TooLate, and ApiError 503 where the disk cannot record; then the
        door stays as it was.
        """
        if _is_over(deadline):
            raise TooLate
        instant = self._clock.now(self._workspace_id)
        state = self._observations.state(request.reader_id)
        decision = decide(policy, state, request, instant)
        # Before anything is waited for: whoever asks meanwhile is one more.
        after = self._observations.follow(policy, request, decision, milliseconds(instant))
        happening = Happening(
            new_event_id(), instant, request.origin, decision, after.uses, after.wrong_code
        )
        read = Read(decision, instant)
        door = self.door(request.acs_entrance_id)
        if not await self._record(
            happening, _Answer(self._observations, after, door, read, deadline)
        ):
            raise TooLate
        return read

    async def _record(self, happening: Happening, answer: "_Answer") -> bool:
        try:
            return await self._spool.put(happening, answer.after.observed, answer)
        except (sqlite3.Error, OSError) as trouble:
            raise ApiError(
                503, "controller_disk_failed", f"the controller cannot write its disk: {trouble}"
            ) from trouble


@dataclass(frozen=True, slots=True)
class _Answer:
    """A door's answer to a request, as the spool has it done."""

    observations: Observations
    after: Aftermath
    door: Door
    read: Read
    deadline: float | None

    def do(self) -> bool:
        """Opens or refuses. Looks at the time last of all: the disk may have taken long."""
        if _is_over(self.deadline):
            return False
        self.door.follow(self.read)
        return True

    def undo(self) -> Sequence[Observed]:
        """What is observed of a door that was not opened."""
        return self.observations.unfollow(self.read.decision, self.after)


def _is_over(deadline: float | None) -> bool:
    return deadline is not None and time.time() >= deadline
