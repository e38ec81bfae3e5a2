"""Answers to changes: none before the doors have confirmed it, also not to who repeats it."""

import asyncio
from collections.abc import Collection
from typing import Any
from uuid import UUID

import pytest

from doorward.doors.registry import Doors
from doorward.store import controllers
from doorward.store.personal import Personal
from tests.api.conftest import Caller, hear
from tests.api.town import System, Town

REPEATED: list[tuple[str, str, dict[str, Any]]] = [
    ("/acs/users/suspend", "POST", {}),
    ("/acs/users/update", "PATCH", {"full_name": "Ada"}),
    ("/acs/users/add_to_access_group", "PUT", {"acs_access_group_id": True}),
]


@pytest.mark.parametrize(("path", "verb", "more"), REPEATED)
async def test_who_repeats_a_change_waits_for_the_doors_too(
    api: Caller,
    town: Town,
    north: System,
    doors: Doors,
    monkeypatch: pytest.MonkeyPatch,
    path: str,
    verb: str,
    more: dict[str, Any],
) -> None:
    door = await town.entrance(north, "Door")
    group, user = await town.group(north, "Staff", door), await town.user(north, Personal("Bob"))
    await hear(doors, town)
    confirm, is_let_through = controllers.confirm, asyncio.Event()

    async def late(*given: Any) -> Collection[UUID]:
        await is_let_through.wait()
        return await confirm(*given)

    monkeypatch.setattr(controllers, "confirm", late)
    given = {name: group if value is True else value for name, value in more.items()}
    given["acs_user_id"] = user
    first = asyncio.create_task(api(path, verb, **given))
    await _wait_for(doors, town, 1)
    entries = await _entries(town)
    again = asyncio.create_task(api(path, verb, **given))
    await _wait_for(doors, town, 2)
    is_let_through.set()
    assert [await first, await again] == [{}, {}]
    assert await _entries(town) == entries


async def _wait_for(doors: Doors, town: Town, callers: int) -> None:
    """Waits until so many callers wait for the doors."""
    async with asyncio.timeout(4):
        while len(doors._waiting._waiting[town.workspace_id]) < callers:
            await asyncio.sleep(0.005)


async def _entries(town: Town) -> int:
    count: int = await town.database.fetchval(
        "select count(*) from policy_journal where workspace_id = $1", town.workspace_id
    )
    return count
