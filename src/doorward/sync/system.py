"""Bringing one system's list to what is desired: compare, push, look again, until they agree."""

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Mapping
from typing import Final
from uuid import uuid4

from doorward.clock import Clock
from doorward.errors import Unavailable
from doorward.events import phones
from doorward.resources.provider import Provider
from doorward.store import external, journal, leaving, phone_keys
from doorward.store.database import Database
from doorward.store.external import Asked, Desired, Key, Where
from doorward.store.journal import Change
from doorward.store.secrets import Keyring
from doorward.sync.driver import Driver, Listing, Refused, Unreachable
from doorward.sync.reconcile import Comparison, compare
from doorward.sync.telling import Telling

# Seconds until the next try, doubled with each failure.
_FIRST: Final = 0.2
_LONGEST: Final = 300.0
# So many times a system may say that it has done something and not do it, before it is left alone.
_LIES: Final = 5
# Seconds between looks at a system that nobody has changed anything for: others may have.
LOOK: Final = 60.0

_log = logging.getLogger(__name__)


def back_off(failures: int) -> float:
    """Seconds to wait after so many failures, one or more, with jitter."""
    wait = min(_LONGEST, _FIRST * 2.0 ** min(failures - 1, 20))
    return wait * random.uniform(0.5, 1.0)  # noqa: S311 - no secret


def crowded(people: int, seats: int | None) -> bool:
    """Whether more than four fifths of the places are taken: the API warns from there on."""
    return seats is not None and 5 * people > 4 * seats


