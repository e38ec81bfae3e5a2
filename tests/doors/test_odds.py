"""Where codes are guessed too easily, the door says so."""

from collections import Counter
from uuid import UUID

import pytest

from doorward.doors.odds import _one_in
from doorward.policy.facts import CredentialState, Kind
from doorward.policy.throttle import TRIES_A_DAY
from doorward.store.database import Connection
from tests.doors.conftest import Serve, Server, until
from tests.doors.worlds import Operation, World


@pytest.mark.parametrize(
    ("lengths", "keypads", "expected"),
    [
        ({}, 1, None),
        ({4: 1}, 0, None),
        ({4: 1}, 1, 10**4 // TRIES_A_DAY),
        ({6: 1}, 1, 10**6 // TRIES_A_DAY),
        ({6: 3}, 2, 10**6 // (6 * TRIES_A_DAY)),
        ({7: 1}, 1, None),
        ({7: 1}, 9, 10**7 // (9 * TRIES_A_DAY)),
        ({9: 1, 6: 1, 8: 1}, 1, 10**6 // TRIES_A_DAY),
        ({4: 100}, 1, 1),
    ],
)
def test_one_in_so_many_days(lengths: dict[int, int], keypads: int, expected: int | None) -> None:
    assert _one_in(Counter(lengths), keypads) == expected


async def test_a_door_shows_it_as_long_as_it_is_so(
    world: World, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("doorward.doors.odds._REST", 0.01)
    monkeypatch.setattr("doorward.doors.odds._SHARE", 1)
    server = await serve()
    await server.submit(world, world.add())
    code = await _code_of(server, world)

    def of_length(length: int) -> Operation:
        async def run(connection: Connection) -> None:
            state = CredentialState("code", code_length=length)
            await world.record(connection, Kind.CREDENTIAL, code, world.users[0], state)

        return world.operation(run)

    async def shown() -> list[list[str]]:
        doors = await server.doors.status(world.workspace_id)
        return [[each.warning_code for each in door.warnings] for door in doors]

    async def is_shown(*expected: list[str]) -> None:
        async def is_so() -> bool:
            return await shown() == [*expected]

        await until(is_so)

    guessable = ["codes_can_be_guessed"]
    assert await shown() == [[], []]
    await server.submit(world, of_length(4))
    await is_shown(guessable, guessable)
    [door, _] = await server.doors.status(world.workspace_id)
    assert f"1 of {10**4 // TRIES_A_DAY} days" in door.warnings[0].message
    await server.submit(world, of_length(9))
    await is_shown([], [])
    await server.submit(world, of_length(4))
    await is_shown(guessable, guessable)
    await server.submit(world, world.remove())
    await is_shown([], [])


async def _code_of(server: Server, world: World) -> UUID:
    code: UUID = await server.database.fetchval(
        "select acs_credential_id from acs_credential where acs_user_id = $1"
        " and access_method = 'code'",
        world.users[0],
    )
    return code
