"""The database owns access: what was removed since stays removed, until somebody says otherwise."""

from doorward.policy.facts import NO_KEY
from doorward.store import credentials, identities, tokens
from doorward.store.database import Database
from doorward.store.secrets import Keyring
from doorward.store.writer import Writer
from tests.conftest import MovableClock
from tests.site.conftest import Apply
from tests.site.files import edited, parsed
from tests.site.tables import (
    ANNA,
    BO,
    CHEMISTS,
    SITE,
    STAFF,
    WORKSPACE,
    check_facts,
    digest,
    join,
    leave,
    lines,
    members,
    state_of,
)

KEPT = "removed since it was declared; --grant-again puts it back"


async def test_who_was_removed_is_not_let_in_again(
    database: Database, office: Apply, writer: Writer, clock: MovableClock
) -> None:
    await leave(writer, clock, CHEMISTS, ANNA)
    before = await digest(database)
    report = await office()
    assert lines(report) == [f"! drift: membership anna in chemists: {KEPT}"]
    assert report.summary() == "nothing to change, 1 drifted"
    assert await digest(database) == before
    # An edit elsewhere in the file is no reason either.
    assert "+" not in "".join(lines(await office(edited(("name: Bo Ek", "name: Bo E. Ek")))))
    assert (CHEMISTS, ANNA) not in await members(database)


async def test_a_credential_that_was_given_to_somebody_else_stays_with_them(
    database: Database, office: Apply
) -> None:
    badge = SITE.credentials["anna/badge"].acs_credential_id
    owner = "select acs_user_id from acs_credential where acs_credential_id = $1"
    await database.execute(
        "update acs_credential set acs_user_id = $2 where acs_credential_id = $1", badge, BO
    )
    report = await office()
    assert "drift" in "".join(lines(report))
    assert await database.fetchval(owner, badge) == BO
    await office(grant_again=True)
    assert await database.fetchval(owner, badge) == ANNA


async def test_grant_again_lets_in_who_was_removed(
    database: Database, office: Apply, writer: Writer, clock: MovableClock
) -> None:
    await leave(writer, clock, CHEMISTS, ANNA)
    report = await office(grant_again=True)
    assert lines(report) == ["+ membership anna in chemists (again)"]
    row = await database.fetchrow(
        "select is_desired, is_unconfirmed, m.revision = r.revision from acs_membership m"
        " join policy_revision r using (workspace_id)"
        " where acs_access_group_id = $1 and acs_user_id = $2",
        CHEMISTS,
        ANNA,
    )
    assert tuple(row or ()) == (True, True, True)
    assert (await office()).summary() == "nothing to change"
    await check_facts(database)


async def test_a_key_that_changes_does_not_let_in_who_was_removed(
    database: Database, office: Apply, writer: Writer, clock: MovableClock
) -> None:
    await leave(writer, clock, CHEMISTS, ANNA)
    text = edited(
        ("  chemists: {name", f"  analysts: {{id: {CHEMISTS}, name"),
        ("groups: [staff, chemists]", "groups: [staff, analysts]"),
    )
    for _ in range(2):
        assert lines(await office(text)) == [f"! drift: membership anna in analysts: {KEPT}"]
    assert (CHEMISTS, ANNA) not in await members(database)


async def test_gone_from_the_file_and_back_does_not_let_in_who_was_removed(
    office: Apply, writer: Writer, clock: MovableClock
) -> None:
    await leave(writer, clock, CHEMISTS, ANNA)
    without = edited(("groups: [staff, chemists]", "groups: [staff]"))
    assert (await office(without)).summary() == "nothing to change"
    assert lines(await office()) == [f"! drift: membership anna in chemists: {KEPT}"]


async def test_who_was_let_in_through_the_api_is_no_drift(
    database: Database, office: Apply, writer: Writer, clock: MovableClock
) -> None:
    await join(writer, clock, CHEMISTS, BO)
    assert (await office(prune=True)).summary() == "nothing to change"
    assert (CHEMISTS, BO) in await members(database)


async def _delete_user(database: Database) -> None:
    """What deleting a user through the API leaves."""
    for table in ("acs_membership", "acs_credential", "acs_user"):
        await database.execute(f"delete from {table} where acs_user_id = $1", ANNA)
    await database.execute("delete from personal where subject_id = $1", ANNA)
    for kind, a, b in (
        ("user", ANNA, NO_KEY),
        ("membership", STAFF, ANNA),
        ("membership", CHEMISTS, ANNA),
        ("credential", SITE.credentials["anna/badge"].acs_credential_id, ANNA),
        ("credential", SITE.credentials["anna/pin"].acs_credential_id, ANNA),
    ):
        await database.execute(
            "select record_change($1, $2, $3, $4, $5, null, 'api', now())",
            WORKSPACE,
            SITE.systems["main"].acs_system_id,
            kind,
            a,
            b,
        )


