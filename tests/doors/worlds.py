"""A site with two controllers, readers, cards and codes, and what can be changed in it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import msgspec

from doorward.policy.cards import CardNumber, CodeNumber, parse_card, parse_code
from doorward.policy.facts import (
    NO_KEY,
    CredentialState,
    EntranceState,
    GroupState,
    Kind,
    Link,
    ReaderState,
    UserState,
)
from doorward.store import journal
from doorward.store.controllers import ControllerKey
from doorward.store.database import Connection, Database
from doorward.store.journal import Change
from doorward.store.memberships import ChangeMembership
from doorward.store.secrets import Keyring


@dataclass
class World:
    """Two controllers of one system; controller, entrance and group are listed by place.

    Entrance 0 is at controller 0, entrance 1 at controller 1. Group 0 opens both entrances. Each
    person has the card "7-<place>" and the code "900<place>", and nobody is in a group.
    """

    workspace_id: UUID = field(default_factory=uuid4)
    connected_account_id: UUID = field(default_factory=uuid4)
    acs_system_id: UUID = field(default_factory=uuid4)
    controllers: list[UUID] = field(default_factory=lambda: [uuid4(), uuid4()])
    entrances: list[UUID] = field(default_factory=lambda: [uuid4(), uuid4()])
    groups: list[UUID] = field(default_factory=list)
    users: list[UUID] = field(default_factory=list)
    identities: list[UUID] = field(default_factory=list)
    credentials: list[UUID] = field(default_factory=list)

    def key(self, place: int = 0) -> ControllerKey:
        """What one of the controllers is found by."""
        return ControllerKey(self.workspace_id, self.controllers[place], self.acs_system_id)

    def change(self, actor: str = "test") -> Change:
        """A change that happens now."""
        return Change(self.workspace_id, actor, datetime.now(UTC))

    def add(self, user: int = 0, group: int = 0) -> ChangeMembership:
        """The operation that puts a person into a group."""
        return self._membership(user, group, is_add=True)

    def remove(self, user: int = 0, group: int = 0) -> ChangeMembership:
        """The operation that takes a person out of a group."""
        return self._membership(user, group, is_add=False)

    def _membership(self, user: int, group: int, *, is_add: bool) -> ChangeMembership:
        return ChangeMembership(self.change(), is_add, self.groups[group], self.users[user])

    def operation(self, run: Callable[[Connection], Awaitable[Any]]) -> "Operation":
        """Any other change as the writer takes it."""
        return Operation(self.workspace_id, run)

    async def record(
        self,
        connection: Connection,
        kind: Kind,
        key_a: UUID,
        key_b: UUID = NO_KEY,
        state: msgspec.Struct | None = None,
    ) -> int:
        """Appends a fact, or its end, to the journal."""
        return await journal.record(
            connection, self.change(), self.acs_system_id, kind, key_a, key_b, state
        )

    async def move_entrance(self, connection: Connection, entrance: int, controller: int) -> None:
        """Gives an entrance to another controller."""
        entrance_id, new = self.entrances[entrance], self.controllers[controller]
        old = await connection.fetchval(
            "select controller_id from acs_entrance where workspace_id = $1"
            " and acs_entrance_id = $2",
            self.workspace_id,
            entrance_id,
        )
        await self.record(connection, Kind.ENTRANCE, entrance_id, old)
        await self.record(connection, Kind.ENTRANCE, entrance_id, new, EntranceState())
        await connection.execute(
            "update acs_entrance set controller_id = $3 where workspace_id = $1"
            " and acs_entrance_id = $2",
            self.workspace_id,
            entrance_id,
            new,
        )

    async def make_entrance(
        self, connection: Connection, controller: int, driver: str = "virtual"
    ) -> UUID:
        """Makes an entrance with one reader."""
        entrance_id = uuid4()
        await _insert(
            connection,
            "acs_entrance",
            workspace_id=self.workspace_id,
            acs_entrance_id=entrance_id,
            acs_system_id=self.acs_system_id,
            controller_id=self.controllers[controller],
            display_name=f"entrance {len(self.entrances)}",
            unlock_seconds=5,
            can_unlock_with_card=True,
            can_unlock_with_code=True,
            created_at=self.change().at,
        )
        await self.record(
            connection, Kind.ENTRANCE, entrance_id, self.controllers[controller], EntranceState()
        )
        await self.make_reader(connection, entrance_id, driver)
        return entrance_id

    async def make_reader(self, connection: Connection, entrance_id: UUID, driver: str) -> None:
        """Puts a reader at an entrance."""
        reader_id = uuid4()
        await _insert(
            connection,
            "reader",
            workspace_id=self.workspace_id,
            reader_id=reader_id,
            acs_entrance_id=entrance_id,
            name="r",
            driver=driver,
            direction="entry",
        )
        await self.record(
            connection, Kind.READER, reader_id, entrance_id, ReaderState(driver, "entry")
        )

    async def make_group(self, connection: Connection, *entrances: int) -> None:
        """Makes a group that opens entrances."""
        group = uuid4()
        await _insert(
            connection,
            "acs_access_group",
            workspace_id=self.workspace_id,
            acs_access_group_id=group,
            acs_system_id=self.acs_system_id,
            name="g",
            created_at=self.change().at,
        )
        self.groups.append(group)
        await self.record(connection, Kind.GROUP, group, state=GroupState())
        for entrance in entrances:
            await self.link(connection, len(self.groups) - 1, entrance)

    async def link(
        self, connection: Connection, group: int, entrance: int, *, is_desired: bool = True
    ) -> None:
        """Lets a group open an entrance, or no longer."""
        group_id, entrance_id = self.groups[group], self.entrances[entrance]
        revision = await self.record(
            connection, Kind.GROUP_ENTRANCE, group_id, entrance_id, Link() if is_desired else None
        )
        await connection.execute(
            "insert into access_group_entrance values ($1, $2, $3, $4, true, $5, $6)"
            " on conflict (workspace_id, acs_access_group_id, acs_entrance_id) do update"
            " set is_desired = excluded.is_desired, is_unconfirmed = true,"
            " revision = excluded.revision",
            self.workspace_id,
            group_id,
            entrance_id,
            is_desired,
            revision,
            self.change().at,
        )

    async def make_person(self, connection: Connection, keyring: Keyring) -> None:
        """Makes a person with an identity, a card and a code."""
        identity, user, place, at = uuid4(), uuid4(), len(self.users), self.change().at
        w, s = self.workspace_id, self.acs_system_id
        await connection.execute(
            "insert into user_identity values ($1, $2, null, $3)", w, identity, at
        )
        await connection.execute(
            "insert into acs_user values ($1, $2, $3, $4, false, null, null, $5)",
            w,
            user,
            s,
            identity,
            at,
        )
        await self.record(connection, Kind.USER, user, state=UserState())
        self.users.append(user)
        self.identities.append(identity)
        card, code = parse_card(f"7-{place}"), parse_code(f"900{place}")
        assert isinstance(card, CardNumber)
        assert isinstance(code, CodeNumber)
        await self.make_credential(
            connection, user, "card", keyring.lookup(w, "card", card.canonical)
        )
        await self.make_credential(
            connection, user, "code", keyring.lookup(w, "code", code.canonical)
        )

    async def make_credential(
        self, connection: Connection, user: UUID, method: str, lookup: bytes
    ) -> None:
        """Gives a person a credential; `credentials` lists the cards alone."""
        credential = uuid4()
        await _insert(
            connection,
            "acs_credential",
            workspace_id=self.workspace_id,
            acs_credential_id=credential,
            acs_system_id=self.acs_system_id,
            acs_user_id=user,
            access_method=method,
            display_name=method,
            card_format="h10301" if method == "card" else None,
            sealed=b"",
            lookup=lookup,
            issued_at=self.change().at,
            created_at=self.change().at,
        )
        if method == "card":
            self.credentials.append(credential)
        await self.record(connection, Kind.CREDENTIAL, credential, user, CredentialState(method))


@dataclass(frozen=True)
class Operation:
    """A change that a function makes."""

    workspace_id: UUID
    function: Callable[[Connection], Awaitable[Any]]

    async def run(self, connection: Connection) -> Any:
        """Makes it."""
        return await self.function(connection)


async def make_world(database: Database, keyring: Keyring, *, people: int = 3) -> World:
    """Writes a world through the journal."""
    world = World()
    at, w = world.change().at, world.workspace_id
    async with database.acquire() as connection, connection.transaction():
        await connection.execute(
            "insert into workspace values ($1, 'w', 'c', true, 'pk', $2)", w, at
        )
        await connection.execute("insert into policy_revision (workspace_id) values ($1)", w)
        await _insert(
            connection,
            "connected_account",
            workspace_id=w,
            connected_account_id=world.connected_account_id,
            account_type="doorward_system",
            account_type_display_name="Doorward",
            display_name="Doorward",
            created_at=at,
        )
        await _insert(
            connection,
            "acs_system",
            workspace_id=w,
            acs_system_id=world.acs_system_id,
            connected_account_id=world.connected_account_id,
            name="s",
            external_type="doorward_system",
            external_type_display_name="Doorward",
            created_at=at,
        )
        await _fill(connection, world, keyring, people)
    return world


async def _fill(connection: Connection, world: World, keyring: Keyring, people: int) -> None:
    for place, controller in enumerate(world.controllers):
        await make_controller(connection, world, controller)
        world.entrances[place] = await world.make_entrance(connection, place)
    await world.make_group(connection, 0, 1)
    for _ in range(people):
        await world.make_person(connection, keyring)


async def make_controller(connection: Connection, world: World, controller: UUID) -> None:
    """Makes a controller."""
    await _insert(
        connection,
        "controller",
        workspace_id=world.workspace_id,
        controller_id=controller,
        acs_system_id=world.acs_system_id,
        name="c",
        created_at=world.change().at,
    )


async def _insert(connection: Connection, table: str, **columns: object) -> None:
    places = ", ".join(f"${place}" for place in range(1, len(columns) + 1))
    await connection.execute(
        f"insert into {table} ({', '.join(columns)}) values ({places})", *columns.values()
    )
