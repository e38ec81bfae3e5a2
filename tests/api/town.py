"""A town: workspaces that tests fill through the journal, with people, groups, doors and cards."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
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
    Window,
)
from doorward.policy.schedule import milliseconds
from doorward.store import credentials, journal
from doorward.store.database import Database
from doorward.store.journal import Change
from doorward.store.memberships import ChangeMembership
from doorward.store.personal import Personal, put_personal
from doorward.store.secrets import Keyring

Span = tuple[datetime | None, datetime | None]
ALWAYS: Span = (None, None)


@dataclass
class System:
    """An access system with one controller."""

    acs_system_id: UUID = field(default_factory=uuid4)
    connected_account_id: UUID = field(default_factory=uuid4)
    controller_id: UUID = field(default_factory=uuid4)


class Town:
    """One workspace. What is made later is created a second later, so that lists have an order."""

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self.database = database
        self.keyring = keyring
        self.workspace_id = uuid4()
        self.publishable_key = f"seam_pk{self.workspace_id.hex[:8]}_{self.workspace_id.hex[8:]}"
        self.now = datetime.now(UTC) - timedelta(hours=1)

    async def found(self, *, is_sandbox: bool = True) -> System:
        """Makes the workspace and its first system."""
        await self._insert(
            "workspace",
            workspace_id=self.workspace_id,
            name="Town",
            company_name="Town Ltd",
            is_sandbox=is_sandbox,
            publishable_key=self.publishable_key,
            is_publishable_key_auth_enabled=True,
            created_at=self._tick(),
        )
        await self._insert("policy_revision", workspace_id=self.workspace_id)
        return await self.system("North")

    async def system(self, name: str, customer_key: str | None = None) -> System:
        """Makes a system with an account and a controller."""
        system = System()
        await self._insert(
            "connected_account",
            workspace_id=self.workspace_id,
            connected_account_id=system.connected_account_id,
            account_type="doorward_system",
            account_type_display_name="Doorward",
            display_name=f"{name} account",
            user_identifier=f'{{"email": "{name.lower()}@example.com"}}',
            custom_metadata=f'{{"site": "{name}", "is_main": {str(name == "North").lower()}}}',
            customer_key=customer_key,
            created_at=self._tick(),
        )
        await self._insert(
            "acs_system",
            workspace_id=self.workspace_id,
            acs_system_id=system.acs_system_id,
            connected_account_id=system.connected_account_id,
            name=name,
            external_type="doorward_system",
            external_type_display_name="Doorward",
            time_zone="Europe/Berlin",
            created_at=self._tick(),
        )
        await self._insert(
            "controller",
            workspace_id=self.workspace_id,
            controller_id=system.controller_id,
            acs_system_id=system.acs_system_id,
            name=f"{name} controller",
            created_at=self._tick(),
        )
        return system

    async def entrance(self, system: System, name: str, *, is_enabled: bool = True) -> UUID:
        """Makes an entrance with a virtual reader."""
        entrance, reader, at = uuid4(), uuid4(), self._tick()
        await self._insert(
            "acs_entrance",
            workspace_id=self.workspace_id,
            acs_entrance_id=entrance,
            acs_system_id=system.acs_system_id,
            controller_id=system.controller_id,
            display_name=name,
            is_enabled=is_enabled,
            unlock_seconds=5,
            can_unlock_with_card=True,
            can_unlock_with_code=True,
            created_at=at,
        )
        state = EntranceState(5, is_enabled)
        await self.record(system, Kind.ENTRANCE, entrance, system.controller_id, state)
        await self.record(system, Kind.READER, reader, entrance, ReaderState())
        return entrance

    async def encoder(self, system: System, name: str) -> UUID:
        """Makes an encoder."""
        encoder = uuid4()
        await self._insert(
            "acs_encoder",
            workspace_id=self.workspace_id,
            acs_encoder_id=encoder,
            acs_system_id=system.acs_system_id,
            display_name=name,
            created_at=self._tick(),
        )
        return encoder

    async def group(self, system: System, name: str, *entrances: UUID, span: Span = ALWAYS) -> UUID:
        """Makes a group that opens entrances within a span of time."""
        group = uuid4()
        await self._insert(
            "acs_access_group",
            workspace_id=self.workspace_id,
            acs_access_group_id=group,
            acs_system_id=system.acs_system_id,
            name=name,
            starts_at=span[0],
            ends_at=span[1],
            created_at=self._tick(),
        )
        await self.record(system, Kind.GROUP, group, state=GroupState(window(span)))
        for entrance in entrances:
            await self.open(system, group, entrance)
        return group

    async def open(
        self, system: System, group: UUID, entrance: UUID, *, is_desired: bool = True
    ) -> None:
        """Lets a group open an entrance, or no longer."""
        state = Link() if is_desired else None
        revision = await self.record(system, Kind.GROUP_ENTRANCE, group, entrance, state)
        await self.database.execute(
            "insert into access_group_entrance values ($1, $2, $3, $4, true, $5, $6) on conflict"
            " (workspace_id, acs_access_group_id, acs_entrance_id) do update set"
            " is_desired = excluded.is_desired, is_unconfirmed = true,"
            " revision = excluded.revision",
            self.workspace_id,
            group,
            entrance,
            is_desired,
            revision,
            self.now,
        )

    async def identity(self, personal: Personal) -> UUID:
        """Makes a user identity."""
        identity = uuid4()
        await self._insert(
            "user_identity",
            workspace_id=self.workspace_id,
            user_identity_id=identity,
            created_at=self._tick(),
        )
        async with self.database.acquire() as connection:
            await put_personal(connection, self.workspace_id, identity, None, personal)
        return identity

    async def user(
        self,
        system: System,
        personal: Personal,
        *,
        identity: UUID | None = None,
        is_suspended: bool = False,
        span: Span = ALWAYS,
    ) -> UUID:
        """Makes a person of a system."""
        user = uuid4()
        await self._insert(
            "acs_user",
            workspace_id=self.workspace_id,
            acs_user_id=user,
            acs_system_id=system.acs_system_id,
            user_identity_id=identity,
            is_suspended=is_suspended,
            starts_at=span[0],
            ends_at=span[1],
            created_at=self._tick(),
        )
        async with self.database.acquire() as connection:
            await put_personal(connection, self.workspace_id, user, system.acs_system_id, personal)
        await self.record(system, Kind.USER, user, state=UserState(is_suspended, window(span)))
        return user

    async def credential(
        self,
        system: System,
        user: UUID | None,
        number: str,
        *entrances: UUID,
        state: str = "active",
        is_issued: bool = True,
        span: Span = ALWAYS,
    ) -> UUID:
        """Makes a card (a number with a dash or a colon) or a code, with entrances of its own."""
        credential, at = uuid4(), self._tick()
        parsed = parse_card(number) if set(number) & set("-:") else parse_code(number)
        assert isinstance(parsed, CardNumber | CodeNumber)
        method = "card" if isinstance(parsed, CardNumber) else "code"
        await self._insert(
            "acs_credential",
            workspace_id=self.workspace_id,
            acs_credential_id=credential,
            acs_system_id=system.acs_system_id,
            acs_user_id=user,
            access_method=method,
            display_name=f"Somebody's {method}",
            state=state,
            starts_at=span[0],
            ends_at=span[1],
            issued_at=at if is_issued else None,
            created_at=at,
            card_format=parsed.format if isinstance(parsed, CardNumber) else None,
            sealed=credentials.seal_number(
                self.keyring, self.workspace_id, credential, parsed.text
            ),
            lookup=credentials.lookup(self.keyring, self.workspace_id, parsed),
        )
        fact = CredentialState(method, state, is_issued, window(span))
        await self.record(system, Kind.CREDENTIAL, credential, user or NO_KEY, fact)
        await self._own_entrances(system, credential, entrances)
        return credential

    async def cloud_key(self, system: System, user: UUID | None, *entrances: UUID) -> UUID:
        """Makes a credential that opens entrances from afar."""
        credential, at = uuid4(), self._tick()
        await self._insert(
            "acs_credential",
            workspace_id=self.workspace_id,
            acs_credential_id=credential,
            acs_system_id=system.acs_system_id,
            acs_user_id=user,
            access_method="cloud_key",
            display_name="Somebody's cloud key",
            issued_at=at,
            created_at=at,
        )
        fact = CredentialState("cloud_key")
        await self.record(system, Kind.CREDENTIAL, credential, user or NO_KEY, fact)
        await self._own_entrances(system, credential, entrances)
        return credential

    async def _own_entrances(
        self, system: System, credential: UUID, entrances: Sequence[UUID]
    ) -> None:
        for entrance in entrances:
            revision = await self.record(
                system, Kind.CREDENTIAL_ENTRANCE, credential, entrance, Link()
            )
            await self._insert(
                "credential_entrance",
                workspace_id=self.workspace_id,
                acs_credential_id=credential,
                acs_entrance_id=entrance,
                is_desired=True,
                is_unconfirmed=True,
                revision=revision,
                changed_at=self.now,
            )

    async def join(self, group: UUID, user: UUID, *, is_add: bool = True) -> int:
        """Puts a person into a group, or takes one out; answers the revision."""
        async with self.database.acquire() as connection:
            change = self.change()
            result = await ChangeMembership(change, is_add, group, user).run(connection)
        assert result.revision is not None
        return result.revision

    async def record(
        self,
        system: System,
        kind: Kind,
        key_a: UUID,
        key_b: UUID = NO_KEY,
        state: msgspec.Struct | None = None,
    ) -> int:
        """Appends a fact to the journal, or its end."""
        async with self.database.acquire() as connection:
            return await journal.record(
                connection, self.change(), system.acs_system_id, kind, key_a, key_b, state
            )

    def change(self) -> Change:
        """A change by nobody in particular, now."""
        return Change(self.workspace_id, "town", self._tick())

    def _tick(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now

    async def _insert(self, table: str, **columns: object) -> None:
        places = ", ".join(f"${place}" for place in range(1, len(columns) + 1))
        await self.database.execute(
            f"insert into {table} ({', '.join(columns)}) values ({places})", *columns.values()
        )


def iso(moment: datetime) -> str:
    """A time as replies write it."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def window(span: Span) -> Window:
    """A span as facts have it."""
    starts_at, ends_at = (None if each is None else milliseconds(each) for each in span)
    return Window(starts_at, ends_at)