class System:
    """One system and its driver. `wake` says that something may have changed."""

    def __init__(
        self,
        database: Database,
        keyring: Keyring,
        where: Where,
        provider: Provider,
        driver: Driver,
        clock: Clock,
    ) -> None:
        self.where = where
        self._database = database
        self._keyring = keyring
        self._provider = provider
        self._driver = driver
        self._telling = Telling(database, clock, where)
        self._clock = clock
        self._holder = uuid4()
        self._wake = asyncio.Event()
        self._taken_at = 0.0
        self._failures = 0

    def wake(self) -> None:
        """Says that something may have changed."""
        self._wake.set()

    async def run(self) -> None:
        """Reconciles for ever."""
        try:
            while True:
                self._wake.clear()
                wait = await self._carefully()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(wait):
                        await self._wake.wait()
        finally:
            with contextlib.suppress(Unavailable):
                await external.release(self._database, self.where, self._holder)

    async def _carefully(self) -> float:
        try:
            return await self.reconcile()
        except Unavailable:
            return 1.0
        except Exception:  # noqa: BLE001 - one system's fault ends nothing
            _log.exception("system %s: begins again after a fault", self.where.acs_system_id)
            return back_off(5)

    async def reconcile(self) -> float:
        """One round; answers for how many seconds there is nothing to do. Raises Unavailable."""
        if not await self._take():
            return external.LEASE / 4
        try:
            wait = await self._round()
        except Unreachable:
            self._failures += 1
            wait = back_off(self._failures)
            await self._telling.unreachable(self._provider.unreachable, wait)
        else:
            self._failures = 0
        return wait

    async def _take(self) -> bool:
        self._taken_at = time.monotonic()
        return await external.take(self._database, self.where, self._holder)

    async def _is_held(self) -> bool:
        is_young = time.monotonic() - self._taken_at < external.LEASE / 3
        return is_young or await self._take()

    async def _round(self) -> float:
        desired = await external.read_desired(self._database, self._keyring, self.where)
        digests = {
            key: external.digest(self._keyring, self.where, fields)
            for key, fields in desired.objects.items()
        }
        listing, comparison = await self._look(desired, digests)
        tried = await self._push(desired, digests, comparison)
        if tried:
            # What it answered is a rumour; what it lists counts.
            fresh = await external.read_desired(self._database, self._keyring, self.where)
            desired = Desired(desired.revision, desired.objects, fresh.asked)
            listing, comparison = await self._look(desired, digests)
            await self._disappointed(desired.asked, tried & comparison.outstanding)
        await self._tell(listing, comparison)
        return _due(await external.read_asked(self._database, self.where), comparison)

    async def _look(
        self, desired: Desired, digests: dict[Key, bytes]
    ) -> tuple[Listing, Comparison]:
        listing = await self._driver.read()
        found = compare(desired.objects, digests, desired.asked, listing)
        await leaving.finish(self._database, self.where, found.gone)
        await external.confirm(
            self._database,
            self.where,
            desired.revision,
            found.outstanding,
            found.alike,
            found.gone,
        )
        await self._issue(found)
        for key in found.lost:
            if key.kind != "user" or desired.asked[key].failures:
                continue
            wait = desired.asked[key].wait
            await external.fail(self._database, self.where, key, wait, "deleted_externally")
        return listing, found

    async def _issue(self, comparison: Comparison) -> None:
        """Tells of keys on phones that the system has: until it was seen to, nobody could say."""
        waiting = await phone_keys.unissued(self._database, self.where)
        there = waiting & {key.object_id for key in comparison.alike if key.kind == "credential"}
        if not there:
            return
        workspace_id, acs_system_id = self.where
        async with self._database.transaction() as connection:
            await journal.lock(connection, workspace_id)
            now = self._clock.now(workspace_id)
            await phones.issue(
                connection, Change(workspace_id, f"system:{acs_system_id}", now), there
            )

    async def _push(
        self, desired: Desired, digests: dict[Key, bytes], comparison: Comparison
    ) -> set[Key]:
        """Does what is due; answers what the system says that it has done."""
        done: set[Key] = set()
        for key in (*comparison.deletes, *comparison.puts):
            asked = desired.asked.get(key)
            # What is to go is asked for otherwise than what was to stay, and so at once.
            digest = digests.get(key, b"")
            if asked is not None and asked.digest == digest and asked.wait > 0:
                continue
            if not await self._is_held():
                break
            await external.ask(self._database, self.where, key, digest)
            try:
                if key in desired.objects:
                    await self._driver.put(key, desired.objects[key])
                else:
                    await self._driver.delete(key)
            except Refused as refusal:
                await self._refused(desired, key, asked, refusal)
            done.add(key)
        return done

    async def _refused(
        self, desired: Desired, key: Key, asked: Asked | None, refusal: Refused
    ) -> None:
        failures = (asked.failures if asked else 0) + 1
        if refusal.reason == "no_seat":
            code = self._provider.no_seat
        elif key not in desired.objects:
            code = "failed_to_delete_on_acs_system"
        elif key.kind == "membership" or (asked is not None and asked.is_confirmed):
            code = "failed_to_update_on_acs_system"
        else:
            code = "failed_to_create_on_acs_system"
        await external.fail(self._database, self.where, key, back_off(failures), code)

    async def _disappointed(self, asked: Mapping[Key, Asked], keys: set[Key]) -> None:
        """Notes what a system says to have done, and has not: after some times, no repetition."""
        for key in keys:
            its = asked[key]
            if its.wait > 0:
                continue
            is_stuck = its.failures + 1 >= _LIES
            wait = _LONGEST if is_stuck else back_off(its.failures + 1)
            await external.fail(self._database, self.where, key, wait, None, is_stuck=is_stuck)

    async def _tell(self, listing: Listing, comparison: Comparison) -> None:
        await self._telling.has({key: listing[key] for key in comparison.foreign})
        error = None
        if self._provider.is_full_as_a_whole:
            limit = self._provider.no_seat
            is_full = await external.has_error(self._database, self.where, limit)
            error = limit if is_full else None
        people = sum(key.kind == "user" for key in listing)
        is_crowded = self._provider.nearly_full is not None and crowded(people, self._driver.seats)
        await self._telling.answered(error, is_crowded=is_crowded)


def _due(asked: Mapping[Key, Asked], comparison: Comparison) -> float:
    """Seconds until something is due."""
    outstanding = (asked.get(key) for key in comparison.outstanding)
    return min([LOOK, *(max(its.wait if its else 0.0, 0.01) for its in outstanding)])
