"""Applying a file: once everything, then nothing, and structure as the file says it."""

import asyncio
from datetime import UTC, datetime

import pytest

from doorward.policy.facts import NO_KEY
from doorward.site.apply import apply, apply_if_empty
from doorward.site.problems import SiteError
from doorward.store import credentials, events, tokens
from doorward.store.database import Database
from doorward.store.secrets import Keyring
from tests.conftest import MovableClock
from tests.site.conftest import Apply
from tests.site.files import OFFICE, TWO_SYSTEMS, edited, parsed, people
from tests.site.tables import (
    ANNA,
    BO,
    CHEMISTS,
    GATE,
    LAB,
    SITE,
    STAFF,
    WORKSPACE,
    check_facts,
    digest,
    lines,
    state_of,
)


async def test_a_plan_only_tells(database: Database, apply_text: Apply) -> None:
    empty = await digest(database)
    report = await apply_text(plan_only=True)
    assert await digest(database) == empty
    assert lines(report)[:3] == ["+ workspace Works", "+ system main", "+ controller panel"]
    assert "+ access group chemists opens lab" in lines(report)
    assert "+ membership anna in chemists" in lines(report)
    assert lines(report) == lines(await apply_text())


async def test_a_second_run_changes_nothing(database: Database, office: Apply) -> None:
    before = await digest(database)
    report = await office()
    assert list(report.lines()) == ["nothing to change"]
    assert not report.has_changes
    assert await digest(database) == before


async def test_facts_and_tables_say_the_same(database: Database, office: Apply) -> None:
    await office(edited(("name: Lab", "name: Laboratory"), ("[gate, lab]", "[lab]")))
    await check_facts(database)


async def test_two_systems_do_not_mix(database: Database, apply_text: Apply) -> None:
    await apply_text(TWO_SYSTEMS)
    site = parsed(TWO_SYSTEMS)
    await check_facts(database, site.workspace.workspace_id)
    for user in site.users.values():
        found = await database.fetch(
            "select distinct acs_system_id from policy_fact where key_a = $1 or key_b = $1",
            user.acs_user_id,
        )
        assert [row[0] for row in found] == [site.systems[user.system].acs_system_id]


async def test_everything_made_has_its_event_in_the_files_order(
    database: Database, apply_text: Apply
) -> None:
    await apply_text()
    found = await events.list_events(database, WORKSPACE, limit=500)
    made = sorted(event.event_type for event in found)
    assert made == [
        *["acs_credential.issued"] * 3,
        *["acs_entrance.added"] * 2,
        "acs_system.added",
        "acs_system.connected",
        *["acs_user.created"] * 2,
        "connected_account.connected",
    ]
    account = SITE.systems["main"].connected_account_id
    assert {event.connected_account_id for event in found} == {account}
    rows = await database.fetch("select acs_entrance_id from acs_entrance order by created_at")
    assert [row[0] for row in rows] == [GATE, LAB]


async def test_numbers_are_sealed_and_found(
    database: Database, keyring: Keyring, apply_text: Apply
) -> None:
    await apply_text()
    badge = SITE.credentials["anna/badge"]
    found = await credentials.get(database, keyring, WORKSPACE, badge.acs_credential_id)
    assert found is not None
    assert (found.card_number, found.is_issued, found.acs_user_id) == ("42-12345", True, ANNA)
    everything = await database.fetch("select declared::text, key from site_object")
    text = str([tuple(row) for row in everything])
    assert "12345" not in text
    assert "Berg" not in text
    assert "example.com" not in text


async def test_published_tokens_are_kept_as_hashes(database: Database, apply_text: Apply) -> None:
    await apply_text()
    secret = SITE.tokens["key"].text
    token = await tokens.find(database, secret)
    assert token is not None
    assert (token.workspace_id, token.is_published) == (WORKSPACE, True)
    rows = await database.fetch(
        "select t::text from token t union all select o::text from site_object o"
    )
    assert secret not in str([row[0] for row in rows])


# structure


