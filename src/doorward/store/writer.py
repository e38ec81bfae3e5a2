"""The one write path: group commit (DESIGN.md, decision 5).

Everything that arrived while the last commit was under way runs as one transaction, each operation
in a savepoint of its own with its own answer and its own error. A call alone waits for nobody.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final, Protocol, TypeVar, cast
from uuid import UUID, uuid4

from doorward.errors import Unavailable
from doorward.store import journal
from doorward.store.committed import News, change_and_tell, tell
from doorward.store.database import Connection, Database, unavailable
from doorward.store.memberships import (
    ChangeMembership,
    MembershipResult,
    change_memberships,
)

BATCH = 64
# Seconds between looks whether an earlier connection is gone.
_ENDING: Final = 0.01

_log = logging.getLogger(__name__)

T_co = TypeVar("T_co", covariant=True)


class Operation(Protocol[T_co]):
    """A policy change: a short function on the writer's connection. It refuses by raising."""

    @property
    def workspace_id(self) -> UUID:
        """The workspace whose counter it moves."""

    async def run(self, connection: Connection) -> T_co:
        """Does it, inside a savepoint."""


@dataclass(frozen=True, slots=True)
class Commit:
    """What a commit did: the workspaces that it was about, and by workspace what it appended to the
    journal. A door of this process takes that at once, before it has read the journal.
    """

    workspace_ids: frozenset[UUID]
    facts: News


@dataclass(slots=True)
class _Waiting:
    """An operation and the caller that waits for its answer."""

    operation: Operation[Any]
    answer: asyncio.Future[Any]
    result: Any = None
    refusal: BaseException | None = None

    def settle(self) -> None:
        if self.answer.done():
            return
        if self.refusal is not None:
            self.answer.set_exception(self.refusal)
        else:
            self.answer.set_result(self.result)


