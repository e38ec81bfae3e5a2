"""What is gone from the file is told, and deleted only with prune; then doors are closed by it."""

import pytest

from doorward.errors import StartError
from doorward.policy.facts import NO_KEY
from doorward.store import tokens
from doorward.store.database import Database
from doorward.store.writer import Writer
from tests.conftest import MovableClock
from tests.site.conftest import Apply
from tests.site.files import OFFICE, edited
from tests.site.tables import (
    ANNA,
    BO,
    CHEMISTS,
    LAB,
    SITE,
    STAFF,
    check_facts,
    digest,
    join,
    leave,
    lines,
    members,
    state_of,
)

KEPT = "no longer in the file; kept, --prune deletes it"
BO_LINES = OFFICE[OFFICE.index("  bo:\n") : OFFICE.index("tokens:")]
ANNA_LINES = OFFICE[OFFICE.index("  anna:\n") : OFFICE.index("  bo:\n")]
LAB_LINES = OFFICE[OFFICE.index("  lab:\n") : OFFICE.index("access_groups:")]


async def test_what_is_gone_from_the_file_is_kept_and_told(
    database: Database, office: Apply
) -> None:
    before = await digest(database)
    report = await office(edited((BO_LINES, "")))
    assert lines(report) == [
        f"- {each}: {KEPT}"
        for each in (
            "credential bo/badge",
            "credential bo/badge opens lab",
            "membership bo in staff",
            "user bo",
        )
    ]
    assert report.summary() == "nothing to change, 4 no longer in the file"
    # What a reset would go by is the last file, whatever it was applied for.
    after = await digest(database)
    assert {name for name in after if after[name] != before[name]} == {"site_file"}


@pytest.mark.parametrize(
    ("edits", "summary"),
    [
        ([(BO_LINES, "")], "4 deleted"),
        ([("groups: [staff, chemists]", "groups: [staff]")], "1 deleted"),
        ([('      pin: {code: "0815"}\n', "")], "1 deleted"),
        ([(", entrances: [lab]}", "}")], "1 deleted"),
        ([("      inside: {direction: exit}\n", "")], "1 deleted"),
        (
            [
                ("  chemists: {name: Chemists, entrances: [gate, lab]}\n", ""),
                ("groups: [staff, chemists]", "groups: [staff]"),
            ],
            "2 deleted",
        ),
        (
            [(LAB_LINES, ""), ("[gate, lab]", "[gate]"), (", entrances: [lab]}", "}")],
            "4 deleted",
        ),
        (
            [
                ('  anna: {name: Anna Berg, email: anna@example.com, phone: "+4930123456"}\n', ""),
                (
                    "    identity: anna\n",
                    '    name: Anna Berg\n    email: anna@example.com\n    phone: "+4930123456"\n',
                ),
            ],
            "1 changed, 1 deleted",
        ),
        ([("  annex-panel: {name: Panel in the annex}\n", "")], "1 deleted"),
    ],
)
async def test_prune_deletes_it_and_leaves_no_fact_behind(
    database: Database, office: Apply, edits: list[tuple[str, str]], summary: str
) -> None:
    text = edited(*edits)
    plan = await office(text, plan_only=True, prune=True)
    report = await office(text, prune=True)
    assert lines(plan) == lines(report)
    assert report.summary() == summary
    await check_facts(database)
    assert (await office(text, prune=True)).summary() == "nothing to change"
    # It is forgotten, so that the file may declare it again.
    assert (await office()).has_changes
    await check_facts(database)
    assert (await office()).summary() == "nothing to change"


async def test_everything_can_be_pruned(database: Database, office: Apply) -> None:
    await office("workspace: {name: Works, is_sandbox: true}", prune=True)
    await check_facts(database)
    for table in ("acs_system", "connected_account", "acs_user", "personal", "acs_entrance"):
        assert await database.fetchval(f"select count(*) from {table}") == 0
    assert await tokens.published_tokens(database) == []
    assert (await office()).has_changes
    await check_facts(database)


async def test_a_membership_leaves_a_tombstone_until_the_doors_confirm(
    database: Database, office: Apply
) -> None:
    await office(edited(("groups: [staff, chemists]", "groups: [staff]")), prune=True)
    row = await database.fetchrow(
        "select is_desired, is_unconfirmed, revision from acs_membership"
        " where acs_access_group_id = $1 and acs_user_id = $2",
        CHEMISTS,
        ANNA,
    )
    revision = await database.fetchval("select revision from policy_revision")
    assert tuple(row or ()) == (False, True, revision)


