"""What a controller knows of one entrance beside its policy: lock, light, last read."""

import time
from collections.abc import Callable
from datetime import datetime
from typing import Final, Literal, NamedTuple

from doorward.policy.model import Decision

Light = Literal["off", "green", "red"]

# How long a reader shows that it has refused.
REFUSAL_SECONDS: Final = 2.0


class Read(NamedTuple):
    """A credential that was presented, what was answered, and when by the workspace's clock."""

    decision: Decision
    at: datetime


class Door:
    """An entrance's lock and light; pulses run on the monotonic clock."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._unlocked_until = float("-inf")
        self._refused_until = float("-inf")
        self.last_read: Read | None = None

    @property
    def is_locked(self) -> bool:
        """Whether nobody gets in without being asked."""
        return self._monotonic() >= self._unlocked_until

    @property
    def light(self) -> Light:
        """Green while unlocked, red for a moment after a refusal, else off."""
        if not self.is_locked:
            return "green"
        return "red" if self._monotonic() < self._refused_until else "off"

    def follow(self, read: Read) -> None:
        """Does what a decision says: opens for its seconds, or shows the refusal."""
        self.last_read = read
        now = self._monotonic()
        if read.decision.outcome == "allow":
            # A second read never shortens what the first one gave.
            opened = now + read.decision.unlock_seconds
            self._unlocked_until = max(self._unlocked_until, opened)
        elif read.decision.outcome == "deny":
            self._refused_until = now + REFUSAL_SECONDS
