"""`doorward import` and `doorward export`; what a file may say is tested in tests/site."""

from pathlib import Path

import pytest

from doorward.site import people_export
from tests.cli.conftest import Run
from tests.site.files import OFFICE, TWO_SYSTEMS

STAFF = "name,email,groups\nCem Ada,cem@example.com,Staff\nDina Oz,,\n"


@pytest.fixture
def office(store: Run, tmp_path: Path) -> Run:
    """`doorward` on a database with the office."""
    (tmp_path / "site.yaml").write_text(OFFICE)
    assert store("apply", str(tmp_path / "site.yaml")).code == 0
    return store


@pytest.fixture
def staff(tmp_path: Path) -> Path:
    """A file of people."""
    file = tmp_path / "staff.csv"
    file.write_text(STAFF)
    return file


def test_people_come_in_and_out_again(office: Run, staff: Path, tmp_path: Path) -> None:
    imported = office("import", "people", str(staff))
    assert imported == (0, "2 people imported into Main building\n", "")
    out = tmp_path / "out.csv"
    assert office("export", "people", str(out)).out == (
        "4 people exported from Main building\n"
        "left out, because a file cannot hold it or an import would refuse it:\n"
        "  1 entrances that a person or a credential opens without a group\n"
        "  1 user identities: the people come without\n"
    )
    assert "Cem Ada,cem@example.com,,,,Staff\n" in out.read_text()
    assert out.stat().st_mode & 0o777 == 0o600


def test_a_bad_file_is_refused_line_by_line(office: Run, staff: Path) -> None:
    staff.write_text(STAFF + "Eli,eli,Cooks\n,,\n")
    assert office("import", "people", str(staff)) == (
        1,
        "",
        """\
doorward: nobody was imported: problems in staff.csv: 3
staff.csv:4: email: must be an e-mail address
staff.csv:4: groups: the system has no group 'Cooks'
staff.csv:5: name: is missing
""",
    )


def test_of_many_problems_the_first_are_told(office: Run, staff: Path) -> None:
    staff.write_text("name,email\n" + "".join(f"Eli,eli{n}\n" for n in range(120)))
    told = office("import", "people", str(staff)).err.splitlines()
    assert told[0] == "doorward: nobody was imported: problems in staff.csv: 120"
    assert told[-2:] == [
        "staff.csv:101: email: must be an e-mail address",
        "and 20 more; --all-problems prints them all",
    ]
    everything = office("import", "people", str(staff), "--all-problems").err.splitlines()
    assert len(everything) == 121
    assert everything[:101] == told[:101]


def test_many_people_come_out_in_several_files(
    office: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(people_export, "MOST", 1)
    second = tmp_path / "out-2.csv"
    second.write_text("mine")
    refused = office("export", "people", str(tmp_path / "out.csv"))
    assert "out-2.csv cannot be written: File exists" in refused.err
    assert not (tmp_path / "out.csv").exists()
    second.unlink()
    said = office("export", "people", str(tmp_path / "out.csv")).out
    assert said.startswith("2 people exported from Main building into out.csv, out-2.csv\n")
    assert second.read_text().splitlines()[1].startswith("Bo Ek,")


def test_a_file_that_is_there_is_not_written_over(office: Run, staff: Path) -> None:
    ended = office("export", "people", str(staff))
    assert (ended.code, ended.out) == (1, "")
    assert "staff.csv cannot be written: File exists" in ended.err
    assert staff.read_text() == STAFF


def test_what_a_file_cannot_hold_is_told(office: Run, tmp_path: Path) -> None:
    file = tmp_path / "site.yaml"
    file.write_text(
        OFFICE.replace("    name: Bo Ek\n", "    name: Bo Ek\n    ends_at: 2030-01-01T00:00:00Z\n")
    )
    assert office("apply", str(file)).code == 0
    assert office("export", "people", str(tmp_path / "out.csv")).out == (
        "1 people exported from Main building\n"
        "left out, because a file cannot hold it or an import would refuse it:\n"
        "  1 people: suspended, unmanaged, or with a schedule of their own\n"
        "  1 user identities: the people come without\n"
    )


def test_of_several_systems_one_is_named(office: Run, staff: Path, tmp_path: Path) -> None:
    (tmp_path / "two.yaml").write_text(TWO_SYSTEMS)
    office("apply", str(tmp_path / "two.yaml"))
    assert "choose one with --system: " in office("import", "people", str(staff)).err
    unknown = office("import", "people", str(staff), "--system", "West")
    assert "there is no access system 'West': " in unknown.err
    staff.write_text(STAFF.replace("Staff", "Northern"))
    assert office("import", "people", str(staff), "--system", "North").code == 0


def test_of_several_systems_the_only_native_one_is_meant(
    store: Run, staff: Path, tmp_path: Path
) -> None:
    site = tmp_path / "site.yaml"
    site.write_text(
        "workspace: {name: West, is_sandbox: true}\n"
        "systems:\n  east: {name: East, time_zone: UTC}\n"
        "  rooms: {kind: simulated, provider: salto_ks_site, name: Rooms, time_zone: UTC}\n"
        "access_groups: {staff: {name: Staff, system: east}}\n"
    )
    assert store("apply", str(site)).code == 0
    assert store("import", "people", str(staff)).out == "2 people imported into East\n"


def test_a_database_without_a_system_takes_nobody(store: Run, staff: Path, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    assert "no access system yet" in store("import", "people", str(staff)).err


def test_a_file_that_is_not_there_is_refused_before_anything_starts(run: Run) -> None:
    ended = run("import", "people", "missing.csv", "--data", "/dev/null/data")
    assert (ended.code, ended.err) == (
        1,
        "doorward: missing.csv cannot be read: No such file or directory\n",
    )
