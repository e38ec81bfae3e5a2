"""Puts the parts together and runs them: store, doors and API in one process."""

import asyncio
import contextlib
import gc
import ipaddress
import os
import signal
import socket
import ssl
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from uuid import UUID

import uvicorn
import uvloop

from doorward.api.services import Services
from doorward.api.table import ROUTES
from doorward.api.unlocking import end_expired_on
from doorward.clock import MovableClock
from doorward.doors.registry import Doors
from doorward.errors import StartError, Unavailable
from doorward.logs import LogWriter, logging_to, tell_loop_fault
from doorward.settings import Settings
from doorward.site.apply import apply_if_empty
from doorward.site.parse import load_site
from doorward.site.reset import Sites
from doorward.site.sandbox import load_sandbox
from doorward.site.telling import tell_what_others_left
from doorward.store import tokens, workspaces
from doorward.store.clock import read_moved
from doorward.store.database import Database
from doorward.store.embedded import EmbeddedPostgres, open_database
from doorward.store.embedded.data import make_data_folder
from doorward.store.embedded.lock import DataLock
from doorward.store.installation import claim
from doorward.store.migrate import migrate
from doorward.store.secrets import Keyring
from doorward.store.token_cache import TokenCache
from doorward.store.watch import Watch
from doorward.store.writer import Writer
from doorward.sync.registry import Systems
from doorward.wire.app import Api, Health, Limits
from doorward.wire.http.edge import Edge
from doorward.wire.http.limits import Limits as ConnectionLimits
from doorward.wire.http.proxies import Proxies, read_proxies
from doorward.wire.http.server import Server
from doorward.wire.http.tls import Certificate
from doorward.wire.metrics import Metrics, MetricsPage, Vitals
from doorward.wire.requestlog import log_request


@dataclass(frozen=True, slots=True)
class Ready:
    """What a server says when it can answer.

    endpoint: with the port it really got. is_sandbox: whether published secrets are honoured.
    """

    endpoint: str
    settings: Settings
    is_sandbox: bool


class Published(StartError):
    """Others could reach a database that has published secrets, the tokens of these ids."""

    def __init__(self, token_ids: tuple[UUID, ...]) -> None:
        super().__init__(
            "this database has published sandbox secrets, which anybody knows; before others can"
            " reach it, revoke them"
        )
        self.token_ids = token_ids


