"""The people of an access system as a file that an import makes the same people of."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple
from uuid import UUID

from doorward.site.people_checks import by_name
from doorward.site.people_file import SEPARATOR, Person, write_people
from doorward.site.section import CONTROL
from doorward.store import bulk
from doorward.store.bulk import Exported, Group, System
from doorward.store.database import Database
from doorward.store.secrets import Keyring

# As the API shows a person without any value.
_NAMELESS: Final = "Unnamed user"


class Export(NamedTuple):
    """A file's bytes, how many people it holds, and what it could not hold."""

    data: bytes
    people: int
    people_left_out: int
    credentials_left_out: int


async def export_people(database: Database, keyring: Keyring, system: System) -> Export:
    """Everybody in a system, as of one moment. Raises Unavailable."""
    async with database.transaction(isolation="repeatable_read", is_readonly=True) as connection:
        groups = await bulk.groups_of(connection, system)
        names = {group.acs_access_group_id: _name(group, groups) for group in groups}
        found = bulk.export(connection, keyring, system)
        people = [_person(each, names) async for each in found]
        left_out = await bulk.left_out(connection, system)
    return Export(write_people(people), len(people), *left_out)


def _name(group: Group, groups: Sequence[Group]) -> str:
    """What an import finds a group by: its name, its id where the name would not do."""
    text = group.name
    is_plain = text == text.strip() and SEPARATOR not in text and not CONTROL.search(text)
    is_known = by_name(groups)[0].get(text) == group
    return text if is_plain and is_known else str(group.acs_access_group_id)


def _person(found: Exported, names: Mapping[UUID, str]) -> Person:
    name = found.full_name or found.email_address or found.phone_number or _NAMELESS
    return Person(
        0,
        CONTROL.sub(" ", name),
        found.email_address,
        found.phone_number,
        found.cards,
        found.codes,
        tuple(names[key] for key in found.acs_access_group_ids if key in names),
    )