@pytest.mark.parametrize(
    ("edit", "line", "journal_entries"),
    [
        (("name: Main building", "name: HQ"), "~ system main: name Main building -> HQ", 0),
        (("{name: Panel}", "{name: P1}"), "~ controller panel: name Panel -> P1", 0),
        (("name: Gate", "name: Main gate"), "~ entrance gate: display_name Gate -> Main gate", 0),
        (
            ("name: Gate\n", "name: Gate\n    unlock_seconds: 9\n"),
            "~ entrance gate: unlock_seconds 5 -> 9",
            1,
        ),
        (
            ("name: Lab\n    controller: panel", "name: Lab\n    controller: annex-panel"),
            "~ entrance lab: controller_id",
            2,
        ),
        (
            ("inside: {direction: exit}", "inside: {direction: entry}"),
            "~ reader gate/inside: direction exit -> entry",
            1,
        ),
        (
            ("{name: Staff,", "{name: Staff, ends_at: 2030-01-01T00:00:00Z,"),
            "~ access group staff: ends_at None -> 2030-01-01 00:00:00+00:00",
            1,
        ),
        (("entrances: [gate]}", "entrances: [gate, lab]}"), "+ access group staff opens lab", 1),
        (("entrances: [gate, lab]", "entrances: [gate]"), "- access group chemists opens lab", 1),
        (
            ("name: Works", "id: {id}\n  name: W"),
            "~ workspace W: name Works -> W, company_name Works -> W",
            0,
        ),
        (
            ("is_sandbox: true", "is_sandbox: true\n  is_publishable_key_auth_enabled: false"),
            "~ workspace Works: is_publishable_key_auth_enabled True -> False",
            0,
        ),
    ],
)
async def test_structure_is_as_the_file_says(
    database: Database, office: Apply, edit: tuple[str, str], line: str, journal_entries: int
) -> None:
    before = await database.fetchval("select revision from policy_revision")
    text = edited((edit[0], edit[1].replace("{id}", str(WORKSPACE))))
    report = await office(text)
    assert line in lines(report)
    assert (
        await database.fetchval("select revision from policy_revision") == before + journal_entries
    )
    assert (await office(text)).summary() == "nothing to change"
    assert lines(await office(OFFICE.replace("name: Works", f"id: {WORKSPACE}\n  name: Works")))
    assert (await office()).summary() == "nothing to change"
    await check_facts(database)


async def test_structure_that_was_changed_by_hand_is_put_right(
    database: Database, office: Apply
) -> None:
    await database.execute("update acs_entrance set display_name = 'x', unlock_seconds = 60")
    await database.execute("delete from reader")
    report = await office()
    assert "~ entrance lab: display_name x -> Lab, unlock_seconds 60 -> 5" in lines(report)
    assert "+ reader lab/outside" in lines(report)


async def test_an_entrance_opened_by_hand_is_closed(database: Database, office: Apply) -> None:
    """The file says which entrances a group opens, all of them."""
    await office(edited(("entrances: [gate]}", "entrances: [gate, lab]}")))
    await database.execute("delete from site_object")
    assert lines(await office()) == ["- access group staff opens lab"]
    assert await state_of(database, ("group_entrance", STAFF, LAB)) is None
    tombstone = await database.fetchrow(
        "select is_desired, is_unconfirmed, revision from access_group_entrance"
        " where acs_access_group_id = $1 and acs_entrance_id = $2",
        STAFF,
        LAB,
    )
    revision = await database.fetchval("select revision from policy_revision")
    assert tuple(tombstone or ()) == (False, True, revision)


async def test_another_controller_hears_of_an_entrance_and_the_old_one_loses_it(
    database: Database, office: Apply
) -> None:
    await office(
        edited(("name: Lab\n    controller: panel", "name: Lab\n    controller: annex-panel"))
    )
    panel, annex = (SITE.controllers[key].controller_id for key in ("panel", "annex-panel"))
    assert await state_of(database, ("entrance", LAB, panel)) is None
    assert await state_of(database, ("entrance", LAB, annex)) is not None


async def test_another_key_for_the_same_id_is_no_new_object(
    database: Database, office: Apply
) -> None:
    text = edited(
        ("  chemists: {name", f"  analysts: {{id: {CHEMISTS}, name"),
        ("groups: [staff, chemists]", "groups: [staff, analysts]"),
    )
    assert (await office(text)).summary() == "nothing to change"
    assert (await office(text, prune=True)).summary() == "nothing to change"
    keys = await database.fetch("select key from site_object where kind = 'access_group'")
    assert {row[0] for row in keys} == {"staff", "analysts"}


# refusals


