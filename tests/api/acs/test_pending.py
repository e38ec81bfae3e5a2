"""pending_mutations: what the controllers concerned have still to confirm."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from doorward.policy.facts import GroupState, Kind, UserState
from doorward.store.controllers import Link
from doorward.store.pending_changes import note_assignment, note_schedule
from doorward.store.personal import Personal
from doorward.store.settling import settle
from tests.api.conftest import Caller
from tests.api.town import ALWAYS, Span, System, Town, iso

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


def suspension(*, is_suspended: bool) -> dict[str, Any]:
    return {
        "mutation_code": "updating_suspension_state",
        "from": {"is_suspended": not is_suspended},
        "to": {"is_suspended": is_suspended},
    }


def rescheduling(before: Span, after: Span) -> dict[str, Any]:
    sides = [
        {"starts_at": starts_at and iso(starts_at), "ends_at": ends_at and iso(ends_at)}
        for starts_at, ends_at in (before, after)
    ]
    return {"mutation_code": "updating_access_schedule", "from": sides[0], "to": sides[1]}


async def suspend(api: Caller, user: UUID, *, is_suspended: bool) -> None:
    await api(f"/acs/users/{'suspend' if is_suspended else 'unsuspend'}", acs_user_id=user)


async def noted(town: Town) -> int:
    """How many rows of what is pending there are."""
    count: int = await town.database.fetchval(
        "select count(*) from pending_change where workspace_id = $1", town.workspace_id
    )
    return count


async def settled(town: Town) -> None:
    """Lets go of what the doors have confirmed."""
    link = Link(town.database)
    await settle(link, town.workspace_id)
    await link.close()


async def test_a_suspension_until_every_controller_of_the_system_confirms(
    api: Caller, town: Town, north: System
) -> None:
    south = await town.system("South")
    for system in (north, south):
        await town.entrance(system, "Door")
    user = await town.user(north, ADA)
    await confirm(town, north)
    for is_suspended in (True, False):
        await suspend(api, user, is_suspended=is_suspended)
        for _ in range(2):
            assert await of_user(api, user) == [suspension(is_suspended=is_suspended)]
            await settled(town)
        await confirm(town, south)
        assert await of_user(api, user) == [suspension(is_suspended=is_suspended)]
        await confirm(town, north)
        assert await of_user(api, user) == []
        assert await noted(town) == 1, "what is confirmed is shown no more, settled or not"
        await settled(town)
        await suspend(api, user, is_suspended=is_suspended)
        assert await noted(town) == 0, "nothing has changed"


async def test_a_suspension_where_no_controller_is_concerned(
    api: Caller, town: Town, north: System
) -> None:
    user = await town.user(north, ADA)
    await suspend(api, user, is_suspended=True)
    assert await of_user(api, user) == []
    await settled(town)
    assert await noted(town) == 0


async def test_a_suspension_and_its_end_before_any_controller_has_heard(
    api: Caller, town: Town, north: System
) -> None:
    """Some door may go by either: what is to come is what counts."""
    await town.entrance(north, "Door")
    user = await town.user(north, ADA)
    await confirm(town, north)
    for is_suspended in (True, False, True):
        await suspend(api, user, is_suspended=is_suspended)
        assert await of_user(api, user) == [suspension(is_suspended=is_suspended)]


async def test_schedules_keep_what_doors_may_still_go_by(
    api: Caller, town: Town, north: System
) -> None:
    await town.entrance(north, "Door")
    user = await town.user(north, ADA)
    await confirm(town, north)
    start = town.now.replace(microsecond=0)
    none: Span = (None, None)
    first, second = (start, start + timedelta(days=9)), (start, None)

    async def reschedule(after: Span) -> None:
        schedule = {"starts_at": after[0], "ends_at": after[1]} if after[0] else None
        await api("/acs/users/update", acs_user_id=user, access_schedule=schedule)

    await reschedule(first)
    assert await of_user(api, user) == [rescheduling(none, first)]
    await reschedule(second)
    assert await of_user(api, user) == [rescheduling(none, second)]
    await confirm(town, north)
    await reschedule(first)
    assert await of_user(api, user) == [rescheduling(second, first)], "the old row is no more"
    await suspend(api, user, is_suspended=True)
    assert await of_user(api, user) == [
        rescheduling(second, first),
        suspension(is_suspended=True),
    ]


async def test_a_credential_that_was_given_and_taken(
    api: Caller, town: Town, north: System
) -> None:
    await town.entrance(north, "Door")
    user = await town.user(north, ADA)
    card = await town.credential(north, user, "42-1")
    await confirm(town, north)
    here, none = {"acs_credential_id": str(card)}, {"acs_credential_id": None}
    for is_given, (before, after) in ((True, (none, here)), (False, (here, none))):
        await town.record(north, Kind.USER, user, state=UserState())
        async with town.database.acquire() as connection:
            change = town.change()
            await note_assignment(
                connection, change, north.acs_system_id, user, card, is_given=is_given
            )
        assert await of_user(api, user) == [
            {"mutation_code": "updating_credential_assignment", "from": before, "to": after}
        ]


async def test_a_group_that_was_given_another_schedule(
    api: Caller, town: Town, north: System
) -> None:
    await town.entrance(north, "Door")
    group = await town.group(north, "Staff")
    await confirm(town, north)
    await town.record(north, Kind.GROUP, group, state=GroupState())
    after: Span = (town.now.replace(microsecond=0), None)
    async with town.database.acquire() as connection:
        change = town.change()
        await note_schedule(connection, change, north.acs_system_id, group, ALWAYS, after)
    assert await of_group(api, group) == [rescheduling(ALWAYS, after)]
    await confirm(town, north)
    assert await of_group(api, group) == []
