"""What is created once, inside a policy change: several calls of one key in one batch."""

import asyncio
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID, uuid4

import msgspec

from doorward.api.creating import once_in
from doorward.api.services import Services
from doorward.errors import ApiError
from doorward.store.database import Connection
from doorward.store.idempotency import Kept
from doorward.wire.idempotency import Idempotency
from doorward.wire.route import Call, Caller
from tests.api.conftest import Server
from tests.api.town import System, Town


class Made(msgspec.Struct):
    """What the operation creates."""

    id: UUID


@dataclass
class Make:
    """An operation that creates a row, or refuses after it has."""

    call: Call[Services]
    is_refused: bool = False

    @property
    def workspace_id(self) -> UUID:
        return self.call.workspace_id

    async def run(self, connection: Connection) -> Any:
        return await once_in(connection, self.call, self.make)

    async def make(self, connection: Connection) -> Made:
        made = Made(uuid4())
        await connection.execute("insert into created values ($1)", made.id)
        if self.is_refused:
            raise ApiError(400, "invalid_input", "no")
        return made


def _call(server: Server, town: Town, key: str) -> Call[Services]:
    caller = Caller(uuid4(), "api_key", town.workspace_id)
    asked = Idempotency(key, bytes(32), msgspec.json.encode)
    return Call(server.services, caller, "request", None, asked)


async def test_a_batch_creates_once(server: Server, town: Town, north: System) -> None:  # noqa: ARG001 - founds it
    database = server.services.database
    await database.execute("create table created (id uuid)")
    try:
        call = _call(server, town, "one")
        refused = Make(call, is_refused=True)
        operations = [
            refused,
            *(Make(call) for _ in range(20)),
            Make(replace(call, idempotency=None)),
        ]
        answers = await asyncio.gather(
            *(server.writer.submit(each) for each in operations), return_exceptions=True
        )
        kept = [answer for answer in answers if isinstance(answer, Kept)]
        assert len({answer.body for answer in kept}) == 1
        assert [answer.is_replayed for answer in kept] == [False] + [True] * 19
        assert isinstance(answers[0], ApiError)
        assert isinstance(answers[-1], Made)
        assert await database.fetchval("select count(*) from created") == 2
    finally:
        await database.execute("drop table created")
