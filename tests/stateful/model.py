"""The model: who may open what, in dictionaries, written from the rules and nothing of ours.

Ids are texts, times are instants in UTC, numbers are as callers write them.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import combinations
from typing import Any

Window = tuple[datetime | None, datetime | None]
ALWAYS: Window = (None, None)
NOBODY = "00000000-0000-0000-0000-000000000000"
# What is only just made, until its id is known.
NEW = "new"
# A fact of the journal: kind and the two ids.
Key = tuple[str, str, str]


# A state of the journal, with what it leaves out where it is as usual.
State = dict[str, Any]


class Refused(Exception):
    """What was asked for cannot be."""


@dataclass
class Entrance:
    """A door, and its system's name for it."""

    system: str
    name: str


@dataclass
class Group:
    """An access group, and the entrances that it opens."""

    system: str
    name: str
    entrances: set[str]


@dataclass
class Person:
    """Somebody in an access system."""

    system: str
    full_name: str | None = None
    email: str | None = None
    phone: str | None = None
    identity: str | None = None
    is_suspended: bool = False
    window: Window = ALWAYS
    groups: set[str] = field(default_factory=set)
    grants: set[str] = field(default_factory=set)

    @property
    def values(self) -> tuple[str | None, str | None, str | None]:
        return self.full_name, self.email, self.phone


@dataclass
class Credential:
    """A card, a code, or a key to open from afar with; `number` None: not issued."""

    system: str
    method: str
    person: str | None
    number: str | None
    state: str = "active"
    window: Window = ALWAYS
    entrances: set[str] = field(default_factory=set)
    use_limit: int | None = None
    uses: int = 0
    name: str = ""

    @property
    def is_issued(self) -> bool:
        return self.method == "cloud_key" or self.number is not None


@dataclass
class Identity:
    """Somebody across systems."""

    full_name: str | None = None
    email: str | None = None
    phone: str | None = None
    key: str | None = None


