"""Callers that wait until the doors have confirmed a revision."""

import asyncio
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Final
from uuid import UUID

from doorward.doors.controller import Controller
from doorward.store.watch import Position

_NOTHING: Final = Position(-1, -1)
_EVERYTHING: Final = Position(sys.maxsize, sys.maxsize)

Running = Callable[[UUID], Iterable[Controller]]


class Waiting:
    """Who waits for which position of which workspace.

    running: the controllers of a workspace that this process runs.
    """

    def __init__(self, running: Running) -> None:
        self._running = running
        self._waiting: defaultdict[UUID, list[tuple[Position, asyncio.Future[None]]]]
        self._waiting = defaultdict(list)

    def is_confirmed(self, workspace_id: UUID, position: Position) -> bool:
        """Whether every controller here has confirmed, the disconnected ones too."""
        return not any(
            _lags(each, position) and each.follower.lease.standing not in ("other", "retired")
            for each in self._running(workspace_id)
        )

    async def wait(self, workspace_id: UUID, position: Position) -> None:
        """Waits until every connected controller here has confirmed."""
        if position <= self._reached(workspace_id):
            return
        heard = asyncio.get_running_loop().create_future()
        entry = (position, heard)
        self._waiting[workspace_id].append(entry)
        try:
            await heard
        finally:
            self._waiting[workspace_id].remove(entry)

    def look(self, workspace_id: UUID) -> None:
        """Lets those go who need not wait any more: a controller has confirmed."""
        reached = self._reached(workspace_id)
        for position, heard in self._waiting[workspace_id]:
            if position <= reached and not heard.done():
                heard.set_result(None)

    def _reached(self, workspace_id: UUID) -> Position:
        """What every connected controller here has confirmed."""
        followers = [each.follower for each in self._running(workspace_id)]
        confirmed = [each.confirmed or _NOTHING for each in followers if each.is_connected]
        return min(confirmed, default=_EVERYTHING)


def _lags(controller: Controller, position: Position) -> bool:
    confirmed = controller.follower.confirmed
    return confirmed is None or confirmed < position
