"""A controller: decides at its doors, on its own slice, with the server or without it."""

import asyncio
import contextlib
import logging
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar
from uuid import UUID

from doorward.clock import Clock
from doorward.doors.deciding import Deciding
from doorward.doors.disk import Disk, new_header, put_aside
from doorward.doors.door import Door, Read
from doorward.doors.drivers import Attached, Driver
from doorward.doors.expecting import Expecting
from doorward.doors.follower import Follower, Uplink
from doorward.doors.handing_in import HandIn
from doorward.doors.observations import Observations
from doorward.doors.odds import Odds
from doorward.doors.spool import Happening, Spool, Withheld
from doorward.doors.tasks import Tasks
from doorward.errors import ApiError, not_found
from doorward.policy.cards import CardNumber, CodeNumber, Unreadable
from doorward.policy.model import Card, Code, Named, Origin, Reader, Request
from doorward.policy.shown import Shown
from doorward.store import keypads
from doorward.store.controllers import ControllerKey
from doorward.store.secrets import Keyring
from doorward.store.writer import Writer

R = TypeVar("R")

# How long a caller waits for a controller that is only just starting.
_START: Final = 2.0


@dataclass(frozen=True, slots=True)
class Equipment:
    """What all controllers of a process work with."""

    uplink: Uplink
    writer: Writer
    keyring: Keyring
    clock: Clock
    drivers: Mapping[str, Driver]


_log = logging.getLogger(__name__)


