"""What the controllers of this process confirm to the server, and what that settles.

Confirmations that arrive while the last statement was under way share the next one.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import Final
from uuid import UUID

from doorward.errors import Unavailable
from doorward.store import controllers
from doorward.store.controllers import Confirmation, Link
from doorward.store.settling import settle
from doorward.store.watch import Position

_RETRY: Final = 0.25
# Nobody waits for settled rows: what is pending is told by the confirmations themselves.
_SETTLING: Final = 0.25

_log = logging.getLogger(__name__)

Heard = Callable[[UUID, Position], None]


class Reporter:
    """Sends confirmations over one link, and settles over another, for which nobody waits.

    on_heard: called with controller and position after the server has taken a confirmation.
    """

    def __init__(self, link: Link, settling: Link, on_heard: Heard) -> None:
        self._link = link
        self._settling = settling
        self._on_heard = on_heard
        self._waiting: dict[UUID, Confirmation] = {}
        self._news = asyncio.Event()
        self._unsettled: set[UUID] = set()
        self._to_settle = asyncio.Event()

    def report(self, confirmation: Confirmation) -> None:
        """Sends a confirmation as soon as possible, in place of one of the same controller."""
        self._waiting[confirmation.key.controller_id] = confirmation
        self._news.set()

    def settle(self, workspace_ids: Iterable[UUID]) -> None:
        """Settles these workspaces' rows before long."""
        self._unsettled.update(workspace_ids)
        self._to_settle.set()

    async def report_on(self) -> None:
        """Sends what is reported, for as long as this runs."""
        while True:
            await self._news.wait()
            self._news.clear()
            try:
                await self._send()
            except Unavailable:
                await asyncio.sleep(_RETRY)
                self._news.set()

    async def settle_on(self) -> None:
        """Settles what was confirmed, for as long as this runs."""
        while True:
            await self._to_settle.wait()
            await asyncio.sleep(_SETTLING)
            self._to_settle.clear()
            workspace_ids, self._unsettled = self._unsettled, set()
            try:
                for workspace_id in workspace_ids:
                    await settle(self._settling, workspace_id)
            except Unavailable as trouble:
                _log.debug("not settled: %s", trouble)
                self._unsettled |= workspace_ids

    async def _send(self) -> None:
        sent, self._waiting = self._waiting, {}
        if not sent:
            return
        try:
            heard = await controllers.confirm(self._link, list(sent.values()))
        except Unavailable:
            self._waiting = sent | self._waiting
            raise
        for controller_id in heard:
            self._on_heard(controller_id, sent[controller_id].position)
        self.settle({sent[controller_id].key.workspace_id for controller_id in heard})
