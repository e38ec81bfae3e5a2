"""Makes the people of a file known to an access system, all of them or none.

The file is checked before the transaction begins, and once more at its end, where the journal's
counter is locked: while it is, every other change of access waits, also a removal, until the import
gives way. Nobody knows the new rows before, so that writing them keeps nobody waiting but whoever
makes the same card at the same moment. The journal is told of everybody after the commit, in parts.
"""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Final, NamedTuple
from uuid import UUID, uuid4

from doorward.clock import Clock
from doorward.events import catalogue
from doorward.events.catalogue import Occasion
from doorward.policy.cards import CardNumber
from doorward.resources.event import Event
from doorward.site import people_checks
from doorward.site.loading import OneBehind, Progress, pauses, silent
from doorward.site.people_checks import Known
from doorward.site.people_file import Number, Person, read_people
from doorward.site.problems import Problems
from doorward.site.telling import tell_of_load
from doorward.store import bulk, journal, untold
from doorward.store.bulk import System
from doorward.store.credentials import seal_number
from doorward.store.database import Connection, Database, unavailable
from doorward.store.events import insert_events
from doorward.store.giving_way import giving_way
from doorward.store.journal import Change
from doorward.store.links import Membership
from doorward.store.people import CREDENTIALS, USERS, Credential, User, new_salt
from doorward.store.rows import Facts, columns, conflicts, facts_of
from doorward.store.secrets import Keyring

_CHUNK: Final = 5_000
# So many people are made ready in a millisecond or two; then PostgreSQL's answers have their turn.
_TURN: Final = 25
_MICROSECOND: Final = timedelta(microseconds=1)


async def import_people(
    database: Database,
    keyring: Keyring,
    system: System,
    file: str,
    data: bytes,
    *,
    clock: Clock,
    actor: str = "import",
    progress: Progress = silent,
) -> int:
    """Makes everybody in a file's bytes; answers how many people. `file` names it in problems.

    Raises SiteError with every bad line, before anything is written, StartError when somebody
    changes the same things at the same time, or would wait too long, and Unavailable. In each of
    them nobody was made, but for the StartError that says so: where PostgreSQL goes away after the
    commit, a server will tell the doors.
    """
    problems = Problems(file)
    people = read_people(data, problems)
    connection = await database.connect()
    try:
        with unavailable(), conflicts(), pauses():
            change = Change(system.workspace_id, actor, clock.now(system.workspace_id))
            made = _Import(database, connection, keyring, system, change, people, progress)
            checked = await made.check(problems)
            async with giving_way(database, connection), connection.transaction():
                await made.run(checked, problems)
            await made.tell()
    finally:
        await connection.close()
    return len(people)


class _Rows(NamedTuple):
    """What becomes of a part of the file."""

    users: list[User]
    credentials: list[Credential]
    memberships: list[Membership]
    events: list[Event]


class _Checked(NamedTuple):
    """What the system had at a revision of the journal, and nothing in the way of the file."""

    revision: int
    known: Known


