"""People, as a site file writes them: identities, users, their credentials and personal values."""

import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final, Protocol, TypeVar
from uuid import UUID

import msgspec

from doorward.policy.facts import NO_KEY, CredentialState, Kind, UserState
from doorward.store.database import Connection
from doorward.store.journal import Change
from doorward.store.links import CREDENTIAL_ENTRANCES, GRANTS, MEMBERSHIPS
from doorward.store.personal import Of, Personal, personal_hash, put_all
from doorward.store.rows import ELSEWHERE, Entry, Ids, Row, Table, column, window

# A field whose value is a person's own: kept in the table `personal` alone.
PERSONAL: Final = ELSEWHERE | {"personal": True}

_uses: Final = msgspec.json.Decoder(dict[str, int]).decode


def new_salt() -> bytes:
    """What makes the hash of a person's values one that nobody can guess."""
    return os.urandom(16)


@dataclass(frozen=True, slots=True)
class Identity:
    """A person across systems."""

    user_identity_id: UUID
    user_identity_key: str | None
    full_name: str | None = field(metadata=PERSONAL)
    email_address: str | None = field(metadata=PERSONAL)
    phone_number: str | None = field(metadata=PERSONAL)
    salt: bytes = field(compare=False, repr=False, metadata=ELSEWHERE)

    @property
    def ids(self) -> Ids:
        """What the row is found by."""
        return (self.user_identity_id,)

    @property
    def personal(self) -> Personal:
        """The person's own values."""
        return Personal(self.full_name, self.email_address, self.phone_number)

    @property
    def personal_system_id(self) -> None:
        """The values of an identity belong to no system."""

    def fact(self) -> None:
        """Who somebody is elsewhere is no policy."""


@dataclass(frozen=True, slots=True)
class User:
    """A person in one access system."""

    acs_user_id: UUID
    acs_system_id: UUID
    user_identity_id: UUID | None
    starts_at: datetime | None
    ends_at: datetime | None
    full_name: str | None = field(metadata=PERSONAL)
    email_address: str | None = field(metadata=PERSONAL)
    phone_number: str | None = field(metadata=PERSONAL)
    salt: bytes = field(compare=False, repr=False, metadata=ELSEWHERE)
    is_suspended: bool = field(default=False, compare=False)

    @property
    def ids(self) -> Ids:
        """What the row is found by."""
        return (self.acs_user_id,)

    @property
    def personal(self) -> Personal:
        """The person's own values."""
        return Personal(self.full_name, self.email_address, self.phone_number)

    @property
    def personal_system_id(self) -> UUID:
        """The system that the values belong to."""
        return self.acs_system_id

    def fact(self) -> Entry:
        """What controllers are told."""
        state = UserState(self.is_suspended, window(self.starts_at, self.ends_at))
        hashed = personal_hash(self.salt, self.personal)
        return Entry(
            self.acs_system_id, Kind.USER, self.acs_user_id, state=state, personal_hash=hashed
        )


@dataclass(frozen=True, slots=True)
class Credential:
    """A card or a code with its number; `sealed` goes with `lookup`.

    is_multi_phone_sync_credential: a key for every phone of its owner. parent_acs_credential_id
    and device_id: of such a key the one on this phone.
    """

    acs_credential_id: UUID
    acs_system_id: UUID
    acs_user_id: UUID | None
    access_method: str
    display_name: str
    starts_at: datetime | None
    ends_at: datetime | None
    card_format: str | None
    lookup: bytes | None
    sealed: bytes | None = field(compare=False, repr=False)
    state: str = field(compare=False)
    issued_at: datetime | None = field(compare=False)
    code_length: int | None = field(default=None, compare=False)
    use_limit: int | None = field(default=None, compare=False)
    uses: str = field(default="{}", compare=False)
    is_multi_phone_sync_credential: bool = field(default=False, compare=False)
    parent_acs_credential_id: UUID | None = field(default=None, compare=False)
    device_id: UUID | None = field(default=None, compare=False)

    @property
    def ids(self) -> Ids:
        """What the row is found by."""
        return (self.acs_credential_id,)

    def fact(self) -> Entry:
        """What controllers are told; the lookup they read beside it."""
        state = CredentialState(
            self.access_method,
            self.state,
            self.issued_at is not None,
            window(self.starts_at, self.ends_at),
            self.use_limit,
            _uses(self.uses),
            self.code_length,
        )
        owner = self.acs_user_id or NO_KEY
        return Entry(self.acs_system_id, Kind.CREDENTIAL, self.acs_credential_id, owner, state)


