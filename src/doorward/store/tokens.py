"""Secrets that callers present. Each is shown once, and kept as the sha256 of the whole."""

import hashlib
import re
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal
from uuid import UUID, uuid4

import asyncpg

from doorward.store.database import Connection, Database
from doorward.store.sight import Sight

TokenKind = Literal["api_key", "console_session", "personal_access_token"]
MintedKind = Literal["api_key", "client_session", "personal_access_token"]
AnyKind = TokenKind | Literal["client_session", "publishable_key"]

SCOPES: Final = ("doors", "metrics")
# An application's key has to be given what the API has no word for; a person's token has it.
DEFAULT_SCOPES: Final[Mapping[TokenKind, tuple[str, ...]]] = {
    "api_key": (),
    "console_session": ("doors",),
    "personal_access_token": ("doors",),
}

# What a text must look like to be a token of a kind (seam-api 1.1). No two forms overlap.
FORMS: Final[Mapping[AnyKind, re.Pattern[str]]] = {
    "api_key": re.compile(r"seam_(?!at|cst|pk)[A-Za-z0-9]{4,}_[A-Za-z0-9]{16,}"),
    "personal_access_token": re.compile(r"seam_at1[A-Za-z0-9]{4,}_[A-Za-z0-9]{16,}"),
    "client_session": re.compile(r"seam_cst1[A-Za-z0-9]{8}_[A-Za-z0-9]{24}"),
    "publishable_key": re.compile(r"seam_pk[A-Za-z0-9]{8}_[A-Za-z0-9]{24}"),
    "console_session": re.compile(r"ey[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+"),
}

# Without 0, O, I and l, which people confuse when they read a key out.
_ALPHABET: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
# A key whose first part began like this would be taken for another kind by the clients.
_MISREAD: Final = ("at", "cst", "pk")


@dataclass(frozen=True, slots=True)
class Token:
    """A token without its secret. `workspace_id` None: every workspace. `hint`: its beginning.

    scopes: what it may beside its workspace's own calls. expires_at: by real time, None for never.
    """

    token_id: UUID
    workspace_id: UUID | None
    kind: TokenKind
    name: str
    hint: str
    is_published: bool
    scopes: list[str]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class Known:
    """A token of any kind as far as a call needs to know it.

    token_id: a client session's own id, a publishable key's workspace. is_revoked: only of kinds
    whose callers are told so; of others a revoked token is an unknown one.
    """

    token_id: UUID
    kind: AnyKind
    workspace_id: UUID | None
    is_published: bool = False
    is_revoked: bool = False
    scopes: Collection[str] = ()
    expires_at: datetime | None = None
    sight: Sight | None = None


def kind_of(text: str) -> AnyKind | None:
    """The kind that a text has the form of, None where it can be no token at all."""
    kinds = (kind for kind, form in FORMS.items() if form.fullmatch(text))
    return next(kinds, None)


def mint(kind: MintedKind, *, is_sandbox: bool = False) -> str:
    """A new secret in Seam's form: `seam_` (sandbox: `seam_test`), 8 characters, 24 characters
    (seam-api 1.1). Console sessions are signed (doorward.store.console).
    """
    short = _random(8)
    while short.lower().startswith(_MISREAD):
        short = _random(8)
    if kind == "personal_access_token":
        short = f"at1{short}"
    elif kind == "client_session":
        short = f"cst1{short}"
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
    scopes: Collection[str] = (),
    expires_at: datetime | None = None,
    token_id: UUID | None = None,
) -> UUID:
    """Keeps a token. Raises asyncpg.UniqueViolationError when the secret is known already."""
    token_id = token_id or uuid4()
    await connection.execute(
        "insert into token (token_id, workspace_id, kind, name, hint, hash, is_published, scopes,"
        " expires_at, created_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, clock_timestamp())",
        token_id,
        workspace_id,
        kind,
        name,
        _hint(kind, secret),
        digest(secret),
        is_published,
        sorted(scopes),
        expires_at,
    )
    return token_id


def _hint(kind: TokenKind, secret: str) -> str:
    # The head of a signed text is the same for all; its other parts may hold underscores.
    return secret.partition(".")[0] if kind == "console_session" else secret.rpartition("_")[0]


_COLUMNS: Final = (
    "token_id, workspace_id, kind, name, hint, is_published, scopes, created_at, expires_at,"
    " revoked_at"
)


def _token(row: asyncpg.Record) -> Token:
    return Token(**dict(row))


async def find(database: Database, secret: str) -> Known | None:
    """The token that a caller presented, None for an unknown or revoked one."""
    row = await database.fetchrow(
        "select token_id, kind, workspace_id, is_published, scopes, expires_at from token"
        " where hash = $1 and revoked_at is null",
        digest(secret),
    )
    return Known(**dict(row)) if row else None


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
