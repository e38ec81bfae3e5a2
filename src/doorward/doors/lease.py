"""Who runs a controller: one process at a time, by a lease on the database's clock.

Each taking of the lease has a generation of its own, which fences off whoever held it before: a
confirmation under an old generation is not heard. A holder that cannot reach the database keeps
deciding (DESIGN.md, decision 10); one that learns of another holder stops, and notes that in its
file.

Nobody can know without the database who else runs a controller. A process that starts then
decides if its file says that the slice was kept up under the lease and that nobody else has been
seen since; the lock on the file sees to it that of the processes on one data folder only one does.
Two machines with a data folder each may both believe it, each for the readers that reach it:
whoever keeps such a pair starts the second one only where the database can be reached.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import Final, Literal

from doorward.errors import Unavailable
from doorward.store import controllers
from doorward.store.controllers import LEASE_SECONDS, ControllerKey, Link

RENEWAL_SECONDS: Final = 1.0
# A database that answers later than this might as well be away.
_PATIENCE: Final = 2.0

Standing = Literal["unknown", "ours", "other", "retired"]


class Lease:
    """One controller's lease as this process knows it.

    standing: what the database said last. is_cut_off: it did not answer when last asked.
    on_change: called after each answer that changed one of them.
    """

    def __init__(
        self, link: Link, key: ControllerKey, holder: str, on_change: Callable[[], None]
    ) -> None:
        self._link = link
        self._key = key
        self._on_change = on_change
        self._turn = asyncio.Lock()
        self._fresh_until = float("-inf")
        self.holder = holder
        self.generation = 0
        self.standing: Standing = "unknown"
        self.is_cut_off = False

    @property
    def is_ours(self) -> bool:
        """Whether the database gave it to us, and to nobody else as far as we know."""
        return self.standing == "ours"

    @property
    def may_have_passed_on(self) -> bool:
        """Whether somebody else may have it by now, though the database could be asked."""
        return time.monotonic() >= self._fresh_until and not self.is_cut_off

    async def keep(self) -> None:
        """Takes the lease as soon as it is free, and renews it, for as long as this runs."""
        while True:
            await self.renew()
            await asyncio.sleep(RENEWAL_SECONDS)

    async def renew(self) -> None:
        """Asks once."""
        async with self._turn:
            before = (self.standing, self.is_cut_off)
            await self._ask()
            if before != (self.standing, self.is_cut_off):
                self._on_change()

    def reached(self) -> None:
        """The database has answered somebody else here: it is not away."""
        self.is_cut_off = False

    async def release(self) -> None:
        """Gives it back where it is ours and the database can be reached."""
        if self.is_ours:
            self.standing = "unknown"
            with contextlib.suppress(Unavailable, TimeoutError):
                async with asyncio.timeout(_PATIENCE):
                    await controllers.release(self._link, self._key, self.holder, self.generation)

    async def _ask(self) -> None:
        asked_at = time.monotonic()
        try:
            async with asyncio.timeout(_PATIENCE):
                claim = await controllers.claim(
                    self._link,
                    self._key,
                    self.holder,
                    self.generation,
                    is_first=self.standing == "unknown",
                )
        except (Unavailable, TimeoutError):
            self.is_cut_off = True
            return
        self.is_cut_off = False
        if self.is_ours and claim.standing == "ours" and claim.generation > self.generation:
            # This process slept while somebody else had it and gave it back.
            self.standing = "other"
            self._on_change()
        self.standing = claim.standing
        if claim.standing == "ours":
            self.generation = claim.generation
            self._fresh_until = asked_at + LEASE_SECONDS
