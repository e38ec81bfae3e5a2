"""Fixtures of the simulated systems' tests: a server with two of them, and their own lists."""

import asyncio
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from doorward.site.model import Site
from doorward.site.parse import load_site
from doorward.store import simulated
from doorward.store.copies import create, drop
from doorward.store.database import Database
from doorward.store.external import Fields, Key, Where
from doorward.store.secrets import Keyring
from tests.conftest import TEMPLATE
from tests.running import RunningServer

SITE = Path(__file__).with_name("site.yaml")
PATIENCE = 20


class Hotel:
    """The server, and what its systems have on their own lists."""

    def __init__(self, server: RunningServer, dsn: str) -> None:
        self.server = server
        self.site: Site = load_site(SITE)
        self.salto = str(self.site.systems["salto"].acs_system_id)
        self.rooms = str(self.site.systems["rooms"].acs_system_id)
        self.house = str(self.site.systems["house"].acs_system_id)
        self._dsn = dsn
        self._client = server.client()

    def close(self) -> None:
        """Ends the connections."""
        self._client.close()

    def answer(self, path: str, **parameters: Any) -> httpx.Response:
        """Whatever the API answers."""
        return self._client.post(path, json=parameters)

    def call(self, path: str, **parameters: Any) -> Any:
        """The result of a success."""
        answer = self.answer(path, **parameters)
        assert answer.status_code == 200, answer.text
        return next(iter(answer.json().values()), None)

    def group(self, key: str) -> str:
        """An access group of the site file."""
        return str(self.site.access_groups[key].acs_access_group_id)

    def user(self, name: str = "Anna", **more: Any) -> dict[str, Any]:
        """A new person of the Salto KS site."""
        found: dict[str, Any] = self.call(
            "/acs/users/create",
            acs_system_id=more.pop("acs_system_id", self.salto),
            full_name=name,
            **more,
        )
        return found

    def shown(self, acs_user_id: str) -> dict[str, Any]:
        """A person as the API shows them."""
        found: dict[str, Any] = self.call("/acs/users/get", acs_user_id=acs_user_id)
        return found

    def system(self, acs_system_id: str | None = None) -> dict[str, Any]:
        """A system as the API shows it."""
        found: dict[str, Any] = self.call(
            "/acs/systems/get", acs_system_id=acs_system_id or self.salto
        )
        return found

    def misbehave(self, acs_system_id: str | None = None, **faults: Any) -> None:
        """Lets a system misbehave."""
        self.call(
            "/doorward/simulate/misbehave", acs_system_id=acs_system_id or self.salto, **faults
        )

    def listing(self, acs_system_id: str | None = None) -> dict[Key, Fields]:
        """A system's own list."""

        async def read() -> dict[Key, Fields]:
            database = await Database.open(self._dsn)
            try:
                where = Where(self.site.workspace.workspace_id, UUID(acs_system_id or self.salto))
                return await simulated.read(database, Keyring.load(self.server.data), where)
            finally:
                await database.close()

        return asyncio.run(read())

    def has(self, kind: Any, object_id: str, related_id: str | None = None) -> Any:
        """An object on the list of the Salto KS site."""
        key = Key(kind, UUID(object_id), *([UUID(related_id)] if related_id else []))
        return self.listing().get(key)

    def until(self, is_so: Callable[[], Any]) -> Any:
        """Waits until something is so."""
        deadline = time.monotonic() + PATIENCE
        while not (found := is_so()):
            assert time.monotonic() < deadline, "it never came to be so"
            time.sleep(0.02)
        return found

    def settled(self, acs_user_id: str) -> dict[str, Any]:
        """A person once nothing is pending, as the API shows them."""
        found: dict[str, Any] = self.until(
            lambda: (
                user
                if not (user := self.shown(acs_user_id))["pending_mutations"] and not user["errors"]
                else None
            )
        )
        return found


@pytest.fixture(scope="module")
def server(postgres: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hotel]:
    """A server for all tests of a module."""
    name = f"hotel_{tmp_path_factory.mktemp('x').name}_{time.monotonic_ns()}".lower()
    dsn = asyncio.run(create(postgres, name, TEMPLATE))
    data = tmp_path_factory.mktemp("hotel") / "data"
    running = RunningServer(data, "--site", str(SITE), "--database-url", dsn)
    hotel = Hotel(running.start(), dsn)
    yield hotel
    hotel.close()
    running.stop()
    asyncio.run(drop(postgres, name))


@pytest.fixture
def hotel(server: Hotel) -> Iterator[Hotel]:
    """The server, its systems well-behaved before and after."""
    yield server
    for system in (server.salto, server.rooms):
        server.misbehave(
            system,
            code_digits=None,
            drops_codes=False,
            is_erring=False,
            is_lying=False,
            is_masking=False,
            is_unreachable=False,
            lacks_suspension=False,
            latency_ms=0,
            refused_acs_user_ids=[],
            seats=None,
        )
