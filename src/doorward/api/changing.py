"""Changing who may open what, for calls that are not the hot one: one operation of the writer."""

import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from uuid import UUID

from doorward.api.creating import once_in
from doorward.api.services import Services
from doorward.errors import Unavailable
from doorward.store import journal
from doorward.store.database import Connection
from doorward.store.journal import Change
from doorward.wire.route import Call

T = TypeVar("T")

# What a call does: on the writer's connection, inside a savepoint of its own.
Make = Callable[[Connection, Change], Awaitable[T]]


@dataclass(frozen=True, slots=True)
class _Operation(Generic[T]):
    """One call's change. Answers what it made, and the revision that the doors have to confirm: the
    newest one, also of a change that was there already, for the doors may not have it yet.
    """

    call: Call[Services]
    change: Change
    make: Make[T]

    @property
    def workspace_id(self) -> UUID:
        """The workspace whose journal this is written to."""
        return self.change.workspace_id

    async def run(self, connection: Connection) -> tuple[T, int]:
        """Raises what `make` raises; then nothing has changed."""
        made = await self._make(connection)
        return made, await journal.revision(connection, self.workspace_id)

    async def _make(self, connection: Connection) -> T:
        if self.call.idempotency is None:
            return await self.make(connection, self.change)
        made: Any = lambda connection: self.make(connection, self.change)  # noqa: E731
        kept: Any = await once_in(connection, self.call, made)
        return kept  # type: ignore[no-any-return]  # what was made, or the answer that was kept


def asked(call: Call[Services]) -> Change:
    """Who asks for a change, and when by the workspace's clock."""
    now = call.services.clock.now(call.workspace_id)
    return Change(call.workspace_id, call.caller.actor, now)


async def carry_out(call: Call[Services], make: Make[T]) -> T:
    """Runs `make(connection, change)` as one operation of the writer, then waits for the doors.

    Nothing, or all of it with its events and its journal entries. Under an Idempotency-Key it runs
    once. Whoever made the change, or repeats it, is answered when the connected controllers have
    confirmed it, or after `confirm_timeout` seconds. Raises what `make` raises, and Unavailable.
    """
    made, revision = await call.services.writer.submit(_Operation(call, asked(call), make))
    await wait_for_doors(call, revision)
    return made


async def wait_for_doors(call: Call[Services], revision: int) -> None:
    """Waits for the connected controllers, at most `confirm_timeout` seconds."""
    services = call.services
    # It is committed: whatever becomes of the doors' answer, the caller's is success.
    with contextlib.suppress(Unavailable):
        await services.doors.wait_confirmed(call.workspace_id, revision, services.confirm_timeout)
