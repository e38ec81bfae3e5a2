"""Creating something once, however often a call under the same Idempotency-Key arrives.

Whatever would be answered otherwise later belongs into `make`: what is looked up, and what depends
on the time. A refusal before it, such as one by the `check` of the request's struct, would take the
place of the answer that is kept.
"""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import msgspec

from doorward.api.services import Services
from doorward.store import idempotency
from doorward.store.database import Connection
from doorward.store.idempotency import Claim, Kept
from doorward.wire.route import Call

R = TypeVar("R", bound=msgspec.Struct)


async def once(
    call: Call[Services],
    make: Callable[[Connection], Awaitable[R]],
    user: str | None = None,
) -> R | Kept:
    """Runs `make` in a transaction of its own: what it made, or the answer kept under the key.

    user: for whom, where many share the caller's token. For what is no policy; a policy change
    calls `once_in` inside its operation. Raises what `store.idempotency.once` and `make` raise.
    """
    async with call.services.database.transaction() as connection:
        return await once_in(connection, call, make, user)


async def once_in(
    connection: Connection,
    call: Call[Services],
    make: Callable[[Connection], Awaitable[R]],
    user: str | None = None,
) -> R | Kept:
    """Like `once`, in the transaction (or savepoint) that `connection` is in."""
    asked = call.idempotency
    if asked is None:
        return await make(connection)

    async def body() -> bytes:
        made: Any = await make(connection)
        return asked.encode(made)

    caller = call.caller
    claim = Claim(caller.workspace_id, caller.token_id, asked.key, asked.digest, user)
    return await idempotency.once(connection, call.services.keyring, claim, body)
