"""What a site file may say, and that everything else is refused with its line and the reason."""

from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid5

import pytest

from doorward.policy.cards import CardNumber, CodeNumber
from doorward.site.model import derived_id, derived_workspace_id
from doorward.site.parse import load_site
from doorward.site.problems import SiteError
from tests.site.files import OFFICE, TWO_SYSTEMS, edited, parsed


def _refused(text: str) -> list[str]:
    with pytest.raises(SiteError) as refusal:
        parsed(text)
    return str(refusal.value).splitlines()


# The edit of OFFICE, the line where it is refused, and what the reason must say.
REFUSED = [
    # keys
    ("  name: Works", "  nmae: Works", 2, "workspace.nmae is not a key that Doorward knows"),
    ("  name: Works", "  nmae: Works", 1, "workspace.name is missing"),
    ("tokens:\n", "tokens:\ntoken:\n", 39, "token is not a key that Doorward knows"),
    ("  bo:\n", "  anna:\n", 32, "the key 'anna' stands in line 26 already"),
    ("  bo:\n", "  b o:\n", 32, "users.b o: a key has letters"),
    ("  bo:\n", "  [bo]:\n", 32, "a key must be a text"),
    ("  bo:\n", "  ~:\n", 32, "a key must be a text"),
    # types
    ("workspace:\n  name: Works\n  is_sandbox: true", "workspace: Works", 1, "must be a mapping"),
    ("name: Staff", "name: [Staff]", 21, "access_groups.staff.name must be a text"),
    ("name: Staff", "name: ''", 21, "access_groups.staff.name must not be empty"),
    ("name: Staff", 'name: "a\\0b"', 21, "must not have control characters"),
    ("name: Staff", 'name: "a\\u001bb"', 21, "must not have control characters"),
    ("name: Staff", f"name: {'x' * 256}", 21, "must have at most 255 characters"),
    (
        "is_sandbox: true",
        "is_publishable_key_auth_enabled: 1",
        3,
        "workspace.is_publishable_key_auth_enabled must be true or false",
    ),
    ("is_sandbox: true", "is_sandbox: maybe", 3, "workspace.is_sandbox must be true or false"),
    ("groups: [staff]", "groups: staff", 35, "users.bo.groups must be a list"),
    ("groups: [staff]", "groups: [[staff]]", 35, "users.bo.groups must hold texts"),
    ("groups: [staff]", "groups: [staff, staff]", 35, "users.bo.groups names 'staff' twice"),
    ("panel: {name: Panel}", "panel: Panel", 7, "controllers.panel must be a mapping"),
    ("name: Gate\n", "name: Gate\n    unlock_seconds: 0\n", 12, "must be from 1 to 600"),
    ("name: Gate\n", "name: Gate\n    unlock_seconds: 1.5\n", 12, "must be a whole number"),
    ("{direction: exit}", "{direction: out}", 15, "direction must be entry or exit"),
    ("{direction: exit}", "{driver: osdp}", 15, "driver must be virtual"),
    ("time_zone: Europe/Berlin", "kind: salto", 5, "systems.main.kind must be doorward"),
    ("  name: Works", "  id: 12345\n  name: Works", 2, "workspace.id must be a UUID"),
    ("name: Staff", "id: 8d7e0b3ab88949a791644b71a0506a33, name: S", 21, "must be a UUID"),
    # values
    ("Europe/Berlin", "Europe/Nowhere", 5, "time_zone must be a zone such as"),
    (", time_zone: Europe/Berlin", "", 5, "systems.main.time_zone is missing"),
    ("email: bo@example.com", "email: bo", 34, "users.bo.email must be an e-mail address"),
    ('"+4930123456"', "030123456", 24, "identities.anna.phone must be a number such as"),
    ('"0815"', '"081"', 31, "users.anna.credentials.pin.code must be 4 to 9 digits"),
    ('"0815"', '"0123456789"', 31, "code must be 4 to 9 digits"),
    ('"0815"', '"08a5"', 31, "code must be 4 to 9 digits"),
    ('"0815"', "\u0664\u0665\u0666\u0667", 31, "code must be 4 to 9 digits"),
    ("42-12345", "256-1", 30, "users.anna.credentials.badge.card must be FACILITY-NUMBER"),
    ("42-12345", "card 7", 30, "card must be FACILITY-NUMBER such as 42-12345"),
    ("{card: 42-12345}", "{}", 30, "card or code is needed, one of the two"),
    ("{card: 42-12345}", "{card: 42-1, code: 4711}", 30, "card or code is needed"),
    ("    identity: anna\n", "", 26, "users.anna.name is missing, here or at the identity"),
    ("seam_testWorks", "seam_at1Works", 39, "tokens.key.text must be a key such as"),
    ("seam_testWorks", "sk_testWorks", 39, "tokens.key.text must be a key such as"),
    ("kind: api_key", "kind: personal_access_token", 39, "tokens.key.text must be a token such"),
    ("kind: api_key", "kind: password", 39, "kind must be api_key or personal_access_token"),
    ("is_sandbox: true", "is_sandbox: false", 39, "only a sandbox workspace has tokens"),
    # windows
    ("name: Staff", "name: Staff, ends_at: tomorrow", 21, "ends_at must be a time such as"),
    ("name: Staff", "name: Staff, ends_at: 2026-01-31T08:00:00", 21, "offset from UTC"),
    ("name: Staff", "name: Staff, ends_at: 0001-01-01T00:00:00+09:00", 21, "from 1970-01-01 to"),
    ("name: Staff", "name: Staff, starts_at: 1969-12-31T23:59:59Z", 21, "to 9998-12-31, in UTC"),
    (
        "name: Staff",
        "name: S, ends_at: 9999-12-31T23:59:59.999999Z",
        21,
        "staff.ends_at must be from",
    ),
    (
        "name: Staff",
        "name: S, ends_at: 9999-12-31T23:59:59-12:00",
        21,
        "staff.ends_at must be from",
    ),
    (
        "    identity: anna\n",
        "    name: A\n    starts_at: 0001-01-01T00:00:00Z\n",
        28,
        "anna.starts_at",
    ),
    (
        "{card: 42-12345}",
        "{card: 42-1, ends_at: 9999-01-01T00:00:00Z}",
        30,
        "badge.ends_at must be",
    ),
    (
        "name: Staff",
        "name: S, starts_at: 2026-01-31T09:00:00+01:00, ends_at: 2026-01-31T08:00:00Z",
        21,
        "access_groups.staff.ends_at must be later than starts_at",
    ),
    # references
    ("groups: [staff]", "groups: [stuff]", 35, "names 'stuff', which access_groups does not have"),
    ("entrances: [gate]", "entrances: [gat]", 21, "staff.entrances names 'gat', which"),
    ("identity: anna", "identity: ana", 27, "names 'ana', which identities does not have"),
    ("name: Lab\n    controller: panel", "name: Lab", 16, "must name one of controllers"),
    ("name: Gate\n    controller: panel", "name: Gate\n    controller: p", 12, "names 'p', which"),
    # twice
    ('"04:A2:2B:11"', '"042-12345"', 37, "this card stands in line 30 already"),
    ('{card: "04:A2:2B:11",', '{code: "0815",', 37, "this code stands in line 31 already"),
    ("    name: Bo Ek", "    identity: anna", 32, "a user of identities.anna stands in line 26"),
    (
        "users:\n",
        "  ann: {name: Ann, email: ANNA@example.com}\nusers:\n",
        25,
        "an identity with this e-mail address stands in line 24 already",
    ),
    (
        "users:\n",
        "  ann: {name: Ann, phone: '+4930123456'}\nusers:\n",
        25,
        "an identity with this phone number stands in line 24 already",
    ),
]


