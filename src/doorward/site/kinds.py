"""The kinds of objects that a site consists of, in the order in which they need each other."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol
from uuid import UUID

from doorward.store.database import Connection
from doorward.store.journal import Change
from doorward.store.links import CREDENTIAL_ENTRANCES, GROUP_ENTRANCES, MEMBERSHIPS
from doorward.store.people import CREDENTIALS, IDENTITIES, USERS
from doorward.store.published import PUBLISHED_TOKENS
from doorward.store.rows import Ids
from doorward.store.structure import (
    ACCESS_GROUPS,
    CONTROLLERS,
    ENCODERS,
    ENTRANCES,
    READERS,
    SYSTEMS,
)

# What an object is found by: its kind's name and its ids.
Address = tuple[str, Ids]


class Rows(Protocol):
    """What a kind's table does (doorward.store.rows.Table)."""

    async def read(
        self, connection: Connection, workspace_id: UUID, ids: Sequence[Ids]
    ) -> dict[Ids, Any]:
        """The rows of these ids that there are."""

    async def insert(self, connection: Connection, change: Change, rows: Sequence[Any]) -> None:
        """Makes rows."""

    async def update(
        self, connection: Connection, change: Change, rows: Sequence[tuple[Any, Any]]
    ) -> None:
        """Changes rows, given the old one and the new one of each."""

    async def delete(self, connection: Connection, change: Change, ids: Sequence[Ids]) -> None:
        """Takes rows away."""

    def merged(self, old: Any, declared: Any, names: Collection[str]) -> Any:
        """The old row with these fields as they are declared."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of object.

    title: how a plan calls it. is_structure: the file owns it; otherwise the file makes it once.
    fixed: fields that an object keeps for life.
    """

    name: str
    title: str
    rows: Rows
    is_structure: bool
    fixed: frozenset[str] = frozenset({"acs_system_id"})


_ACCOUNT: Final = frozenset({"connected_account_id", "external_type"})
_METHOD: Final = frozenset({"acs_system_id", "access_method"})

KINDS: Final = {
    kind.name: kind
    for kind in (
        Kind("system", "system", SYSTEMS, is_structure=True, fixed=_ACCOUNT),
        Kind("controller", "controller", CONTROLLERS, is_structure=True),
        Kind("entrance", "entrance", ENTRANCES, is_structure=True),
        Kind("reader", "reader", READERS, is_structure=True),
        Kind("encoder", "encoder", ENCODERS, is_structure=True),
        Kind("access_group", "access group", ACCESS_GROUPS, is_structure=True),
        Kind("access_group_entrance", "access group", GROUP_ENTRANCES, is_structure=True),
        Kind("identity", "identity", IDENTITIES, is_structure=False),
        Kind("user", "user", USERS, is_structure=False),
        Kind("credential", "credential", CREDENTIALS, is_structure=False, fixed=_METHOD),
        Kind("credential_entrance", "credential", CREDENTIAL_ENTRANCES, is_structure=False),
        Kind("membership", "membership", MEMBERSHIPS, is_structure=False),
        Kind("token", "token", PUBLISHED_TOKENS, is_structure=False, fixed=frozenset({"kind"})),
    )
}
