"""People of a file, made in a database: all of them or none, and as the API makes them."""

import asyncio
from uuid import UUID

import pytest

from doorward.errors import StartError
from doorward.policy.cards import CardNumber, CodeNumber
from doorward.site import people_export, people_file
from doorward.site.people_export import (
    CREDENTIALS,
    ENTRANCES,
    IDENTITIES,
    MEMBERSHIPS,
    NAMES,
    UNASSIGNED,
    export_people,
)
from doorward.site.people_export import PEOPLE as PEOPLE_LEFT_OUT
from doorward.site.people_import import import_people
from doorward.site.problems import SiteError
from doorward.store import bulk, journal
from doorward.store.bulk import System
from doorward.store.credentials import lookup
from doorward.store.database import Database
from doorward.store.journal import Change
from doorward.store.people import USERS
from doorward.store.rows import record_all
from doorward.store.secrets import Keyring
from doorward.store.writer import Writer
from tests.conftest import MovableClock
from tests.site.conftest import Apply
from tests.site.files import TWO_SYSTEMS
from tests.site.tables import (
    ANNA,
    CHEMISTS,
    GATE,
    LAB,
    STAFF,
    WORKSPACE,
    check_facts,
    digest,
    leave,
    members,
)

HEADER = "name,email,phone,card,code,groups\n"
PEOPLE = (
    HEADER
    + "Cem Ada,cem@example.com,,42-1;04:A2:2B:22,2580,Staff;Chemists\n"
    + "Dina Oz,,+4930999,,,Staff\n"
    + "Eli Poe,eli@example.com,+4930999,,,\n"
)
COPY = (
    "workspace: {name: Copy}\nsystems: {c: {name: Copy, time_zone: UTC}}\n"
    "access_groups:\n  a: {name: Staff}\n  b: {name: Chemists}\n"
)
SHARED = "code: would open an entrance that another person's equal code opens"


class People:
    """What a test does with files of people."""

    def __init__(self, database: Database, keyring: Keyring, clock: MovableClock) -> None:
        self._parts = (database, keyring)
        self._clock = clock
        self.database = database

    async def system(self, name: str = "Main building") -> System:
        """A system by its name."""
        return next(each for each in await bulk.systems(self.database) if each.name == name)

    async def imported(self, text: str = PEOPLE, name: str = "Main building") -> int:
        """Imports a file's text; answers how many people."""
        data, system = text.encode(), await self.system(name)
        return await import_people(*self._parts, system, "people.csv", data, clock=self._clock)

    async def exported(self, name: str = "Main building") -> tuple[str, int, dict[str, int]]:
        """An export's text, how many people it holds, and what it leaves out."""
        export = await export_people(*self._parts, await self.system(name))
        (data,) = export.files
        return data.decode(), export.people, dict(export.left_out)

    async def refused(self, text: str) -> list[str]:
        """Imports what must be refused, and asserts that it changes nothing."""
        before = await digest(self.database)
        with pytest.raises(SiteError) as error:
            await self.imported(text)
        assert await digest(self.database) == before
        return str(error.value).splitlines()


@pytest.fixture
async def people(
    database: Database, keyring: Keyring, clock: MovableClock, apply_text: Apply
) -> People:
    """A database with the office."""
    await apply_text()
    return People(database, keyring, clock)


async def _ids(database: Database, name: str) -> UUID:
    found = await database.fetchval("select subject_id from personal where full_name = $1", name)
    assert isinstance(found, UUID)
    return found


async def _until_waiting(database: Database) -> None:
    """Waits until somebody waits for a lock."""
    while not await database.fetchval("select exists (select from pg_locks where not granted)"):
        await asyncio.sleep(0.01)


async def test_everybody_is_made_with_everything(people: People, database: Database) -> None:
    assert await people.imported() == 3
    cem, dina = await _ids(database, "Cem Ada"), await _ids(database, "Dina Oz")
    assert {(STAFF, cem), (CHEMISTS, cem), (STAFF, dina)} <= await members(database)
    rows = await database.fetch(
        "select access_method, code_length, issued_at is not null from acs_credential"
        " where acs_user_id = $1 order by 1, 2",
        cem,
    )
    assert [tuple(row) for row in rows] == [
        ("card", None, True),
        ("card", None, True),
        ("code", 4, True),
    ]
    await check_facts(database)