async def test_with_a_person_goes_what_the_api_gave_her(
    database: Database, office: Apply, writer: Writer, clock: MovableClock
) -> None:
    await join(writer, clock, CHEMISTS, BO)
    await office(edited((BO_LINES, "")), prune=True)
    assert not {user for _, user in await members(database)} & {BO}
    assert await state_of(database, ("membership", CHEMISTS, BO)) is None
    await check_facts(database)


async def test_an_identity_goes_from_people_that_the_file_does_not_know(
    database: Database, office: Apply
) -> None:
    await database.execute("delete from site_object where kind <> 'identity'")
    text = OFFICE[: OFFICE.index("identities:")]
    await office(text, prune=True)
    assert await database.fetchval(
        "select user_identity_id is null from acs_user where acs_user_id = $1", ANNA
    )


async def test_what_others_need_is_not_deleted_and_nothing_else_changes(
    database: Database, office: Apply
) -> None:
    """Somebody moved an entrance of no file to the controller that the file drops."""
    await database.execute(
        "insert into acs_entrance select workspace_id, gen_random_uuid(), acs_system_id, $1, 'x',"
        " true, 5, true, true, created_at from acs_entrance limit 1",
        SITE.controllers["annex-panel"].controller_id,
    )
    before = await digest(database)
    text = edited(("  annex-panel: {name: Panel in the annex}\n", ""), (BO_LINES, ""))
    with pytest.raises(StartError, match="needs what would go"):
        await office(text, prune=True)
    assert await digest(database) == before


async def test_a_card_set_free_can_be_given_to_somebody_else_at_once(
    database: Database, office: Apply
) -> None:
    text = edited(
        ("      badge: {card: 42-12345}\n", ""),
        (
            '    credentials:\n      badge: {card: "04:A2:2B:11"',
            '    credentials:\n      spare: {card: 42-12345}\n      badge: {card: "04:A2:2B:11"',
        ),
    )
    report = await office(text, prune=True)
    assert report.summary() == "1 created, 1 deleted"
    await check_facts(database)


async def test_prune_forgets_who_was_removed_by_others(
    office: Apply, writer: Writer, clock: MovableClock
) -> None:
    """Only then may the file, naming her again, let her in: that is somebody's new decision."""
    await leave(writer, clock, CHEMISTS, ANNA)
    without = edited(("groups: [staff, chemists]", "groups: [staff]"))
    assert (await office(without, prune=True)).summary() == "nothing to change"
    assert lines(await office()) == ["+ membership anna in chemists"]


async def test_a_group_without_entrances_opens_nothing(database: Database, office: Apply) -> None:
    await office(edited(("entrances: [gate, lab]", "entrances: []")))
    found = await database.fetch(
        "select key_b from policy_fact where kind = 'group_entrance' and key_a = $1"
        " and to_revision is null",
        CHEMISTS,
    )
    assert found == []
    assert await state_of(database, ("group_entrance", STAFF, LAB)) is None
    assert await state_of(database, ("group", CHEMISTS, NO_KEY)) is not None


async def _told(database: Database) -> list[str]:
    """The events that tell of something that is gone, in order."""
    rows = await database.fetch(
        "select event_type from event where event_type ~ '(deleted|removed|invalidated)$'"
        " order by created_at, event_id"
    )
    return [row[0] for row in rows]


@pytest.mark.parametrize(
    ("edits", "told"),
    [
        (
            [(BO_LINES, "")],
            ["acs_credential.invalidated", "acs_credential.deleted", "acs_user.deleted"],
        ),
        ([('      pin: {code: "0815"}\n', "")], ["acs_credential.deleted"]),
        (
            [("  chemists: {name: Chemists, entrances: [gate, lab]}\n", ""), (", chemists]", "]")],
            ["acs_access_group.deleted"],
        ),
        (
            [(LAB_LINES, ""), ("[gate, lab]", "[gate]"), (", entrances: [lab]", "")],
            ["acs_entrance.removed"],
        ),
    ],
)
async def test_what_is_deleted_has_its_events(
    database: Database, office: Apply, edits: list[tuple[str, str]], told: list[str]
) -> None:
    await office(edited(*edits), prune=True)
    assert await _told(database) == told
    await check_facts(database)


async def test_a_client_session_ends_with_its_identity(database: Database, office: Apply) -> None:
    identity = SITE.identities["anna"].user_identity_id
    await database.execute(
        "insert into client_session (workspace_id, client_session_id, hash, sealed,"
        " connected_account_ids, user_identity_id, created_at, expires_at)"
        " select workspace_id, gen_random_uuid(), '1', '1', '{}', $1, now(), now() from workspace",
        identity,
    )
    identities = OFFICE[OFFICE.index("identities:") : OFFICE.index("users:")]
    await office(
        edited((identities, ""), ("    identity: anna\n", "    name: Anna Berg\n")), prune=True
    )
    assert await _told(database) == ["client_session.deleted"]
