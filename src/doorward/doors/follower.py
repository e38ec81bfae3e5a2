"""Keeps a controller's slice current: in memory first, then on disk, then confirmed.

The journal is tailed under the lease alone. While the controller is held, as while PostgreSQL is
away, the slice stays as it is. A new epoch, a gap, or an entrance that comes or goes makes the
follower fetch the whole slice.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import msgspec

from doorward.doors.ahead import Ahead
from doorward.doors.disk import Disk, Header
from doorward.doors.lease import Lease
from doorward.doors.reporter import Reporter
from doorward.doors.slice import Slice
from doorward.errors import Unavailable
from doorward.policy.facts import Fact, Kind
from doorward.store import slices
from doorward.store.committed import Committed
from doorward.store.controllers import Confirmation, Link
from doorward.store.database import Database
from doorward.store.slices import Contact, Tail, Whole
from doorward.store.watch import Position

# A follower that nobody wakes looks by itself; while it is held, for the release.
_IDLE: Final = 1.0
_HELD: Final = 0.05

_LAYOUT: Final = frozenset({Kind.ENTRANCE, Kind.READER})
# Of a slice on disk that has facts ahead of their turn: no journal continues it, so that after a
# restart, which forgets which facts these were, the whole slice is fetched.
_NOT_THE_JOURNALS: Final = b"ahead"


@dataclass(frozen=True, slots=True)
class Uplink:
    """A process's ways to the server, shared by its controllers."""

    database: Database
    link: Link
    reporter: Reporter


