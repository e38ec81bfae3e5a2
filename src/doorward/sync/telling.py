"""What happens at a system by itself: told in the transaction that writes it down, and once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from doorward.clock import Clock
from doorward.events import catalogue
from doorward.events.catalogue import Occasion
from doorward.events.deletions import in_order
from doorward.resources.event import Event
from doorward.resources.values import iso
from doorward.store import events, external, foreign, systems, troubles
from doorward.store.database import Connection, Database
from doorward.store.external import Fields, Key, Where

_Kind = Callable[[Occasion, UUID, UUID, UUID], Event]

# The API has no event for a group that others made.
_MADE: Final[Mapping[str, _Kind]] = {
    "user": catalogue.acs_user_created,
    "credential": catalogue.acs_credential_issued,
}
_GONE: Final[Mapping[str, _Kind]] = {
    "credential": catalogue.acs_credential_deleted,
    "group": catalogue.acs_access_group_deleted,
    "user": catalogue.acs_user_deleted,
}


@dataclass(frozen=True, slots=True)
class Telling:
    """What is written down of one system, with its events."""

    database: Database
    clock: Clock
    where: Where

    async def unreachable(self, error_code: str, wait: float) -> None:
        """It does not answer; the next try is due in `wait` seconds. Raises Unavailable."""
        async with self.database.transaction() as connection:
            if not await external.system_failed(connection, self.where, error_code, wait):
                return
            occasion, account = await self._occasion(connection)
            error = troubles.error(error_code, iso(occasion.created_at))
            told = catalogue.acs_system_disconnected(
                occasion, account, self.where.acs_system_id, error
            )
            await events.insert_events(connection, self.where.workspace_id, [told])

    async def answered(self, error_code: str | None, *, is_crowded: bool) -> None:
        """It answers; and what is wrong with it all the same. Raises Unavailable."""
        async with self.database.transaction() as connection:
            if await external.system_answered(
                connection, self.where, error_code, is_crowded=is_crowded
            ):
                occasion, account = await self._occasion(connection)
                told = catalogue.acs_system_connected(occasion, account, self.where.acs_system_id)
                await events.insert_events(connection, self.where.workspace_id, [told])

    async def has(self, others: Mapping[Key, Fields]) -> None:
        """Others have made these objects there, and no more. Raises Unavailable."""
        if not await foreign.is_news(self.database, self.where, others):
            return
        async with self.database.transaction() as connection:
            new, gone = await foreign.adopt(connection, self.where, others)
            told = [
                *[await self._event(connection, _GONE, key) for key in gone if key.kind in _GONE],
                *[await self._event(connection, _MADE, key) for key in new if key.kind in _MADE],
            ]
            await events.insert_events(connection, self.where.workspace_id, in_order(told))

    async def _event(self, connection: Connection, kinds: Mapping[str, _Kind], key: Key) -> Event:
        occasion, account = await self._occasion(connection)
        return kinds[key.kind](occasion, account, self.where.acs_system_id, key.object_id)

    async def _occasion(self, connection: Connection) -> tuple[Occasion, UUID]:
        now = self.clock.now(self.where.workspace_id)
        account = await systems.account_of(connection, *self.where)
        return Occasion(self.where.workspace_id, now, now), account
