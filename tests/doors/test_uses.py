"""A use limit is kept to by every door, through crashes, and counts each use once."""

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

import msgspec
import pytest

from doorward.doors.handing_in import HandIn
from doorward.doors.spool import Happening
from doorward.errors import Unavailable
from doorward.policy.facts import CredentialState, Kind
from doorward.policy.model import Request
from doorward.resources.decision import Decision
from doorward.store.database import Connection
from tests.conftest import MovableClock
from tests.doors.conftest import Serve, Server, head, until
from tests.doors.worlds import World

LIMIT = 2


@pytest.fixture
async def server(world: World, serve: Serve) -> Server:
    """A server; the card of person 0 may open both entrances, LIMIT times in all."""
    server = await serve()
    await server.submit(world, world.add())
    await server.submit(world, world.operation(limited(world, LIMIT)))
    return server


def limited(world: World, limit: int | None) -> Callable[[Connection], Awaitable[None]]:
    """Gives the card of person 0 a limit, or takes it away."""

    async def run(connection: Connection) -> None:
        card = world.credentials[0]
        uses = await connection.fetchval(
            "update acs_credential set use_limit = $2 where acs_credential_id = $1 returning uses",
            card,
            limit,
        )
        state = CredentialState("card", use_limit=limit, uses=json.loads(uses))
        await world.record(connection, Kind.CREDENTIAL, card, world.users[0], state)

    return run


async def uses(server: Server, world: World) -> dict[UUID, int]:
    """What the server has counted, by controller."""
    counted = await server.database.fetchval(
        "select uses from acs_credential where acs_credential_id = $1", world.credentials[0]
    )
    return {UUID(key): value for key, value in json.loads(counted).items()}


async def counted(server: Server, world: World, expected: int) -> None:
    """Waits until the server has counted so many in all, and every door has heard of it."""

    async def are_counted() -> bool:
        return sum((await uses(server, world)).values()) == expected

    await until(are_counted)
    revision = await head(server.database, world)
    assert await server.doors.wait_confirmed(world.workspace_id, revision, 10)


def assert_used_up(decision: Decision) -> None:
    """The answer to one use too many."""
    assert (decision.reason, decision.cause) == ("deny_credential_expired", "used_up")


async def test_it_opens_as_often_as_it_may(world: World, server: Server) -> None:
    for _ in range(LIMIT):
        assert (await server.present(world)).outcome == "allow"
    assert_used_up(await server.present(world))
    await counted(server, world, LIMIT)
    assert_used_up(await server.present(world))


async def test_reads_at_once_are_as_many_uses(world: World, server: Server) -> None:
    answers = await asyncio.gather(*(server.present(world) for _ in range(20)))
    assert Counter(each.outcome for each in answers) == {"allow": LIMIT, "deny": 20 - LIMIT}


async def test_a_refusal_is_no_use(world: World, server: Server) -> None:
    await server.submit(world, world.remove())
    for _ in range(5):
        assert (await server.present(world)).reason == "deny_no_access"
    await server.submit(world, world.add())
    for _ in range(LIMIT):
        assert (await server.present(world)).outcome == "allow"


async def test_a_door_that_stands_open_counts_nothing(world: World, server: Server) -> None:
    controller = server.controller(world.controllers[0])
    assert (await server.present(world)).reason == "allow"
    read = controller.door(world.entrances[0]).last_read
    assert read is not None
    request = Request(world.entrances[0], "card", ())
    uses_here = controller._deciding._observations
    for reason, expected in (("allow_unlocked", None), ("allow", 2)):
        decision = msgspec.structs.replace(read.decision, reason=reason)
        after = uses_here.follow(controller.follower.slice.index, request, decision, 0)
        assert after.uses == expected
        assert len(after.observed) == (expected is not None)


async def test_without_a_limit_nothing_is_counted(world: World, server: Server) -> None:
    await server.submit(world, world.operation(limited(world, None)))
    for _ in range(LIMIT + 1):
        assert (await server.present(world)).outcome == "allow"
    controller = server.controller(world.controllers[0])
    assert await controller._disk.observed() == []
    await until(lambda: controller.events_spooled == 0)
    assert await uses(server, world) == {}


async def test_every_other_door_hears_of_it(world: World, server: Server) -> None:
    await server.present(world, 0)
    await counted(server, world, 1)
    await server.present(world, 1)
    assert_used_up(await server.present(world, 1))
    await counted(server, world, 2)
    assert await uses(server, world) == dict.fromkeys(world.controllers, 1)
    assert_used_up(await server.present(world, 0))


async def test_a_crash_gives_no_use_back(world: World, server: Server, serve: Serve) -> None:
    await hold_back(server, world)
    for _ in range(LIMIT):
        assert (await server.present(world)).outcome == "allow"
    await server.kill()
    assert await uses(server, world) == {}
    again = await serve()
    assert_used_up(await again.present(world))
    await counted(again, world, LIMIT)


async def hold_back(server: Server, world: World) -> None:
    """Nothing that happens is handed in any more."""

    async def away(_: Sequence[Happening]) -> None:
        raise Unavailable("away")

    for controller_id in world.controllers:
        server.controller(controller_id)._spool._deliver = away


async def test_a_lost_disk_goes_on_from_what_was_handed_in(
    world: World, server: Server, serve: Serve
) -> None:
    await server.present(world)
    await counted(server, world, 1)
    await server.stop()
    (server.data / "controllers" / f"{world.controllers[0]}.db").unlink()
    again = await serve()
    assert (await again.present(world)).outcome == "allow"
    assert_used_up(await again.present(world))
    await counted(again, world, 2)
    assert await uses(again, world) == {world.controllers[0]: 2}


async def test_handed_in_again_and_late_it_counts_once(
    world: World, server: Server, clock: MovableClock
) -> None:
    handed_in: list[Happening] = []
    controller = server.controller(world.controllers[0])
    deliver = controller._spool._deliver

    async def kept(happenings: Sequence[Happening]) -> None:
        handed_in.extend(happenings)
        await deliver(happenings)

    controller._spool._deliver = kept
    for _ in range(LIMIT):
        await server.present(world)
    await counted(server, world, LIMIT)
    before = await head(server.database, world)
    hand_in = HandIn(server.database, server.writer, clock, world.key())
    for happening in (*handed_in, *reversed(handed_in)):
        await hand_in.deliver(world.connected_account_id, [happening])
    assert await uses(server, world) == {world.controllers[0]: LIMIT}
    assert await head(server.database, world) == before
    assert await server.database.fetchval("select count(*) from event") == LIMIT


async def test_events_and_uses_are_written_together_or_not_at_all(
    world: World, server: Server, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise Unavailable("in between")

    monkeypatch.setattr("doorward.store.credential_uses.count_uses", broken)
    await hold_back(server, world)
    await server.present(world)
    [(_, body)] = await server.controller(world.controllers[0])._disk.spooled(10)
    hand_in = HandIn(server.database, server.writer, clock, world.key())
    with pytest.raises(Unavailable):
        await hand_in.deliver(
            world.connected_account_id, [msgspec.json.decode(body, type=Happening)]
        )
    assert await server.database.fetchval("select count(*) from event") == 0


async def test_who_counted_is_in_the_journal(world: World, server: Server) -> None:
    await server.present(world)
    await counted(server, world, 1)
    actor = await server.database.fetchval(
        "select actor from policy_journal order by revision desc limit 1"
    )
    assert actor == f"controller:{world.controllers[0]}"
