"""/events: what happened, by id, by time, by type and by subject."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from doorward.api.table import ROUTES
from doorward.events import catalogue
from doorward.resources.event import Event
from doorward.store import events
from tests.api.conftest import Caller
from tests.api.town import Town, iso

ACCOUNT, SYSTEM, DOOR, USER = uuid4(), uuid4(), uuid4(), uuid4()

# All that events can be asked for by: of nobody, there are none.
NAMES = next(r.request.__struct_fields__ for r in ROUTES if r.path == "/events/list")
OF_NOBODY: list[dict[str, Any]] = [
    *({name: str(uuid4())} for name in NAMES if name.endswith("_id")),
    *({name: [str(uuid4())]} for name in NAMES if name.endswith("_ids")),
]


async def keep(town: Town, *happened: Event) -> list[Event]:
    async with town.database.acquire() as connection:
        await events.insert_events(connection, town.workspace_id, happened)
    return [*happened]


def occasion(town: Town, after: int) -> catalogue.Occasion:
    """The town's moment, so many seconds after; the server learns of it an hour later."""
    at = town.now + timedelta(seconds=after)
    return catalogue.Occasion(town.workspace_id, at, at + timedelta(hours=1))


def at_door(user: UUID | None = None, door: UUID = DOOR) -> catalogue.AtDoor:
    return catalogue.AtDoor(ACCOUNT, SYSTEM, door, user)


async def four(town: Town) -> list[Event]:
    """Handed in out of order, as doors do."""
    happened = [
        catalogue.lock_unlocked(occasion(town, 1), at_door(USER), "card"),
        catalogue.lock_access_denied(occasion(town, 2), at_door(), "deny_unknown_credential"),
        catalogue.acs_user_created(occasion(town, 3), ACCOUNT, SYSTEM, USER),
        catalogue.lock_unlocked(occasion(town, 4), at_door(None, uuid4()), "remote"),
    ]
    await keep(town, *reversed(happened))
    return happened


async def found(api: Caller, verb: str = "POST", **filters: Any) -> list[str]:
    body = await api("/events/list", verb, **filters)
    return [event["event_id"] for event in body["events"]]


def an_event(event: Event) -> Any:
    return msgspec.to_builtins(event)


async def test_one_event(api: Caller, town: Town) -> None:
    unlocked, denied, *_ = await four(town)
    body = await api("/events/get", "GET", event_id=unlocked.event_id)
    assert body == {
        "event": {
            "event_id": str(unlocked.event_id),
            "event_type": "lock.unlocked",
            "workspace_id": str(town.workspace_id),
            "created_at": iso(town.now + timedelta(hours=1, seconds=1)),
            "occurred_at": iso(town.now + timedelta(seconds=1)),
            "connected_account_id": str(ACCOUNT),
            "acs_system_id": str(SYSTEM),
            "acs_entrance_id": str(DOOR),
            "acs_user_id": str(USER),
            "method": "card",
        },
        "ok": True,
    }
    shown = (await api("/events/get", event_id=denied.event_id))["event"]
    assert shown["reason"] == {
        "message": "deny_unknown_credential",
        "reason_code": "unknown_code",
    }


async def test_getting_by_type_takes_the_newest(api: Caller, town: Town) -> None:
    *_, newest = await four(town)
    assert (await api("/events/get", event_type="lock.unlocked"))["event"] == an_event(newest)


async def test_events_that_are_not_there(api: Caller, town: Town) -> None:
    other = Town(town.database, town.keyring)
    await other.found()
    theirs, *_ = await four(other)
    here, *_ = await four(town)
    for key in (
        {"event_id": theirs.event_id},
        {"event_id": uuid4()},
        {"device_id": uuid4()},
        {"event_id": here.event_id, "event_type": "lock.locked"},
    ):
        assert await api.error("/events/get", **key) == (404, "event_not_found")
    for wrong in ({}, {"event_id": "x"}, {"event_type": "lock.exploded"}):
        assert await api.error("/events/get", **wrong) == (400, "invalid_input")
    assert len(await found(api, since=town.now)) == 4


