"""`doorward present`."""

import pytest

from tests.cli import answers
from tests.cli.conftest import Run
from tests.cli.fake import FakeServer


@pytest.fixture(autouse=True)
def two_doors(fake: FakeServer) -> None:
    fake.answers(
        "/doorward/doors/list",
        answers.doors(answers.door(answers.FRONT, "Front Door"), answers.door(answers.LAB, "Lab")),
    )
    fake.answers("/doorward/doors/present", answers.decision("allow", "allow", 16))
    fake.answers("/acs/users/get", {"acs_user": answers.user(), "ok": True})


def test_an_open_door(run: Run, fake: FakeServer) -> None:
    ended = run("present", "--entrance", "front door", "--card", "42-12345")
    assert ended == (
        0,
        (
            "allow, rule 16, policy revision 12\n"
            f"front door, Jane Doe {answers.JANE}, {answers.AT}\n"
        ),
        "",
    )
    assert fake.parameters("/doorward/doors/present") == [
        {"acs_entrance_id": answers.FRONT, "card_number": "42-12345"}
    ]


def test_a_door_that_stays_shut(run: Run, fake: FakeServer) -> None:
    fake.answers("/doorward/doors/present", answers.decision("deny", "deny_no_access", 11))
    ended = run("present", "--entrance", answers.FRONT, "--code", "0815")
    assert ended.code == 3
    assert ended.out.startswith("deny_no_access, rule 11, policy revision 12\n")
    assert fake.parameters("/doorward/doors/present") == [
        {"acs_entrance_id": answers.FRONT, "code": "0815"}
    ]


def test_another_reader_than_the_first(run: Run, fake: FakeServer) -> None:
    reader = "f2f6a1f0-6c38-4a3f-8a0b-5f54a9a6b0e0"
    assert run("present", "--entrance", "Lab", "--code", "0815", "--reader", reader).code == 0
    assert fake.parameters("/doorward/doors/present") == [
        {"acs_entrance_id": answers.LAB, "code": "0815", "reader_id": reader}
    ]


def test_a_card_that_nobody_knows_has_a_cause_and_no_person(run: Run, fake: FakeServer) -> None:
    unknown = answers.decision(
        "deny", "deny_unknown_credential", 7, cause="unreadable", acs_user_id=None
    )
    fake.answers("/doorward/doors/present", unknown)
    ended = run("present", "--entrance", answers.FRONT, "--card", "?")
    assert "deny_unknown_credential (unreadable), rule 7" in ended.out
    assert "nobody known" in ended.out


def test_needs_no_list_and_no_name_where_an_id_is_given(run: Run, fake: FakeServer) -> None:
    fake.refuses("/doorward/doors/list", 503, "unavailable", "the database is down")
    fake.refuses("/acs/users/get", 503, "unavailable", "the database is down")
    ended = run("present", "--entrance", answers.FRONT, "--card", "42-12345")
    assert ended.code == 0
    assert answers.JANE in ended.out


@pytest.mark.parametrize(
    "words", [(), ("--card", "42-12345", "--code", "1234")], ids=["neither", "both"]
)
def test_takes_one_factor(run: Run, words: tuple[str, ...]) -> None:
    ended = run("present", "--entrance", "Lab", *words)
    assert ended == (2, "", "doorward: give either --card or --code\n")


def test_names_the_entrances_there_are(run: Run) -> None:
    ended = run("present", "--entrance", "Cellar", "--card", "42-12345")
    assert ended == (
        1,
        "",
        "doorward: there is no entrance 'Cellar'; there are: Front Door, Lab\n",
    )


def test_wants_an_id_where_a_name_is_not_enough(run: Run, fake: FakeServer) -> None:
    fake.answers(
        "/doorward/doors/list",
        answers.doors(answers.door(answers.FRONT, "Lab"), answers.door(answers.LAB, "Lab")),
    )
    ended = run("present", "--entrance", "Lab", "--card", "42-12345")
    assert ended.code == 1
    assert answers.FRONT in ended.err
    assert answers.LAB in ended.err
