"""Published tokens, as a site file declares them: secrets that everybody knows.

They have the methods of a Table, so that a site is applied in one way.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Final
from uuid import UUID

from doorward.store import tokens
from doorward.store.database import Connection
from doorward.store.journal import Change
from doorward.store.rows import Ids
from doorward.store.tokens import TokenKind


@dataclass(frozen=True, slots=True)
class PublishedToken:
    """A token by its text, which the database never has."""

    kind: TokenKind
    name: str
    hash: bytes
    scopes: tuple[str, ...] = ()
    text: str = field(default="", compare=False, repr=False)

    @property
    def ids(self) -> Ids:
        """What the row is found by: the beginning of the hash."""
        return (UUID(bytes=self.hash[:16]),)

    def fact(self) -> None:
        """Tokens are no policy."""


class PublishedTokens:
    """The published tokens of a workspace. A revoked one counts as not being there."""

    async def read(
        self, connection: Connection, workspace_id: UUID, ids: Sequence[Ids]
    ) -> dict[Ids, PublishedToken]:
        """The tokens of these ids that open something."""
        found = await connection.fetch(
            "select kind, name, hash, scopes from token"
            " where workspace_id = $1 and is_published and revoked_at is null",
            workspace_id,
        )
        rows = [PublishedToken(kind, name, key, tuple(scopes)) for kind, name, key, scopes in found]
        wanted = set(ids)
        return {row.ids: row for row in rows if row.ids in wanted}

    async def insert(
        self, connection: Connection, change: Change, rows: Sequence[PublishedToken]
    ) -> None:
        """Makes tokens; a revoked one of this workspace is valid again."""
        for row in rows:
            known = await connection.fetchval(
                "update token set revoked_at = null, name = $3, scopes = $4, is_published = true"
                " where workspace_id = $1 and hash = $2 returning token_id",
                change.workspace_id,
                row.hash,
                row.name,
                list(row.scopes),
            )
            if known is None:
                await tokens.create(
                    connection,
                    row.text,
                    kind=row.kind,
                    workspace_id=change.workspace_id,
                    name=row.name,
                    is_published=True,
                    scopes=row.scopes,
                )

    async def update(
        self,
        connection: Connection,
        change: Change,
        rows: Sequence[tuple[PublishedToken, PublishedToken]],
    ) -> None:
        """Writes names and scopes."""
        await connection.executemany(
            "update token set name = $3, scopes = $4 where workspace_id = $1 and hash = $2",
            [(change.workspace_id, new.hash, new.name, list(new.scopes)) for _, new in rows],
        )

    async def delete(self, connection: Connection, change: Change, ids: Sequence[Ids]) -> None:
        """Revokes tokens."""
        found = await self.read(connection, change.workspace_id, ids)
        await connection.execute(
            "update token set revoked_at = clock_timestamp()"
            " where workspace_id = $1 and hash = any ($2)",
            change.workspace_id,
            [row.hash for row in found.values()],
        )

    def merged(
        self, old: PublishedToken, declared: PublishedToken, names: Collection[str]
    ) -> PublishedToken:
        """The token with these values as they are declared."""
        return replace(old, **{name: getattr(declared, name) for name in names})


async def tokens_elsewhere(
    connection: Connection, workspace_id: UUID, hashes: Collection[bytes]
) -> list[bytes]:
    """The hashes of those tokens that belong to another workspace, or to all."""
    rows = await connection.fetch(
        "select hash from token where hash = any ($2) and workspace_id is distinct from $1",
        workspace_id,
        list(hashes),
    )
    return [row["hash"] for row in rows]


PUBLISHED_TOKENS: Final = PublishedTokens()