@pytest.mark.parametrize(("old", "new", "line", "reason"), REFUSED)
def test_is_refused_with_line_and_reason(old: str, new: str, line: int, reason: str) -> None:
    found = _refused(edited((old, new)))
    assert any(each.startswith(f"site.yaml:{line}: ") and reason in each for each in found), found


@pytest.mark.parametrize("old", [old for old, *_ in REFUSED])
def test_the_file_that_is_edited_is_accepted(old: str) -> None:
    assert OFFICE.count(old) == 1
    parsed()


def test_what_a_key_holds_does_nothing_to_a_terminal() -> None:
    found = _refused(edited(("  bo:", '  "b\\e[31m\\no":')))
    assert found == [
        "site.yaml:32: users.b\\x1b[31m\\no: a key has letters, digits, '.', '_' and '-'"
    ]


def test_an_id_given_twice_is_refused() -> None:
    same = "8d7e0b3a-b889-49a7-9164-4b71a0506a33"
    text = edited(
        ("{name: Staff", f"{{id: {same}, name: S"),
        ("    name: Bo", f"    id: {same}\n    name: Bo"),
    )
    assert _refused(text) == [f"site.yaml:32: the id {same} stands in line 21 already"]


def test_all_problems_are_told_at_once_in_the_order_of_their_lines() -> None:
    text = edited(("name: Staff", "nme: Staff"), ("42-12345", "42"), ("is_sandbox: true", "x: 1"))
    lines = [int(each.split(":")[1]) for each in _refused(text)]
    assert lines == sorted(lines)
    assert set(lines) == {3, 21, 30, 39}


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("groups: [northern]", "groups: [southern]", 15),
        ("entrances: [north-door]", "entrances: [south-door]", 12),
        ('{code: "1111"}}}\n  sven', '{code: "1111", entrances: [south-door]}}}\n  sven', 15),
    ],
)
def test_nothing_reaches_from_one_system_into_another(old: str, new: str, line: int) -> None:
    found = _refused(edited((old, new), text=TWO_SYSTEMS))
    assert [each.partition(": ")[0] for each in found] == [f"site.yaml:{line}"]
    assert "different systems" in found[0]