class Person(Row, Protocol):
    """A row with personal values beside it."""

    @property
    def personal(self) -> Personal:
        """The person's own values."""

    @property
    def salt(self) -> bytes:
        """What the values' hash is salted with; empty where they have been erased."""

    @property
    def personal_system_id(self) -> UUID | None:
        """The system that the values belong to."""


P = TypeVar("P", bound=Person)


class Persons(Table[P]):
    """Rows with personal values beside them."""

    async def write(self, connection: Connection, change: Change, rows: Sequence[P]) -> None:
        """Makes persons with their values, of which the journal is told later."""
        await super().write(connection, change, rows)
        await _put_personal(connection, change.workspace_id, rows)

    async def update(
        self, connection: Connection, change: Change, rows: Sequence[tuple[P, P]]
    ) -> None:
        """Changes persons and their values."""
        await super().update(connection, change, rows)
        await _put_personal(connection, change.workspace_id, [new for _, new in rows])

    async def erase(
        self, connection: Connection, change: Change, key: str, values: Sequence[UUID]
    ) -> None:
        """Deletes persons, their values, and the salt that hides these in the journal; the values
        of somebody whom another system has still to let go of with the row.
        """
        rows = await self.read_by(connection, change.workspace_id, key, values)
        await super().erase(connection, change, key, values)
        await connection.execute(
            "delete from personal p where p.workspace_id = $1 and p.subject_id = any ($2)"  # noqa: S608
            f" and not exists (select from {self.name} t where t.workspace_id = p.workspace_id"
            f" and t.{self.keys[0]} = p.subject_id)",
            change.workspace_id,
            column(row.ids for row in rows),
        )

    def merged(self, old: P, declared: P, names: Collection[str]) -> P:
        """The old row with these fields as they are declared; erased values need a new salt."""
        return super().merged(old, declared, {*names, *(() if old.salt else ("salt",))})


class Identities(Persons[Identity]):
    """Identities. Whoever has one keeps her access without it."""

    async def erase(
        self, connection: Connection, change: Change, key: str, values: Sequence[UUID]
    ) -> None:
        """Deletes identities; the users who had them have none."""
        await connection.execute(
            "update acs_user set user_identity_id = null"
            " where workspace_id = $1 and user_identity_id = any ($2)",
            change.workspace_id,
            list(values),
        )
        await super().erase(connection, change, key, values)


class Credentials(Table[Credential]):
    """Credentials with their sealed numbers."""

    def is_policy_change(self, old: Credential, new: Credential) -> bool:
        """Another number is policy too, although the journal never has it."""
        return old.lookup != new.lookup or super().is_policy_change(old, new)

    def merged(self, old: Credential, declared: Credential, names: Collection[str]) -> Credential:
        """The old row with these fields as they are declared; a number comes with its seal."""
        merged = super().merged(old, declared, names)
        if "lookup" not in names:
            return merged
        return replace(merged, sealed=declared.sealed, code_length=declared.code_length)


async def _put_personal(connection: Connection, workspace_id: UUID, rows: Sequence[Person]) -> None:
    persons = [Of(row.ids[0], row.personal_system_id, row.salt, row.personal) for row in rows]
    await put_all(connection, workspace_id, persons)


def _persons(key: str) -> dict[str, Any]:
    names = ("full_name", "email_address", "phone_number")
    return {
        "computed": {name: f"p.{name}" for name in names} | {"salt": "coalesce(p.salt, '')"},
        "joins": "left join personal p on p.workspace_id = t.workspace_id"
        f" and p.subject_id = t.{key}",
    }


IDENTITIES: Final = Identities(
    Identity, "user_identity", ("user_identity_id",), **_persons("user_identity_id")
)
USERS: Final = Persons(
    User,
    "acs_user",
    ("acs_user_id",),
    object_kind="user",
    forgets=", user_identity_id = null",
    **_persons("acs_user_id"),
)
CREDENTIALS: Final = Credentials(
    Credential,
    "acs_credential",
    ("acs_credential_id",),
    object_kind="credential",
    forgets=", acs_user_id = null, lookup = null, sealed = null, parent_acs_credential_id = null,"
    " device_id = null",
)

USERS.dependents += [
    (CREDENTIALS, "acs_user_id"),
    (MEMBERSHIPS, "acs_user_id"),
    (GRANTS, "acs_user_id"),
]
CREDENTIALS.dependents += [(CREDENTIAL_ENTRANCES, "acs_credential_id")]
