"""What must hold of a file of people, within the file and against the system that they come to."""

from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple
from uuid import UUID

from doorward.policy.cards import CardNumber
from doorward.site.people_file import Number, Person
from doorward.site.problems import Problems
from doorward.store import bulk
from doorward.store.bulk import Group, System
from doorward.store.credentials import lookup
from doorward.store.secrets import Keyring
from doorward.store.select import Source

_SHARED_CODE: Final = "would open an entrance that another person's equal code opens"


class Known(NamedTuple):
    """What a system has of what a file names.

    people: keys as `Person.key` has them. cards: by keyed hash. codes: by keyed hash, with each
    entrance that somebody opens with them.
    """

    groups: Mapping[str, Group]
    ambiguous: Collection[str]
    people: Collection[tuple[str, str]]
    cards: Collection[bytes]
    codes: Collection[tuple[bytes, UUID]]


Lookups = Mapping[Number, bytes]


def lookups_of(people: Iterable[Person], keyring: Keyring, workspace_id: UUID) -> Lookups:
    """The keyed hash of every card and code of a file."""
    numbers = {number for person in people for number in person.numbers}
    return {number: lookup(keyring, workspace_id, number) for number in numbers}


async def read_known(
    source: Source, system: System, people: Sequence[Person], lookups: Lookups
) -> Known:
    """What the system has now of what these people are."""
    groups = await bulk.groups_of(source, system)
    keys = [person.key for person in people if person.key]
    cards = [lookups[card] for card in lookups if isinstance(card, CardNumber)]
    codes = [lookups[code] for code in lookups if not isinstance(code, CardNumber)]
    return Known(
        *by_name(groups),
        await bulk.people_there(
            source,
            system,
            [value for column, value in keys if column == "email"],
            [value for column, value in keys if column == "phone"],
        ),
        await bulk.cards_there(source, system, cards),
        await bulk.codes_there(source, system.workspace_id, codes),
    )


def by_name(groups: Iterable[Group]) -> tuple[dict[str, Group], set[str]]:
    """Groups by what a file may call them, id or name; and the names that several of them have."""
    found = {str(group.acs_access_group_id): group for group in groups}
    names = Counter(group.name for group in groups)
    named = {group.name: group for group in groups if names[group.name] == 1}
    return named | found, {name for name, count in names.items() if count > 1}


def check(people: Sequence[Person], known: Known, lookups: Lookups, problems: Problems) -> None:
    """Notes everything that keeps a line from being made a person as it stands."""
    _check_groups(people, known, problems)
    _check_once(((person.line, person.key) for person in people if person.key), problems)
    _check_once(((p.line, ("card", card)) for p in people for card in p.cards), problems)
    _check_there(people, known, lookups, problems)
    _check_codes(people, known, lookups, problems)


def groups_of(person: Person, known: Known) -> Iterator[Group]:
    """The groups that a line names, each once, as far as they are known."""
    found = (known.groups[name] for name in person.groups if name in known.groups)
    return iter({group.acs_access_group_id: group for group in found}.values())


def check_same_groups(
    people: Iterable[Person], known: Known, now: Iterable[Group], problems: Problems
) -> None:
    """Notes every group that a line names and that is another one now than it was."""
    groups = by_name(now)[0]
    changed = {
        name: "is another group now" if name in groups else "is no group any more"
        for name, group in known.groups.items()
        if name not in groups or groups[name].acs_access_group_id != group.acs_access_group_id
    }
    for person in people:
        for name in filter(changed.get, person.groups):
            problems.add(person.line, f"groups: {name!r} {changed[name]}, changed meanwhile")


def _check_groups(people: Iterable[Person], known: Known, problems: Problems) -> None:
    for person in people:
        for name in person.groups:
            if name in known.ambiguous and name not in known.groups:
                problems.add(person.line, f"groups: several groups are called {name!r}; give an id")
            elif name not in known.groups:
                problems.add(person.line, f"groups: the system has no group {name!r}")


def _check_once(found: Iterable[tuple[int, tuple[str, Hashable]]], problems: Problems) -> None:
    lines: dict[tuple[str, Hashable], int] = {}
    for line, value in found:
        first = lines.setdefault(value, line)
        if first != line:
            problems.add(line, f"{value[0]}: the same as in line {first}")


def _check_there(
    people: Iterable[Person], known: Known, lookups: Lookups, problems: Problems
) -> None:
    for person in people:
        if person.key is not None and person.key in known.people:
            problems.add(person.line, f"{person.key[0]}: a person of the system has it already")
        if any(lookups[card] in known.cards for card in person.cards):
            problems.add(person.line, "card: a credential of the system has it already")


def _check_codes(
    people: Iterable[Person], known: Known, lookups: Lookups, problems: Problems
) -> None:
    """A door could not tell two people apart who open it with equal codes."""
    lines: dict[tuple[bytes, UUID], int] = {}
    for person in people:
        entrances = {each for group in groups_of(person, known) for each in group.acs_entrance_ids}
        places = {(lookups[code], entrance) for code in person.codes for entrance in entrances}
        if not places.isdisjoint(known.codes):
            problems.add(person.line, f"code: {_SHARED_CODE}")
        shared = {lines[place] for place in places if place in lines}
        if shared:
            problems.add(person.line, f"code: {_SHARED_CODE}, as in line {min(shared)}")
        for place in places:
            lines.setdefault(place, person.line)
