"""The whole API in this process on a real database: a town with people and doors, and digests."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg

from doorward.store import tokens
from doorward.store.database import Database
from doorward.store.personal import Personal
from doorward.store.secrets import Keyring
from tests.api.conftest import Server, hear
from tests.api.town import Town
from tests.conftest import TEMPLATE, MovableClock, _admin, database_dsn
from tests.parameters import known_ids
from tests.running import digest
from tests.wire.toy import Answer, call


class World:
    """One server, one town, and somebody who may do everything in it.

    known: the ids of the town's objects, by parameter name.
    """

    def __init__(self, dsn: str, data: Path) -> None:
        self._dsn = dsn
        self._data = data
        self.runner = asyncio.Runner()

    async def open(self, *, with_doors: bool) -> None:
        """Builds the town; with doors, its controllers know it afterwards."""
        keyring = Keyring(bytes(range(32)))
        self.database = await Database.open(self._dsn)
        self.server = Server(self.database, keyring, MovableClock(), self._data)
        await self.server.watch.start()
        await self.server.writer.start()
        self.town = Town(self.database, keyring)
        self._ids = await self._build()
        self.known = known_ids(self._ids)
        self.key = await self.token()
        self.looker = await asyncpg.connect(self._dsn)
        self._with_doors = with_doors
        if with_doors:
            await self.server.doors.start()
            await hear(self.server.doors, self.town)
            await self._until_settled()

    async def _until_settled(self) -> None:
        """The doors' confirmations are written down a moment after they were given."""
        async with asyncio.timeout(30):
            while await self.database.fetchval(
                "select exists (select from acs_membership where is_unconfirmed)"
                " or exists (select from access_group_entrance where is_unconfirmed)"
                " or exists (select from credential_entrance where is_unconfirmed)"
            ):
                await asyncio.sleep(0.01)

    async def renew(self) -> None:
        """Makes anew what calls can delete."""
        gone = await self._session()
        await self.call("POST", "/client_sessions/delete", body={"client_session_id": gone})
        self._ids["client_session_id"] = await self._session()
        self._ids["event_id"] = await self.database.fetchval(
            "select event_id from event order by created_at desc limit 1"
        )

    async def _session(self) -> str:
        made = await self.call("POST", "/client_sessions/create", body={})
        session_id: str = made.json["client_session"]["client_session_id"]
        return session_id

    async def close(self) -> None:
        """Stops what `open` started."""
        await self.looker.close()
        if self._with_doors:
            await self.server.doors.stop()
        await self.server.writer.stop()
        await self.server.watch.stop()
        await self.database.close()

    async def token(self) -> str:
        """A new API key that may do everything."""
        secret = tokens.mint("api_key", is_sandbox=True)
        await tokens.create(
            self.database,
            secret,
            kind="api_key",
            workspace_id=self.town.workspace_id,
            name="proof",
            scopes=tokens.SCOPES,
        )
        return secret

    async def _build(self) -> dict[str, Any]:
        town = self.town
        north = await town.found()
        entrance = await town.entrance(north, "Front door")
        group = await town.group(north, "Staff", entrance)
        person = Personal("Jane Doe", "ada@example.com", "+15555550100")
        identity = await town.identity(person)
        user = await town.user(north, person, identity=identity)
        await town.user(await town.system("South"), person, identity=identity)
        credential = await town.credential(north, user, "42-10001", entrance)
        await town.join(group, user)
        return {
            "acs_system_id": north.acs_system_id,
            "connected_account_id": north.connected_account_id,
            "controller_id": north.controller_id,
            "acs_entrance_id": entrance,
            "acs_access_group_id": group,
            "user_identity_id": identity,
            "acs_user_id": user,
            "acs_credential_id": credential,
        }

    async def call(self, verb: str, path: str, query: str = "", body: Any = None) -> Answer:
        """One call with the key."""
        return await call(self.server.app, verb, path, query, body, token=self.key)

    async def digest(self) -> dict[str, str]:
        """A digest of every table that only a caller's change may alter."""
        return await digest(self.looker)


@contextmanager
def world_on(postgres: str, data: Path, *, with_doors: bool = False) -> Iterator[World]:
    """A world on a database of its own."""
    name = f"w_{uuid4().hex}"
    asyncio.run(_admin(postgres, f"create database {name} template {TEMPLATE} strategy file_copy"))
    world = World(database_dsn(postgres, name), data)
    with world.runner as runner:
        runner.run(world.open(with_doors=with_doors))
        try:
            yield world
        finally:
            runner.run(world.close())
    asyncio.run(_admin(postgres, f"drop database {name} with (force)"))