class _Import:
    def __init__(
        self,
        database: Database,
        connection: Connection,
        keyring: Keyring,
        system: System,
        change: Change,
        people: Sequence[Person],
        progress: Progress,
    ) -> None:
        self._database = database
        self._connection = connection
        self._keyring = keyring
        self._system = system
        self._change = change
        self._people = people
        self._progress = progress
        self._lookups = people_checks.lookups_of(people, keyring, system.workspace_id)
        self._done = 0
        self._untold = 0

    async def check(self, problems: Problems, before: Known | None = None) -> _Checked:
        """Looks through the pool, which does not see what a transaction has written here.

        before: with what the file went. Raises SiteError.
        """
        revision = await self._revision()
        known = await people_checks.read_known(
            self._database, self._system, self._people, self._lookups
        )
        if known != before:
            people_checks.check(self._people, known, self._lookups, problems)
            problems.refuse()
        return _Checked(revision, known)

    async def run(self, checked: _Checked, problems: Problems) -> None:
        """Within a transaction. Raises SiteError."""
        await self._write(checked.known)
        if checked.revision != await self._revision():
            # Here this keeps nobody waiting.
            checked = await self._checked_again(checked, problems)
        await journal.lock(self._connection, self._change.workspace_id)
        await self._check_last(checked, problems)

    async def tell(self) -> None:
        """Tells the journal, after the commit. Raises Unavailable."""
        people = len(self._people)
        progress = partial(_second_half, self._progress, people)
        workspace_id = self._change.workspace_id
        await tell_of_load(self._database, workspace_id, total=self._untold, progress=progress)

    async def _revision(self) -> int:
        return await journal.revision(self._connection, self._change.workspace_id)

    async def _checked_again(self, checked: _Checked, problems: Problems) -> _Checked:
        again = await self.check(problems, checked.known)
        return _Checked(again.revision, checked.known)

    async def _check_last(self, checked: _Checked, problems: Problems) -> None:
        """Refuses what has come in between; a new name of a group makes no revision."""
        groups = await bulk.groups_of(self._database, self._system)
        people_checks.check_same_groups(self._people, checked.known, groups, problems)
        problems.refuse()
        workspace_id = self._change.workspace_id
        # What another load has committed and not told of yet is no revision either.
        if await untold.is_untold(self._database, workspace_id) or await journal.has_added(
            self._connection, workspace_id, checked.revision
        ):
            await self.check(problems, checked.known)

    async def _write(self, known: Known) -> None:
        """Writes all that the journal's counter need not be locked for.

        While PostgreSQL takes one part, the next one is made ready.
        """
        async with OneBehind() as behind:
            ids = sorted((uuid4() for _ in self._people), key=_by_bytes)
            for start in range(0, len(self._people), _CHUNK):
                change = replace(self._change, at=self._change.at + start * _MICROSECOND)
                people = self._people[start : start + _CHUNK]
                rows = await self._rows(change, people, ids[start:], known)
                facts = columns(facts_of([*rows.users, *rows.credentials, *rows.memberships]))
                await behind.start(self._write_rows(change, rows, facts))

    async def _rows(
        self, change: Change, people: Sequence[Person], ids: Sequence[UUID], known: Known
    ) -> _Rows:
        rows = _Rows([], [], [], [])
        for place, (person, acs_user_id) in enumerate(zip(people, ids, strict=False)):
            if place % _TURN == 0:
                await asyncio.sleep(0)
            rows.users.append(self._user(person, acs_user_id))
            new = [self._credential(change, number, acs_user_id) for number in person.numbers]
            rows.credentials.extend(new)
            rows.memberships.extend(
                Membership(group.acs_access_group_id, acs_user_id, self._system.acs_system_id)
                for group in people_checks.groups_of(person, known)
            )
            rows.events.extend(self._events(change, acs_user_id, new))
        return rows

    def _user(self, person: Person, acs_user_id: UUID) -> User:
        values = (person.name, person.email, person.phone)
        return User(acs_user_id, self._system.acs_system_id, None, None, None, *values, new_salt())

    def _credential(self, change: Change, number: Number, acs_user_id: UUID) -> Credential:
        acs_credential_id = uuid4()
        workspace_id = change.workspace_id
        is_card = isinstance(number, CardNumber)
        return Credential(
            acs_credential_id,
            self._system.acs_system_id,
            acs_user_id,
            "card" if is_card else "code",
            "Card" if is_card else "Code",
            None,
            None,
            number.format if isinstance(number, CardNumber) else None,
            self._lookups[number],
            seal_number(self._keyring, workspace_id, acs_credential_id, number.text),
            state="active",
            issued_at=change.at,
            code_length=None if is_card else len(number.text),
        )

    def _events(
        self, change: Change, acs_user_id: UUID, made: Sequence[Credential]
    ) -> Iterator[Event]:
        """In the order of their ids, which is that of lists where two happened at once."""
        where = (self._system.connected_account_id, self._system.acs_system_id)
        ids = sorted((uuid4() for _ in range(len(made) + 1)), key=_by_bytes)
        occasions = (Occasion(change.workspace_id, change.at, change.at, each) for each in ids)
        yield catalogue.acs_user_created(next(occasions), *where, acs_user_id)
        for occasion, credential in zip(occasions, made, strict=True):
            yield catalogue.acs_credential_issued(occasion, *where, credential.acs_credential_id)

    async def _write_rows(self, change: Change, rows: _Rows, facts: Facts) -> None:
        await USERS.write(self._connection, change, rows.users)
        await CREDENTIALS.write(self._connection, change, rows.credentials)
        await untold.write_memberships(self._connection, self._change, rows.memberships)
        await insert_events(self._connection, change.workspace_id, rows.events)
        await untold.write_facts(self._connection, self._change, facts)
        self._untold += len(facts.kinds)
        self._done += len(rows.users)
        self._progress(self._done, 2 * len(self._people))


def _second_half(progress: Progress, people: int, told: int, total: int) -> None:
    progress(people + (people * told // total if total else people), 2 * people)


def _by_bytes(uuid: UUID) -> bytes:
    return uuid.bytes