async def test_everybody_made_has_events_in_the_files_order(
    people: People, database: Database
) -> None:
    last = await database.fetchval("select max(created_at) from event")
    await people.imported()
    rows = await database.fetch(
        "select event_type, p.full_name from event v left join personal p"
        " on p.subject_id = (v.payload ->> 'acs_user_id')::uuid"
        " where v.created_at > $1 order by v.created_at, v.event_id",
        last,
    )
    assert (
        sorted(tuple(row) for row in rows if row[1] is None)
        == [("acs_credential.issued", None)] * 3
    )
    assert {tuple(row) for row in rows if row[1]} == {
        ("acs_user.created", name) for name in ("Cem Ada", "Dina Oz", "Eli Poe")
    }
    types = [row[0] for row in rows]
    listed = await database.fetch(
        "select p.full_name from acs_user u join personal p on p.subject_id = u.acs_user_id"
        " order by u.created_at desc, u.acs_user_id desc limit 3"
    )
    assert len(types) == 6
    assert [row[0] for row in listed] == ["Eli Poe", "Dina Oz", "Cem Ada"]


async def test_what_is_exported_makes_the_same_people_elsewhere(
    people: People, apply_text: Apply
) -> None:
    await people.imported()
    text, count, left_out = await people.exported()
    assert (count, left_out) == (5, {IDENTITIES: 1, ENTRANCES: 1})
    assert (
        PEOPLE.removeprefix(HEADER)
        .replace("04:A2:2B:22", "04A22B22")
        .replace("Staff;Chemists", "Chemists;Staff")
        in text
    )
    await apply_text(COPY)
    assert await people.imported(text, "Copy") == 5
    assert await people.exported("Copy") == (text, 5, {})


async def test_nobody_is_exported_whom_an_import_would_refuse(
    people: People, database: Database, apply_text: Apply
) -> None:
    """What the API allows and a file does not: two people with one address or one number."""
    await people.imported(
        HEADER
        + f"{'x' * 255},x@example.com,,,,\n"
        + "Cem,,+4930999,,2580,Staff\nDina,d@example.com,,,,\nEli,e@example.com,,,2580,\n"
    )
    dina, eli = await _ids(database, "Dina"), await _ids(database, "Eli")
    await database.execute(
        "update personal set email_address = 'X@example.com' where subject_id = $1", dina
    )
    await database.execute(
        "update personal set email_address = null, phone_number = '+4930999' where subject_id = $1",
        eli,
    )
    text, count, left_out = await people.exported()
    assert (count, left_out) == (
        4,
        {
            IDENTITIES: 1,
            ENTRANCES: 1,
            "people: email: the same as in another line": 1,
            "people: phone: the same as in another line": 1,
        },
    )
    assert "Dina" not in text
    assert "Eli" not in text
    await apply_text(COPY)
    assert await people.imported(text, "Copy") == 4


async def test_a_name_is_written_on_one_line(people: People, database: Database) -> None:
    await database.execute(
        "update personal set full_name = e' Anna\\nBerg' where full_name = 'Anna Berg'"
    )
    text, _, left_out = await people.exported()
    assert "\nAnna Berg,anna@example.com," in text
    assert left_out[NAMES] == 1


async def test_what_the_file_does_not_hold_of_people_is_counted(
    people: People, database: Database
) -> None:
    await database.execute(
        "insert into user_entrance values ($1, $2, $3, true, false, 1, now()),"
        " ($1, $2, $4, false, false, 1, now())",
        WORKSPACE,
        ANNA,
        LAB,
        GATE,
    )
    await database.execute("update acs_access_group set is_managed = false where name = 'Staff'")
    _, _, left_out = await people.exported()
    assert left_out == {MEMBERSHIPS: 2, ENTRANCES: 2, IDENTITIES: 1}
    await database.execute("update acs_credential set state = 'lost' where acs_user_id <> $1", ANNA)
    assert (await people.exported())[2] == left_out | {ENTRANCES: 1, CREDENTIALS: 1}


async def test_a_credential_of_a_limited_number_of_uses_is_left_out(
    people: People, database: Database
) -> None:
    await database.execute("update acs_credential set use_limit = 3 where access_method = 'code'")
    text, _, left_out = await people.exported()
    assert "0815" not in text
    assert left_out[CREDENTIALS] == 1


async def test_nobodys_credentials_are_counted(people: People, database: Database) -> None:
    await database.execute("delete from credential_entrance")
    await database.execute(
        "update acs_credential set acs_user_id = null where access_method = 'card'"
    )
    assert (await people.exported())[2] == {UNASSIGNED: 2, IDENTITIES: 1}


