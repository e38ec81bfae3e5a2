"""What the server hands in to every handler."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol
from uuid import UUID

from doorward.api.background import Background
from doorward.clock import MovableClock
from doorward.policy.shown import Take
from doorward.resources.decision import Decision
from doorward.resources.door import Door
from doorward.store.database import Connection, Database
from doorward.store.journal import Change
from doorward.store.secrets import Keyring
from doorward.store.writer import Writer
from doorward.wire.rate import RateLimit

# Sessions a second that a publishable key makes in the long run: anybody can read the key.
NEWCOMERS: Final = 10.0


def _newcomers() -> RateLimit:
    return RateLimit(NEWCOMERS)


class Doors(Protocol):
    """What the API needs of the doors (doorward.doors has them)."""

    async def present(
        self,
        workspace_id: UUID,
        acs_entrance_id: UUID,
        *,
        card_number: str | None = None,
        code: str | None = None,
        reader_id: UUID | None = None,
    ) -> Decision:
        """Presents one card or one code at an entrance's virtual reader. Needs no PostgreSQL.

        reader_id None: the entrance's first one. Raises ApiError: 404 `acs_entrance_not_found` or
        `reader_not_found`, 400 where there is no virtual reader, and Unavailable where the
        entrance's controller does not run in this process.
        """

    async def unlock(
        self,
        workspace_id: UUID,
        acs_entrance_id: UUID,
        acs_credential_id: UUID,
        *,
        deadline: float,
    ) -> Decision:
        """Opens an entrance once from afar, for a credential named by its id, if the ladder allows.

        deadline: in real seconds since 1970; raises TooLate instead of opening later. Raises
        ApiError 404 `acs_entrance_not_found`, 503 where the controller does not run here, is cut
        off from the server, or cannot write its disk.
        """

    async def await_card(
        self,
        workspace_id: UUID,
        acs_entrance_id: UUID,
        reader_id: UUID | None,
        timeout: float,
        take: Take,
    ) -> bool:
        """Offers `take` the cards that a reader of the entrance does not know, one after another.

        False where `timeout` seconds went by before it waited no longer. reader_id None: the
        entrance's first reader. Raises ApiError 404 `acs_entrance_not_found` or `reader_not_found`,
        503 where the controller does not run here.
        """

    async def status(self, workspace_id: UUID) -> Sequence[Door]:
        """Every entrance of the workspace as its controller sees it. Raises Unavailable."""

    async def hold(self, workspace_id: UUID, controller_id: UUID, *, is_held: bool) -> None:
        """Cuts a controller off from the server, or lets it back.

        Raises ApiError 404 `controller_not_found`.
        """

    async def wait_confirmed(self, workspace_id: UUID, revision: int, timeout: float) -> bool:
        """Waits until every connected controller of the workspace holds this revision.

        Answers False when `timeout` seconds went by before.
        """


class Sites(Protocol):
    """What the API needs of site files (doorward.site has them)."""

    async def restore(self, connection: Connection, change: Change) -> None:
        """Sets a sandbox workspace back to the file that it was brought to last.

        For an operation of the writer. Raises StartError where there is no such file, or where it
        does not go with the database.
        """


def _nobody(_workspace_id: UUID) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Services:
    """The parts that handlers work with.

    confirm_timeout: for how many seconds a change waits for the doors before it is answered.
    newcomers: the sessions that each publishable key makes. background: what goes on after an
    answer. wake_systems: says that something may have changed at a workspace's systems with lists
    of their own.
    """

    database: Database
    writer: Writer
    doors: Doors
    clock: MovableClock
    keyring: Keyring
    sites: Sites
    confirm_timeout: float = 0.05
    newcomers: RateLimit = field(default_factory=_newcomers)
    background: Background = field(default_factory=Background)
    wake_systems: Callable[[UUID], None] = _nobody
