"""What the hot operation answers, and what it leaves in tables and journal."""

import random
from uuid import uuid4

import pytest

from doorward.store.committed import change_and_tell
from doorward.store.database import Connection, Database
from doorward.store.memberships import ChangeMembership, MembershipResult
from doorward.store.writer import Writer
from tests.store.replay import check_journal
from tests.store.sites import Site, make_group, make_site


@pytest.fixture
async def site(database: Database) -> Site:
    return await make_site(database)


async def _journal(database: Database, site: Site) -> int:
    revision: int = await database.fetchval(
        "select revision from policy_revision where workspace_id = $1", site.workspace_id
    )
    return revision


async def test_a_removal_is_one_journal_entry_and_its_repeat_none(
    database: Database, site: Site, writer: Writer
) -> None:
    before = await _journal(database, site)
    added = await writer.submit(site.membership(0, is_add=True))
    removed = await writer.submit(site.membership(0, is_add=False))
    again = await writer.submit(site.membership(0, is_add=False))
    assert (added.status, added.revision) == ("changed", before + 1)
    assert (removed.status, removed.revision) == ("changed", before + 2)
    assert (again.status, again.revision) == ("unchanged", removed.revision)
    assert await _journal(database, site) == before + 2
    await database.execute("update acs_membership set is_unconfirmed = false")
    confirmed = await writer.submit(site.membership(0, is_add=False))
    assert (confirmed.status, confirmed.revision) == ("unchanged", None)


async def test_the_user_is_looked_for_before_the_group(site: Site, writer: Writer) -> None:
    nobody = await writer.submit(site.membership(uuid4(), is_add=False, group=uuid4()))
    nowhere = await writer.submit(site.membership(0, is_add=False, group=uuid4()))
    assert nobody.status == "acs_user_not_found"
    assert nowhere.status == "acs_access_group_not_found"


async def test_an_identity_stands_for_its_user_in_the_groups_system(
    database: Database, site: Site, writer: Writer
) -> None:
    def remove(identity: object) -> ChangeMembership:
        return ChangeMembership(
            site.change(),
            False,
            site.acs_access_group_id,
            None,
            identity,  # type: ignore[arg-type]
        )

    stranger = uuid4()
    await database.execute(
        "insert into user_identity values ($1, $2, null, now())", site.workspace_id, stranger
    )
    await writer.submit(site.membership(1, is_add=True))
    assert (await writer.submit(remove(uuid4()))).status == "user_identity_not_found"
    assert (await writer.submit(remove(stranger))).status == "no_user_in_system"
    gone = await writer.submit(remove(site.identities[1]))
    assert (gone.status, gone.acs_user_id) == ("changed", site.users[1])


async def test_another_workspace_does_not_exist(
    database: Database, site: Site, writer: Writer
) -> None:
    other = await make_site(database)
    theirs = ChangeMembership(site.change(), False, site.acs_access_group_id, other.users[0])
    group = ChangeMembership(site.change(), False, other.acs_access_group_id, site.users[0])
    assert (await writer.submit(theirs)).status == "acs_user_not_found"
    assert (await writer.submit(group)).status == "acs_access_group_not_found"


async def test_user_and_group_of_different_systems(
    database: Database, site: Site, writer: Writer
) -> None:
    elsewhere, group = uuid4(), uuid4()
    await database.execute(
        "insert into acs_system select workspace_id, $2, connected_account_id, name,"
        " external_type, external_type_display_name, time_zone, created_at"
        " from acs_system where acs_system_id = $1",
        site.acs_system_id,
        elsewhere,
    )
    await database.execute(
        "insert into acs_access_group values ($1, $2, $3, 'g', null, null, now())",
        site.workspace_id,
        group,
        elsewhere,
    )
    result = await writer.submit(site.membership(0, is_add=True, group=group))
    assert (result.status, result.revision) == ("different_systems", None)


