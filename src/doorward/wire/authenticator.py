"""What the wire asks of whoever knows the tokens."""

from collections.abc import Collection
from datetime import datetime
from typing import Protocol
from uuid import UUID

from doorward.store.sight import Sight
from doorward.wire.route import CallerKind


class Token(Protocol):
    """A token that may call. `workspace_id` is the one it is for, None for every workspace."""

    @property
    def token_id(self) -> UUID:
        """How the journal names it."""

    @property
    def kind(self) -> CallerKind:
        """Which kind of token it is."""

    @property
    def workspace_id(self) -> UUID | None:
        """The one workspace, if it is for one."""

    @property
    def is_published(self) -> bool:
        """Whether anybody knows it, so that it counts for calls from this machine alone."""

    @property
    def is_revoked(self) -> bool:
        """Whether it was ended before its time; only sessions and publishable keys tell of it."""

    @property
    def scopes(self) -> Collection[str]:
        """What it may beside its workspace's own calls."""

    @property
    def expires_at(self) -> datetime | None:
        """The first instant, in real time, at which it counts no more."""

    @property
    def sight(self) -> Sight | None:
        """What an end user's session may see, None for everything."""


class Authenticator(Protocol):
    """Knows the tokens and the workspaces. Both calls may raise Unavailable."""

    async def find(self, token: str) -> Token | None:
        """The token with this text, None for an unknown one.

        A revoked one is unknown too, unless it is of a kind that is told so.
        """

    async def workspace_exists(self, workspace_id: UUID) -> bool:
        """Whether there is such a workspace."""