def test_two_systems_may_use_the_same_code() -> None:
    site = parsed(TWO_SYSTEMS)
    assert {entry.number for entry in site.credentials.values()} == {CodeNumber("1111")}
    assert site.entrances["south-door"].system == "south"


def test_the_one_system_and_the_one_controller_need_not_be_named() -> None:
    text = edited(
        ("  annex-panel: {name: Panel in the annex}\n", ""),
        ("name: Lab\n    controller: panel", "name: Lab"),
    )
    site = parsed(text)
    assert site.entrances["lab"].controller == "panel"
    assert site.users["bo"].system == "main"


def test_where_there_is_no_system_a_user_cannot_be() -> None:
    assert _refused("workspace: {name: W}\nusers:\n  a: {name: A}\n") == [
        "site.yaml:3: users.a.system needs one of systems"
    ]


def test_ids_are_derived_from_workspace_and_key_or_given() -> None:
    site = parsed()
    workspace_id = derived_workspace_id("Works")
    assert site.workspace.workspace_id == workspace_id
    assert site.users["anna"].acs_user_id == uuid5(workspace_id, "user/anna")
    assert derived_id(workspace_id, "user", "anna") != derived_id(workspace_id, "identity", "anna")
    given = UUID("8d7e0b3a-b889-49a7-9164-4b71a0506a33")
    text = edited(("    name: Bo Ek", f"    id: {given}\n    name: Bo Ek"))
    assert parsed(text).users["bo"].acs_user_id == given


def test_a_user_has_the_values_of_the_identity_unless_others_are_given() -> None:
    anna = parsed(edited(("    identity: anna", "    identity: anna\n    name: Dr Berg"))).users[
        "anna"
    ]
    assert (anna.contact.name, anna.contact.email) == ("Dr Berg", "anna@example.com")


def test_texts_stay_as_they_are_written() -> None:
    text = edited(
        ('code: "0815"', "code: 0815"), ("name: Bo Ek", "name: no"), ("42-12345", "007-00042")
    )
    site = parsed(text)
    assert site.credentials["anna/pin"].number == CodeNumber("0815")
    assert site.credentials["anna/badge"].number == CardNumber("h10301", "7-42")
    assert site.users["bo"].contact.name == "no"


def test_windows_are_in_utc() -> None:
    text = edited(("name: Staff", "name: Staff, starts_at: 2026-01-31T08:00:00+01:00"))
    window = parsed(text).access_groups["staff"].window
    assert window.starts_at == datetime(2026, 1, 31, 7, tzinfo=UTC)
    assert window.ends_at is None


def test_a_null_is_a_key_that_is_not_given() -> None:
    assert parsed(edited(("email: bo@example.com", "email: ~"))).users["bo"].contact.email is None


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SiteError, match=r"site\.yaml:1: cannot be read: No such file"):
        load_site(tmp_path / "site.yaml")


def test_a_file_is_named_by_its_name(tmp_path: Path) -> None:
    file = tmp_path / "my.yaml"
    file.write_text("workspace: {}\n")
    with pytest.raises(SiteError, match=r"^my\.yaml:1: workspace\.name is missing$"):
        load_site(file)