async def test_more_people_than_a_file_may_have_go_into_several(
    people: People, database: Database, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    await people.imported()
    for module in (people_export, people_file):
        monkeypatch.setattr(module, "MOST", 2)
    export = await export_people(database, keyring, await people.system())
    parts = [file.decode().splitlines() for file in export.files]
    assert [len(part) for part in parts] == [3, 3, 2]
    assert {part[0] for part in parts} == {HEADER.strip()}
    assert parts[2][1].startswith("Eli Poe,")
    assert export.left_out == {IDENTITIES: 1, ENTRANCES: 1}


async def test_what_a_file_could_only_say_too_generously_is_left_out(
    people: People, database: Database
) -> None:
    await people.imported()
    await database.execute("update acs_user set is_suspended = true where acs_user_id = $1", ANNA)
    dina, cem = await _ids(database, "Dina Oz"), await _ids(database, "Cem Ada")
    await database.execute("update acs_user set ends_at = now() where acs_user_id = $1", dina)
    await database.execute(
        "update acs_credential set state = 'lost'"
        " where acs_user_id = $1 and access_method = 'code'",
        cem,
    )
    text, count, left_out = await people.exported()
    assert (count, left_out) == (3, {PEOPLE_LEFT_OUT: 2, CREDENTIALS: 1, ENTRANCES: 1})
    assert "Anna" not in text
    assert "Dina" not in text
    assert "2580" not in text


async def test_every_bad_line_is_told_and_nothing_is_written(people: People) -> None:
    bad = HEADER + "\n".join(
        [
            "Anna again,ANNA@example.com,,42-12345,,Staff",
            "Fay,fay@example.com,,42-7,,Lab users",
            "Gus,Fay@example.com,,42-7,,Staff",
            "Hal,,+4930999,,3141,Staff",
            "Ida,,+4930999,,3141,Chemists",
            "Jo,jo,,,0815,Staff",
        ]
    )
    assert await people.refused(bad) == [
        "people.csv:2: card: a credential of the system has it already",
        "people.csv:2: email: a person of the system has it already",
        "people.csv:3: groups: the system has no group 'Lab users'",
        "people.csv:4: card: the same as in line 3",
        "people.csv:4: email: the same as in line 3",
        f"people.csv:6: {SHARED}, as in line 5",
        "people.csv:6: phone: the same as in line 5",
        f"people.csv:7: {SHARED}",
        "people.csv:7: email: must be an e-mail address",
    ]


async def test_a_quote_that_nobody_closes_hides_no_other_problem(people: People) -> None:
    bad = HEADER + (
        "Anna again,ANNA@example.com,,42-12345,,Staff\n"
        "Fay,fay@example.com,,,,Lab users\n"
        "Gus,Fay@example.com,,,,Staff\n"
        '"Hal,,,,,\n'
    )
    assert await people.refused(bad) == [
        "people.csv:2: card: a credential of the system has it already",
        "people.csv:2: email: a person of the system has it already",
        "people.csv:3: groups: the system has no group 'Lab users'",
        "people.csv:4: email: the same as in line 3",
        "people.csv:5: this is no CSV: unexpected end of data",
    ]


async def test_a_file_without_a_person_is_refused(people: People) -> None:
    assert await people.refused(HEADER) == [
        "people.csv:1: the file has nobody: there is no line after its columns"
    ]


async def test_many_people_with_codes_come_in_at_once(people: People, database: Database) -> None:
    """Each with a code and a group: what all of them are held against is the same entrance."""
    text = "name,code,groups\n" + "".join(f"P{n},{n:08},Staff\n" for n in range(20_000))
    assert await people.imported(text) == 20_000
    assert await database.fetchval("select count(*) from acs_membership") == 20_003


async def test_the_same_file_again_is_refused(people: People) -> None:
    await people.imported()
    assert len(await people.refused(PEOPLE)) == 5


async def test_equal_codes_may_open_different_entrances(people: People, database: Database) -> None:
    await database.execute(
        "update access_group_entrance set is_desired = false"
        " where acs_access_group_id = $1 and acs_entrance_id <> $2",
        CHEMISTS,
        LAB,
    )
    assert await people.imported("name,code,groups\nA,7531,Staff\nB,7531,Chemists\nC,7531,\n") == 3


async def test_a_group_of_an_ambiguous_name_goes_by_its_id(
    people: People, database: Database
) -> None:
    await database.execute("update acs_access_group set name = 'Staff'")
    assert await people.refused("name,groups\nA,Staff\n") == [
        "people.csv:2: groups: several groups are called 'Staff'; give an id"
    ]
    assert await people.imported(f"name,groups\nA,{STAFF}\n") == 1
    assert f"A,,,,,{STAFF}\n" in (await people.exported())[0]


async def test_only_the_chosen_system_counts(people: People, apply_text: Apply) -> None:
    await apply_text(TWO_SYSTEMS)
    text = "name,email,card,groups\nAnna,anna@example.com,42-12345,Northern\n"
    assert await people.imported(text, "North") == 1
    assert await people.refused(text) != []


async def test_who_was_removed_stays_removed(
    people: People, database: Database, writer: Writer, clock: MovableClock
) -> None:
    await people.imported()
    cem = await _ids(database, "Cem Ada")
    await leave(writer, clock, CHEMISTS, cem)
    await people.refused(PEOPLE)
    assert (CHEMISTS, cem) not in await members(database)


async def test_a_change_while_it_is_written_is_seen(
    people: People, database: Database, keyring: Keyring, clock: MovableClock
) -> None:
    """Somebody gets a code of the file after the file was checked, and before it counts."""
    other = await database.connect()
    try:
        async with other.transaction():
            await journal.lock(other, WORKSPACE)
            importing = asyncio.create_task(people.imported())
            await _until_waiting(database)
            change = Change(WORKSPACE, "api", clock.now(WORKSPACE))
            row = (await USERS.read(other, WORKSPACE, [(ANNA,)]))[(ANNA,)]
            await record_all(other, change, [row.fact()])
            await other.execute(
                "update acs_credential set lookup = $2 where workspace_id = $1"
                " and access_method = 'code'",
                WORKSPACE,
                lookup(keyring, WORKSPACE, CodeNumber("2580")),
            )
        with pytest.raises(SiteError, match="csv:2: code: would open"):
            await importing
    finally:
        await other.close()
    assert await database.fetchval("select count(*) from acs_user") == 2


async def test_a_group_that_gets_anothers_name_meanwhile_is_not_taken_for_it(
    people: People, database: Database
) -> None:
    """No revision comes of it, and yet nobody may come into the other group."""
    other = await database.connect()
    try:
        async with other.transaction():
            await journal.lock(other, WORKSPACE)
            importing = asyncio.create_task(people.imported("name,groups\nA,Chemists\nB,\n"))
            await _until_waiting(database)
            await other.execute(
                "update acs_access_group set name = case acs_access_group_id"
                " when $1 then 'Staff' else 'Chemists' end",
                CHEMISTS,
            )
        with pytest.raises(SiteError) as refused:
            await importing
    finally:
        await other.close()
    assert str(refused.value) == (
        "people.csv:2: groups: 'Chemists' is another group now, changed meanwhile"
    )
    assert await database.fetchval("select count(*) from acs_user") == 2


async def test_a_card_that_somebody_makes_meanwhile_is_refused(
    people: People, database: Database, keyring: Keyring
) -> None:
    other = await database.connect()
    try:
        async with other.transaction():
            await other.execute(
                "update acs_credential set lookup = $2 where workspace_id = $1"
                " and access_method = 'card' and acs_user_id = $3",
                WORKSPACE,
                lookup(keyring, WORKSPACE, CardNumber("h10301", "42-1")),
                ANNA,
            )
            importing = asyncio.create_task(people.imported())
            await _until_waiting(database)
        with pytest.raises(StartError, match="meanwhile"):
            await importing
    finally:
        await other.close()
    assert await database.fetchval("select count(*) from acs_user") == 2


async def test_no_removal_is_refused_for_an_import_that_takes_long(
    people: People,
    database: Database,
    writer: Writer,
    clock: MovableClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The last look at the file, under the journal's lock, does not end."""
    looks = asyncio.Event()

    async def linger(*_args: object) -> None:
        looks.set()
        await asyncio.sleep(30)

    monkeypatch.setattr(journal, "has_added", linger)
    importing = asyncio.create_task(people.imported())
    await looks.wait()
    leaving = asyncio.create_task(leave(writer, clock, CHEMISTS, ANNA))
    await leaving
    assert (CHEMISTS, ANNA) not in await members(database)
    importing.cancel()
    await asyncio.wait([importing])
    assert await database.fetchval("select count(*) from acs_user") == 2
