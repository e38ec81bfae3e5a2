"""What the hot operation answers, and what it leaves in tables and journal."""

from uuid import uuid4

import pytest

from doorward.store.database import Database
from doorward.store.memberships import ChangeMembership
from doorward.store.writer import Writer
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