async def test_many_groups_of_one_person_are_apart(
    database: Database, site: Site, writer: Writer
) -> None:
    other = uuid4()
    async with database.acquire() as connection:
        await make_group(connection, site, other)
    await writer.submit(site.membership(0, is_add=True))
    await writer.submit(site.membership(0, is_add=True, group=other))
    await writer.submit(site.membership(0, is_add=False))
    rows = await database.fetch(
        "select acs_access_group_id, is_desired from acs_membership where acs_user_id = $1",
        site.users[0],
    )
    assert dict(map(tuple, rows)) == {site.acs_access_group_id: False, other: True}


async def _told(connection: Connection, calls: list[ChangeMembership]) -> list[MembershipResult]:
    """What calls are answered in one batch, once what the doors are told has been compared."""
    results, news = await change_and_tell(connection, calls)
    told = [each.fact for committed in news.values() for each in committed.entries]
    assert [(each.key_a, each.key_b, each.state is not None, each.revision) for each in told] == [
        (call.acs_access_group_id, result.acs_user_id, call.is_add, result.revision)
        for call, result in zip(calls, results, strict=True)
        if result.status == "changed"
    ]
    return results


@pytest.mark.parametrize("first", ["unchanged", "acs_user_not_found", "acs_access_group_not_found"])
async def test_what_changes_nothing_does_not_stand_for_the_next_of_its_batch(
    database: Database, site: Site, writer: Writer, first: str
) -> None:
    added = await writer.submit(site.membership(0, is_add=True))
    nothing = {
        "unchanged": site.membership(1, is_add=False),
        "acs_user_not_found": site.membership(uuid4(), is_add=True),
        "acs_access_group_not_found": site.membership(1, is_add=True, group=uuid4()),
    }
    async with database.acquire() as connection:
        results = await _told(connection, [nothing[first], site.membership(0, is_add=False)])
    assert added.revision is not None
    assert [(each.status, each.revision) for each in results] == [
        (first, None),
        ("changed", added.revision + 1),
    ]
    rows = await database.fetch("select acs_user_id, is_desired from acs_membership")
    assert [tuple(row) for row in rows] == [(site.users[0], False)]
    await check_journal(database, site.workspace_id)


async def test_a_batch_does_what_its_calls_do_one_by_one(database: Database) -> None:
    dice, together, apart = random.Random(7), await make_site(database), await make_site(database)
    async with database.acquire() as connection:
        for _ in range(60):
            places = [(dice.randrange(4), dice.random() < 0.5) for _ in range(dice.randrange(1, 9))]
            batches = [
                [
                    site.membership(site.users[place] if place < 3 else uuid4(), is_add=is_add)
                    for place, is_add in places
                ]
                for site in (together, apart)
            ]
            at_once = await _told(connection, batches[0])
            in_turn = [result for call in batches[1] for result in await _told(connection, [call])]
            assert [(one.status, one.revision) for one in at_once] == [
                (one.status, one.revision) for one in in_turn
            ]
    for site in (together, apart):
        await check_journal(database, site.workspace_id)


async def test_of_people_with_one_code_a_batch_lets_one_in(database: Database) -> None:
    site = await make_site(database, people=8)
    await database.execute(
        "insert into acs_credential (workspace_id, acs_credential_id, acs_system_id, acs_user_id,"
        " access_method, display_name, created_at, sealed, lookup)"
        " select $1, gen_random_uuid(), $2, u, 'code', 'c', now(), '\\x00', '\\x01'"
        " from unnest($3::uuid[]) u",
        site.workspace_id,
        site.acs_system_id,
        site.users,
    )
    async with database.acquire() as connection:
        results = await _told(connection, [site.membership(i, is_add=True) for i in range(8)])
    assert [each.status for each in results] == ["changed"] + ["code_taken"] * 7
    members = await database.fetch("select acs_user_id from acs_membership where is_desired")
    assert [row["acs_user_id"] for row in members] == site.users[:1]
    await check_journal(database, site.workspace_id)
