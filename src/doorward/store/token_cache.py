"""Valid tokens that this process has seen, forgotten as soon as any token changes anywhere."""

import asyncio
from collections import OrderedDict
from typing import Final
from uuid import UUID

from doorward.store import client_sessions, console, tokens, workspaces
from doorward.store.database import Database
from doorward.store.tokens import AnyKind, Known
from doorward.store.watch import Watch

_SIZE: Final = 10_000
# Look-ups at a time: whoever tries tokens that do not exist must not get the whole pool.
_LOOKUPS: Final = 2


class TokenCache:
    """Finds tokens without asking PostgreSQL each time, and also while it is away.

    A revocation empties the cache within the watch's interval. While PostgreSQL is away nobody
    can revoke anything, so that what was valid when it went stays valid. A text that can be no
    token costs PostgreSQL nothing. Published tokens count only where `honours_published`: on a
    server that listens on a loopback address. `console_key` signs console sessions.
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
        self._looking = asyncio.Semaphore(_LOOKUPS)

    async def find(self, token: str) -> Known | None:
        """The token of this text, None for an unknown one. Raises `Unavailable`."""
        self._forget_if_changed()
        key = tokens.digest(token)
        if key in self._known:
            self._known.move_to_end(key)
            return self._known[key]
        generation = self._generation
        async with self._looking:
            found = await self._look_up(tokens.kind_of(token), token)
        if found is not None and found.is_published and not self._honours_published:
            found = None
        self._forget_if_changed()
        # Looked up before a change that has been seen by now: true then, perhaps not any more.
        if found is not None and generation == self._generation:
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
        if self._watch.token_generation != self._generation:
            self._known.clear()
            self._generation = self._watch.token_generation

    def _remember(self, key: bytes, token: Known) -> None:
        self._known[key] = token
        if len(self._known) > _SIZE:
            self._known.popitem(last=False)
