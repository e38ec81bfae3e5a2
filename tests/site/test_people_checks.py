"""Checks of files of people that would take too long if lines were held against each other."""

from uuid import UUID, uuid4

from doorward.policy.cards import CodeNumber
from doorward.site import people_checks
from doorward.site.people_checks import Known
from doorward.site.people_file import Person
from doorward.site.problems import Problems
from doorward.store.bulk import Group
from doorward.store.secrets import Keyring


class _Counted(UUID):
    """An entrance's id that counts how often it is looked up."""

    hashes = 0

    def __hash__(self) -> int:
        _Counted.hashes += 1
        return super().__hash__()


def _looked_up(count: int, keyring: Keyring) -> float:
    """How often an entrance is looked up for each of so many people with codes in one group."""
    group = Group(uuid4(), "Staff", frozenset([_Counted(int=7)]))
    known = Known({"Staff": group}, (), (), (), ())
    people = [
        Person(line, "A", codes=(CodeNumber(f"{line:08}"),), groups=("Staff",))
        for line in range(count)
    ]
    lookups = people_checks.lookups_of(people, keyring, uuid4())
    problems = Problems("people.csv")
    before = _Counted.hashes
    people_checks.check(people, known, lookups, problems)
    assert problems.found == []
    return (_Counted.hashes - before) / count


def test_a_line_costs_no_more_among_many(keyring: Keyring) -> None:
    assert _looked_up(2_000, keyring) == _looked_up(20, keyring)


def test_the_first_line_with_a_code_is_the_one_that_is_told(keyring: Keyring) -> None:
    group = Group(uuid4(), "Staff", frozenset([uuid4()]))
    known = Known({"Staff": group}, (), (), (), ())
    people = [
        Person(line, "A", codes=(CodeNumber("2580"),), groups=("Staff",)) for line in (2, 3, 4)
    ]
    problems = Problems("people.csv")
    people_checks.check(people, known, people_checks.lookups_of(people, keyring, uuid4()), problems)
    assert [(line, reason[-9:]) for line, reason in problems.found] == [
        (3, "in line 2"),
        (4, "in line 2"),
    ]
