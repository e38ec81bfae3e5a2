"""Every read that there is, with what it must answer by the model."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from doorward.api.table import ROUTES
from tests.stateful.model import Identity, Model, Person
from tests.stateful.site import Event, Site, moment

ROUTE = {route.path: route for route in ROUTES}
TERMS = ("ad", "B", "lena  fi", "machine.test", "+1555555019", "a@machine", "door", "Code", "s b")
PAGE = 3


@dataclass(frozen=True)
class Question:
    """A call and what it must answer: ids in order, one id, or the status of a refusal."""

    path: str
    parameters: dict[str, Any]
    answer: list[str] | str | int

    def ask(self, site: Site) -> None:
        """Asks it of the site; a list also page by page, where it has pages."""
        said = (self.path, self.parameters)
        answer = site.post(self.path, **self.parameters)
        if isinstance(self.answer, int):
            assert answer.status_code == self.answer, (said, answer.text)
            return
        assert answer.status_code == 200, (said, answer.text)
        shown = answer.json()[self._key]
        if isinstance(self.answer, str):
            assert shown[self._id] == self.answer, said
            return
        assert [one[self._id] for one in shown] == self.answer, said
        if ROUTE[self.path].page_limit:
            assert self._pages(site) == self.answer, said

    def _pages(self, site: Site) -> list[str]:
        found: list[str] = []
        more: dict[str, str] = {}
        while True:
            body = site.post(self.path, limit=PAGE, **more, **self.parameters).json()
            page, pagination = body[self._key], body["pagination"]
            found += [one[self._id] for one in page]
            if not pagination["has_next_page"]:
                assert pagination["next_page_cursor"] is None
                return found
            assert len(page) == PAGE
            more = {"page_cursor": pagination["next_page_cursor"]}

    @property
    def _key(self) -> str:
        return str(ROUTE[self.path].response_key)

    @property
    def _id(self) -> str:
        one = self._key.removesuffix("ies") + "y" if self._key.endswith("ies") else self._key
        return f"{one.removesuffix('s')}_id"


@dataclass(frozen=True)
class Asking:
    """Makes the questions of one moment.

    created: when what lists show was made. attempts: every action attempt, the oldest first.
    strangers: what another system manages, by kind.
    """

    model: Model
    now: datetime
    created: Mapping[str, str]
    events: list[Event]
    attempts: list[str]
    strangers: Mapping[str, str]

    def questions(self) -> Iterator[Question]:
        """All of them."""
        yield from self._people()
        yield from self._groups()
        yield from self._credentials()
        yield from self._entrances()
        yield from self._identities()
        yield from self._events()
        yield from self._attempts()
        yield from self._strangers()
        for kind, id_ in sorted(self.model.gone):
            yield Question(GET[kind], {f"{kind}_id": id_}, 404)

    # People.

    def _people(self) -> Iterator[Question]:
        model, people = self.model, self.model.people
        get, entrances = "/acs/users/get", "/acs/users/list_accessible_entrances"
        for id_, person in people.items():
            names: list[dict[str, str]] = [{"acs_user_id": id_}]
            if person.identity:
                named = {"user_identity_id": person.identity, "acs_system_id": person.system}
                names.append(named)
            for named in names:
                yield Question(get, named, id_)
                yield Question(entrances, named, self._doors(model.accessible(id_, self.now)))
            yield Question("/acs/users/unmanaged/get", {"acs_user_id": id_}, 404)
        path = "/acs/users/list"
        yield Question(path, {}, list(people))
        yield from self._by_system(path, people)
        yield from self._created_before(path, people)
        for term in self._terms(people):
            found = [id_ for id_, p in people.items() if self._finds_person(term, id_, p)]
            yield Question(path, {"search": term}, found)
        for name, identity_id in self._names():
            yield Question(path, {"user_identity_id": name}, model.users_of(identity_id))
        for identity_id, identity in model.identities.items():
            users = model.users_of(identity_id)
            if identity.email:
                asked = {"user_identity_email_address": identity.email.upper()}
                yield Question(path, asked, users)
            if identity.phone:
                yield Question(path, {"user_identity_phone_number": identity.phone}, users)

    def _finds_person(self, term: str, id_: str, person: Person) -> bool:
        identity = self.model.identities.get(person.identity or "", Identity())
        texts = (*person.values, identity.full_name, identity.phone)
        return _finds(term, texts, id_, person.identity)

    # Groups.

    def _groups(self) -> Iterator[Question]:
        model, groups = self.model, self.model.groups
        for id_, group in groups.items():
            named = {"acs_access_group_id": id_}
            members = [i for i, p in model.people.items() if id_ in p.groups]
            yield Question("/acs/access_groups/get", named, id_)
            yield Question("/acs/access_groups/list_users", named, members)
            opens = self._doors(group.entrances)
            yield Question("/acs/access_groups/list_accessible_entrances", named, opens)
            yield Question("/acs/access_groups/unmanaged/get", named, 404)
        path = "/acs/access_groups/list"
        yield from self._by_system(path, groups)
        for id_, person in model.people.items():
            theirs = [group for group in groups if group in person.groups]
            yield Question(path, {"acs_user_id": id_}, theirs)
        for name, identity_id in self._names():
            mine = [model.people[user].groups for user in model.users_of(identity_id)]
            found = [group for group in groups if any(group in each for each in mine)]
            yield Question(path, {"user_identity_id": name}, found)
        for term in self._terms(groups):
            found = [id_ for id_, g in groups.items() if _finds(term, [g.name], id_)]
            yield Question(path, {"search": term}, found)

    # Credentials.

    def _credentials(self) -> Iterator[Question]:
        model, credentials = self.model, self.model.credentials
        for id_ in credentials:
            named = {"acs_credential_id": id_}
            opens = self._doors(model.opened_by(id_, self.now))
            yield Question("/acs/credentials/get", named, id_)
            yield Question("/acs/credentials/list_accessible_entrances", named, opens)
            yield Question("/acs/entrances/list", named, opens)
            yield Question("/acs/credentials/unmanaged/get", named, 404)
        path = "/acs/credentials/list"
        yield Question(path, {}, list(credentials))
        yield Question(path, {"is_multi_phone_sync_credential": True}, [])
        yield from self._by_system(path, credentials)
        yield from self._created_before(path, credentials)
        for person in model.people:
            yield Question(path, {"acs_user_id": person}, model.of_person(person))
        for name, identity_id in self._names():
            users = model.users_of(identity_id)
            found = [id_ for id_, c in credentials.items() if c.person in users]
            yield Question(path, {"user_identity_id": name}, found)
        numbers = sorted({c.number for c in credentials.values() if c.number})
        for term in (*self._terms(credentials), *numbers):
            found = [
                id_
                for id_, c in credentials.items()
                if c.number == term or _finds(term, [c.name], id_, c.person)
            ]
            yield Question(path, {"search": term}, found)

    # Entrances.

    def _entrances(self) -> Iterator[Question]:
        model, entrances = self.model, self.model.entrances
        for id_ in entrances:
            named = {"acs_entrance_id": id_}
            opening = [c for c in model.credentials if id_ in model.opened_by(c, self.now)]
            yield Question("/acs/entrances/get", named, id_)
            yield Question("/acs/entrances/list_credentials_with_access", named, opening)
        path = "/acs/entrances/list"
        yield Question(path, {}, list(entrances))
        yield from self._by_system(path, entrances)
        some = list(entrances)[1::2]
        yield Question(path, {"acs_entrance_ids": some[::-1]}, some)
        for term in self._terms(entrances):
            found = [id_ for id_, e in entrances.items() if _finds(term, [e.name], id_)]
            yield Question(path, {"search": term}, found)

    # Identities.

    def _names(self) -> Iterator[tuple[str, str]]:
        """Every id that names an identity, and the identity."""
        yield from ((id_, id_) for id_ in self.model.identities)
        yield from self.model.merged_ids.items()

    def _identities(self) -> Iterator[Question]:
        model, identities = self.model, self.model.identities
        for name, id_ in self._names():
            named = {"user_identity_id": name}
            users, systems = model.users_of(id_), model.systems_of(id_)
            doors = {e for user in users for e in model.accessible(user, self.now)}
            there = [system for system in model.controllers if system in systems]
            yield Question("/user_identities/get", named, id_)
            yield Question("/user_identities/list_acs_users", named, users)
            yield Question("/user_identities/list_acs_systems", named, there)
            yield Question("/user_identities/list_accessible_entrances", named, self._doors(doors))
            yield Question("/user_identities/list_accessible_devices", named, [])
            yield Question("/user_identities/unmanaged/get", named, 404)
            yield Question("/user_identities/unmanaged/update", named | {"is_managed": True}, 404)
            on_device = named | {"device_id": id_}
            yield Question("/user_identities/grant_access_to_device", on_device, 404)
            yield Question("/user_identities/revoke_access_to_device", on_device, 404)
            yield Question("/user_identities/generate_instant_key", named, 400)
        keys = {i.key: id_ for id_, i in identities.items() if i.key}
        for key, id_ in (model.merged_keys | keys).items():
            yield Question("/user_identities/get", {"user_identity_key": key}, id_)
        path = "/user_identities/list"
        yield Question(path, {}, list(identities))
        yield from self._created_before(path, identities)
        some = [*model.merged_ids, *list(identities)[::2]]
        meant = {model.identity_of(name) for name in some}
        ordered = [id_ for id_ in identities if id_ in meant]
        yield Question(path, {"user_identity_ids": some}, ordered)
        for term in self._terms(identities):
            found = [
                id_
                for id_, i in identities.items()
                if _finds(term, (i.full_name, i.phone, i.email), id_)
            ]
            yield Question(path, {"search": term}, found)

    # What happened.

    def _events(self) -> Iterator[Question]:
        events = sorted(self.events, key=lambda e: (e["created_at"], e["event_id"]))
        for event in events[-1:] + events[:1]:
            yield Question("/events/get", {"event_id": event["event_id"]}, event["event_id"])
        for one in sorted({event["event_type"] for event in events}):
            newest = _ids(_about(events, event_type={one}))[-1]
            yield Question("/events/get", {"event_type": one}, newest)
            yield _listed(_about(events, event_type={one}), event_type=one)
        few = sorted({event["event_type"] for event in events})[::2]
        yield _listed(_about(events, event_type=set(few)), event_types=few)
        yield _listed(events)
        for name in ("acs_system_id", "acs_entrance_id", "acs_user_id", "acs_credential_id"):
            for id_ in sorted({e[name] for e in events if name in e})[:4]:
                yield _listed(_about(events, **{name: {id_}}), **{name: id_})
        for name, id_ in self._names():
            names = {id_, *(old for old, new in self.model.merged_ids.items() if new == id_)}
            yield _listed(_about(events, user_identity_id=names), user_identity_id=name)
        if len(events) > 2:
            first, last = events[0]["created_at"], events[-1]["created_at"]
            between = [e for e in events if first < e["created_at"] < last]
            asked = {"between": [first, last], "limit": 1000}
            yield Question("/events/list", asked, _ids(between[:1000]))

    def _attempts(self) -> Iterator[Question]:
        path = "/action_attempts/list"
        yield Question(path, {}, self.attempts)
        yield Question(
            path, {"action_attempt_ids": self.attempts[::-2]}, _every_other(self.attempts)
        )
        yield Question(path, {"device_id": next(iter(self.model.entrances))}, [])
        for id_ in self.attempts[-2:]:
            yield Question("/action_attempts/get", {"action_attempt_id": id_}, id_)

    # What another system manages.

    def _strangers(self) -> Iterator[Question]:
        for kind, id_ in self.strangers.items():
            get_path, list_path = UNMANAGED[kind]
            yield Question(get_path, {f"{kind}_id": id_}, id_)
            yield Question(GET[kind], {f"{kind}_id": id_}, 404)
            yield Question(list_path, {}, [id_])
            yield Question(list_path, {"search": "stranger"}, [id_])
            yield Question(list_path, {"search": "lena"}, [])
        for system in self.model.controllers:
            is_theirs = system == list(self.model.controllers)[1]
            for kind in ("acs_user", "acs_access_group", "acs_credential"):
                theirs = [self.strangers[kind]] if is_theirs else []
                yield Question(UNMANAGED[kind][1], {"acs_system_id": system}, theirs)

    # What they are made of.

    def _doors(self, entrances: set[str]) -> list[str]:
        return [id_ for id_ in self.model.entrances if id_ in entrances]

    def _by_system(self, path: str, things: Mapping[str, Any]) -> Iterator[Question]:
        for system in self.model.controllers:
            found = [id_ for id_, thing in things.items() if thing.system == system]
            yield Question(path, {"acs_system_id": system}, found)

    def _created_before(self, path: str, things: Mapping[str, Any]) -> Iterator[Question]:
        for middle in list(things)[len(things) // 2 :: 4]:
            at = self.created[middle]
            found = [id_ for id_ in things if moment(self.created[id_]) < moment(at)]
            yield Question(path, {"created_before": at}, found)

    def _terms(self, things: Mapping[str, Any]) -> list[str]:
        """What is searched for: texts, and the beginning of some ids."""
        return [*TERMS, *(id_[: 8 + 5 * (n % 2)] for n, id_ in enumerate(list(things)[::3]))]


def _finds(term: str, texts: Iterable[str | None], *ids: str | None) -> bool:
    """Whether a search finds somebody: part of a text, or how an id begins."""
    term = " ".join(term.lower().split())
    digits = term.replace("-", "")
    is_id = len(digits) >= 4 and not set(digits) - set("0123456789abcdef")
    return any(text and term in text.lower() for text in texts) or any(
        is_id and id_ and id_.replace("-", "").startswith(digits) for id_ in ids
    )


def _about(events: Iterable[Event], **wanted: set[str]) -> list[Event]:
    """Events that name one of some values under each of these names."""
    return [e for e in events if all(e.get(name) in values for name, values in wanted.items())]


def _listed(events: list[Event], **asked: Any) -> Question:
    """The list that must answer these events, from their middle on."""
    first, limit = len(events) // 2, 5
    page = {"since": "2000-01-01T00:00:00Z", "unstable_offset": first, "limit": limit}
    return Question("/events/list", page | asked, _ids(events[first : first + limit]))


def _ids(events: Iterable[Event]) -> list[str]:
    return [event["event_id"] for event in events]


def _every_other(attempts: list[str]) -> list[str]:
    chosen = set(attempts[::-2])
    return [id_ for id_ in attempts if id_ in chosen]


GET = {
    "acs_user": "/acs/users/get",
    "acs_access_group": "/acs/access_groups/get",
    "acs_credential": "/acs/credentials/get",
    "user_identity": "/user_identities/get",
}
UNMANAGED = {
    "acs_user": ("/acs/users/unmanaged/get", "/acs/users/unmanaged/list"),
    "acs_access_group": (
        "/acs/access_groups/unmanaged/get",
        "/acs/access_groups/unmanaged/list",
    ),
    "acs_credential": ("/acs/credentials/unmanaged/get", "/acs/credentials/unmanaged/list"),
    "user_identity": ("/user_identities/unmanaged/get", "/user_identities/unmanaged/list"),
}
