"""Fixtures of the API's tests: a town, and the whole API in this process with its doors."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest

from doorward.api.services import Services
from doorward.api.table import ROUTES
from doorward.doors.registry import Doors
from doorward.doors.virtual import VirtualDriver
from doorward.site.reset import Sites
from doorward.store import tokens
from doorward.store.copies import dsn_of
from doorward.store.database import Database
from doorward.store.secrets import Keyring
from doorward.store.token_cache import TokenCache
from doorward.store.watch import Watch
from doorward.store.writer import Writer
from doorward.wire.app import Api, Health
from tests.api.town import System, Town
from tests.conftest import TEMPLATE, MovableClock, _admin

SHARED = "api"
# What signs console sessions.
CONSOLE_KEY = b"c" * 32


@pytest.fixture(scope="session")
def shared_dsn(postgres: str) -> str:
    """The address of a database that all tests here share: each founds workspaces of its own."""
    asyncio.run(_admin(postgres, f"create database {SHARED} template {TEMPLATE}"))
    return dsn_of(postgres, SHARED)


@pytest.fixture
def dsn(shared_dsn: str) -> str:
    """The shared database instead of one of one's own."""
    return shared_dsn


@pytest.fixture
def town(database: Database, keyring: Keyring) -> Town:
    """A workspace that only this test uses; `north` founds it."""
    return Town(database, keyring)


@pytest.fixture
async def north(town: Town) -> System:
    """The town's first access system."""
    return await town.found()


class Caller:
    """Calls the API with a key of one workspace."""

    def __init__(self, client: httpx.AsyncClient, services: Services) -> None:
        self.client = client
        self.services = services

    async def answer(self, path: str, verb: str = "POST", /, **parameters: Any) -> httpx.Response:
        """Whatever the API answers; GET and DELETE send a query, the others JSON."""
        values: dict[str, Any] = msgspec.to_builtins(parameters)
        if verb in {"GET", "DELETE"}:
            # The clients write an empty list as an empty text.
            query = {name: "" if value == [] else value for name, value in values.items()}
            return await self.client.request(verb, path, params={**query, "_strict": "true"})
        return await self.client.request(verb, path, json=values)

    async def __call__(self, path: str, verb: str = "POST", /, **parameters: Any) -> Any:
        """The body of a success."""
        answer = await self.answer(path, verb, **parameters)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def names(self, path: str, **filters: Any) -> list[str]:
        """The names that a list shows, with GET and with POST alike."""
        key = next(route.response_key for route in ROUTES if route.path == path)
        by_get, by_post = [(await self(path, verb, **filters))[key] for verb in ("GET", "POST")]
        assert by_get == by_post
        return [each["display_name" if "display_name" in each else "name"] for each in by_get]

    async def error(self, path: str, verb: str = "POST", /, **parameters: Any) -> tuple[int, str]:
        """Status and type of an error."""
        answer = await self.answer(path, verb, **parameters)
        assert answer.status_code != 200, answer.text
        return answer.status_code, answer.json()["error"]["type"]


class Server:
    """The parts that a server has, in this process."""

    def __init__(
        self, database: Database, keyring: Keyring, clock: MovableClock, data: Path
    ) -> None:
        self.watch = Watch(database, interval=0.002)
        self.writer = Writer(database)
        self.doors = Doors(
            database, self.watch, self.writer, keyring, clock, data, {"virtual": VirtualDriver()}
        )
        # Generous, so that a busy machine does not turn "confirmed" into "pending".
        self.services = Services(
            database,
            self.writer,
            self.doors,
            clock,
            keyring,
            Sites(database, keyring, clock),
            confirm_timeout=5,
        )
        cache = TokenCache(database, self.watch, honours_published=True, console_key=CONSOLE_KEY)
        self.app = Api(ROUTES, cache, self.services, cursor_key=bytes(32), health=_health)

    async def caller(self, workspace_id: UUID, secret: str | None = None) -> Caller:
        """Somebody with a token, or with a new API key of a workspace."""
        secret = secret or await self._key(workspace_id)
        client = httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app),
            base_url="http://doors.test",
            headers={"authorization": f"Bearer {secret}"},
        )
        return Caller(client, self.services)

    async def _key(self, workspace_id: UUID) -> str:
        secret = tokens.mint("api_key", is_sandbox=True)
        await tokens.create(
            self.services.database,
            secret,
            kind="api_key",
            workspace_id=workspace_id,
            name="test",
            scopes={"doors"},
        )
        return secret


async def _health() -> Health:
    return Health(True)


@pytest.fixture
async def server(
    database: Database, keyring: Keyring, clock: MovableClock, tmp_path: Path
) -> AsyncIterator[Server]:
    """A server whose doors are not started; `doors` starts them."""
    server = Server(database, keyring, clock, tmp_path)
    await server.watch.start()
    await server.writer.start()
    yield server
    await server.watch.stop()
    await server.writer.stop()


@pytest.fixture
async def api(server: Server, town: Town, north: System) -> Caller:  # noqa: ARG001 - founds it
    """A caller in the town."""
    return await server.caller(town.workspace_id)


async def hear(doors: Doors, town: Town) -> None:
    """Waits until the controllers hold everything that has been declared so far."""
    await doors.discover()
    revision = await town.database.fetchval(
        "select revision from policy_revision where workspace_id = $1", town.workspace_id
    )
    async with asyncio.timeout(20):
        while not await doors.wait_confirmed(town.workspace_id, revision, 1):
            await asyncio.sleep(0.01)


@pytest.fixture
async def doors(server: Server) -> AsyncIterator[Doors]:
    """The doors; `hear` lets them know what was declared since."""
    await server.doors.start()
    yield server.doors
    await server.doors.stop()
