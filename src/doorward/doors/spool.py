"""What happened at the doors, on disk before anybody is answered, then handed in to the server.

Handed in at least once, in order; the event's id makes it count once. An event that is on disk
outlives a crash, and stays until the server has committed it. One whose deed was not done is taken
back, and never handed in.
"""

import asyncio
import contextlib
import logging
import secrets
import sqlite3
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Final, NamedTuple, Protocol
from uuid import UUID

import msgspec

from doorward.doors.disk import Disk, Observed
from doorward.errors import Unavailable
from doorward.policy.model import Decision, Origin
from doorward.policy.throttle import Attempts

_BATCH: Final = 100
_FIRST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 5.0

_log = logging.getLogger(__name__)


class WrongCode(msgspec.Struct, frozen=True):
    """A wrong code at a reader, and all that its keypad remembers by then."""

    reader_id: UUID
    attempts: Attempts


class Happening(msgspec.Struct, frozen=True):
    """A decision at a door; occurred_at by the workspace's clock at the door.

    uses: where the credential has a limit, how often it has opened a door of this controller by
    then. A total, as wrong_code is, so that it counts once however often it is handed in.
    """

    event_id: UUID
    occurred_at: datetime
    origin: Origin
    decision: Decision
    uses: int | None = None
    wrong_code: WrongCode | None = None


class Deed(Protocol):
    """What a happening tells of, and can only be done once that is on disk."""

    def do(self) -> bool:
        """Does it, unless it is too late for it by now."""

    def undo(self) -> Sequence[Observed]:
        """What is observed where it was not done."""


class _Put(NamedTuple):
    body: bytes
    observed: Sequence[Observed]
    deed: Deed
    is_done: asyncio.Future[bool]


class _Withdrawn(NamedTuple):
    sequence: int
    observed: Sequence[Observed]


def new_event_id() -> UUID:
    """An id that sorts by the time it was made (RFC 9562, version 7 with a finer clock, method 3):
    events that the server learns of in the same millisecond keep their order.
    """
    milliseconds, nanoseconds = divmod(time.time_ns(), 1_000_000)
    fraction = nanoseconds * 4096 // 1_000_000
    return UUID(int=milliseconds << 80 | 7 << 76 | fraction << 64 | 2 << 62 | secrets.randbits(62))


class Withheld(Exception):
    """The server is not to hear of it now: the controller's link is held."""


Deliver = Callable[[Sequence[Happening]], Awaitable[None]]


class Spool:
    """The spool of one controller.

    deliver: commits happenings at the server; raises Unavailable or Withheld to be asked again.
    """

    def __init__(self, disk: Disk, deliver: Deliver) -> None:
        self._disk = disk
        self._deliver = deliver
        self._waiting: list[_Put] = []
        self._withdrawn: list[_Withdrawn] = []
        # From a write until its deeds are done or withdrawn, nothing is read to be handed in.
        self._turn = asyncio.Lock()
        self._flush: asyncio.Task[None] | None = None
        self._news = asyncio.Event()
        self._news.set()
        self._hurry = asyncio.Event()

    async def put(self, happening: Happening, observed: Sequence[Observed], deed: Deed) -> bool:
        """Puts it on disk, with what was observed by it, then does the deed; what arrives meanwhile
        shares the next write. Where it answers False nothing was done, and the happening is gone.

        Whoever no longer waits for the answer changes none of that. Raises sqlite3.Error or OSError
        when the disk fails; then nothing was done.
        """
        is_done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Put(msgspec.json.encode(happening), observed, deed, is_done))
        if self._flush is None or self._flush.done():
            self._flush = asyncio.create_task(self._write())
        return await is_done

    async def finish(self) -> None:
        """Answers when whatever was put is on disk, or has failed."""
        if self._flush is not None:
            await self._flush

    def hurry(self) -> None:
        """Hands in at once: the server can be reached again."""
        self._hurry.set()

    async def hand_in_on(self) -> None:
        """Hands in whatever is on disk, for as long as the controller runs."""
        pause = _FIRST_PAUSE
        while True:
            await self._news.wait()
            self._news.clear()
            try:
                await self._hand_in()
                pause = _FIRST_PAUSE
                continue
            except (Unavailable, Withheld):
                pass
            except Exception:  # noqa: BLE001 - one bad event must not end the controller
                _log.exception("%s: events could not be handed in", self._disk.path.stem)
            await self._rest(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)
            self._news.set()

    async def _rest(self, seconds: float) -> None:
        """Pauses, at most until somebody is in a hurry."""
        self._hurry.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._hurry.wait()

    async def _hand_in(self) -> None:
        while entries := await self._entries():
            await self._deliver([msgspec.json.decode(body, type=Happening) for _, body in entries])
            await self._disk.unspool(entries[-1][0])

    async def _entries(self) -> list[tuple[int, bytes]]:
        async with self._turn:
            await self._withdraw()
            return await self._disk.spooled(_BATCH)

    async def _write(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            async with self._turn:
                await self._write_batch(batch)

    async def _write_batch(self, batch: Sequence[_Put]) -> None:
        try:
            sequences = await self._disk.spool(
                [put.body for put in batch], [each for put in batch for each in put.observed]
            )
        except Exception as trouble:  # noqa: BLE001 - whoever waits is told
            for put in batch:
                if not put.is_done.done():
                    put.is_done.set_exception(trouble)
            return
        done = [put.deed.do() for put in batch]
        # The last first: of what is counted, only the newest can be given back.
        for sequence, put, is_done in reversed(list(zip(sequences, batch, done, strict=True))):
            if not is_done:
                self._withdrawn.append(_Withdrawn(sequence, put.deed.undo()))
        # A disk that fails here is asked again before anything is handed in.
        with contextlib.suppress(sqlite3.Error, OSError):
            await self._withdraw()
        _answer(batch, done)
        self._news.set()

    async def _withdraw(self) -> None:
        if withdrawn := self._withdrawn[:]:
            await self._disk.withdraw(
                [each.sequence for each in withdrawn],
                [observed for each in withdrawn for observed in each.observed],
            )
            del self._withdrawn[: len(withdrawn)]


def _answer(batch: Sequence[_Put], done: Sequence[bool]) -> None:
    for put, is_done in zip(batch, done, strict=True):
        if not put.is_done.done():
            put.is_done.set_result(is_done)
