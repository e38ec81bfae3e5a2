"""The whole API in this process on a real database: a town with people and doors, and digests."""

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from threading import Thread
from typing import Any, TypeVar
from uuid import UUID, uuid4

import asyncpg

from doorward.policy.cards import CardNumber, parse_card
from doorward.store import credentials, tokens
from doorward.store.copies import dsn_of
from doorward.store.database import Database
from doorward.store.personal import Personal
from doorward.store.secrets import Keyring
from tests.api.conftest import Server, hear
from tests.api.town import Town
from tests.conftest import TEMPLATE, MovableClock, _admin
from tests.parameters import known_ids
from tests.running import digest
from tests.wire.toy import Answer, call

T = TypeVar("T")


class Loop:
    """An event loop of its own thread. One that stood still between two calls would find, when it
    goes on, that PostgreSQL has not answered for as long as that.
    """

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> "Loop":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Waits for what `work` returns, and raises what it raises."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()


class World:
    """One server, one town, and somebody who may do everything in it.

    known: the ids of the town's objects, by parameter name.
    """

    def __init__(self, dsn: str, data: Path) -> None:
        self._dsn = dsn
        self._data = data
        self.runner = Loop()

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
        await self._renew_people()
        await self._renew_credentials()
        if await self._is_gone("phone", "device_id"):
            self._ids["device_id"] = await self._phone()
        path = "/connected_accounts/delete connected_account_id"
        if await self._is_gone("connected_account", path, "connected_account_id"):
            self._ids[path] = await self._foreign_account()
        gone = await self._session()
        await self.call("POST", "/client_sessions/delete", body={"client_session_id": gone})
        self._ids["client_session_id"] = await self._session()
        self._ids["action_attempt_id"] = await self._attempt()
        self._ids["event_id"] = await self.database.fetchval(
            "select event_id from event order by created_at desc limit 1"
        )

    async def _renew_people(self) -> None:
        town, ids, north = self.town, self._ids, self._north
        nobody = Personal("Jane Doe")
        if await self._is_parted():
            del ids["acs_user_id"], ids["user_identity_id"]
        if await self._is_gone("user_identity", "user_identity_id"):
            ids["user_identity_id"] = await town.identity(nobody)
        if await self._is_gone("user_identity", "merged_user_identity_id", "user_identity_id"):
            ids["merged_user_identity_id"] = await town.identity(Personal("Jane Roe"))
        for path in ("/user_identities/unmanaged/get", "/user_identities/unmanaged/update"):
            ids[f"{path} user_identity_id"] = await self._unmanaged_identity()
        await self._unmanaged_people()
        if is_new := await self._is_gone("acs_user", "acs_user_id"):
            identity = ids["user_identity_id"]
            ids["acs_user_id"] = await town.user(north, nobody, identity=identity)
        if await self._is_gone("acs_access_group", "acs_access_group_id"):
            is_new = True
            ids["acs_access_group_id"] = await town.group(north, "Staff", ids["acs_entrance_id"])
        if is_new:
            await town.join(ids["acs_access_group_id"], ids["acs_user_id"])
        if await self._is_gone("acs_credential", "acs_credential_id"):
            number = f"42-{next(self._numbers)}"
            made = await town.credential(north, ids["acs_user_id"], number, ids["acs_entrance_id"])
            ids["acs_credential_id"] = made
        key = "/acs/entrances/unlock acs_credential_id"
        if await self._is_gone("acs_credential", key, "acs_credential_id"):
            ids[key] = await town.cloud_key(north, ids["acs_user_id"], ids["acs_entrance_id"])

    async def _renew_credentials(self) -> None:
        town, ids, north, own = self.town, self._ids, self._north, "/doorward/credentials"
        ids["/acs/credentials/unmanaged/get acs_credential_id"] = await self._unmanaged_card()
        code = await town.credential(north, None, f"73{next(self._numbers)}")
        ids["/acs/credentials/update acs_credential_id"] = code
        ids[f"{own}/set_card_number acs_credential_id"] = await self._card_of_texts()
        waiting = await self._waiting_card()
        ids[f"{own}/enroll acs_credential_id"] = waiting
        ids["/acs/encoders/encode_credential acs_credential_id"] = await self._waiting_card()
        ids["enrollment_id"] = await self._ended_enrollment(waiting)

    async def _waiting_card(self) -> UUID:
        """One that waits for its number."""
        number = f"42-{next(self._numbers)}"
        waiting = await self.town.credential(self._north, self._ids["acs_user_id"], number)
        await self.database.execute(
            "update acs_credential set issued_at = null, card_format = null, sealed = null,"
            " lookup = null where acs_credential_id = $1",
            waiting,
        )
        return waiting

    async def _card_of_texts(self) -> UUID:
        """The card whose number is among the texts that calls are handed."""
        number = parse_card("42-10001")
        assert isinstance(number, CardNumber)
        found: UUID | None = await self.database.fetchval(
            "select acs_credential_id from acs_credential where lookup = $1",
            credentials.lookup(self.town.keyring, self.town.workspace_id, number),
        )
        return found or await self.town.credential(self._north, None, "42-10001")

    async def _unmanaged_card(self) -> UUID:
        card = await self.town.credential(self._north, None, f"42-{next(self._numbers)}")
        await self.database.execute(
            "update acs_credential set is_managed = false where acs_credential_id = $1", card
        )
        return card

    async def _ended_enrollment(self, acs_credential_id: UUID) -> UUID:
        """One that nobody waits for, so that nothing happens by itself."""
        enrollment_id = uuid4()
        await self.database.execute(
            "insert into credential_enrollment values"
            " ($1, $2, $3, $4, null, 0, 'succeeded', null, now(), now(), now())",
            self.town.workspace_id,
            enrollment_id,
            acs_credential_id,
            self._ids["acs_entrance_id"],
        )
        return enrollment_id

    async def _is_gone(self, table: str, name: str, column: str | None = None) -> bool:
        statement = f"select not exists (select from {table} where {column or name} = $1)"
        gone: bool = await self.database.fetchval(statement, self._ids.get(name))
        return gone

    async def _is_parted(self) -> bool:
        """Whether the known person is somebody else's, or the known identity has another person."""
        statement = (
            "select exists (select from acs_user where acs_system_id = $1"
            " and (acs_user_id = $2) is distinct from (user_identity_id = $3)"
            " and (acs_user_id = $2 and user_identity_id is not null or user_identity_id = $3))"
        )
        parted: bool = await self.database.fetchval(
            statement,
            self._north.acs_system_id,
            self._ids["acs_user_id"],
            self._ids["user_identity_id"],
        )
        return parted

    async def _unmanaged_people(self) -> None:
        user, group = "/acs/users/unmanaged/get acs_user_id", "acs_access_group_id"
        group = f"/acs/access_groups/unmanaged/get {group}"
        if user not in self._ids:
            self._ids[user] = await self.town.user(self._north, Personal("Joe Foreign"))
            self._ids[group] = await self.town.group(self._north, "Foreign")
            for key, table in ((user, "acs_user"), (group, "acs_access_group")):
                await self.database.execute(
                    f"update {table} set is_managed = false where {table}_id = $1", self._ids[key]
                )

    async def _unmanaged_identity(self) -> UUID:
        identity = await self.town.identity(Personal("Jane Doe"))
        await self.database.execute(
            "update user_identity set is_managed = false where user_identity_id = $1", identity
        )
        return identity

    async def _foreign_account(self) -> UUID:
        """One of another maker's, which alone can be deleted."""
        account = uuid4()
        await self.database.execute(
            "insert into connected_account (workspace_id, connected_account_id, account_type,"
            " account_type_display_name, display_name, created_at)"
            " values ($1, $2, 'other_maker', 'Other', 'Theirs', now())",
            self.town.workspace_id,
            account,
        )
        return account

    async def _phone(self) -> str:
        owner = str(self._ids["user_identity_id"])
        asked = {"user_identity_id": owner, "phone_metadata": {}}
        made = await self.call("POST", "/phones/simulate/create_sandbox_phone", body=asked)
        device_id: str = made.json["phone"]["device_id"]
        return device_id

    async def _session(self) -> str:
        made = await self.call("POST", "/client_sessions/create", body={})
        session_id: str = made.json["client_session"]["client_session_id"]
        return session_id

    async def _attempt(self) -> str:
        path = "/acs/entrances/unlock"
        key, entrance = self.known(f"{path} acs_credential_id"), self.known("acs_entrance_id")
        body = {"acs_credential_id": key, "acs_entrance_id": entrance}
        made = await self.call("POST", path, body=body)
        attempt_id: str = made.json["action_attempt"]["action_attempt_id"]
        return attempt_id

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
        north = self._north = await town.found()
        self._numbers = count(20_001)
        entrance = await town.entrance(north, "Front door")
        group = await town.group(north, "Staff", entrance)
        person = Personal("Jane Doe", "ada@example.com", "+15555550100")
        identity = await town.identity(person)
        user = await town.user(north, person, identity=identity)
        await town.user(await town.system("South"), person, identity=identity)
        credential = await town.credential(north, user, "42-10001", entrance)
        await town.join(group, user)
        cloud_key = await town.cloud_key(north, user, entrance)
        encoder = await town.encoder(north, "Desk")
        return {
            "acs_encoder_id": encoder,
            "/acs/entrances/unlock acs_credential_id": cloud_key,
            "acs_system_id": north.acs_system_id,
            "connected_account_id": north.connected_account_id,
            "controller_id": north.controller_id,
            "acs_entrance_id": entrance,
            "allowed_acs_entrance_id": entrance,
            "acs_access_group_id": group,
            "user_identity_id": identity,
            "acs_user_id": user,
            "acs_credential_id": credential,
        }

    async def call(self, verb: str, path: str, query: str = "", body: Any = None) -> Answer:
        """One call with the key."""
        return await call(self.server.app, verb, path, query, body, token=self.key)

    async def digest(self) -> dict[str, str]:
        """A digest of every table that only a caller's change may alter, once encoders have ended
        what they were asked for.
        """
        async with asyncio.timeout(30):
            while await self.looker.fetchval(
                "select exists (select from action_attempt"
                " where status = 'pending' and action_type <> 'UNLOCK_DOOR')"
            ):
                await asyncio.sleep(0.005)
        return await digest(self.looker)


@contextmanager
def world_on(postgres: str, data: Path, *, with_doors: bool = False) -> Iterator[World]:
    """A world on a database of its own."""
    name = f"w_{uuid4().hex}"
    asyncio.run(_admin(postgres, f"create database {name} template {TEMPLATE} strategy file_copy"))
    world = World(dsn_of(postgres, name), data)
    with world.runner as runner:
        runner.run(world.open(with_doors=with_doors))
        try:
            yield world
        finally:
            runner.run(world.close())
    asyncio.run(_admin(postgres, f"drop database {name} with (force)"))
