"""The answers of creating calls, kept under the caller's key so that each creates once."""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from doorward.errors import ApiError
from doorward.store.database import Connection
from doorward.store.secrets import Keyring

LIFE_HOURS: Final = 24
# Each answer that is kept takes so many expired ones away: more than one, so that none pile up.
_SWEPT: Final = 16
_DIGEST: Final = 32


@dataclass(frozen=True, slots=True)
class Claim:
    """A creating call under a key. workspace_id: None for a call about none in particular.

    key: printable ASCII. digest: 32 bytes, the same only for calls that ask for the same. user: for
    whom a call is whose token many share; each of its users has keys of their own.
    """

    workspace_id: UUID | None
    token_id: UUID
    key: str
    digest: bytes
    user: str | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """The whole body of an answer. is_replayed: it was given before, and nothing was created."""

    body: bytes
    is_replayed: bool


async def once(
    connection: Connection,
    keyring: Keyring,
    claim: Claim,
    make: Callable[[], Awaitable[bytes]],
) -> Kept:
    """What `make` answers, or what it answered under this key within the last LIFE_HOURS.

    Runs inside the caller's transaction, which creates and keeps the answer or does neither. What
    `make` raises is not kept. Raises ApiError 422 `idempotency_key_reused` where the key stands
    for another call, 409 `idempotency_key_in_use` while another transaction answers under it.
    """
    row = _Row.of(keyring, claim)
    # Apart from the look-up, whose snapshot has to be younger than the lock.
    if not await connection.fetchval("select pg_try_advisory_xact_lock($1)", row.lock):
        raise _in_use()
    sealed = await connection.fetchval(_FIND, *row.ids)
    if sealed is not None:
        return Kept(_opened(keyring.open(sealed, row.context), claim.digest), is_replayed=True)
    body = await make()
    kept = keyring.seal(claim.digest + body, row.context)
    await connection.execute(_KEEP, *row.ids, kept, LIFE_HOURS, _SWEPT)
    return Kept(body, is_replayed=False)


@dataclass(frozen=True, slots=True)
class _Row:
    ids: tuple[UUID, UUID, bytes]

    @classmethod
    def of(cls, keyring: Keyring, claim: Claim) -> "_Row":
        workspace_id = claim.workspace_id or UUID(int=0)
        # No key holds what parts it from the user.
        named = claim.key if claim.user is None else f"{claim.key}\0{claim.user}"
        key_hash = keyring.lookup(workspace_id, "idempotency_key", named.encode())
        return cls((workspace_id, claim.token_id, key_hash))

    @property
    def context(self) -> bytes:
        workspace_id, token_id, key_hash = self.ids
        return b"idempotent_answer" + workspace_id.bytes + token_id.bytes + key_hash

    @property
    def lock(self) -> int:
        return int.from_bytes(hashlib.sha256(self.context).digest()[:8], signed=True)


_FIND: Final = """
select sealed from idempotent_answer
where workspace_id = $1 and token_id = $2 and key_hash = $3 and expires_at > clock_timestamp()
"""

_KEEP: Final = """
with expired as (
  select workspace_id, token_id, key_hash from idempotent_answer
  where expires_at < statement_timestamp() and (workspace_id, token_id, key_hash) <> ($1, $2, $3)
  order by expires_at limit $6 for update skip locked
), swept as (
  delete from idempotent_answer a using expired e
  where (a.workspace_id, a.token_id, a.key_hash) = (e.workspace_id, e.token_id, e.key_hash)
)
insert into idempotent_answer (workspace_id, token_id, key_hash, sealed, expires_at)
values ($1, $2, $3, $4, clock_timestamp() + $5 * interval '1 hour')
on conflict (workspace_id, token_id, key_hash)
do update set sealed = excluded.sealed, expires_at = excluded.expires_at
"""


def _opened(plain: bytes, digest: bytes) -> bytes:
    if plain[:_DIGEST] != digest:
        raise ApiError(
            422,
            "idempotency_key_reused",
            "The Idempotency-Key was used for another call, or for the same with other parameters",
        )
    return plain[_DIGEST:]


def _in_use() -> ApiError:
    return ApiError(
        409,
        "idempotency_key_in_use",
        "A call with this Idempotency-Key is being answered; try again",
        retry_after=1,
    )
