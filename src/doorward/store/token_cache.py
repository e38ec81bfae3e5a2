"""Valid tokens that this process has seen, forgotten as soon as any token changes anywhere."""

import asyncio
import contextlib
import math
import time
from collections import OrderedDict
from typing import Final
from uuid import UUID

from doorward.errors import Unavailable
from doorward.store import client_sessions, console, tokens, workspaces
from doorward.store.database import Database
from doorward.store.tokens import AnyKind, Known
from doorward.store.watch import Watch

_SIZE: Final = 10_000
# Look-ups at a time: whoever tries tokens that do not exist must not get the whole pool.
_LOOKUPS: Final = 2
# Seconds that a look of the cache's own may take, and those for which its outcome holds. A frozen
# PostgreSQL holds nobody up for longer, until its silence is noticed and looks fail at once.
_PATIENCE: Final = 0.25
_INTERVAL: Final = 0.25

_GENERATION: Final = "select generation from token_generation"
# The token generation, and how many changes this process has made.
_Standing = tuple[int, int]


class TokenCache:
    """Finds tokens without asking PostgreSQL each time, and also while it is away.

    A revocation through this process empties the cache at once, another one as soon as the watch
    has seen it. Where the watch sees nothing, one query for all callers asks whether any token has
    changed. While nobody can be asked, what was valid stays valid: doors go on, also in a process
    that is merely cut off while another one revokes. A text that can be no token costs PostgreSQL
    nothing. Published tokens count only where `honours_published`: on a server that listens on a
    loopback address. `console_key` signs console sessions.
    """

    def __init__(
        self, database: Database, watch: Watch, *, honours_published: bool, console_key: bytes
    ) -> None:
        self._console_key = console_key
        self._database = database
        self._watch = watch
        self._honours_published = honours_published
        self._known: OrderedDict[bytes, Known] = OrderedDict()
        self._generation = watch.token_generation
        self._standing = (self._generation, database.token_changes)
        self._asking: asyncio.Task[None] | None = None
        self._asked_until = -math.inf
        self._looking = asyncio.Semaphore(_LOOKUPS)

    async def find(self, token: str) -> Known | None:
        """The token of this text, None for an unknown one. Raises `Unavailable`."""
        key = tokens.digest(token)
        if key in self._known:
            await self._catch_up()
        self._forget_if_changed()
        if key in self._known:
            self._known.move_to_end(key)
            return self._known[key]
        standing = self._standing
        async with self._looking:
            found = await self._look_up(tokens.kind_of(token), token)
        if found is not None and found.is_published and not self._honours_published:
            found = None
        self._forget_if_changed()
        # Looked up before a change that has been seen by now: true then, perhaps not any more.
        if found is not None and standing == self._standing:
            self._remember(key, found)
        return found

    async def _look_up(self, kind: AnyKind | None, text: str) -> Known | None:
        match kind:
            case None:
                return None
            case "client_session":
                return await client_sessions.find(self._database, text)
            case "publishable_key":
                return await workspaces.find_by_publishable_key(self._database, text)
            case "console_session" if not console.is_ours(self._console_key, text):
                return None
            case _:
                return await tokens.find(self._database, text)

    async def workspace_exists(self, workspace_id: UUID) -> bool:
        """Whether there is such a workspace."""
        return self._watch.position(workspace_id) is not None

    def _forget_if_changed(self) -> None:
        if self._watch.is_fresh:
            self._generation = self._watch.token_generation
        standing = (self._generation, self._database.token_changes)
        if standing != self._standing:
            self._known.clear()
            self._standing = standing

    async def _catch_up(self) -> None:
        """Asks PostgreSQL for the generation where the watch does not tell; if it can be asked."""
        if self._watch.is_fresh or time.monotonic() < self._asked_until:
            return
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask(), name="token generation")
        # Whoever asked first may give up; others wait for the same answer.
        await asyncio.shield(self._asking)

    async def _ask(self) -> None:
        with contextlib.suppress(Unavailable, TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                self._generation = await self._database.fetchval(_GENERATION)
        self._asked_until = time.monotonic() + _INTERVAL

    def _remember(self, key: bytes, token: Known) -> None:
        self._known[key] = token
        if len(self._known) > _SIZE:
            self._known.popitem(last=False)
