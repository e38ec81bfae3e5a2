"""What the tables hold, and that journal, facts and tables say the same."""

from uuid import UUID

from doorward.policy.facts import NO_KEY
from doorward.site.report import Report
from doorward.store.database import Database
from doorward.store.journal import Change
from doorward.store.memberships import ChangeMembership
from doorward.store.writer import Writer
from tests.conftest import MovableClock
from tests.site.files import parsed
from tests.store.replay import Key, check_journal, facts_now

WORKSPACE = parsed().workspace.workspace_id
SITE = parsed()
ANNA = SITE.users["anna"].acs_user_id
BO = SITE.users["bo"].acs_user_id
STAFF = SITE.access_groups["staff"].acs_access_group_id
CHEMISTS = SITE.access_groups["chemists"].acs_access_group_id
GATE = SITE.entrances["gate"].acs_entrance_id
LAB = SITE.entrances["lab"].acs_entrance_id

# The facts that the tables stand for, one statement a kind.
_FACTS = """
with e as (select * from acs_entrance where workspace_id = $1),
  g as (select * from acs_access_group where workspace_id = $1),
  c as (select * from acs_credential where workspace_id = $1)
select 'entrance', acs_entrance_id, controller_id from e where controller_id is not null
union all select 'reader', reader_id, acs_entrance_id from reader join e using (acs_entrance_id)
union all select 'group', acs_access_group_id, $2 from g
union all select 'group_entrance', acs_access_group_id, o.acs_entrance_id
  from access_group_entrance o join g using (acs_access_group_id) where is_desired
union all select 'user', acs_user_id, $2 from acs_user where workspace_id = $1
union all select 'membership', acs_access_group_id, acs_user_id
  from acs_membership join g using (acs_access_group_id) where is_desired
union all select 'credential', acs_credential_id, coalesce(acs_user_id, $2) from c
union all select 'credential_entrance', acs_credential_id, acs_entrance_id
  from credential_entrance join c using (acs_credential_id) where is_desired
"""


async def check_facts(database: Database, workspace_id: UUID = WORKSPACE) -> None:
    """Asserts that the journal is whole, and that facts and tables say the same."""
    await check_journal(database, workspace_id)
    rows = await database.fetch(_FACTS, workspace_id, NO_KEY)
    assert set(await facts_now(database, workspace_id)) == {(r[0], r[1], r[2]) for r in rows}


async def state_of(database: Database, key: Key) -> str | None:
    """The state of a fact that holds now."""
    return (await facts_now(database, WORKSPACE)).get(key)


async def digest(database: Database) -> dict[str, str]:
    """A digest of every table."""
    names = await database.fetch("select tablename from pg_tables where schemaname = 'public'")
    return {
        name: await database.fetchval(
            f"select md5(coalesce(string_agg(t::text, ',' order by t::text), '')) from {name} t"
        )
        for (name,) in names
    }


async def members(database: Database, workspace_id: UUID = WORKSPACE) -> set[tuple[UUID, UUID]]:
    """Who is in which group: group, person."""
    rows = await database.fetch(
        "select acs_access_group_id, acs_user_id from acs_membership"
        " where workspace_id = $1 and is_desired",
        workspace_id,
    )
    return {(row[0], row[1]) for row in rows}


async def leave(writer: Writer, clock: MovableClock, group: UUID, user: UUID) -> None:
    """Takes a person out of a group, as a call of the API does."""
    await _change(writer, clock, group, user, is_add=False)


async def join(writer: Writer, clock: MovableClock, group: UUID, user: UUID) -> None:
    """Lets a person into a group, as a call of the API does."""
    await _change(writer, clock, group, user, is_add=True)


async def _change(
    writer: Writer, clock: MovableClock, group: UUID, user: UUID, *, is_add: bool
) -> None:
    change = Change(WORKSPACE, "api_key:test", clock.now(WORKSPACE))
    result = await writer.submit(ChangeMembership(change, is_add, group, user))
    assert result.status == "changed"


def lines(report: Report) -> list[str]:
    """What a report tells, without the summary."""
    return list(report.lines())[:-1]
