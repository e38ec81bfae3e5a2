"""A credential at a virtual reader: what is decided, shown and told."""

import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from doorward.errors import ApiError
from doorward.resources.values import iso
from doorward.store.database import Connection
from tests.conftest import MovableClock
from tests.doors.conftest import Serve, Server, until
from tests.doors.worlds import World


@pytest.fixture
async def server(world: World, serve: Serve) -> Server:
    """A server; person 0 may open both entrances."""
    server = await serve()
    await server.submit(world, world.add())
    return server


async def test_a_card_and_a_code_open(world: World, server: Server) -> None:
    by_card = await server.present(world)
    by_code = await server.doors.present(world.workspace_id, world.entrances[1], code="9000")
    assert (by_card.outcome, by_card.rule) == ("allow", 16)
    assert (by_card.acs_user_id, by_card.acs_credential_id) == (
        world.users[0],
        world.credentials[0],
    )
    assert (by_code.outcome, by_code.acs_user_id) == ("allow", world.users[0])
    assert by_code.acs_credential_id not in (None, world.credentials[0])


@pytest.mark.parametrize(
    ("card", "code", "cause"),
    [
        ("no card at all", None, "unreadable"),
        ("42-12345", None, "unknown_number"),
        (None, "4711", "unknown_number"),
        (None, "not digits", "unreadable"),
    ],
)
async def test_what_nobody_knows_is_refused(
    world: World, server: Server, card: str | None, code: str | None, cause: str
) -> None:
    decision = await server.doors.present(
        world.workspace_id, world.entrances[0], card_number=card, code=code
    )
    assert (decision.outcome, decision.reason) == ("deny", "deny_unknown_credential")
    assert decision.cause == cause


async def test_what_cannot_be_presented(world: World, server: Server) -> None:
    present, w, entrance = server.doors.present, world.workspace_id, world.entrances[0]
    assert await _refusal(present(w, uuid4(), card_number="7-0")) == (404, "acs_entrance_not_found")
    assert await _refusal(present(uuid4(), entrance, card_number="7-0")) == (
        404,
        "acs_entrance_not_found",
    )
    assert await _refusal(present(w, entrance)) == (400, "invalid_input")


async def test_only_a_virtual_reader_takes_it(world: World, server: Server) -> None:
    async def with_other_driver(connection: Connection) -> None:
        world.entrances.append(await world.make_entrance(connection, 0, driver="no_such_driver"))

    await server.submit(world, world.operation(with_other_driver))
    present = server.doors.present(world.workspace_id, world.entrances[2], card_number="7-0")
    assert await _refusal(present) == (400, "invalid_input")


async def _refusal(presenting: Any) -> tuple[int, str]:
    with pytest.raises(ApiError) as refused:
        await presenting
    return refused.value.status, refused.value.kind


async def test_lock_light_and_last_read_are_shown(world: World, server: Server) -> None:
    before = await server.doors.status(world.workspace_id)
    assert [door.acs_entrance_id for door in before] == world.entrances[:2]
    assert [(door.is_locked, door.light, door.last_read) for door in before] == [
        (True, "off", None)
    ] * 2
    allowed = await server.present(world, 0)
    refused = await server.present(world, 1, card="7-1")
    opened, closed = await server.doors.status(world.workspace_id)
    assert (opened.is_locked, opened.light) == (False, "green")
    assert (closed.is_locked, closed.light) == (True, "red")
    assert opened.last_read is not None
    assert opened.last_read.at == allowed.decided_at
    assert opened.last_read.acs_user_id == world.users[0]
    assert closed.last_read is not None
    assert (closed.last_read.outcome, closed.last_read.reason) == ("deny", refused.reason)
    assert opened.controller.is_running_here
    assert opened.controller.is_connected
    assert opened.controller.last_contact_at is not None


async def test_another_process_shows_whose_door_it_is(
    world: World, server: Server, serve: Serve
) -> None:
    other = await serve("other")
    await server.present(world)
    door = (await other.doors.status(world.workspace_id))[0]
    assert (door.is_locked, door.light) == (True, "off")
    assert door.controller.is_connected
    assert not door.controller.is_running_here
    assert not await other.doors.status(uuid4())


async def test_both_outcomes_become_events(
    world: World, server: Server, clock: MovableClock
) -> None:
    clock.advance(world.workspace_id, timedelta(days=400))
    allowed = await server.present(world)
    refused = await server.doors.present(world.workspace_id, world.entrances[0], code="9001")
    events = await _events(server, 2)
    assert events[0] == events[0] | {
        "event_type": "lock.unlocked",
        "method": "card",
        "workspace_id": str(world.workspace_id),
        "connected_account_id": str(world.connected_account_id),
        "acs_system_id": str(world.acs_system_id),
        "acs_entrance_id": str(world.entrances[0]),
        "acs_user_id": str(world.users[0]),
        "user_identity_id": str(world.identities[0]),
        "occurred_at": allowed.decided_at,
    }
    assert events[1] == events[1] | {
        "event_type": "lock.access_denied",
        "acs_user_id": str(world.users[1]),
        "occurred_at": refused.decided_at,
        "reason": {"message": "deny_no_access", "reason_code": "credential_error"},
    }
    assert allowed.decided_at > iso(clock.now(uuid4()))


async def test_nobody_known_is_named_nowhere(world: World, server: Server) -> None:
    await server.present(world, card="1-1")
    event = (await _events(server, 1))[0]
    assert event["reason"]["reason_code"] == "unknown_code"
    assert "acs_user_id" not in event
    assert "user_identity_id" not in event


async def _events(server: Server, count: int) -> list[dict[str, Any]]:
    async def are_there() -> bool:
        return bool(await server.database.fetchval("select count(*) = $1 from event", count))

    await until(are_there)
    rows = await server.database.fetch("select payload from event order by created_at, event_id")
    return [json.loads(row[0]) for row in rows]


async def test_a_disk_that_cannot_record_keeps_the_door_closed(
    world: World, server: Server
) -> None:
    controller = server.controller(world.controllers[0])
    controller._disk._connection.execute("pragma query_only = on")
    assert await _refusal(server.present(world)) == (503, "controller_disk_failed")
    assert controller.door(world.entrances[0]).is_locked
    controller._disk._connection.execute("pragma query_only = off")
    assert (await server.present(world)).outcome == "allow"