async def test_listing(api: Caller, town: Town) -> None:
    happened = await four(town)
    start = town.now + timedelta(hours=1)
    first, third = start + timedelta(seconds=1), start + timedelta(seconds=3)
    since: dict[str, Any] = {"since": start}
    cases: list[tuple[dict[str, Any], list[int]]] = [
        (since, [0, 1, 2, 3]),
        ({"since": first}, [1, 2, 3]),
        ({"between": [start, third]}, [0, 1]),
        ({"between": [first, third]}, [1]),
        (since | {"event_type": "lock.unlocked"}, [0, 3]),
        (since | {"event_types": ["lock.access_denied", "acs_user.created"]}, [1, 2]),
        (since | {"event_type": "lock.unlocked", "event_types": ["acs_user.created"]}, []),
        (since | {"event_types": []}, []),
        (since | {"event_ids": []}, []),
        ({"event_ids": [str(happened[2].event_id), str(happened[0].event_id)]}, [0, 2]),
        (since | {"event_ids": [str(happened[2].event_id)], "acs_entrance_id": DOOR}, []),
        (since | {"acs_entrance_id": DOOR}, [0, 1]),
        (since | {"acs_entrance_id": DOOR, "acs_user_id": USER}, [0]),
        (since | {"acs_user_id": USER}, [0, 2]),
        (since | {"acs_system_ids": [str(uuid4()), str(SYSTEM)]}, [0, 1, 2, 3]),
        (since | {"acs_system_ids": [str(uuid4())]}, []),
        *((since | of_nobody, []) for of_nobody in OF_NOBODY),
        (since | {"customer_key": "nobody"}, []),
        (since | {"limit": 2}, [0, 1]),
        (since | {"limit": 2, "unstable_offset": 1}, [1, 2]),
    ]
    for verb in ("GET", "POST"):
        for filters, expected in cases:
            sent = {name: _sent(value) for name, value in filters.items()}
            shown = await found(api, verb, **sent)
            assert shown == [str(happened[place].event_id) for place in expected], filters


def _sent(value: Any) -> Any:
    if isinstance(value, datetime):
        return iso(value)
    return [_sent(each) for each in value] if isinstance(value, list) else value


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"since": "2026-01-01", "between": ["2026-01-01", "2026-01-02"]},
        {"between": ["2026-01-01"]},
        {"since": "yesterday"},
        {"since": "2026-01-01", "event_type": "lock.exploded"},
        {"since": "2026-01-01", "event_types": ["lock.unlocked", "lock.exploded"]},
        {"since": "2026-01-01", "limit": 0},
        {"since": "2026-01-01", "unstable_offset": -1},
    ],
)
async def test_refused_filters(api: Caller, wrong: dict[str, Any]) -> None:
    assert await api.error("/events/list", **wrong) == (400, "invalid_input")


async def test_an_event_counts_once(api: Caller, town: Town) -> None:
    [event] = await keep(town, catalogue.lock_unlocked(occasion(town, 1), at_door(), "card"))
    later = msgspec.structs.replace(event, created_at=iso(town.now + timedelta(hours=9)))
    await keep(town, event, later)
    assert (await api("/events/list", since=iso(town.now)))["events"] == [an_event(event)]


async def test_our_own_types_reach_who_asks_for_them(api: Caller, town: Town) -> None:
    usual = catalogue.lock_unlocked(occasion(town, 1), at_door(), "card")
    ours = msgspec.structs.replace(usual, event_type="doorward.tested", event_id=uuid4())
    await keep(town, usual, ours)
    since = iso(town.now)
    assert await found(api, since=since) == [str(usual.event_id)]
    assert await found(api, since=since, event_type="doorward.tested") == [str(ours.event_id)]