def serve(settings: Settings, *, on_ready: Callable[[Ready], None]) -> None:
    """Serves until SIGINT or SIGTERM on the fastest event loop there is. Raises StartError."""
    with (
        logging_to(sys.stderr, settings.log) as log,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        runner.run(_serve(settings, on_ready, log))


async def _serve(settings: Settings, on_ready: Callable[[Ready], None], log: LogWriter) -> None:
    """Serves until SIGINT or SIGTERM, then drains and stops everything it started.

    Raises StartError when a port, folder or database is not to be had, before anything is left
    behind.
    """
    asyncio.get_running_loop().set_exception_handler(tell_loop_fault)
    proxies, certificate = _proxies(settings), _certificate(settings)
    make_data_folder(settings.data)
    with _listen(settings) as listener:
        async with AsyncExitStack() as running:
            dsn = await running.enter_async_context(_postgres(settings))
            await migrate(dsn)
            database = await _open(running, dsn)
            keyring = await _keyring(settings, database)
            await _load_site(settings, database, keyring)
            ready = Ready(
                _endpoint(settings, listener),
                settings,
                is_sandbox=bool(await tokens.published_tokens(database)),
            )
            api = await _start_parts(running, settings, database, keyring, log)
            edge = Edge(_limits(settings), proxies, api.observers)
            server = Server(api, edge, _followed(running, certificate))
            await _answer(server, listener, lambda: on_ready(ready))


def _endpoint(settings: Settings, listener: socket.socket) -> str:
    return replace(settings, port=listener.getsockname()[1]).endpoint


@asynccontextmanager
async def open_store(settings: Settings) -> AsyncIterator[tuple[Database, Keyring]]:
    """The database for a command, whether a server runs or not, migrated.

    Raises StartError.
    """
    make_data_folder(settings.data)
    async with AsyncExitStack() as opened:
        dsn = settings.database_url
        if dsn is None:
            dsn = await opened.enter_async_context(open_database(settings.data))
        await migrate(dsn)
        database = await _open(opened, dsn)
        yield database, await _keyring(settings, database)


def _proxies(settings: Settings) -> Proxies:
    """The proxies in front. Raises StartError where tokens would travel in the clear."""
    is_private = settings.tls_cert is not None or is_loopback(settings.host)
    if not (is_private or settings.insecure_http or settings.proxy):
        raise StartError(
            f"tokens and codes would travel in the clear on {settings.host}: give --tls-cert and"
            " --tls-key, or name the proxies in front by --proxy, or say --insecure-http"
        )
    is_exclusive = settings.tls_cert is None and not settings.insecure_http
    return read_proxies(settings.proxy, is_exclusive=is_exclusive)


def _limits(settings: Settings) -> ConnectionLimits:
    return ConnectionLimits(connections=settings.connections)


def _certificate(settings: Settings) -> Certificate | None:
    if settings.tls_cert is None or settings.tls_key is None:
        return None
    return Certificate(settings.tls_cert, settings.tls_key)


def _followed(running: AsyncExitStack, certificate: Certificate | None) -> ssl.SSLContext | None:
    if certificate is None:
        return None
    following = asyncio.create_task(certificate.follow(), name="certificate")
    running.callback(following.cancel)
    return certificate.context


@contextlib.contextmanager
def _listen(settings: Settings) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        listener = socket.create_server((settings.host, settings.port), family=family, backlog=2048)
    except OSError as trouble:
        raise StartError(
            f"cannot listen on {settings.host} port {settings.port} ({_reason(trouble)});"
            " stop what uses it, or choose others with --host and --port, or in the"
            " environment, such as DOORWARD_PORT=9000"
        ) from trouble
    # Accepted connections inherit it; asyncio sets it on none of a socket made by create_server.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with listener:
        yield listener


def _reason(trouble: OSError) -> str:
    # create_server puts the address into strerror once more.
    if isinstance(trouble, socket.gaierror) or trouble.errno is None:
        return str(trouble.strerror)
    return os.strerror(trouble.errno)


@asynccontextmanager
async def _postgres(settings: Settings) -> AsyncIterator[str]:
    if settings.database_url is not None:
        lock = await DataLock.acquire(settings.data, "server")
        try:
            yield settings.database_url
        finally:
            lock.release()
        return
    async with await EmbeddedPostgres.start(settings.data) as server:
        supervision = asyncio.create_task(server.supervise(), name="postgres")
        try:
            yield server.dsn
        finally:
            supervision.cancel()
            await asyncio.gather(supervision, return_exceptions=True)


async def _open(running: AsyncExitStack, dsn: str) -> Database:
    database = await Database.open(dsn)
    running.push_async_callback(database.close)
    return database


async def _keyring(settings: Settings, database: Database) -> Keyring:
    keyring = Keyring.load(settings.data, settings.secret_key)
    await claim(database, keyring)
    return keyring


async def _load_site(settings: Settings, database: Database, keyring: Keyring) -> None:
    if not await workspaces.list_workspaces(database):
        site = load_site(settings.site) if settings.site else load_sandbox()
        await apply_if_empty(database, keyring, site, clock=MovableClock())
    if not _is_at_home(settings):
        published = await tokens.published_tokens(database)
        if published:
            raise Published(tuple(token.token_id for token in published))


def _is_at_home(settings: Settings) -> bool:
    """Whether nobody but this machine's own users can call."""
    return is_loopback(settings.host) and not settings.proxy


def is_loopback(host: str) -> bool:
    """Whether every address that a host name stands for is this machine's own."""
    try:
        found = socket.getaddrinfo(host, None)
    except OSError:
        return False
    return all(ipaddress.ip_address(str(entry[4][0])).is_loopback for entry in found)


async def _start_parts(
    running: AsyncExitStack,
    settings: Settings,
    database: Database,
    keyring: Keyring,
    log: LogWriter,
) -> Api:
    watch, writer = Watch(database), _writer(settings, database)
    clock = await _clock(settings, database, watch)
    doors = Doors(database, watch, writer, keyring, clock, settings.data)
    systems = Systems(database, watch, writer, keyring, clock)
    writer.on_commit.append(watch.committed)
    for part in (watch, writer, doors, systems):
        await part.start()
        running.push_async_callback(part.stop)
    services = Services(
        database=database,
        writer=writer,
        doors=doors,
        clock=clock,
        keyring=keyring,
        sites=Sites(database, keyring, clock),
        wake_systems=systems.wake,
        confirm_timeout=settings.confirm_timeout,
    )
    running.push_async_callback(services.background.stop)
    services.background.start("action attempts", end_expired_on(services))
    services.background.start("untold facts", tell_what_others_left(database))
    cache = TokenCache(
        database,
        watch,
        honours_published=_is_at_home(settings),
        console_key=keyring.derive("console session"),
    )

    async def health() -> Health:
        # A door decides without PostgreSQL, so that a server without one is still worth keeping.
        return Health(True, {"database": "up" if watch.is_connected else "down"})

    metrics = Metrics(lambda: _vitals(api, watch, writer, doors, log))
    api = Api(
        ROUTES,
        cache,
        services,
        cursor_key=keyring.derive("cursor"),
        health=health,
        limits=Limits(settings.rate_limit, settings.in_flight, settings.deadline),
        pages={"/metrics": MetricsPage(metrics, cache, is_open=_is_at_home(settings))},
    )
    api.observers += [log_request, metrics.observe]
    return api


async def _clock(settings: Settings, database: Database, watch: Watch) -> MovableClock:
    """What is on disk counts where the database has gone away since it was migrated."""
    clock = MovableClock(settings.data / "clock.json")
    with contextlib.suppress(Unavailable):
        clock.heard(await read_moved(database), time.monotonic())
    watch.on_clocks.append(clock.heard)
    return clock


def _vitals(api: Api, watch: Watch, writer: Writer, doors: Doors, log: LogWriter) -> Vitals:
    tally = doors.tally()
    return Vitals(
        in_flight=api.in_flight,
        is_database_up=watch.is_connected,
        writes_waiting=writer.waiting,
        controllers=tally.controllers,
        revision_lag=tally.revision_lag,
        events_spooled=tally.events_spooled,
        log_lines_lost=log.lost,
    )


def _writer(settings: Settings, database: Database) -> Writer:
    # Half, so that the calls of a batch that hangs are told so, and those behind it still answered.
    return Writer(database, patience=settings.deadline / 2)


async def _answer(
    server: uvicorn.Server, listener: socket.socket, on_ready: Callable[[], None]
) -> None:
    loop = asyncio.get_running_loop()

    def stop() -> None:
        # Asked for a second time: do not wait for open requests.
        server.force_exit = server.should_exit
        server.should_exit = True

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    gc.collect()
    gc.freeze()
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started and not serving.done():  # noqa: ASYNC110 - uvicorn has no event
        await asyncio.sleep(0.005)
    if server.started:
        on_ready()
    await serving
