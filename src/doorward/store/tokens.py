"""Secrets that callers present. Each is shown once, and kept as the sha256 of the whole."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal
from uuid import UUID, uuid4

import asyncpg

from doorward.store.database import Connection, Database

TokenKind = Literal["api_key", "personal_access_token"]

# Without 0, O, I and l, which people confuse when they read a key out.
_ALPHABET: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
# A key whose first part began like this would be taken for another kind by the clients.
_MISREAD: Final = ("at", "cst", "pk")


@dataclass(frozen=True, slots=True)
class Token:
    """A token without its secret. `workspace_id` None: every workspace. `hint`: its beginning."""

    token_id: UUID
    workspace_id: UUID | None
    kind: TokenKind
    name: str
    hint: str
    is_published: bool
    created_at: datetime
    revoked_at: datetime | None


def mint(kind: TokenKind, *, is_sandbox: bool) -> str:
    """A new secret in Seam's form: `seam_` (sandbox: `seam_test`), 8 characters, 24 characters
    (seam-api 1.1).
    """
    short = _random(8)
    while short.lower().startswith(_MISREAD):
        short = _random(8)
    if kind == "personal_access_token":
        short = f"at1{short}"
    elif is_sandbox:
        short = f"test{short[:4]}"
    return f"seam_{short}_{_random(24)}"


def digest(secret: str) -> bytes:
    """What is kept of a secret; it has 140 random bits, so that one round of sha256 is enough."""
    return hashlib.sha256(secret.encode()).digest()


async def create(
    connection: Connection | Database,
    secret: str,
    *,
    kind: TokenKind,
    workspace_id: UUID | None,
    name: str,
    is_published: bool = False,
) -> UUID:
    """Keeps a token. Raises asyncpg.UniqueViolationError when the secret is known already."""
    token_id = uuid4()
    await connection.execute(
        "insert into token (token_id, workspace_id, kind, name, hint, hash, is_published,"
        " created_at) values ($1, $2, $3, $4, $5, $6, $7, clock_timestamp())",
        token_id,
        workspace_id,
        kind,
        name,
        secret.rpartition("_")[0],
        digest(secret),
        is_published,
    )
    return token_id


_COLUMNS: Final = "token_id, workspace_id, kind, name, hint, is_published, created_at, revoked_at"


def _token(row: asyncpg.Record) -> Token:
    return Token(**dict(row))


async def find(database: Database, secret: str) -> Token | None:
    """The token that a caller presented, None for an unknown or revoked one."""
    row = await database.fetchrow(
        f"select {_COLUMNS} from token where hash = $1 and revoked_at is null",  # noqa: S608
        digest(secret),
    )
    return _token(row) if row else None


async def list_tokens(database: Database) -> list[Token]:
    """Every token, the revoked ones too, the oldest first."""
    rows = await database.fetch(f"select {_COLUMNS} from token order by created_at, token_id")  # noqa: S608
    return [_token(row) for row in rows]


async def revoke(database: Database, token_id: UUID) -> bool:
    """Revokes a token, as often as one likes; False when there is none of that id."""
    tag = await database.execute(
        "update token set revoked_at = coalesce(revoked_at, clock_timestamp()) where token_id = $1",
        token_id,
    )
    return tag != "UPDATE 0"


async def published_tokens(database: Database) -> list[Token]:
    """Published tokens that still open something; with one, only loopback may be served."""
    rows = await database.fetch(
        f"select {_COLUMNS} from token where is_published and revoked_at is null"  # noqa: S608
        " order by created_at"
    )
    return [_token(row) for row in rows]


def _random(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))