class Follower:
    """One controller's slice, in memory as `slice` and on disk.

    on_layout: called after entrances or readers have changed. on_keypads: called before this
    process decides, and when the server has heard more of what keypads remember; raises
    Unavailable. ready: set once it is known what this process may decide on: after the first look
    at the server, or without an answer from it.
    """

    def __init__(self, uplink: Uplink, disk: Disk, header: Header) -> None:
        self._uplink = uplink
        self._disk = disk
        self._header = header
        self._wake = asyncio.Event()
        self._unsaved: list[Fact] = []
        self._ahead = Ahead()
        self._handed: Contact | None = None
        self._is_tail_due = True
        self._is_whole_due = True
        self._has_yielded = False
        self._keypad_version: int | None = None
        self.on_layout: Callable[[], None] = lambda: None
        self.on_keypads: Callable[[], Awaitable[None]] = _nothing
        self.slice = Slice(header.key)
        self.lease = Lease(uplink.link, header.key, header.holder, self._lease_changed)
        self.is_held = False
        self.confirmed: Position | None = None
        self.ready = asyncio.Event()

    @property
    def may_decide(self) -> bool:
        """Whether there is a slice that was kept up under our lease, and nobody else has taken
        the lease since as far as we know. A lapsed lease does not count: DESIGN.md, decision 10.
        """
        return self._header.is_ours and not self._has_yielded and self.slice.position is not None

    @property
    def is_connected(self) -> bool:
        """Whether the controller hears the server."""
        return self.lease.is_ours and not self.lease.is_cut_off and not self.is_held

    @property
    def connected_account_id(self) -> UUID | None:
        """The account of the access system, known with the first slice."""
        return self._header.connected_account_id

    async def load(self) -> None:
        """Takes the slice from disk. Raises sqlite3.DatabaseError where it cannot be read."""
        if self._header.position is not None:
            async for facts in self._disk.facts():
                self.slice.load(facts, self._header.position)
            self.slice.complete(self._header.position, self._header.journal_hash)
            self._is_whole_due = False

    def hand(self, committed: Committed) -> None:
        """Takes what this process has just committed, without reading the journal: a database that
        dies next leaves no door open to whoever was removed.

        Where it does not follow on what is here, because another process has committed something
        in between, at least what it takes away is refused at once; the rest waits for its turn.
        """
        tail = committed.tail(self._header.key.controller_id)
        if tail is None or not self.is_connected or tail.contact.is_held:
            self.wake()
        elif self._is_next(tail):
            self._take(tail)
            self._handed = tail.contact
            self._is_tail_due |= self._is_whole_due or self.slice.position != tail.contact.head
            self._wake.set()
        else:
            self._ahead.take(self.slice, tail)
            self.wake()

    def wake(self) -> None:
        """Looks at the journal at once."""
        self._is_tail_due = True
        self._wake.set()

    def heard(self, position: Position) -> None:
        """The server has taken the confirmation of a position."""
        self.confirmed = position

    async def follow_on(self) -> None:
        """Follows the journal for as long as the controller runs."""
        while True:
            await self._rest()
            try:
                await self._look()
            except Unavailable:
                await self._keep_ahead()
            if self.lease.standing != "unknown" or self.lease.is_cut_off:
                self.ready.set()

    async def _keep_ahead(self) -> None:
        """Puts on disk what was taken ahead and is in no tail yet: it outlives a restart too."""
        if self._ahead.facts:
            header = msgspec.structs.replace(self._header, journal_hash=_NOT_THE_JOURNALS)
            await self._disk.keep(self._ahead.facts, header)

    async def _rest(self) -> None:
        try:
            async with asyncio.timeout(_HELD if self.is_held else _IDLE):
                await self._wake.wait()
        except TimeoutError:
            self._is_tail_due = True
        self._wake.clear()

    def _lease_changed(self) -> None:
        if self.lease.standing in ("other", "retired"):
            self._has_yielded = True
        if self.lease.is_cut_off:
            # A crash of PostgreSQL may have forgotten it, so that it is said again.
            self.confirmed = None
        self.wake()

    async def _look(self) -> None:
        if self._has_yielded and self._header.is_ours:
            await self._set_header(msgspec.structs.replace(self._header, is_ours=False))
        handed, self._handed = self._handed, None
        if handed is not None and self.lease.is_ours and not self._is_whole_due:
            await self._keep(handed)
        if self._is_tail_due:
            self._is_tail_due = False
            while self.lease.is_ours and await self._take_tail():
                pass

    async def _take_tail(self) -> bool:
        """Takes what is new; answers whether there may be more."""
        here = self.slice.position
        if self._is_whole_due or here is None:
            return await self._fetch_whole()
        tail = await slices.read_tail(self._uplink.link, self._header.key, here.revision)
        if tail is None or not await self._may_follow(tail.contact):
            return False
        if self.slice.position != here:
            return True  # something was handed over meanwhile, and read here once more
        if not self.slice.is_continued_by(tail):
            self._is_whole_due = True
            return True
        if self._take(tail):
            return True  # refused already what it takes away, but no complete slice to keep
        await self._keep(tail.contact)
        return self.slice.position != tail.contact.head

    def _is_next(self, tail: Tail) -> bool:
        contact, lease = tail.contact, self.lease
        return (
            (contact.lease_holder, contact.lease_generation) == (lease.holder, lease.generation)
            and not self._is_whole_due
            and self.slice.is_continued_by(tail)
        )

    def _take(self, tail: Tail) -> bool:
        """Takes a tail that continues the slice; answers whether a whole slice is due now."""
        taken = self.slice.take(tail)
        is_undone = self._ahead.drop_overtaken(self.slice.position, tail.entries)
        self._is_whole_due = taken.needs_whole or is_undone
        self._unsaved += taken.facts
        if any(fact.kind in _LAYOUT for fact in taken.facts):
            self.on_layout()
        return self._is_whole_due

    async def _fetch_whole(self) -> bool:
        async with slices.read_whole(self._uplink.database, self._header.key) as whole:
            if whole is None or not await self._may_follow(whole.contact):
                return False
            self.slice = await self._read(whole)
        self._ahead.drop_overtaken(self.slice.position)
        self._ahead.take_again(self.slice.index)
        self.on_layout()
        self._unsaved.clear()
        header = msgspec.structs.replace(
            self._header, connected_account_id=whole.connected_account_id
        )
        header = self._complete(header)
        await self._disk.replace(header, [*self._ahead.facts])
        self._keypad_version = None  # an entrance that came brings along what its readers remember
        await self._kept(header, whole.contact)
        self._is_whole_due = False
        return True

    async def _read(self, whole: Whole) -> Slice:
        fresh = Slice(self._header.key)
        await self._disk.begin_replacement()
        async for facts in whole.chunks():
            fresh.load(facts, whole.contact.head)
            await self._disk.stage(facts)
        fresh.complete(whole.contact.head, whole.contact.last_hash)
        return fresh

    async def _may_follow(self, contact: Contact) -> bool:
        """Whether the server talks to this process: not held, and under the lease's generation."""
        self.is_held = contact.is_held
        expected = (self.lease.holder, self.lease.generation)
        if (contact.lease_holder, contact.lease_generation) != expected:
            await self.lease.renew()
            return False
        self.lease.reached()
        return not contact.is_held

    async def _keep(self, contact: Contact) -> None:
        """Puts on disk what memory has, unless it is there already, then confirms."""
        header = self._complete(self._header)
        if self._unsaved or header != self._header:
            facts, self._unsaved = self._unsaved, []
            try:
                # An older fact in its turn does not bring back what was taken ahead.
                await self._disk.keep([*facts, *self._ahead.facts], header)
            except BaseException:
                self._unsaved[:0] = facts
                raise
        await self._kept(header, contact)

    def _complete(self, header: Header) -> Header:
        kept = self.slice
        journal_hash = _NOT_THE_JOURNALS if self._ahead.facts else kept.journal_hash
        return msgspec.structs.replace(
            header, is_ours=True, position=kept.position, journal_hash=journal_hash
        )

    async def _kept(self, header: Header, contact: Contact) -> None:
        if contact.keypad_version != self._keypad_version:
            await self.on_keypads()
            self._keypad_version = contact.keypad_version
        # From here on it may decide.
        self._header = header
        if self.lease.is_ours and self.lease.generation == contact.lease_generation:
            self._has_yielded = False
            self._report()

    def _report(self) -> None:
        position = self._header.position
        if position is not None and position != self.confirmed:
            lease = self.lease
            self._uplink.reporter.report(
                Confirmation(self._header.key, lease.holder, lease.generation, position)
            )

    async def _set_header(self, header: Header) -> None:
        await self._disk.set_header(header)
        self._header = header


async def _nothing() -> None:
    """Nobody wants to be called."""
