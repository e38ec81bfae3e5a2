"""Cards that somebody waits for: how a reader enrols one.

A card goes to the one who has waited longest, so that no card becomes two people's.
"""

import asyncio
from uuid import UUID

from doorward.policy.cards import CardNumber


class Expecting:
    """Who waits for the next unknown card at which of a controller's readers."""

    def __init__(self) -> None:
        self._waiting: dict[UUID, list[asyncio.Future[CardNumber]]] = {}

    async def card(self, reader_id: UUID, timeout: float) -> CardNumber | None:
        """The next card that this reader does not know, None after `timeout` seconds."""
        card: asyncio.Future[CardNumber] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(reader_id, []).append(card)
        try:
            async with asyncio.timeout(timeout):
                return await card
        except TimeoutError:
            # A card that came in the very moment is not held to the reader again.
            return None if card.cancelled() else card.result()
        finally:
            self._forget(reader_id, card)

    def unknown(self, reader_id: UUID, card: CardNumber) -> None:
        """A reader does not know a card."""
        for waiting in self._waiting.get(reader_id, ()):
            if not waiting.done():
                waiting.set_result(card)
                return

    def _forget(self, reader_id: UUID, card: "asyncio.Future[CardNumber]") -> None:
        rest = [each for each in self._waiting.get(reader_id, ()) if each is not card]
        if rest:
            self._waiting[reader_id] = rest
        else:
            self._waiting.pop(reader_id, None)
