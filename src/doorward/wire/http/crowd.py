"""How many may be connected, and who has to go for the next: nobody keeps a place by waiting."""

import logging
import time
from enum import Enum, auto
from typing import Final, Protocol

from doorward.wire.http.limits import Limits

# Seconds between two lines in the log about one trouble.
_LOG_EVERY: Final = 60.0

_log = logging.getLogger("doorward.connections")


class Room(Enum):
    """What there is for a newcomer; in the reserve, /health alone."""

    REGULAR = auto()
    RESERVE = auto()
    NONE = auto()


class Guest(Protocol):
    """Somebody who takes a place."""

    def give_way(self) -> None:
        """Ends at once. Nothing that was asked for is lost: nothing is being answered."""


class Crowd:
    """Everybody who is connected to a server, from acceptance on.

    shaking: who has not ended the TLS handshake, the oldest first; kept by whoever knows.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._inside: set[Guest] = set()
        # Who waits between requests, and since when; the longest first.
        self._idle: dict[Guest, float] = {}
        self.shaking: dict[Guest, None] = {}
        self._tells = Seldom()

    def enter(self, guest: Guest) -> Room:
        """Takes a place, if need be that of whoever waits longest; once more is as once."""
        self.leave(guest)
        if len(self._inside) >= self._limits.connections:
            self._tell()
            self._make_room()
        excess = len(self._inside) + 1 - self._limits.connections
        if excess > self._limits.reserve:
            return Room.NONE
        self._inside.add(guest)
        return Room.RESERVE if excess > 0 else Room.REGULAR

    def rest(self, guest: Guest) -> None:
        """Waits for its next request."""
        self._idle[guest] = time.monotonic()

    def wake(self, guest: Guest) -> None:
        """Has a request again."""
        self._idle.pop(guest, None)

    def leave(self, guest: Guest) -> None:
        """Gives a place back; without one it is nothing."""
        self._inside.discard(guest)
        self.wake(guest)
        self.shaking.pop(guest, None)

    def _make_room(self) -> None:
        # Of the many: neither may a flood of handshakes end everybody's kept connections, nor
        # kept connections everybody's handshakes.
        is_shaking = len(self.shaking) > len(self._idle)
        longest = next(iter(self.shaking if is_shaking else self._idle), None)
        if longest is not None and (is_shaking or self._has_rested(longest)):
            self.leave(longest)
            longest.give_way()

    def _has_rested(self, guest: Guest) -> bool:
        # A crowd that asks without a break would only swap old connections for new ones.
        return time.monotonic() - self._idle[guest] >= self._limits.rest_seconds

    def _tell(self) -> None:
        if self._tells.may():
            _log.warning(
                "all %d connections are taken (--connections): for a new one the one that waits"
                " longest is closed, and there is only /health where none waits",
                self._limits.connections,
            )


class Seldom:
    """Allows a line in the log now and then: who causes it may cause it a thousand times."""

    def __init__(self) -> None:
        self._next = 0.0

    def may(self) -> bool:
        """Whether it is time for a line."""
        now = time.monotonic()
        if now < self._next:
            return False
        self._next = now + _LOG_EVERY
        return True
