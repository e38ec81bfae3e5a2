"""Client sessions: end users' own access, their tokens included, which the API shows again.

A token is kept as its sha256, by which it is found, and sealed, so that it can be shown. Times are
real ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

import asyncpg

from doorward.resources.client_session import ClientSession
from doorward.resources.values import given, iso
from doorward.store import tokens
from doorward.store.database import Connection
from doorward.store.secrets import Keyring
from doorward.store.select import Select, Source
from doorward.store.sight import Sight
from doorward.store.tokens import Known

LIFE: Final = timedelta(days=365)

_SELECT: Final = "select s.* from client_session s where s.workspace_id = $1"
# The API has no pages here, and everybody can make sessions.
MOST_LISTED: Final = 1000
_NEWEST: Final = f"order by s.created_at desc, s.client_session_id desc limit {MOST_LISTED}"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a session is to be for. expires_at: None for LIFE from now, or as it is."""

    user_identifier_key: str | None = None
    connected_account_ids: Sequence[UUID] = ()
    user_identity_id: UUID | None = None
    customer_key: str | None = None
    is_read_only: bool = False
    expires_at: datetime | None = None


async def find(source: Source, token: str) -> Known | None:
    """The session that a caller presented, also one that was revoked or has expired."""
    row = await source.fetchrow(
        "select * from client_session where hash = $1", tokens.digest(token)
    )
    if row is None:
        return None
    # Ended after its time is not ended: the next session of the same user does that.
    is_revoked = row["revoked_at"] is not None and row["revoked_at"] < row["expires_at"]
    return Known(
        row["client_session_id"],
        "client_session",
        row["workspace_id"],
        is_revoked=is_revoked,
        expires_at=row["expires_at"],
        sight=_sight(row),
    )


async def sight_of(source: Source, workspace_id: UUID, user_identifier_key: str) -> Sight | None:
    """What the running session of a user sees, None where there is none."""
    row = await source.fetchrow(
        "select * from client_session where workspace_id = $1 and user_identifier_key = $2"
        " and revoked_at is null and expires_at > clock_timestamp()",
        workspace_id,
        user_identifier_key,
    )
    return _sight(row) if row else None


async def get(
    source: Source,
    keyring: Keyring,
    workspace_id: UUID,
    *,
    client_session_id: UUID | None = None,
    user_identifier_key: str | None = None,
) -> ClientSession | None:
    """The session of an id, or the newest of a user, None where there is none."""
    select = Select(_SELECT, workspace_id)
    select.where_given("s.client_session_id = {0}", client_session_id)
    select.where_given("s.user_identifier_key = {0}", user_identifier_key)
    tail = "order by s.created_at desc, s.client_session_id desc limit 1"
    rows = await select.fetch(source, tail)
    return _session(rows[0], keyring) if rows else None


async def list_sessions(
    source: Source,
    keyring: Keyring,
    workspace_id: UUID,
    *,
    client_session_id: UUID | None = None,
    user_identifier_key: str | None = None,
    user_identity_id: UUID | None = None,
    without_user_identifier_key: bool = False,
) -> list[ClientSession]:
    """The sessions that match, the oldest first; of more than MOST_LISTED the newest."""
    select = Select(_SELECT, workspace_id)
    select.where_given("s.client_session_id = {0}", client_session_id)
    select.where_given("s.user_identifier_key = {0}", user_identifier_key)
    select.where_given("s.user_identity_id = {0}", user_identity_id)
    if without_user_identifier_key:
        select.where("s.user_identifier_key is null")
    rows = await select.fetch(source, _NEWEST)
    return [_session(row, keyring) for row in reversed(rows)]


async def claim(
    connection: Connection, workspace_id: UUID, user_identifier_key: str
) -> UUID | None:
    """The running session of a user, by id; without one, nobody else makes one until the commit."""
    await connection.execute(
        "select pg_advisory_xact_lock(hashtextextended($1, 0))",
        f"client_session {workspace_id} {user_identifier_key}",
    )
    # Apart from the lock, whose statement has a snapshot from before it was got.
    await connection.execute(
        "update client_session set revoked_at = clock_timestamp()"
        " where workspace_id = $1 and user_identifier_key = $2 and revoked_at is null"
        " and expires_at <= clock_timestamp()",
        workspace_id,
        user_identifier_key,
    )
    found: UUID | None = await connection.fetchval(
        "select client_session_id from client_session"
        " where workspace_id = $1 and user_identifier_key = $2 and revoked_at is null",
        workspace_id,
        user_identifier_key,
    )
    return found


