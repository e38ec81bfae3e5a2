"""A file of people, read and written; no database."""

from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.policy.cards import CardNumber, CodeNumber
from doorward.site.people_file import MOST, Person, read_people, write_people
from doorward.site.problems import Problems, SiteError

HEADER = "name,email,phone,card,code,groups\n"


def _read(text: str | bytes) -> list[Person]:
    problems = Problems("people.csv")
    found = read_people(text if isinstance(text, bytes) else text.encode(), problems)
    problems.refuse()
    return found


def _refused(text: str | bytes) -> list[tuple[int, str]]:
    with pytest.raises(SiteError) as refused:
        _read(text)
    return [(line, reason) for line, reason in refused.value.problems]


def test_a_line_is_a_person() -> None:
    line = 'Anna Berg,anna@example.com,+4930123456,42-1; 04:A2:2B:11,0815,"Staff;Chemists"\n'
    assert _read(HEADER + line) == [
        Person(
            2,
            "Anna Berg",
            "anna@example.com",
            "+4930123456",
            (CardNumber("h10301", "42-1"), CardNumber("csn", "04A22B11")),
            (CodeNumber("0815"),),
            ("Staff", "Chemists"),
        )
    ]


def test_a_name_is_enough_and_columns_come_in_any_order() -> None:
    assert _read("groups,Name\nStaff,Anna\n,Bo\n") == [
        Person(2, "Anna", groups=("Staff",)),
        Person(3, "Bo"),
    ]


def test_what_spreadsheets_write_is_read() -> None:
    text = '\ufeffname,groups\r\n\r\n"Berg, Anna ","Staff;"\r\n'
    assert _read(text) == [Person(3, "Berg, Anna", groups=("Staff",))]


def test_a_person_may_have_many_cards() -> None:
    cards = [f"255-{number}" for number in range(60_000, 60_050)]
    assert [each.text for each in _read(f"name,card\nAnna,{';'.join(cards)}\n")[0].cards] == cards


def test_a_card_written_in_two_ways_is_one_card() -> None:
    for spelled in ("62-3; 062-3", "04A22B115C6E81;04:A2:2B:11:5C:6E:81", "62-1;62-01;062-1"):
        (person,) = _read(f"name,card\nAda,{spelled}\n")
        assert len(person.cards) == 1


def test_who_is_in_thousands_of_groups_has_a_long_line() -> None:
    groups = tuple(str(uuid4()) for _ in range(5_000))
    (person,) = _read(f"name,groups\nAda,{';'.join(groups)}\n")
    assert person.groups == groups


def test_lines_count_as_an_editor_counts_them() -> None:
    assert _refused('name,email\n"Anna\nBerg",\nBo,bo\n') == [
        (2, "name: must not have control characters or line breaks"),
        (4, "email: must be an e-mail address"),
    ]


def test_every_bad_field_is_told_at_once() -> None:
    text = HEADER + ",anna,0301,256-1,12,\n" + "x" * 256 + ",,,,,\nBo,,,\n"
    assert _refused(text) == [
        (2, "card: must be FACILITY-NUMBER such as 42-12345, or a serial number"),
        (2, "code: must be 4 to 9 digits"),
        (2, "email: must be an e-mail address"),
        (2, "name: is missing"),
        (2, "phone: must be a number such as +4930123456"),
        (3, "name: must have at most 255 characters"),
        (4, "the line has 4 fields, the first line 6"),
    ]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "the file is empty"),
        ("email\n", "the column name is missing"),
        ("name,name\n", "the column name stands there twice"),
        ("name,pin\n", "'pin' is no column; there are name, email, phone, card, code, groups"),
        ("name;email\nAnna;a@b\n", "the columns are separated by semicolons; save it with commas"),
        ("name\temail\n", "the columns are separated by tabs; save it with commas"),
        (b"name\n\xff\n", "the file is not UTF-8"),
        ('name\n"Anna\n', "this is no CSV: unexpected end of data"),
        ('"name\n', "this is no CSV: unexpected end of data"),
        ("name,email\n\n", "the file has nobody: there is no line after its columns"),
    ],
)
def test_what_is_no_file_of_people_is_refused(text: str | bytes, reason: str) -> None:
    assert reason in [found for _, found in _refused(text)]


def test_a_file_that_would_hold_others_up_for_long_is_refused() -> None:
    too_many = "name\n" + "Anna\n" * (MOST + 1)
    assert _refused(too_many) == [(1, "the file has 50,001 people; split it into files of 50,000")]


_TEXT = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=9)
_PEOPLE = st.builds(
    Person,
    st.just(0),
    _TEXT,
    st.none() | st.builds("{}@example.com".format, st.integers(0, 99)),
    st.none() | st.builds("+49{}".format, st.integers(1000, 9999)),
    st.lists(
        st.builds(CardNumber, st.just("h10301"), st.sampled_from(["1-1", "255-65535"])), unique=True
    ).map(tuple),
    st.lists(st.builds(CodeNumber, st.sampled_from(["0000", "123456789"])), unique=True).map(tuple),
    st.lists(_TEXT.filter(lambda text: ";" not in text), unique=True).map(tuple),
)


@given(st.lists(_PEOPLE, min_size=1))
def test_what_is_written_is_read_again(people: list[Person]) -> None:
    read = _read(write_people(people).decode())
    assert [person._replace(line=0) for person in read] == people