async def _refused(database: Database, office: Apply, text: str) -> str:
    before = await digest(database)
    with pytest.raises(SiteError) as refusal:
        await office(text, grant_again=True, prune=True)
    assert await digest(database) == before
    return str(refusal.value)


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (
            ("name: Lab\n", "id: 8d7e0b3a-b889-49a7-9164-4b71a0506a33\n    name: Lab\n"),
            "site.yaml:16: entrance lab was declared with the id",
        ),
        (
            ("abcdefghijklmnopqrstuvwx", "abcdefghijklmnopqrstuvwy"),
            "site.yaml:39: token key was declared with the id",
        ),
    ],
)
async def test_ids_stay_with_their_keys(
    database: Database, office: Apply, edit: tuple[str, str], reason: str
) -> None:
    assert reason in await _refused(database, office, edited(edit))


async def test_a_credential_keeps_its_key(database: Database, office: Apply) -> None:
    badge = SITE.credentials["anna/badge"].acs_credential_id
    text = edited(
        ("      badge: {card: 42-12345}\n", ""),
        ('{card: "04:A2:2B:11"', f'{{id: {badge}, card: "04:A2:2B:11"'),
    )
    said = await _refused(database, office, text)
    assert "credential bo/badge was declared with the id" in said


async def test_what_is_taken_in_the_database_is_refused(database: Database, office: Apply) -> None:
    """Things that the API made since, and that the file now wants for somebody else."""
    text = edited(
        (
            "identities:\n",
            "identities:\n  cy: {name: Cy, email: ANNA@example.com, phone: '+4930123456'}\n",
        ),
        ('  anna: {name: Anna Berg, email: anna@example.com, phone: "+4930123456"}\n', ""),
        ("    identity: anna\n", "    name: Anna Berg\n"),
        ('      pin: {code: "0815"}\n', ""),
        (
            '    credentials:\n      badge: {card: "04',
            "    credentials:\n      pin: {code: '0815'}\n      badge: {card: \"04",
        ),
    )
    before = await digest(database)
    with pytest.raises(SiteError) as refusal:
        await office(text)
    assert await digest(database) == before
    said = str(refusal.value).splitlines()
    identity, pin = SITE.identities["anna"].user_identity_id, SITE.credentials["anna/pin"]
    assert said == [
        f"site.yaml:24: identity cy: this email is already of identity {identity}",
        f"site.yaml:24: identity cy: this phone is already of identity {identity}",
        f"site.yaml:36: credential bo/pin: this code is already credential {pin.acs_credential_id}",
    ]
    assert (await office(text, prune=True)).has_changes
    await check_facts(database)


async def test_a_published_token_of_another_workspace_stays_there(
    database: Database, office: Apply
) -> None:
    said = await _refused(database, office, edited(("name: Works", "name: Other works")))
    assert said == "site.yaml:39: token key belongs to another workspace"


async def test_equal_codes_must_not_meet_at_an_entrance(database: Database, office: Apply) -> None:
    """Bo has Anna's code at other doors, by the API; the file opens one of hers to him."""
    text = edited(
        ("groups: [staff, chemists]", "groups: [chemists]"),
        ("{name: Chemists, entrances: [gate, lab]}", "{name: Chemists, entrances: [lab]}"),
        ('badge: {card: "04:A2:2B:11", entrances: [lab]}', 'pin: {code: "4711"}'),
    )
    await office(text, prune=True)
    await database.execute(
        "update acs_credential c set lookup = a.lookup from acs_credential a"
        " where a.acs_user_id = $1 and a.access_method = 'code' and c.acs_user_id = $2",
        ANNA,
        BO,
    )
    before = await digest(database)
    opened = text.replace(
        "{name: Staff, entrances: [gate]}", "{name: Staff, entrances: [gate, lab]}"
    )
    with pytest.raises(SiteError, match="a code that another person opens it with") as refused:
        await office(opened)
    assert "users.anna/pin: " in str(refused.value)
    assert await digest(database) == before


@pytest.fixture
async def equal_codes(database: Database, office: Apply) -> str:
    """A file, applied, whose Bo opens nothing and has got Anna's code since."""
    text = edited(
        (
            '{card: "04:A2:2B:11", entrances: [lab]}',
            '{card: "04:A2:2B:11"}\n      pin: {code: "4711"}',
        ),
        ("bo@example.com\n    groups: [staff]", "bo@example.com"),
    )
    await office(text, prune=True)
    await database.execute("delete from acs_membership where acs_user_id = $1", BO)
    await database.execute("delete from credential_entrance")
    await database.execute(
        "update acs_credential c set lookup = a.lookup from acs_credential a"
        " where a.acs_user_id = $1 and a.access_method = 'code' and c.acs_user_id = $2"
        " and c.access_method = 'code'",
        ANNA,
        BO,
    )
    return text


