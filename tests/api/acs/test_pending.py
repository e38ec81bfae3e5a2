"""pending_mutations: what the controllers concerned have still to confirm."""

from typing import Any
from uuid import UUID

from doorward.store.personal import Personal
from tests.api.conftest import Caller
from tests.api.town import System, Town

ADA = Personal("Ada")


async def of_user(api: Caller, user: UUID) -> list[dict[str, Any]]:
    shown: dict[str, Any] = (await api("/acs/users/get", acs_user_id=user))["acs_user"]
    return _without_texts(shown["pending_mutations"])


async def of_group(api: Caller, group: UUID) -> list[dict[str, Any]]:
    body = await api("/acs/access_groups/get", acs_access_group_id=group)
    return _without_texts(body["acs_access_group"]["pending_mutations"])


def _without_texts(mutations: list[dict[str, Any]]) -> list[dict[str, Any]]:
    for each in mutations:
        assert each.pop("message")
        assert each.pop("created_at").endswith("Z")
    return mutations


def group_membership(group: UUID, *, is_add: bool) -> dict[str, Any]:
    there, nowhere = {"acs_access_group_id": str(group)}, {"acs_access_group_id": None}
    return {
        "mutation_code": "updating_group_membership",
        "from": nowhere if is_add else there,
        "to": there if is_add else nowhere,
    }


def user_membership(user: UUID, *, is_add: bool) -> dict[str, Any]:
    there, nobody = {"acs_user_id": str(user)}, {"acs_user_id": None}
    return {
        "mutation_code": "updating_user_membership",
        "from": nobody if is_add else there,
        "to": there if is_add else nobody,
    }


def entrance_membership(entrance: UUID, *, is_add: bool) -> dict[str, Any]:
    there, none = {"acs_entrance_id": str(entrance)}, {"acs_entrance_id": None}
    return {
        "mutation_code": "updating_entrance_membership",
        "from": none if is_add else there,
        "to": there if is_add else none,
    }


async def confirm(town: Town, system: System, *, epoch: int = 1) -> None:
    """What a controller that holds everything has confirmed."""
    await town.database.execute(
        "update controller c set confirmed_epoch = $2, confirmed_revision = r.revision"
        " from policy_revision r where c.controller_id = $1 and r.workspace_id = c.workspace_id",
        system.controller_id,
        epoch,
    )


async def test_until_the_controller_confirms(api: Caller, town: Town, north: System) -> None:
    door = await town.entrance(north, "Door")
    group, user = await town.group(north, "Staff", door), await town.user(north, ADA)
    assert await of_group(api, group) == [entrance_membership(door, is_add=True)]
    await confirm(town, north)
    assert await of_group(api, group) == []
    for is_add in (True, False, True):
        await town.join(group, user, is_add=is_add)
        assert await of_user(api, user) == [group_membership(group, is_add=is_add)]
        assert await of_group(api, group) == [user_membership(user, is_add=is_add)]
        listed = (await api("/acs/users/list"))["acs_users"]
        assert len(listed[0]["pending_mutations"]) == 1
        await confirm(town, north)
        assert await of_user(api, user) == []
        assert await of_group(api, group) == []


async def test_nobody_concerned(api: Caller, town: Town, north: System) -> None:
    south = await town.system("South")
    await town.entrance(north, "Door")
    group, user = await town.group(north, "No doors"), await town.user(north, ADA)
    await town.join(group, user)
    assert await of_user(api, user) == []
    door = await town.entrance(south, "Elsewhere")
    staff, friend = await town.group(south, "Staff", door), await town.user(south, ADA)
    await confirm(town, south)
    await town.join(staff, friend)
    await confirm(town, south)
    assert await of_user(api, friend) == []


async def test_a_new_epoch_confirms_nothing(api: Caller, town: Town, north: System) -> None:
    door = await town.entrance(north, "Door")
    group, user = await town.group(north, "Staff", door), await town.user(north, ADA)
    await town.join(group, user)
    await confirm(town, north)
    await town.database.execute(
        "update policy_revision set epoch = 2 where workspace_id = $1", town.workspace_id
    )
    assert await of_user(api, user) == [group_membership(group, is_add=True)]
    await confirm(town, north, epoch=2)
    assert await of_user(api, user) == []


async def test_an_entrance_taken_from_the_group(api: Caller, town: Town, north: System) -> None:
    """As far as the controller knows, the group still opens its entrance."""
    door = await town.entrance(north, "Door")
    group, user = await town.group(north, "Staff", door), await town.user(north, ADA)
    await town.join(group, user)
    await confirm(town, north)
    await town.open(north, group, door, is_desired=False)
    await town.join(group, user, is_add=False)
    assert await of_user(api, user) == [group_membership(group, is_add=False)]
    assert await of_group(api, group) == [
        user_membership(user, is_add=False),
        entrance_membership(door, is_add=False),
    ]
    await confirm(town, north)
    assert await of_user(api, user) == []
    await town.join(group, user)
    assert await of_user(api, user) == []