async def test_who_was_deleted_stays_deleted_with_everything_of_hers(
    database: Database, office: Apply
) -> None:
    await _delete_user(database)
    assert lines(await office()) == [
        f"! drift: {each}: {KEPT}"
        for each in (
            "user anna",
            "credential anna/badge",
            "credential anna/pin",
            "membership anna in staff",
            "membership anna in chemists",
        )
    ]


async def test_nothing_new_is_given_to_who_was_deleted(database: Database, office: Apply) -> None:
    await _delete_user(database)
    text = edited(
        ('pin: {code: "0815"}', 'pin: {code: "0815"}\n      key: {card: 1-1, entrances: [lab]}')
    )
    found = lines(await office(text))
    note = "what it belongs to was removed; --grant-again puts it back"
    assert f"! drift: credential anna/key: {note}" in found
    assert f"! drift: credential anna/key opens lab: {note}" in found
    assert not (await office(text)).has_changes


async def test_grant_again_makes_whoever_was_deleted_anew(
    database: Database, office: Apply
) -> None:
    await _delete_user(database)
    report = await office(grant_again=True)
    assert report.summary() == "5 created"
    assert (CHEMISTS, ANNA) in await members(database)
    assert (await office()).summary() == "nothing to change"
    await check_facts(database)


# values


RENAMED = edited(("name: Bo Ek", "name: Bo Elisabeth Ek"))
SHORTER = edited(("    name: Bo Ek", "    ends_at: 2030-01-01T00:00:00Z\n    name: Bo Ek"))


async def _name(database: Database) -> str:
    name: str = await database.fetchval("select full_name from personal where subject_id = $1", BO)
    return name


async def test_what_changed_in_the_file_alone_is_applied(database: Database, office: Apply) -> None:
    report = await office(RENAMED)
    assert lines(report) == ["~ user bo: full_name"]
    assert await _name(database) == "Bo Elisabeth Ek"
    assert (await office(RENAMED)).summary() == "nothing to change"
    assert lines(await office(SHORTER)) == ["~ user bo: ends_at, full_name"]
    assert "ends_at" in (await state_of(database, ("user", BO, NO_KEY)) or "")
    await check_facts(database)


async def test_what_changed_in_the_database_is_left_and_told(
    database: Database, office: Apply
) -> None:
    await database.execute("update acs_user set ends_at = '2025-01-01Z' where acs_user_id = $1", BO)
    before = await digest(database)
    for text in (None, SHORTER):
        report = await (office() if text is None else office(text))
        assert lines(report) == [
            "! drift: user bo: changed since it was declared (ends_at); --grant-again puts it back"
        ]
        after = await digest(database)
        # What a reset would go by is the last file, whatever was made of it.
        changed = {name for name in after if after[name] != before[name]}
        assert changed == (set() if text is None else {"site_file"})
    assert lines(await office(SHORTER, grant_again=True)) == ["~ user bo: ends_at"]
    assert (await office(SHORTER)).summary() == "nothing to change"


async def test_a_value_that_goes_back_to_what_it_was_is_drift(
    database: Database, office: Apply
) -> None:
    await office(RENAMED)
    await database.execute("update personal set full_name = 'Bo Ek' where subject_id = $1", BO)
    assert (await office(RENAMED)).summary() == "nothing to change, 1 drifted"
    assert await _name(database) == "Bo Ek"


async def test_each_value_has_its_own_owner(database: Database, office: Apply) -> None:
    """The file's name for Bo is new, the database's end of her access is: both stand."""
    await database.execute("update acs_user set ends_at = '2025-01-01Z' where acs_user_id = $1", BO)
    report = await office(RENAMED)
    assert lines(report) == [
        "~ user bo: full_name",
        "! drift: user bo: changed since it was declared (ends_at); --grant-again puts it back",
    ]
    assert await _name(database) == "Bo Elisabeth Ek"
    assert (await office(RENAMED)).summary() == "nothing to change, 1 drifted"


async def test_values_that_agree_again_are_no_drift(database: Database, office: Apply) -> None:
    await database.execute(
        "update personal set full_name = 'Bo Elisabeth Ek' where subject_id = $1", BO
    )
    assert (await office()).summary() == "nothing to change, 1 drifted"
    assert (await office(RENAMED)).summary() == "nothing to change"
    assert lines(await office()) == ["~ user bo: full_name"]


