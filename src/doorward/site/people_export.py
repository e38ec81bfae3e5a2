"""The people of an access system as files that an import makes the same people of."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple
from uuid import UUID

from doorward.site import people_checks
from doorward.site.people_checks import Known, by_name
from doorward.site.people_file import MOST, SEPARATOR, Person, read_people, write_people
from doorward.site.problems import Problems
from doorward.site.section import CONTROL
from doorward.store import bulk
from doorward.store.bulk import Exported, Group, System
from doorward.store.database import Database
from doorward.store.secrets import Keyring

# As the API shows a person without any value.
_NAMELESS: Final = "Unnamed user"
_FIRST_LINE: Final = 2
_LINE: Final = re.compile(r"\bline \d+")

# What a file cannot hold, as `Export.left_out` calls it.
PEOPLE: Final = "people: suspended, unmanaged, or with a schedule of their own"
CREDENTIALS: Final = (
    "credentials: not active or not for ever, unmanaged, cloud or mobile keys, or without a number"
    " yet"
)
UNASSIGNED: Final = "credentials: nobody's"
MEMBERSHIPS: Final = "memberships: in unmanaged groups"
ENTRANCES: Final = "entrances that a person or a credential opens without a group"
IDENTITIES: Final = "user identities: the people come without"
NAMES: Final = "names: not as they are, but on one line without blanks around"


class Export(NamedTuple):
    """Bytes of files of at most `MOST` people each, how many people they hold, and what they do
    not hold: how many of what, which says why.
    """

    files: tuple[bytes, ...]
    people: int
    left_out: Mapping[str, int]


async def export_people(database: Database, keyring: Keyring, system: System) -> Export:
    """Everybody in a system, as of one moment. Raises Unavailable."""
    async with database.transaction(isolation="repeatable_read", is_readonly=True) as connection:
        groups = await bulk.groups_of(connection, system)
        found = [each async for each in bulk.export(connection, keyring, system)]
        people_left_out, unassigned = await bulk.left_out(connection, system)
    names = {group.acs_access_group_id: _name(group, groups) for group in groups}
    people = [_person(line, each, names) for line, each in enumerate(found, _FIRST_LINE)]
    refused = _refused(people, groups, keyring, system)
    written = [person for person in people if person.line not in refused]
    held = [found[person.line - _FIRST_LINE] for person in written]
    left_out = Counter({PEOPLE: people_left_out, UNASSIGNED: unassigned}) + _lost(held, names)
    left_out.update(f"people: {reason}" for reason in refused.values())
    return Export(_files(written), len(written), left_out)


def _files(people: Sequence[Person]) -> tuple[bytes, ...]:
    starts = range(0, max(1, len(people)), MOST)
    return tuple(write_people(people[start : start + MOST]) for start in starts)


def _name(group: Group, groups: Sequence[Group]) -> str:
    """What an import finds a group by: its name, its id where the name would not do."""
    text = group.name
    is_plain = text == text.strip() and SEPARATOR not in text and not CONTROL.search(text)
    is_known = by_name(groups)[0].get(text) == group
    return text if is_plain and is_known else str(group.acs_access_group_id)


def _person(line: int, found: Exported, names: Mapping[UUID, str]) -> Person:
    return Person(
        line,
        _one_line(found.full_name or found.email_address or found.phone_number or _NAMELESS),
        found.email_address,
        found.phone_number,
        found.cards,
        found.codes,
        tuple(names[key] for key in found.acs_access_group_ids if key in names),
    )


def _one_line(name: str) -> str:
    return CONTROL.sub(" ", name).strip() or _NAMELESS


def _refused(
    people: Sequence[Person], groups: Sequence[Group], keyring: Keyring, system: System
) -> dict[int, str]:
    """The lines that an import would refuse in a system with nothing but these groups, and the
    first reason of each.
    """
    problems = Problems("")
    read = read_people(write_people(people), problems)
    lookups = people_checks.lookups_of(read, keyring, system.workspace_id)
    people_checks.check(read, Known(*by_name(groups), (), (), ()), lookups, problems)
    reasons: dict[int, str] = {}
    for line, reason in problems.found:
        # That there are too many for one file is no line's fault, and stands at the first one.
        if line >= _FIRST_LINE:
            reasons.setdefault(line, _LINE.sub("another line", reason))
    return reasons


def _lost(held: Iterable[Exported], names: Mapping[UUID, str]) -> Counter[str]:
    """What is lost of the people whom a file holds."""
    lost: Counter[str] = Counter()
    for each in held:
        lost[CREDENTIALS] += each.other_credentials
        lost[MEMBERSHIPS] += sum(key not in names for key in each.acs_access_group_ids)
        lost[ENTRANCES] += each.own_entrances
        lost[IDENTITIES] += each.has_identity
        lost[NAMES] += each.full_name is not None and each.full_name != _one_line(each.full_name)
    return lost