_INSERT: Final = """
insert into client_session (workspace_id, client_session_id, hash, sealed, user_identifier_key,
  connected_account_ids, user_identity_id, customer_key, is_read_only, created_at, expires_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, clock_timestamp(),
  coalesce($10, clock_timestamp() + $11::interval))
returning *"""


async def create(
    connection: Connection, keyring: Keyring, workspace_id: UUID, wanted: Wanted
) -> ClientSession:
    """Makes a session. What it names must be there, and its user must have been claimed."""
    client_session_id, token = uuid4(), tokens.mint("client_session")
    row = await connection.fetchrow(
        _INSERT,
        workspace_id,
        client_session_id,
        tokens.digest(token),
        keyring.seal(token.encode(), _context(workspace_id, client_session_id)),
        wanted.user_identifier_key,
        list(wanted.connected_account_ids),
        wanted.user_identity_id,
        wanted.customer_key,
        wanted.is_read_only,
        wanted.expires_at,
        LIFE,
    )
    assert row is not None
    return _session(row, keyring)


_GRANT: Final = """
update client_session set
  connected_account_ids = connected_account_ids || array(
    select i from unnest($3::uuid[]) i where i <> all (connected_account_ids)),
  user_identity_id = coalesce($4, user_identity_id),
  user_identifier_key = coalesce($5, user_identifier_key),
  expires_at = coalesce($6, expires_at)
where workspace_id = $1 and client_session_id = $2"""


async def grant(
    connection: Connection, workspace_id: UUID, client_session_id: UUID, wanted: Wanted
) -> None:
    """Adds to what a session is for. What it names must be there, and its user been claimed."""
    await connection.execute(
        _GRANT,
        workspace_id,
        client_session_id,
        list(wanted.connected_account_ids),
        wanted.user_identity_id,
        wanted.user_identifier_key,
        wanted.expires_at,
    )


async def revoke(source: Source, workspace_id: UUID, client_session_id: UUID) -> bool:
    """Ends a session, as often as one likes; False when there is none of that id."""
    tag = await source.execute(
        "update client_session set revoked_at = coalesce(revoked_at, clock_timestamp())"
        " where workspace_id = $1 and client_session_id = $2",
        workspace_id,
        client_session_id,
    )
    return tag != "UPDATE 0"


async def delete(connection: Connection, workspace_id: UUID, client_session_id: UUID) -> bool:
    """Takes a session away; False when there is none of that id."""
    tag = await connection.execute(
        "delete from client_session where workspace_id = $1 and client_session_id = $2",
        workspace_id,
        client_session_id,
    )
    return tag != "DELETE 0"


async def delete_of_identity(
    connection: Connection, workspace_id: UUID, user_identity_id: UUID
) -> list[UUID]:
    """Takes all sessions of an identity away; answers their ids."""
    rows = await connection.fetch(
        "delete from client_session where workspace_id = $1 and user_identity_id = $2"
        " returning client_session_id",
        workspace_id,
        user_identity_id,
    )
    return [row["client_session_id"] for row in rows]


def _sight(row: asyncpg.Record) -> Sight:
    return Sight(
        tuple(row["connected_account_ids"]),
        row["user_identity_id"],
        row["customer_key"],
        row["is_read_only"],
    )


def _session(row: asyncpg.Record, keyring: Keyring) -> ClientSession:
    context = _context(row["workspace_id"], row["client_session_id"])
    identity_id = row["user_identity_id"]
    return ClientSession(
        client_session_id=row["client_session_id"],
        connect_webview_ids=row["connect_webview_ids"],
        connected_account_ids=row["connected_account_ids"],
        created_at=iso(row["created_at"]),
        customer_key=given(row["customer_key"]),
        device_count=0,
        expires_at=iso(min(row["expires_at"], row["revoked_at"] or row["expires_at"])),
        token=keyring.open(row["sealed"], context).decode(),
        user_identifier_key=row["user_identifier_key"],
        user_identity_id=given(identity_id),
        user_identity_ids=[identity_id] if identity_id else [],
        workspace_id=row["workspace_id"],
    )


def _context(workspace_id: UUID, client_session_id: UUID) -> bytes:
    return b"client_session" + workspace_id.bytes + client_session_id.bytes
