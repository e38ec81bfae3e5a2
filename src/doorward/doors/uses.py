"""How often credentials with a limit have opened a door of one controller.

Counted in memory before anybody is answered, so that two reads at once are two. Whatever is counted
here stays counted where the disk fails in between: the door stayed shut and a use is lost, which
the other way round would be one too many. Only a door that is known to have stayed shut gives its
use back, unless another was counted since.
"""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

import msgspec

from doorward.doors.disk import Observed
from doorward.policy.model import Decision, Named, Policy

# The ladder's only answer that a person's own rights have led to.
_BY_RIGHT: Final = "allow"


class Uses:
    """The counts of one controller, of which every other one keeps its own."""

    def __init__(self, controller_id: UUID) -> None:
        self._name = str(controller_id)
        self._totals: dict[UUID, int] = {}

    @property
    def totals(self) -> Mapping[UUID, int]:
        """How often each credential has opened a door here."""
        return self._totals

    def load(self, observed: Observed) -> None:
        """Takes a count from disk."""
        self._totals[observed.key] = msgspec.json.decode(observed.body, type=int)

    def follow(self, policy: Policy, decision: Decision) -> Observed | None:
        """Counts the use that an allowed request is, where its credential has a limit."""
        credential_id = decision.acs_credential_id
        if credential_id is None or decision.reason != _BY_RIGHT:
            return None
        (credential,) = policy.credentials(Named(credential_id))
        if credential.declared.use_limit is None:
            return None
        # A file that was lost had counted what the server has heard of.
        heard = credential.declared.uses.get(self._name, 0)
        total = max(heard, self._totals.get(credential_id, 0)) + 1
        return self._count(credential_id, total)

    def give_back(self, credential_id: UUID, total: int) -> Observed | None:
        """Takes back the use that made it `total`."""
        if self._totals[credential_id] != total:
            return None
        return self._count(credential_id, total - 1)

    def _count(self, credential_id: UUID, total: int) -> Observed:
        self._totals[credential_id] = total
        return Observed("uses", credential_id, msgspec.json.encode(total))
