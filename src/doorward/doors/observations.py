"""What a controller has observed at its doors, as decisions take it into account.

It is kept in the controller's file and outlives restarts and whole new slices: nobody gets around
it by pulling a plug.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from doorward.doors.disk import Disk, Observed
from doorward.doors.keypad import Keypads
from doorward.doors.spool import WrongCode
from doorward.doors.uses import Uses
from doorward.policy.index import PolicyIndex
from doorward.policy.model import Decision, DoorState, Named, Policy, Request
from doorward.policy.throttle import Attempts


class Aftermath(NamedTuple):
    """What a decision has changed of what is observed.

    uses: how often its credential has opened a door here by now, None for one without a limit.
    wrong_code: what its keypad remembers by now, None where it was no wrong code.
    """

    observed: Sequence[Observed]
    uses: int | None
    wrong_code: WrongCode | None


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

    async def hear(self, disk: Disk, handed_in: Mapping[UUID, Attempts]) -> None:
        """Takes what the server knows of keypads, in memory and on disk."""
        if news := self._keypads.hear(handed_in):
            await disk.spool([], news)

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
        wrong_code = None
        if wrong is not None:
            wrong_code = WrongCode(wrong.key, self._keypads.remembered(wrong.key))
        return Aftermath([each for each in (wrong, used) if each is not None], uses, wrong_code)

    def unfollow(self, decision: Decision, after: Aftermath) -> Sequence[Observed]:
        """Takes back what an allowed request has changed: its door did not open."""
        if after.uses is None or decision.acs_credential_id is None:
            return []
        given_back = self._uses.give_back(decision.acs_credential_id, after.uses)
        return [] if given_back is None else [given_back]


def _is_of(index: PolicyIndex, observed: Observed) -> bool:
    if observed.kind == "keypad":
        return index.reader(observed.key) is not None
    return bool(index.credentials(Named(observed.key)))
