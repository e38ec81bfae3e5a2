"""What a reader's driver is. Drivers are found by entry point: others can ship their own."""

from importlib.metadata import entry_points
from typing import Final, Protocol, cast

from doorward.doors.door import Read
from doorward.policy.cards import CardNumber, CodeNumber, Unreadable
from doorward.policy.model import Reader

GROUP: Final = "doorward.drivers"


class Port(Protocol):
    """What a controller offers to one of its readers."""

    @property
    def reader(self) -> Reader:
        """Which reader it is, and what was declared of it."""

    async def read_card(self, card: CardNumber | Unreadable) -> Read:
        """Somebody holds a card to the reader: decides, records, opens or refuses.

        Raises ApiError where the controller cannot decide or record.
        """

    async def read_code(self, code: CodeNumber | Unreadable) -> Read:
        """Somebody has entered a code; else like `read_card`."""


class Attached(Protocol):
    """A reader that a driver runs."""

    def detach(self) -> None:
        """Stops running it: it is not, or not any more, declared so."""


class Driver(Protocol):
    """Runs readers of one kind. Declared readers name it by its entry point's name."""

    def attach(self, port: Port) -> Attached:
        """Starts to run a reader."""


def installed_drivers() -> dict[str, Driver]:
    """Every driver that an installed package offers, by name."""
    return {entry.name: cast("Driver", entry.load()()) for entry in entry_points(group=GROUP)}
