"""Valid tokens that this process has seen, forgotten as soon as any token changes anywhere."""

from collections import OrderedDict
from typing import Final
from uuid import UUID

from doorward.store import tokens
from doorward.store.database import Database
from doorward.store.tokens import Token
from doorward.store.watch import Watch

_SIZE: Final = 10_000


class TokenCache:
    """Finds tokens without asking PostgreSQL each time, and also while it is away.

    A revocation empties the cache within the watch's interval. While PostgreSQL is away nobody
    can revoke anything, so that what was valid when it went stays valid. Published tokens count
    only where `honours_published`: on a server that listens on a loopback address.
    """

    def __init__(self, database: Database, watch: Watch, *, honours_published: bool) -> None:
        self._database = database
        self._watch = watch
        self._honours_published = honours_published
        self._known: OrderedDict[bytes, Token] = OrderedDict()
        self._generation = watch.token_generation

    async def find(self, token: str) -> Token | None:
        """The token of this text, None for an unknown or revoked one. Raises `Unavailable`."""
        self._forget_if_changed()
        key = tokens.digest(token)
        if key in self._known:
            self._known.move_to_end(key)
            return self._known[key]
        generation = self._generation
        found = await tokens.find(self._database, token)
        if found is not None and found.is_published and not self._honours_published:
            found = None
        self._forget_if_changed()
        # Looked up before a change that has been seen by now: true then, perhaps not any more.
        if found is not None and generation == self._generation:
            self._remember(key, found)
        return found

    async def workspace_exists(self, workspace_id: UUID) -> bool:
        """Whether there is such a workspace."""
        return self._watch.position(workspace_id) is not None

    def _forget_if_changed(self) -> None:
        if self._watch.token_generation != self._generation:
            self._known.clear()
            self._generation = self._watch.token_generation

    def _remember(self, key: bytes, token: Token) -> None:
        self._known[key] = token
        if len(self._known) > _SIZE:
            self._known.popitem(last=False)
