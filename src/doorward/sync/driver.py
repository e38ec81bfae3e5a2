"""What Doorward needs of an access system that keeps a list of its own."""

from collections.abc import Mapping
from typing import Literal, Protocol

from doorward.store.external import Fields, Key

Listing = Mapping[Key, Fields]


class Unreachable(Exception):
    """The system does not answer: nobody knows what it has done."""


class Refused(Exception):
    """The system says no. reason: to this object, to what it would need, to one more person."""

    def __init__(self, reason: Literal["object", "unsupported", "no_seat"]) -> None:
        super().__init__(reason)
        self.reason = reason


class Driver(Protocol):
    """One system. A call may be repeated: putting what is there, or deleting what is not, is no
    error. What it answers is taken for a rumour; what it lists, for what it has.
    """

    @property
    def seats(self) -> int | None:
        """How many people it takes, as of the last `read`; None for any number."""

    async def read(self) -> Listing:
        """Everything that the system has; a value that it does not tell is MASKED.

        Raises Unreachable.
        """

    async def put(self, key: Key, fields: Fields) -> None:
        """Makes or changes one object. Raises Unreachable and Refused."""

    async def delete(self, key: Key) -> None:
        """Takes one object away, and with it what cannot be without it.

        Raises Unreachable and Refused.
        """
