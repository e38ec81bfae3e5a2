"""Equal codes never open the same entrance, whatever change would bring them together."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from doorward.store.personal import Personal
from tests.api.conftest import Caller
from tests.api.town import System, Town

TAKEN = (409, "duplicate_access_code")
CODE = "7392816"


class Meeting:
    """Ada has a code at the front door; Bob has the same one, and opens only the back door."""

    def __init__(self, api: Caller, town: Town, north: System) -> None:
        self.api, self.town, self.north = api, town, north

    async def arrange(self, **ada: Any) -> None:
        town, north = self.town, self.north
        self.front, self.back = [await town.entrance(north, name) for name in ("Front", "Back")]
        self.staff = await town.group(north, "Staff", self.front)
        self.identity = await town.identity(Personal("Bob"))
        self.ada = await town.user(north, Personal("Ada"))
        self.bob = await town.user(north, Personal("Bob"), identity=self.identity)
        await town.join(self.staff, self.ada)
        self.of_ada = await town.credential(north, self.ada, CODE, **ada)
        self.of_bob = await town.credential(north, self.bob, CODE, self.back)


@pytest.fixture
async def meeting(api: Caller, town: Town, north: System) -> Meeting:
    meeting = Meeting(api, town, north)
    await meeting.arrange()
    return meeting


Act = Callable[[Meeting], Awaitable[tuple[int, str] | None]]


async def _join(m: Meeting) -> tuple[int, str]:
    return await m.api.error(
        "/acs/users/add_to_access_group", acs_user_id=m.bob, acs_access_group_id=m.staff
    )


async def _join_by_identity(m: Meeting) -> tuple[int, str]:
    path, identity = "/acs/access_groups/add_user", m.identity
    return await m.api.error(path, user_identity_id=identity, acs_access_group_id=m.staff)


async def _grant(m: Meeting) -> tuple[int, str]:
    path = "/acs/entrances/grant_access"
    return await m.api.error(path, acs_user_id=m.bob, acs_entrance_id=m.front)


async def _create(m: Meeting) -> tuple[int, str]:
    eve = await m.town.user(m.north, Personal("Eve"))
    return await m.api.error(
        "/acs/credentials/create",
        access_method="code",
        acs_user_id=eve,
        code=CODE,
        allowed_acs_entrance_ids=[m.front],
    )


async def _create_for_a_member(m: Meeting) -> tuple[int, str]:
    eve = await m.town.user(m.north, Personal("Eve"))
    await m.town.join(m.staff, eve)
    sent: dict[str, Any] = {"access_method": "code", "acs_user_id": eve, "code": CODE}
    return await m.api.error("/acs/credentials/create", **sent)


async def _update(m: Meeting) -> tuple[int, str]:
    other = await m.town.credential(m.north, m.bob, "7654390", m.front)
    return await m.api.error("/acs/credentials/update", acs_credential_id=other, code=CODE)


async def _assign(m: Meeting) -> tuple[int, str]:
    spare = await m.town.credential(m.north, None, CODE)
    eve = await m.town.user(m.north, Personal("Eve"))
    await m.town.join(m.staff, eve)
    path = "/acs/credentials/assign"
    return await m.api.error(path, acs_credential_id=spare, acs_user_id=eve)


@pytest.mark.parametrize(
    "act",
    [_join, _join_by_identity, _grant, _create, _create_for_a_member, _update, _assign],
    ids=lambda act: act.__name__,
)
async def test_they_do_not_meet(meeting: Meeting, act: Act) -> None:
    assert await act(meeting) == TAKEN
    # What the test itself has written is all that there is.
    rows = await meeting.town.database.fetch(
        "select distinct actor from policy_journal where workspace_id = $1",
        meeting.town.workspace_id,
    )
    assert [row["actor"] for row in rows] == ["town"]


async def test_nothing_is_told_of_the_other_one(meeting: Meeting) -> None:
    answer = await meeting.api.answer(
        "/acs/users/add_to_access_group",
        acs_user_id=meeting.bob,
        acs_access_group_id=meeting.staff,
    )
    assert answer.status_code == 409
    text = answer.text
    others = (meeting.ada, meeting.of_ada, meeting.front, CODE, "Ada")
    assert not [each for each in others if str(each) in text]


async def test_time_and_state_do_not_count(api: Caller, town: Town, north: System) -> None:
    """No passing of time and no end of a suspension may make two codes meet."""
    meeting = Meeting(api, town, north)
    await meeting.arrange(state="disabled", span=(town.now + timedelta(days=9), None))
    await town.database.execute(
        "update acs_user set is_suspended = true where acs_user_id = $1", meeting.ada
    )
    assert await _join(meeting) == TAKEN


async def test_where_they_do_not_meet_they_may_be_equal(meeting: Meeting) -> None:
    api, town, north = meeting.api, meeting.town, meeting.north
    side = await town.entrance(north, "Side")
    await api("/acs/entrances/grant_access", acs_user_id=meeting.bob, acs_entrance_id=side)
    # Another code is none of these, and neither is a card.
    other = await town.user(north, Personal("Eve"))
    await town.credential(north, other, "7392817")
    await api(
        "/acs/users/add_to_access_group", acs_user_id=other, acs_access_group_id=meeting.staff
    )
    # Whoever has left makes room.
    await api(
        "/acs/users/remove_from_access_group",
        acs_user_id=meeting.ada,
        acs_access_group_id=meeting.staff,
    )
    await api(
        "/acs/users/add_to_access_group",
        acs_user_id=meeting.bob,
        acs_access_group_id=meeting.staff,
    )


async def test_one_person_does_not_need_a_code_twice(meeting: Meeting) -> None:
    """Together they would open nothing, wherever she comes to have access."""
    eve = await meeting.town.user(meeting.north, Personal("Eve"))
    sent = {"access_method": "code", "acs_user_id": eve, "code": CODE}
    await meeting.api("/acs/credentials/create", **sent)
    assert await meeting.api.error("/acs/credentials/create", **sent) == TAKEN


async def test_an_identity_is_not_linked_where_its_code_is_taken(
    api: Caller, town: Town, north: System
) -> None:
    meeting = Meeting(api, town, north)
    await meeting.arrange()
    await town.database.execute(
        "update acs_user set user_identity_id = null where acs_user_id = $1", meeting.bob
    )
    await _give_address(town, meeting.bob, "bob@example.com")
    identity = await town.identity(Personal("Bob", "bob@example.com"))
    error = await api.error(
        "/acs/access_groups/add_user",
        user_identity_id=identity,
        acs_access_group_id=meeting.staff,
    )
    assert error == TAKEN
    shown = (await api("/acs/users/get", acs_user_id=meeting.bob))["acs_user"]
    assert "user_identity_id" not in shown


async def _give_address(town: Town, user: UUID, email: str) -> None:
    await town.database.execute(
        "update personal set email_address = $3 where workspace_id = $1 and subject_id = $2",
        town.workspace_id,
        user,
        email,
    )
