"""Brings the database to what a site file says, whether a server runs on it or not."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final
from uuid import UUID

from doorward.clock import Clock
from doorward.site import execute
from doorward.site.conflicts import check_codes, check_fixed, check_taken, meeting_codes
from doorward.site.declaration import Declaration, declarations, workspace_row
from doorward.site.loading import Progress, pauses, silent
from doorward.site.model import Site
from doorward.site.plan import Options, Step, differing, make_steps
from doorward.site.problems import Problems
from doorward.site.report import Report
from doorward.site.state import read_state
from doorward.site.telling import SIZES, Pace, tell_of_load
from doorward.store import journal, site_files, site_objects, structure
from doorward.store.database import Connection, Database, unavailable
from doorward.store.giving_way import giving_way
from doorward.store.journal import Change
from doorward.store.rows import conflicts
from doorward.store.secrets import Keyring
from doorward.store.watch import announce

# Up to so many objects, a site is applied in one transaction.
_SMALL: Final = 1_000
# The most that may be done in one transaction while a server runs. Others' changes wait for what is
# not about new people, and it gives way to them (`giving_way`).
_MOST_AT_ONCE: Final = 150_000


async def apply(
    database: Database,
    keyring: Keyring,
    site: Site,
    *,
    clock: Clock,
    actor: str = "site",
    plan_only: bool = False,
    grant_again: bool = False,
    prune: bool = False,
    progress: Progress = silent,
) -> Report:
    """Applies a site, or with `plan_only` tells what would be done.

    A new workspace, a small site, and new people in a workspace that is there are all or nothing.
    Where a large site changes or deletes people, that is done in chunks, so that a running server
    is not held up; applying once more goes on where an interruption left off.

    Raises SiteError when the file does not go with the database, StartError when somebody changes
    the same objects at the same time, and Unavailable.
    """
    async with _connection(database) as connection:
        application = _Application(database, connection, keyring, site, clock, actor, progress)
        return await application.run(Options(grant_again, prune), plan_only=plan_only)


async def apply_if_empty(
    database: Database, keyring: Keyring, site: Site, *, clock: Clock, actor: str = "site"
) -> Report | None:
    """Applies a site to a database that holds no workspace yet, all or nothing; else None.

    Of several servers that start on one database at once, one does. Raises as `apply` does.
    """
    async with _connection(database) as connection, connection.transaction():
        if not await structure.is_first(connection):
            return None
        application = _Application(database, connection, keyring, site, clock, actor)
        return await application.run(Options())


async def restore(
    database: Database,
    connection: Connection,
    keyring: Keyring,
    site: Site,
    change: Change,
    clock: Clock,
) -> None:
    """Brings a workspace from which all people have been taken to what a site says, inside the
    caller's transaction, with the events of a site that is new. The workspace's own row stays as it
    is, and so do tokens: whoever revoked a published one meant it.

    Raises StartError when the file does not go with the database.
    """
    with conflicts():
        application = _Application(database, connection, keyring, site, clock, change.actor)
        await application.restore(change)


@asynccontextmanager
async def _connection(database: Database) -> AsyncIterator[Connection]:
    connection = await database.connect()
    try:
        with unavailable(), conflicts(), pauses():
            yield connection
            async with database.acquire() as other:
                await announce(other)
    finally:
        await connection.close()


@dataclass(frozen=True, slots=True)
class _Application:
    database: Database
    connection: Connection
    keyring: Keyring
    site: Site
    clock: Clock
    actor: str
    progress: Progress = silent

    @property
    def _workspace_id(self) -> UUID:
        return self.site.workspace.workspace_id

    async def run(self, options: Options, *, plan_only: bool = False) -> Report:
        change = self._change()
        # Before a transaction begins here: sealing very many numbers may take too long for one.
        declared = declarations(self.site, self.keyring, change.at)
        if plan_only:
            return await self._plan_only(declared, options)
        if not await self._is_large_and_there():
            async with self.connection.transaction():
                return await self._at_once(declared, options, change)
        report = await self._plan_only(declared, options)
        people = execute.new_people(report.steps)
        if people and _work(report.steps) <= _MOST_AT_ONCE:
            async with (
                giving_way(self.database, self.connection),
                self.connection.transaction(),
                self._codes_apart(report.steps),
            ):
                untold = await self._load(report.steps, people)
                await self._keep_file(change)
            await tell_of_load(
                self.database, self._workspace_id, total=untold, progress=self.progress
            )
        else:
            await self._in_chunks(report.steps)
            await self._keep_file(change)
        return Report(report.steps, is_plan=False)

    async def _is_large_and_there(self) -> bool:
        """Whether there may be much to do while a server works on the same workspace."""
        size = len(self.site.users) + len(self.site.credentials) + len(self.site.identities)
        known = await site_objects.count(self.connection, self._workspace_id)
        if max(size, known) <= _SMALL:
            return False
        return await structure.read_workspace(self.connection, self._workspace_id) is not None

    async def _plan_only(self, declared: Sequence[Declaration], options: Options) -> Report:
        async with self.connection.transaction(isolation="repeatable_read", readonly=True):
            row = workspace_row(self.site)
            old = await structure.read_workspace(self.connection, row.workspace_id)
            steps = await self._steps(declared, old, options)
        return Report(tuple(steps), is_plan=True)

    async def _at_once(
        self, declared: Sequence[Declaration], options: Options, change: Change
    ) -> Report:
        row = workspace_row(self.site)
        is_new = await structure.insert_workspace(self.connection, change, row)
        await journal.lock(self.connection, row.workspace_id)
        old = None
        if not is_new:
            old = await structure.read_workspace(self.connection, row.workspace_id)
        steps = await self._steps(declared, old, options)
        done = _Done(change, steps, self.progress)
        async with self._codes_apart(steps):
            await self._run(steps, done)
        await self._keep_file(change)
        return Report(tuple(steps), is_plan=False)

    async def restore(self, change: Change) -> None:
        declared = declarations(self.site, self.keyring, change.at)
        old = await structure.read_workspace(self.connection, change.workspace_id)
        options = Options(grant_again=True, prune=True)
        found = await self._steps(declared, old, options)
        steps = [step for step in found if step.kind not in ("token", "workspace")]
        done = _Done(change, steps, self.progress)
        there = execute.left_alone(declared, steps)
        await execute.tell_of(self.connection, done.change, self._accounts(), there)
        async with self._codes_apart(steps):
            await self._run(steps, done)

    async def _load(self, steps: Sequence[Step], people: Sequence[Step]) -> int:
        """Writes the new people before the journal's counter is locked for everything else.

        Answers of how many facts the journal is to be told after the commit.
        """
        done, untold = _Done(self._change(), steps, self.progress), 0
        for batch in execute.batches(people, lambda: SIZES[1]):
            untold += await execute.write(self.connection, done.change, self._accounts(), batch)
            done.advance(batch)
        written = {id(step) for step in people}
        await journal.lock(self.connection, self._workspace_id)
        await self._run([step for step in steps if id(step) not in written], done)
        return untold

    async def _run(self, steps: Sequence[Step], done: "_Done") -> None:
        """Runs steps within the caller's transaction, as many together as go together."""
        for batch in execute.batches(steps, lambda: SIZES[1]):
            await execute.run(self.connection, done.change, self._accounts(), batch)
            done.advance(batch)

    async def _in_chunks(self, steps: Sequence[Step]) -> None:
        pace, done = Pace(), _Done(self._change(), steps, self.progress)
        for batch in execute.batches(steps, lambda: pace.size):
            with pace.measured(len(batch)):
                async with self.connection.transaction():
                    await journal.lock(self.connection, self._workspace_id)
                    async with self._codes_apart(batch):
                        await execute.run(self.connection, self._change(), self._accounts(), batch)
            await announce(self.connection)
            done.advance(batch)

    @asynccontextmanager
    async def _codes_apart(self, steps: Sequence[Step]) -> AsyncIterator[None]:
        """Raises SiteError where the steps let equal codes open the same entrance. What met
        before is left to whoever let it: it must not keep others from their changes.
        """
        where = (self.connection, self._workspace_id, steps)
        before = await meeting_codes(*where)
        yield
        problems = Problems(self.site.file)
        check_codes(self.site, await meeting_codes(*where) - before, problems)
        problems.refuse()

    async def _steps(
        self,
        declared: Sequence[Declaration],
        old: structure.Workspace | None,
        options: Options,
    ) -> list[Step]:
        """What is to be done. Raises SiteError before anything is."""
        state = await read_state(self.connection, self._workspace_id, declared)
        problems = Problems(self.site.file)
        check_fixed(declared, state.actual, state.memory, problems)
        problems.refuse()
        steps = make_steps(declared, state.actual, state.memory, options)
        await check_taken(self.connection, self._workspace_id, steps, problems)
        problems.refuse()
        return [*_workspace_steps(self.site, old), *steps]

    async def _keep_file(self, change: Change) -> None:
        """A sandbox can be set back to its file; of any other workspace no file is kept."""
        data = self.site.data if self.site.workspace.is_sandbox else None
        await site_files.keep(self.connection, self.keyring, change, data)

    def _change(self) -> Change:
        return Change(self._workspace_id, self.actor, self.clock.now(self._workspace_id))

    def _accounts(self) -> execute.Accounts:
        systems = self.site.systems.values()
        return {system.acs_system_id: system.connected_account_id for system in systems}


def _workspace_steps(site: Site, old: structure.Workspace | None) -> list[Step]:
    row = workspace_row(site)
    names = () if old is None else tuple(differing(old, row))
    if old is not None and not names:
        return []
    action: Final = "create" if old is None else "update"
    ids = (row.workspace_id,)
    line = site.workspace.line
    return [Step(action, "workspace", row.name, ids, line, old=old, row=row, names=names)]


def _work(steps: Sequence[Step]) -> int:
    """How many of the steps have something to do."""
    return sum(map(len, execute.batches(steps, lambda: SIZES[1])))


class _Done:
    """How much of the steps is done; `change` is a microsecond later with each, so that lists
    keep their order.
    """

    def __init__(self, change: Change, steps: Sequence[Step], progress: Progress) -> None:
        self.change = change
        self._total = _work(steps)
        self._steps = 0
        self._progress = progress

    def advance(self, batch: Sequence[Step]) -> None:
        """Takes note of steps that are done."""
        self._steps += len(batch)
        later = self.change.at + timedelta(microseconds=len(batch))
        self.change = replace(self.change, at=later)
        self._progress(self._steps, self._total)