async def test_a_credentials_own_entrance_must_not_let_equal_codes_meet(
    database: Database, office: Apply, equal_codes: str
) -> None:
    opened = equal_codes.replace('{code: "4711"}', '{code: "4711", entrances: [lab]}')
    before = await digest(database)
    with pytest.raises(SiteError, match="a code that another person opens it with"):
        await office(opened)
    assert await digest(database) == before


async def test_codes_that_met_before_keep_nobody_from_a_change(
    database: Database, office: Apply, equal_codes: str
) -> None:
    """They meet at the lab: another group's entrance is not their affair, one of both is."""
    await database.execute(
        "insert into credential_entrance select workspace_id, acs_credential_id, $2, true, false,"
        " 1, now() from acs_credential where acs_user_id = $1 and access_method = 'code'",
        BO,
        LAB,
    )
    others = edited(
        ("gate, lab]}\n", "gate, lab]}\n  guests: {name: Guests, entrances: [gate]}\n"),
        text=equal_codes,
    )
    assert (await office(others)).has_changes
    text = others.replace('{code: "4711"}', '{code: "4711", entrances: [gate]}')
    with pytest.raises(SiteError, match="a code that another person opens it with"):
        await office(text)


async def test_progress_is_told(database: Database, keyring: Keyring, clock: MovableClock) -> None:
    told: list[tuple[int, int]] = []
    await apply(database, keyring, parsed(), clock=clock, progress=lambda *each: told.append(each))
    done = [each for each, _ in told]
    assert done == sorted(done)
    assert told[-1][0] == told[-1][1] > 20


# who applies when


async def test_a_large_new_site_is_all_or_nothing_and_a_large_old_one_goes_on(
    database: Database, office: Apply
) -> None:
    """The office's people are gone from the file, and a thousand others are in it."""
    text = people(1_050)
    await office(people(3))
    report = await office(text)
    assert report.summary().startswith("3141 created")
    assert await database.fetchval("select count(*) from acs_user") == 1_052
    assert await database.fetchval("select count(*) from event") == 10 + 2 * 1_050
    assert not (await office(text)).has_changes
    await check_facts(database)


async def test_of_several_servers_that_start_at_once_one_loads_its_site(
    database: Database, keyring: Keyring, clock: MovableClock
) -> None:
    reports = await asyncio.gather(
        *(apply_if_empty(database, keyring, parsed(), clock=clock) for _ in range(3))
    )
    assert sorted(report is not None for report in reports) == [False, False, True]
    assert not (await apply(database, keyring, parsed(), clock=clock)).has_changes


async def test_two_who_apply_the_same_file_at_once_make_it_once(
    database: Database, apply_text: Apply
) -> None:
    reports = await asyncio.gather(*(apply_text() for _ in range(3)))
    assert sorted(report.has_changes for report in reports) == [False, False, True]
    await check_facts(database)


async def test_a_database_that_has_a_workspace_is_left_alone(
    database: Database, keyring: Keyring, clock: MovableClock, apply_text: Apply
) -> None:
    await apply_text()
    before = await digest(database)
    assert await apply_if_empty(database, keyring, parsed(TWO_SYSTEMS), clock=clock) is None
    assert await digest(database) == before


async def test_two_files_are_two_workspaces(office: Apply) -> None:
    await office(TWO_SYSTEMS)
    assert (await office()).summary() == "nothing to change"
    assert (await office(TWO_SYSTEMS, prune=True)).summary() == "nothing to change"


async def test_windows_reach_the_doors_in_milliseconds(database: Database, office: Apply) -> None:
    await office(edited(("{name: Staff,", "{name: Staff, ends_at: 2030-01-01T00:00:00Z,")))
    ends_at = int(datetime(2030, 1, 1, tzinfo=UTC).timestamp() * 1000)
    state = await state_of(database, ("group", STAFF, NO_KEY))
    assert state == f'{{"window": {{"ends_at": {ends_at}}}}}'
