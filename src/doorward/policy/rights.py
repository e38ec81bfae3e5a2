"""Who may open what in a slice: groups, memberships, grants and credentials' own entrances.

Each gives paths; they only differ in their source.
"""

from collections.abc import Iterator, Mapping
from typing import Final
from uuid import UUID

import msgspec

from doorward.policy.facts import GroupState, Kind, Window
from doorward.policy.held import Sets, put
from doorward.policy.model import Credential, Path
from doorward.policy.packed import Links, Numbers

_ALWAYS: Final = Window()
_decode: Final = msgspec.json.Decoder(GroupState).decode


class Rights:
    """The links between people, credentials, groups and entrances, in compact form."""

    __slots__ = (
        "_entrance_numbers",
        "_entrances_of_credential",
        "_entrances_of_user",
        "_group_numbers",
        "_groups",
        "_groups_of_entrance",
        "_groups_of_user",
    )

    def __init__(self) -> None:
        # What a decision asks of a group is the path it gives, the same through every entrance.
        self._groups: dict[int, Path] = {}
        self._group_numbers = Numbers()
        self._groups_of_entrance = Sets()
        self._groups_of_user = Links(self._group_numbers)
        self._entrance_numbers = Numbers()
        self._entrances_of_credential = Links(self._entrance_numbers)
        self._entrances_of_user = Links(self._entrance_numbers)

    def put_group(self, group: UUID, state: bytes | None) -> None:
        """Holds a group with its window, from the raw JSON of its state; None ends it."""
        path = None if state is None else Path("access_group", group, _decode(state).window)
        put(self._groups, group.int, path)

    def link(self, kind: Kind, a: UUID, b: UUID, is_linked: bool) -> None:
        """Holds a link of a kind between the two keys of its fact, or no longer."""
        match kind:
            case Kind.MEMBERSHIP:
                self._groups_of_user.put(b.bytes, a.int, is_linked)
            case Kind.CREDENTIAL_ENTRANCE:
                self._entrances_of_credential.put(a.bytes, b.int, is_linked)
            case Kind.GRANT:
                self._entrances_of_user.put(a.bytes, b.int, is_linked)
            case Kind.GROUP_ENTRANCE:
                self._link_group(a.int, b.int, is_linked)

    def paths(
        self, acs_user_id: UUID, acs_credential_id: UUID, acs_entrance_id: UUID
    ) -> Iterator[Path]:
        """Every path that leads a person with a credential through an entrance.

        A group opens nothing before it is known itself, with its window.
        """
        person, here = acs_user_id.bytes, acs_entrance_id.int
        groups = self._groups_of_entrance.of(here)
        for number in groups.intersection(self._groups_of_user.of(person)) if groups else ():
            path = self._groups.get(self._group_numbers.id_of(number))
            if path is not None:
                yield path
        entrance = self._entrance_numbers.of(here)
        if entrance is None:
            return
        if entrance in self._entrances_of_credential.of(acs_credential_id.bytes):
            yield Path("credential", acs_credential_id, _ALWAYS)
        if entrance in self._entrances_of_user.of(person):
            yield Path("grant", acs_user_id, _ALWAYS)

    def entrances_behind_groups(self) -> dict[int, set[UUID]]:
        """The entrances that each group opens, by the group's number."""
        behind: dict[int, set[UUID]] = {}
        for entrance, numbers in self._groups_of_entrance:
            for number in numbers:
                if self._group_numbers.id_of(number) in self._groups:
                    behind.setdefault(number, set()).add(UUID(int=entrance))
        return behind

    def opened_by(self, credential: Credential, behind: Mapping[int, set[UUID]]) -> set[UUID]:
        """The entrances that a credential may open at whatever time, `behind` groups as above."""
        if credential.acs_user_id is None:
            return set()
        person, own = credential.acs_user_id.bytes, credential.acs_credential_id.bytes
        opened = set().union(*(behind.get(one, ()) for one in self._groups_of_user.of(person)))
        for links, subject in (
            (self._entrances_of_user, person),
            (self._entrances_of_credential, own),
        ):
            opened |= {UUID(int=self._entrance_numbers.id_of(one)) for one in links.of(subject)}
        return opened

    def _link_group(self, group: int, entrance: int, is_linked: bool) -> None:
        number = self._group_numbers.take(group)
        was_linked = number in self._groups_of_entrance.of(entrance)
        self._groups_of_entrance.put(entrance, number, is_linked)
        # A link keeps its reference; the one taken to ask goes, and with a link that ends its own.
        for _ in range(1 + was_linked - is_linked):
            self._group_numbers.drop(number)