class Controller:
    """One controller, run by this process for as long as it has its file."""

    def __init__(
        self,
        equipment: Equipment,
        disk: Disk,
        key: ControllerKey,
        follower: Follower,
        observations: Observations,
    ) -> None:
        self.key = key
        self.follower = follower
        self.expecting = Expecting()
        self.odds = Odds(lambda: follower.slice.index)
        self._equipment = equipment
        self._disk = disk
        self._spool = Spool(disk, self._deliver)
        self._hand_in = HandIn(equipment.uplink.database, equipment.writer, equipment.clock, key)
        self._observations = observations
        self._deciding = Deciding(key.workspace_id, equipment.clock, observations, self._spool)
        self._attached: dict[Reader, Attached] = {}
        self._layout = asyncio.Event()
        self._tasks = Tasks()

    @classmethod
    async def open(
        cls, equipment: Equipment, path: Path, key: ControllerKey | None = None
    ) -> "Controller | None":
        """Takes a controller's file and loads its slice; None for an empty file without a `key`.

        A file that cannot be read is put aside and begun anew. Raises DiskLocked while another
        process has the file, OSError or sqlite3.OperationalError where the disk fails.
        """
        try:
            return await cls._open(equipment, path, key)
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError as damage:
            kept = put_aside(path)
            _log.error(
                "%s is damaged (%s); put aside as %s, the policy is fetched anew, events in it that"
                " were not handed in are there alone",
                path,
                damage,
                kept.name,
            )
            return await cls._open(equipment, path, key)

    @classmethod
    async def _open(
        cls, equipment: Equipment, path: Path, key: ControllerKey | None
    ) -> "Controller | None":
        disk = await Disk.open(path)
        try:
            header = await disk.header()
            if header is None and key is not None:
                header = new_header(key)
                await disk.set_header(header)
            if header is None:
                await disk.close()
                return None
            follower = Follower(equipment.uplink, disk, header)
            await follower.load()
            observations = Observations(header.key.controller_id)
            await observations.load(disk, follower.slice.index)
        except BaseException:
            await disk.close()
            raise
        return cls(equipment, disk, header.key, follower, observations)

    def start(self) -> None:
        """Starts to seek the lease, to follow the journal and to hand in what happened."""
        name = f"controller {self.key.controller_id}"
        self.follower.on_layout = self._layout.set
        self.follower.on_keypads = self._hear_keypads
        self._tasks.start(f"{name}: readers", self._attach_on)
        self._tasks.start(f"{name}: lease", self.follower.lease.keep)
        self._tasks.start(f"{name}: follower", self.follower.follow_on)
        self._tasks.start(f"{name}: spool", self._spool.hand_in_on)
        self._tasks.start(f"{name}: odds", self.odds.keep)

    async def stop(self) -> None:
        """Stops, gives the lease back, closes the file."""
        await self._tasks.stop()
        for attached in self._attached.values():
            attached.detach()
        await self._spool.finish()
        await self.follower.lease.release()
        await self._disk.close()

    @property
    def events_spooled(self) -> int:
        """How much of what happened is not handed in yet."""
        return self._disk.spool_length

    def server_is_back(self) -> None:
        """Takes up at once what waits for the server."""
        self.follower.wake()
        self._spool.hurry()

    def has_entrance(self, acs_entrance_id: UUID) -> bool:
        """Whether the entrance is one of this controller's, as far as its slice goes."""
        return self.follower.slice.index.entrance(acs_entrance_id) is not None

    def readers(self, acs_entrance_id: UUID) -> list[Reader]:
        """The entrance's readers as they are declared, entry readers first."""
        return sorted(self.follower.slice.index.readers(acs_entrance_id), key=_entry_first)

    def attached(
        self, acs_entrance_id: UUID, kind: type[R], reader_id: UUID | None = None
    ) -> list[R]:
        """The entrance's readers that a driver runs as `kind`, entry readers first.

        reader_id: None for all of them. Raises ApiError 404 where no such reader stands there.
        """
        readers = self.readers(acs_entrance_id)
        if reader_id is not None:
            readers = [reader for reader in readers if reader.reader_id == reader_id]
            if not readers:
                raise not_found("reader")
        running = (self._attached.get(reader) for reader in readers)
        return [attached for attached in running if isinstance(attached, kind)]

    def door(self, acs_entrance_id: UUID) -> Door:
        """Lock, light and last read of one of the entrances."""
        return self._deciding.door(acs_entrance_id)

    async def may_decide(self) -> bool:
        """Whether this process is the one that decides for these doors.

        Where the lease has lapsed unnoticed (the process was suspended), the server is asked
        first; without an answer from it the slice is still what counts.
        """
        if not self.follower.ready.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_START):
                    await self.follower.ready.wait()
        if self.follower.lease.may_have_passed_on:
            await self.follower.lease.renew()
        return self.follower.may_decide

    async def read(
        self, reader: Reader, origin: Origin, number: CardNumber | CodeNumber | Unreadable
    ) -> Read:
        """Decides, records on disk, then opens or refuses.

        Raises ApiError 503 where another process decides, or where the disk cannot record.
        """
        await self._must_decide()
        request = Request(
            reader.acs_entrance_id,
            origin,
            (self._factor(number),),
            reader.reader_id,
            "exit" if reader.declared.direction == "exit" else "entry",
        )
        index = self.follower.slice.index
        if isinstance(number, CardNumber) and not index.credentials(request.factors[0]):
            self._unknown(reader, Shown(number, index.revision))
        return await self._deciding.decide(index, request)

    async def unlock(self, acs_entrance_id: UUID, acs_credential_id: UUID, deadline: float) -> Read:
        """Decides on a request from afar as on one at the door, if it can be before the deadline.

        deadline: in real seconds since 1970. Raises TooLate, and ApiError 503 like `read`, also
        while the link to the server is cut: the request could not have come over it.
        """
        await self._must_decide()
        if self.follower.is_held:
            raise controller_not_here("the entrance's controller is cut off from the server")
        request = Request(acs_entrance_id, "remote", (Named(acs_credential_id),))
        return await self._deciding.decide(self.follower.slice.index, request, deadline)

    async def _must_decide(self) -> None:
        if not await self.may_decide():
            raise controller_not_here()

    def _unknown(self, reader: Reader, shown: Shown) -> None:
        if not self.follower.is_held:
            self.expecting.unknown(reader.reader_id, shown)

    def _factor(self, number: CardNumber | CodeNumber | Unreadable) -> Card | Code:
        lookup = self._equipment.keyring.lookup
        match number:
            case CardNumber():
                return Card(lookup(self.key.workspace_id, "card", number.canonical))
            case CodeNumber():
                return Code(lookup(self.key.workspace_id, "code", number.canonical))
            case Unreadable():
                return Card(None, number.cause)

    async def _deliver(self, happenings: Sequence[Happening]) -> None:
        account = self.follower.connected_account_id
        if account is None:
            raise Withheld
        await self._hand_in.deliver(account, happenings)

    async def _hear_keypads(self) -> None:
        known = await keypads.read_keypads(self._equipment.uplink.link, self.key)
        await self._observations.hear(self._disk, known)

    async def _attach_on(self) -> None:
        while True:
            self._layout.clear()
            self._attach()
            await self._layout.wait()

    def _attach(self) -> None:
        """Lets drivers run the readers that are declared now, and no others."""
        index = self.follower.slice.index
        declared = {
            reader for each in index.entrances() for reader in index.readers(each.acs_entrance_id)
        }
        for reader in self._attached.keys() - declared:
            self._attached.pop(reader).detach()
        faults = []
        for reader in declared - self._attached.keys():
            if driver := self._equipment.drivers.get(reader.declared.driver):
                try:
                    self._attached[reader] = driver.attach(_ReaderPort(self, reader))
                except Exception as fault:  # noqa: BLE001 - tried again; the others go on
                    faults.append(fault)
        if faults:
            raise ExceptionGroup("readers that their driver does not run", faults)


@dataclass(frozen=True, slots=True)
class _ReaderPort:
    """The controller as one of its readers sees it."""

    controller: Controller
    reader: Reader

    async def read_card(self, card: CardNumber | Unreadable) -> Read:
        return await self.controller.read(self.reader, "card", card)

    async def read_code(self, code: CodeNumber | Unreadable) -> Read:
        return await self.controller.read(self.reader, "code", code)


def _entry_first(reader: Reader) -> tuple[bool, UUID]:
    return reader.declared.direction != "entry", reader.reader_id


def controller_not_here(
    message: str = (
        "the entrance's controller is not run by this server; present the credential at the one"
        " that runs it"
    ),
) -> ApiError:
    """503: this process does not run the controller of the entrance, or cannot reach it."""
    return ApiError(503, "controller_not_here", message, retry_after=1)