async def test_a_suspended_person_stays_suspended(database: Database, office: Apply) -> None:
    await database.execute("update acs_user set is_suspended = true where acs_user_id = $1", BO)
    await office(SHORTER, grant_again=True)
    assert await database.fetchval("select is_suspended from acs_user where acs_user_id = $1", BO)
    assert '"is_suspended": true' in (await state_of(database, ("user", BO, NO_KEY)) or "")


async def test_a_lost_card_stays_lost(database: Database, office: Apply) -> None:
    badge = SITE.credentials["bo/badge"].acs_credential_id
    await database.execute(
        "update acs_credential set state = 'lost' where acs_credential_id = $1", badge
    )
    assert (await office()).summary() == "nothing to change"
    await office(edited(('{card: "04', '{name: Fob, card: "04')), grant_again=True)
    row = await database.fetchrow(
        "select state, display_name from acs_credential where acs_credential_id = $1", badge
    )
    assert tuple(row or ()) == ("lost", "Fob")


async def test_another_number_reaches_the_doors(
    database: Database, keyring: Keyring, office: Apply
) -> None:
    """The journal never has a number; a new revision makes controllers read the new one."""
    before = await database.fetchval("select revision from policy_revision")
    text = edited(('"0815"', '"4711"'))
    assert lines(await office(text)) == ["~ credential anna/pin: lookup"]
    pin = SITE.credentials["anna/pin"].acs_credential_id
    found = await credentials.get(database, keyring, WORKSPACE, pin)
    assert found is not None
    assert found.code == "4711"
    assert await database.fetchval("select revision from policy_revision") == before + 1
    assert (await office(text)).summary() == "nothing to change"


async def test_erased_values_are_not_written_again(database: Database, office: Apply) -> None:
    await database.execute("delete from personal where subject_id = $1", BO)
    note = "changed since it was declared (full_name, email_address)"
    assert lines(await office()) == [f"! drift: user bo: {note}; --grant-again puts it back"]
    assert await _name(database) is None
    await office(grant_again=True)
    assert await _name(database) == "Bo Ek"
    assert (
        await database.fetchval("select length(salt) from personal where subject_id = $1", BO) == 16
    )
    assert (await office()).summary() == "nothing to change"


async def test_who_was_there_before_the_file_is_taken_over_as_she_is(
    database: Database, office: Apply
) -> None:
    await database.execute("delete from site_object")
    await database.execute("update personal set full_name = 'Bodil' where subject_id = $1", BO)
    drift = "(full_name); --grant-again puts it back"
    report = await office()
    assert lines(report) == [f"! drift: user bo: was there with other values {drift}"]
    report = await office()
    assert lines(report) == [f"! drift: user bo: changed since it was declared {drift}"]
    assert await _name(database) == "Bodil"


async def test_an_identity_taken_away_is_not_given_back(database: Database, office: Apply) -> None:
    await database.execute("update acs_user set user_identity_id = null")
    await database.execute("delete from user_identity")
    await database.execute("delete from personal where acs_system_id is null")
    changed = "changed since it was declared (user_identity_id); --grant-again puts it back"
    assert lines(await office()) == [
        f"! drift: identity anna: {KEPT}",
        f"! drift: user anna: {changed}",
    ]
    assert not await identities.exists(
        database, WORKSPACE, SITE.identities["anna"].user_identity_id
    )
    await office(grant_again=True)
    assert (await office()).summary() == "nothing to change"


async def test_nobody_is_given_an_identity_that_was_taken_away(
    database: Database, office: Apply
) -> None:
    cy = ("identities:\n", "identities:\n  cy: {name: Cy}\n")
    await office(edited(cy))
    taken = parsed(edited(cy)).identities["cy"].user_identity_id
    await database.execute("delete from user_identity where user_identity_id = $1", taken)
    text = edited(cy, ("    name: Bo Ek", "    identity: cy\n    name: Bo Ek"))
    report = await office(text)
    assert [line.partition(":")[0] for line in lines(report)] == ["! drift", "! drift"]
    assert "user bo" in lines(report)[1]
    assert lines(await office(text, grant_again=True)) == [
        "+ identity cy (again)",
        "~ user bo: user_identity_id",
    ]


# tokens


async def test_a_revoked_token_stays_revoked(database: Database, office: Apply) -> None:
    secret = SITE.tokens["key"].text
    token = await tokens.find(database, secret)
    assert token is not None
    await tokens.revoke(database, token.token_id)
    assert lines(await office()) == [f"! drift: token key: {KEPT}"]
    assert await tokens.find(database, secret) is None
    assert lines(await office(grant_again=True)) == ["+ token key (again)"]
    assert await tokens.find(database, secret) is not None