class Writer:
    """Runs all policy changes of this process on one connection.

    patience: seconds that a batch may take before its connection is given up, and every call of it
    answered `Unavailable`. on_commit: called after each commit, before anybody has an answer; what
    one of them raises is logged, and changes nothing for the others and for the answers.
    """

    def __init__(self, database: Database, *, patience: float = 5.0) -> None:
        self._database = database
        self._patience = patience
        self._session = f"doorward writer {uuid4().hex}"
        self._queue: asyncio.Queue[_Waiting] = asyncio.Queue()
        self._connection: Connection | None = None
        self._task: asyncio.Task[None] | None = None
        self.on_commit: list[Callable[[Commit], None]] = []

    @property
    def waiting(self) -> int:
        """How many operations wait for their batch."""
        return self._queue.qsize()

    async def start(self) -> None:
        """Starts to take operations; the connection is made with the first."""
        self._task = asyncio.create_task(self._work(), name="writer")

    async def stop(self) -> None:
        """Finishes what was submitted, then lets go of the connection."""
        if self._task is not None:
            await self._queue.join()
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        await self._drop_connection()

    async def submit(self, operation: Operation[T_co]) -> T_co:
        """Answers when the operation is committed, with what it returned.

        Raises what the operation raised (then it changed nothing), or `Unavailable` when
        PostgreSQL is away or the commit's outcome is unknown. A caller that is cancelled before
        its operation's turn has not changed anything.
        """
        if self._task is None or self._task.done():
            raise Unavailable("the server is stopping")
        self._database.check()
        waiting = _Waiting(operation, asyncio.get_running_loop().create_future())
        self._queue.put_nowait(waiting)
        return cast("T_co", await waiting.answer)

    async def _work(self) -> None:
        try:
            while True:
                await self._run_next([await self._queue.get()])
        finally:
            # Whatever ended it: nobody waits for what is not coming.
            while not self._queue.empty():
                _fail([self._queue.get_nowait()], Unavailable("the server is stopping"))
                self._queue.task_done()

    async def _run_next(self, batch: list[_Waiting]) -> None:
        while len(batch) < BATCH and not self._queue.empty():
            batch.append(self._queue.get_nowait())
        try:
            # Whoever has gone was told 503 meanwhile: a change must not come long after that.
            waiting_still = [waiting for waiting in batch if not waiting.answer.done()]
            if waiting_still:
                await self._run(waiting_still)
        except Exception:  # noqa: BLE001 - others' calls come after it
            _log.exception("the writer goes on after a fault of its own")
        finally:
            _fail(batch, Unavailable("it is not known whether the change was made"))
            for _ in batch:
                self._queue.task_done()

    async def _run(self, batch: list[_Waiting]) -> None:
        try:
            with unavailable():
                connection = await self._connected()
                with _cut_after(self._patience, connection):
                    news = await _execute(connection, batch)
        except Unavailable as trouble:
            # The connection may be in any state, the commit's outcome may be unknown.
            await self._drop_connection()
            _fail(batch, trouble)
        except Exception as bug:  # noqa: BLE001 - one call's bug must not end the writer
            await self._drop_connection()
            await self._run_apart(batch, bug)
        else:
            self._tell(batch, news)

    async def _run_apart(self, batch: list[_Waiting], bug: Exception) -> None:
        """Nothing of the batch was committed: lets each call have its own answer."""
        if len(batch) == 1:
            _fail(batch, bug)
            return
        for waiting in batch:
            await self._run([waiting])

    def _tell(self, batch: Sequence[_Waiting], news: News) -> None:
        commit = Commit(frozenset(waiting.operation.workspace_id for waiting in batch), news)
        for listener in self.on_commit:
            try:
                listener(commit)
            except Exception:  # noqa: BLE001 - it is committed: everybody is answered
                _log.exception("not everybody could be told of a commit")
        for waiting in batch:
            waiting.settle()

    async def _connected(self) -> Connection:
        if self._connection is None or self._connection.is_closed():
            # The server gives up before the connection is cut: then it is known what happened.
            milliseconds = 1000 * self._patience
            connection = await self._database.connect(
                application_name=self._session,
                lock_timeout=f"{0.6 * milliseconds:.0f}",
                statement_timeout=f"{0.8 * milliseconds:.0f}",
            )
            self._connection = connection
            with _cut_after(self._patience, connection):
                await _end_earlier(connection)
        return self._connection

    async def _drop_connection(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()


@contextmanager
def _cut_after(seconds: float, connection: Connection) -> Iterator[None]:
    """Closes the connection if the block takes longer, so that whatever it waits for there fails.

    Not a cancellation: what handles that talks to the server, which may not answer.
    """
    timer = asyncio.get_running_loop().call_later(seconds, connection.terminate)
    try:
        yield
    finally:
        timer.cancel()


async def _end_earlier(connection: Connection) -> None:
    """Ends what is left of the writer's earlier connections, and waits until it is gone.

    A statement on its way through one of them, for which the caller was told 503, would otherwise
    run after later ones were acknowledged, and bring somebody back who was removed.
    """
    while await connection.fetchval(  # noqa: ASYNC110 - the server has no event
        "select count(pg_terminate_backend(pid)) from pg_stat_activity"
        " where application_name = current_setting('application_name')"
        " and pid <> pg_backend_pid()"
    ):
        await asyncio.sleep(_ENDING)


async def _execute(connection: Connection, batch: Sequence[_Waiting]) -> News:
    """Runs a batch and commits it. Whatever is raised here, nothing of it was acknowledged."""
    if all(isinstance(waiting.operation, ChangeMembership) for waiting in batch):
        # One statement is a transaction by itself, and it locks the counters first.
        results, news = await change_and_tell(connection, _memberships(batch))
        _keep_results(batch, results)
        return news
    async with connection.transaction():
        workspace_ids = {waiting.operation.workspace_id for waiting in batch}
        before = await journal.lock(connection, *workspace_ids)
        for is_membership, run in groupby(
            batch, lambda waiting: isinstance(waiting.operation, ChangeMembership)
        ):
            if is_membership:
                await _run_memberships(connection, list(run))
            else:
                for waiting in run:
                    await _run_alone(connection, waiting)
        return await tell(connection, before)


async def _run_memberships(connection: Connection, batch: Sequence[_Waiting]) -> None:
    _keep_results(batch, await change_memberships(connection, _memberships(batch)))


def _memberships(batch: Sequence[_Waiting]) -> list[ChangeMembership]:
    return [cast("ChangeMembership", waiting.operation) for waiting in batch]


def _keep_results(batch: Sequence[_Waiting], results: Sequence[MembershipResult]) -> None:
    for waiting, result in zip(batch, results, strict=True):
        waiting.result = result


async def _run_alone(connection: Connection, waiting: _Waiting) -> None:
    try:
        with unavailable():
            async with connection.transaction():
                waiting.result = await waiting.operation.run(connection)
    except Exception as refusal:
        if connection.is_closed():
            raise
        waiting.refusal = refusal


def _fail(batch: Sequence[_Waiting], trouble: Exception) -> None:
    for waiting in batch:
        if not waiting.answer.done():
            waiting.refusal = trouble
            waiting.settle()
