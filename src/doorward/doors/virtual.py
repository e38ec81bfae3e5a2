"""Readers without hardware: a call presents the card or the code."""

from doorward.doors.door import Read
from doorward.doors.drivers import Port
from doorward.policy.cards import parse_card, parse_code


class VirtualReader:
    """A reader to which cards and codes are presented as texts."""

    def __init__(self, port: Port) -> None:
        self._port = port

    async def present_card(self, text: str) -> Read:
        """Holds a card to the reader; a text that no format can read is an unreadable card."""
        return await self._port.read_card(parse_card(text))

    async def present_code(self, text: str) -> Read:
        """Enters a code."""
        return await self._port.read_code(parse_code(text))

    def detach(self) -> None:
        """Nothing runs behind a virtual reader."""


class VirtualDriver:
    """The driver of readers without hardware."""

    def attach(self, port: Port) -> VirtualReader:
        """A reader without hardware."""
        return VirtualReader(port)
