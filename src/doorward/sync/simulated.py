"""The driver of simulated systems: each takes its time, and misbehaves as it is told."""

import asyncio
from typing import Final
from uuid import UUID

from doorward.resources.provider import Provider
from doorward.store import simulated
from doorward.store.database import Database
from doorward.store.external import MASKED, Fields, Key, Where
from doorward.store.secrets import Keyring
from doorward.store.simulated import Faults
from doorward.sync.driver import Listing, Refused, Unreachable

_NUMBER: Final = "number"


class SimulatedDriver:
    """One simulated system."""

    def __init__(
        self, database: Database, keyring: Keyring, where: Where, provider: Provider
    ) -> None:
        self._database = database
        self._keyring = keyring
        self._where = where
        self._provider = provider
        self._seats: int | None = None

    @property
    def seats(self) -> int | None:
        """How many people it takes, as of the last `read`."""
        return self._seats

    async def read(self) -> Listing:
        """The system's list, as far as it tells it."""
        faults = await self._answer()
        self._seats = faults.seats
        listing = await self._list()
        if not faults.is_masking:
            return listing
        return {key: _masked(fields) for key, fields in listing.items()}

    async def put(self, key: Key, fields: Fields) -> None:
        """Writes an object into the list, unless it misbehaves."""
        faults = await self._answer()
        await self._refuse(faults, key, fields)
        if not faults.is_lying:
            kept = _kept(faults, fields)
            await simulated.put(self._database, self._keyring, self._where, key, kept)
        if faults.is_erring:
            raise Refused("object")

    async def delete(self, key: Key) -> None:
        """Takes an object off the list, unless it misbehaves."""
        faults = await self._answer()
        if key.object_id in faults.refused:
            raise Refused("object")
        if not faults.is_lying:
            with_it = [] if key.kind != "user" else await self._credentials_of(key)
            await simulated.delete(self._database, self._where, key, with_it)
        if faults.is_erring:
            raise Refused("object")

    async def _answer(self) -> Faults:
        behaviour = await simulated.behaviour(self._database, self._where)
        if behaviour is None:
            raise Unreachable("the system is gone")
        await asyncio.sleep(behaviour.latency_ms / 1000)
        if behaviour.faults.is_unreachable:
            raise Unreachable("the system is told not to answer")
        return behaviour.faults

    async def _list(self) -> dict[Key, Fields]:
        return await simulated.read(self._database, self._keyring, self._where)

    async def _refuse(self, faults: Faults, key: Key, fields: Fields) -> None:
        if key.object_id in faults.refused:
            raise Refused("object")
        if not _is_kept(self._provider, key, fields):
            raise Refused("unsupported")
        if fields.get("is_suspended") and not (
            self._provider.can_suspend and not faults.lacks_suspension
        ):
            raise Refused("unsupported")
        needed = _needed(key, fields)
        if await simulated.count(self._database, self._where, needed) < len(needed):
            raise Refused("object")
        if key.kind == "user" and faults.seats is not None:
            is_there = await simulated.count(self._database, self._where, [key])
            people = await simulated.count_people(self._database, self._where)
            if not is_there and people >= faults.seats:
                raise Refused("no_seat")

    async def _credentials_of(self, key: Key) -> list[Key]:
        return [
            each
            for each, fields in (await self._list()).items()
            if fields.get("acs_user_id") == str(key.object_id)
        ]


def _is_kept(provider: Provider, key: Key, fields: Fields) -> bool:
    """Whether systems of a kind keep such objects at all, however they came to be asked."""
    if key.kind in ("group", "membership"):
        return provider.is_group_based
    if key.kind == "user":
        return True
    number, (fewest, most) = fields.get(_NUMBER), provider.code_lengths
    is_long_enough = not isinstance(number, str) or fewest <= len(number) <= most
    method = fields.get("access_method")
    return method in provider.methods and (method != "code" or is_long_enough)


def _needed(key: Key, fields: Fields) -> list[Key]:
    """The objects that another one cannot be without."""
    if key.kind == "membership":
        return [Key("user", key.object_id), Key("group", key.related_id)]
    owner = fields.get("acs_user_id")
    return [Key("user", UUID(owner))] if isinstance(owner, str) else []


def _kept(faults: Faults, fields: Fields) -> dict[str, object]:
    number = fields.get(_NUMBER)
    if not isinstance(number, str):
        return dict(fields)
    if faults.drops_codes:
        number = None
    elif faults.code_digits is not None:
        number = number[: faults.code_digits]
    return {**fields, _NUMBER: number}


def _masked(fields: Fields) -> Fields:
    return fields if fields.get(_NUMBER) is None else {**fields, _NUMBER: MASKED}