@dataclass
class Model:
    """Everything that there is, by id, the oldest first. `controllers`: of each system its own."""

    controllers: dict[str, str]
    entrances: dict[str, Entrance]
    groups: dict[str, Group]
    people: dict[str, Person] = field(default_factory=dict)
    credentials: dict[str, Credential] = field(default_factory=dict)
    identities: dict[str, Identity] = field(default_factory=dict)
    gone: set[tuple[str, str]] = field(default_factory=set)
    # What identities were called before they were merged, and the identity that it names now.
    merged_ids: dict[str, str] = field(default_factory=dict)
    merged_keys: dict[str, str] = field(default_factory=dict)

    def facts(self) -> dict[Key, tuple[State, object]]:
        """What the journal must have an entry for, whenever it changes: the state that the entry
        has, and what changes without showing in a state.
        """
        return dict(self._facts())

    def _facts(self) -> Iterator[tuple[Key, tuple[State, object]]]:
        for group_id, group in self.groups.items():
            yield ("group", group_id, NOBODY), (_span(ALWAYS), None)
            for entrance in group.entrances:
                yield ("group_entrance", group_id, entrance), ({}, None)
        for person_id, person in self.people.items():
            state = {"is_suspended": person.is_suspended} | _span(person.window)
            yield ("user", person_id, NOBODY), (state, person.values)
            for group_id in person.groups:
                yield ("membership", group_id, person_id), ({}, None)
            for entrance in person.grants:
                yield ("grant", person_id, entrance), ({}, None)
        for credential_id, c in self.credentials.items():
            fact = (self._credential_state(c), c.number)
            yield ("credential", credential_id, c.person or NOBODY), fact
            for entrance in c.entrances:
                yield ("credential_entrance", credential_id, entrance), ({}, None)

    def _credential_state(self, c: Credential) -> State:
        return {
            "access_method": c.method,
            "state": c.state,
            "is_issued": c.is_issued,
            "use_limit": c.use_limit,
            "uses": {self.controllers[c.system]: c.uses} if c.uses else {},
            "code_length": len(c.number) if c.method == "code" and c.number else None,
        } | _span(c.window)

    def of_person(self, person_id: str) -> list[str]:
        """The credentials of somebody."""
        return [id_ for id_, c in self.credentials.items() if c.person == person_id]

    def opened(self, person: Person) -> set[str]:
        """Every entrance that groups and grants of somebody lead to, whenever."""
        return set(person.grants).union(*(self.groups[group].entrances for group in person.groups))

    def reach(self, credential: Credential) -> set[str]:
        """Every entrance that a credential leads to, whenever."""
        owner = self.people.get(credential.person or "")
        return credential.entrances | (self.opened(owner) if owner else set())

    def clashes(self) -> bool:
        """Whether two codes that are the same are one person's, or open one entrance."""
        codes = [c for c in self.credentials.values() if c.method == "code"]
        return any(
            one.number == other.number and self._meet(one, other)
            for one, other in combinations(codes, 2)
        )

    def _meet(self, one: Credential, other: Credential) -> bool:
        is_one_persons = one.person is not None and one.person == other.person
        return is_one_persons or bool(self.reach(one) & self.reach(other))

    def accessible(self, person_id: str, now: datetime) -> set[str]:
        """What somebody can open now, with whatever there is in the pocket."""
        person = self.people[person_id]
        if person.is_suspended or not _open(person.window, now):
            return set()
        own = (
            self.credentials[id_].entrances
            for id_ in self.of_person(person_id)
            if self.refusal(self.credentials[id_], now) is None
        )
        return self.opened(person).union(*own)

    def refusal(self, credential: Credential, now: datetime) -> str | None:
        """Why a credential by itself opens nothing now (the ladder, rung 8)."""
        if not credential.is_issued:
            return "deny_credential_not_issued"
        if credential.person is None:
            return "deny_credential_unassigned"
        starts_at, ends_at = credential.window
        if starts_at is not None and now < starts_at:
            return "deny_credential_not_yet_valid"
        used_up = credential.use_limit is not None and credential.uses >= credential.use_limit
        if used_up or (ends_at is not None and now >= ends_at):
            return "deny_credential_expired"
        states = {"disabled": "disabled", "lost": "lost", "stolen": "lost"}
        if credential.state != "active":
            return f"deny_credential_{states[credential.state]}"
        return None

    def decision(self, credential_id: str, entrance: str, now: datetime) -> str:
        """What the door says to one credential (the ladder, rungs 8 to 16)."""
        credential = self.credentials[credential_id]
        reason = self.refusal(credential, now)
        if reason is not None:
            return reason
        assert credential.person is not None
        person = self.people[credential.person]
        if person.is_suspended:
            return "deny_suspended"
        starts_at, ends_at = person.window
        if starts_at is not None and now < starts_at:
            return "deny_not_yet_active"
        if ends_at is not None and now >= ends_at:
            return "deny_expired"
        return "allow" if entrance in self.reach(credential) else "deny_no_access"

    def opened_by(self, credential_id: str, now: datetime) -> set[str]:
        """What a credential opens now."""
        reach = self.reach(self.credentials[credential_id])
        return {e for e in reach if self.decision(credential_id, e, now) == "allow"}

    def shown(self, method: str, number: str, entrance: str, now: datetime) -> tuple[str, str]:
        """What the door says to a number, and the credential that it takes it for, or ""."""
        system = self.entrances[entrance].system
        holders = [
            id_
            for id_, c in self.credentials.items()
            if (c.method, c.number, c.system) == (method, number, system)
        ]
        if len(holders) > 1:
            allowed = [id_ for id_ in holders if self.decision(id_, entrance, now) == "allow"]
            holders = allowed if len(allowed) == 1 else []
        if not holders:
            return "deny_unknown_credential", ""
        return self.decision(holders[0], entrance, now), holders[0]

    def same_person(self, identity: Identity, system: str) -> str | None:
        """The one person of a system without an identity who is surely the same, by e-mail, then by
        phone.
        """
        there = {id_: p for id_, p in self.people.items() if p.system == system}
        free = {id_: p for id_, p in there.items() if p.identity is None}
        found = [i for i, p in free.items() if identity.email and p.email == identity.email]
        if not found:
            found = [
                i
                for i, p in free.items()
                if identity.phone
                and p.phone == identity.phone
                and (identity.email is None or p.email is None)
            ]
        return found[0] if len(found) == 1 else None

    def users_of(self, identity_id: str) -> list[str]:
        """The people that an identity is, one in a system at most."""
        return [i for i, p in self.people.items() if p.identity == identity_id]

    def user_of(self, identity_id: str, system: str) -> str | None:
        """The person that an identity is in a system."""
        users = self.users_of(identity_id)
        return next((i for i in users if self.people[i].system == system), None)

    def systems_of(self, identity_id: str) -> set[str]:
        """The systems in which an identity is somebody."""
        return {self.people[id_].system for id_ in self.users_of(identity_id)}

    def identity_of(self, name: str) -> str:
        """The identity that an id names, its own or that of one merged into it."""
        return self.merged_ids.get(name, name)

    def called(self, key: str | None) -> str | None:
        """The identity that a key names, or named before a merge."""
        now = {i.key: id_ for id_, i in self.identities.items() if i.key is not None}
        return {**self.merged_keys, **now}.get(key) if key is not None else None

    def is_unique(self, identity: Identity, id_: str | None = None) -> bool:
        """Whether no identity but `id_` has anything that an identity has for itself."""
        others = [other for other_id, other in self.identities.items() if other_id != id_]
        return self.called(identity.key) in {None, id_} and not any(
            (identity.email and other.email == identity.email)
            or (identity.phone and other.phone == identity.phone)
            for other in others
        )

    def become(self, identity_id: str, system: str) -> str:
        """The person that an identity is in a system, linked or made (NEW) where it was nobody."""
        identity = self.identities[identity_id]
        person_id = self.user_of(identity_id, system) or self.same_person(identity, system)
        if person_id is None:
            person_id = f"{NEW} {system}"
            values = (identity.full_name, identity.email, identity.phone)
            self.people[person_id] = Person(system, *values)
        self.people[person_id].identity = identity_id
        return person_id

    def merge(self, primary_id: str, other_id: str) -> None:
        """Makes one identity of two; whatever named the other names the first."""
        primary, other = self.identities[primary_id], self.identities.pop(other_id)
        primary.email = primary.email or other.email
        primary.phone = primary.phone or other.phone
        for named in (self.merged_ids, self.merged_keys):
            named.update({name: primary_id for name, id_ in named.items() if id_ == other_id})
        self.merged_ids[other_id] = primary_id
        if other.key is not None:
            self.merged_keys[other.key] = primary_id
        for person in self.people.values():
            if person.identity == other_id:
                person.identity = primary_id

    def delete_identity(self, identity_id: str) -> None:
        """Takes an identity away, with all its names and the people that it is."""
        for person_id in self.users_of(identity_id):
            self.delete_person(person_id)
        del self.identities[identity_id]
        self.gone.add(("user_identity", identity_id))
        for named in (self.merged_ids, self.merged_keys):
            for name in [name for name, id_ in named.items() if id_ == identity_id]:
                del named[name]

    def delete_group(self, group_id: str) -> None:
        """Takes a group away; nobody is in it."""
        del self.groups[group_id]
        for person in self.people.values():
            person.groups.discard(group_id)

    def settle(self, new: str, person_id: str) -> None:
        """Whoever was NEW has this id."""
        self.people[person_id] = self.people.pop(new)
        for credential in self.credentials.values():
            if credential.person == new:
                credential.person = person_id

    def delete_credential(self, credential_id: str) -> None:
        """Takes a credential away."""
        del self.credentials[credential_id]
        self.gone.add(("acs_credential", credential_id))

    def delete_person(self, person_id: str) -> None:
        """Takes somebody away, with every credential."""
        for credential_id in self.of_person(person_id):
            self.delete_credential(credential_id)
        del self.people[person_id]
        self.gone.add(("acs_user", person_id))


def _open(window: Window, now: datetime) -> bool:
    starts_at, ends_at = window
    return (starts_at is None or starts_at <= now) and (ends_at is None or now < ends_at)


def together(*systems: str) -> None:
    """Raises Refused for things of different systems."""
    if len(set(systems)) > 1:
        raise Refused


def milliseconds(moment: datetime) -> int:
    """A moment as journal and keypads have it, in milliseconds since 1970."""
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def _span(window: Window) -> State:
    starts_at, ends_at = (None if at is None else milliseconds(at) for at in window)
    return {"starts_at": starts_at, "ends_at": ends_at}
