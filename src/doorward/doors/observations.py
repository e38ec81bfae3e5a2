"""What a controller has observed at its doors, as decisions take it into account.

It is kept in the controller's file and outlives restarts and whole new slices: nobody gets around
it by pulling a plug.
"""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from doorward.doors.disk import Disk, Observed
from doorward.doors.keypad import Keypads
from doorward.doors.uses import Uses
from doorward.policy.index import PolicyIndex
from doorward.policy.model import Decision, DoorState, Named, Policy, Request


class Aftermath(NamedTuple):
    """What a decision has changed of what is observed.

    uses: how often its credential has opened a door here by now, None for one without a limit.
    """

    observed: Sequence[Observed]
    uses: int | None


class Observations:
    """Everything that one controller has observed."""

    def __init__(self, controller_id: UUID) -> None:
        self._controller_id = controller_id
        self._keypads = Keypads()
        self._uses = Uses(controller_id)

    async def load(self, disk: Disk, index: PolicyIndex) -> None:
        """Takes what is on disk, less what a slice knows nothing of any more.

        Raises sqlite3.DatabaseError where it cannot be read.
        """
        gone: list[Observed] = []
        for observed in await disk.observed():
            if index.revision and not _is_of(index, observed):
                gone.append(observed)
            elif observed.kind == "keypad":
                self._keypads.load(observed)
            else:
                self._uses.load(observed)
        if gone:
            await disk.forget(gone)

    def state(self, reader_id: UUID | None) -> DoorState:
        """What a decision at a reader takes into account; None for a request from afar."""
        return DoorState(
            codes_blocked_until=self._keypads.blocked_until(reader_id),
            controller_id=self._controller_id,
            uses=self._uses.totals,
        )

    def follow(self, policy: Policy, request: Request, decision: Decision, now: int) -> Aftermath:
        """Takes a decision into account, from the next one on."""
        wrong = self._keypads.follow(request, decision, now)
        used = self._uses.follow(policy, decision)
        uses = None
        if used is not None and decision.acs_credential_id is not None:
            uses = self._uses.totals[decision.acs_credential_id]
        return Aftermath([each for each in (wrong, used) if each is not None], uses)


def _is_of(index: PolicyIndex, observed: Observed) -> bool:
    if observed.kind == "keypad":
        return index.reader(observed.key) is not None
    return bool(index.credentials(Named(observed.key)))
