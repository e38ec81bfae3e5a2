"""How a history is played: calls are made, told to the model, and compared wherever it shows."""

from collections.abc import Callable, Iterable
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import uuid4

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize

from doorward.testing.hosting import Host
from tests.stateful.model import NEW, Credential, Key, Model, Person, Window
from tests.stateful.site import SYSTEM, Site

NAMES = st.sampled_from(["Ada", "Bo", "Cleo"])
EMAILS = st.sampled_from([None, "a@machine.test", "b@machine.test", "c@machine.test"])
PHONES = st.sampled_from([None, "+15555550190", "+15555550191"])
CODES = st.sampled_from(["7391", "73915", "80426", "914273"])
CARDS = st.sampled_from([f"77-{number}" for number in range(1, 7)])
KEYS = st.sampled_from([None, "key-a", "key-b", "jane-doe"])
# Hours from now, far enough from a step's own duration.
STARTS = st.sampled_from([None, -1, 2, 30])
ENDS = st.sampled_from([None, 1, 20, 40])
PICK = st.integers(0, 10_000)

# Whoever these take something from can open no more afterwards than before.
REMOVING = {
    "/acs/access_groups/delete",
    "/acs/access_groups/remove_user",
    "/acs/credentials/delete",
    "/acs/credentials/unassign",
    "/acs/users/delete",
    "/acs/users/remove_from_access_group",
    "/acs/users/revoke_access_to_all_entrances",
    "/acs/users/suspend",
    "/user_identities/delete",
    "/user_identities/remove_acs_user",
}
# A keypad listens to no code after five wrong ones in five minutes, which the doors' own tests
# are about.
WRONG_CODES = 4
FEW = 4
FORGOTTEN = timedelta(minutes=6)

Update = Callable[[Any], None]
Events = tuple[tuple[str, str], ...]
# A method and a number, as somebody shows it at a door.
Shown = tuple[str, str]


@dataclass
class Named:
    """Somebody as a call names them. `find` answers who that is in a model, after linking or
    making whoever has to be there; nobody is None.
    """

    parameters: dict[str, str]
    find: Callable[[Model], str | None]
    events: Events = ()


@dataclass
class Before:
    """What was so when a call was made."""

    revision: int
    events: set[str]
    facts: dict[Key, object]
    reach: dict[str, set[str]]
    shown: dict[tuple[Shown, str], tuple[str, str]]
    owners: dict[str, tuple[str | None, Shown | None]] = field(default_factory=dict)


class Driver(RuleBasedStateMachine):
    """One history on a site of its own."""

    host: Host

    @initialize()
    def begin(self) -> None:
        self.serving = self.host.serve()
        self.site = Site(self.serving.__enter__())
        self._furnish()
        self.model = self.site.model()
        self.declared = deepcopy(self.model.groups)
        self.wrong: dict[str, list[datetime]] = {}
        self.calls = 0
        self.new_person = NEW

    def _furnish(self) -> None:
        """Gives the first few people what the sandbox has none of, or not enough."""
        room = self.site.server.site.entrances["meeting-room"]
        shown = self.site.read("/acs/users/list", "acs_users", acs_system_id=SYSTEM)
        few = [{"acs_user_id": u["acs_user_id"]} for u in shown[:FEW]]
        own = {"allowed_acs_entrance_ids": [room]}
        for who, method, more in (
            (few[0], "cloud_key", {}),
            (few[1], "cloud_key", own),
            (few[2], "card", {}),
            (few[2], "code", {"code": "7391"} | own),
            (few[3], "code", {"code": "80426"}),
        ):
            self._do("/acs/credentials/create", access_method=method, **more, **who)
        groups = self.site.server.site.access_groups
        for who in few:
            self._do("/acs/entrances/grant_access", acs_entrance_id=room, **who)
            for name in ("everybody", "managers"):
                group = {"acs_access_group_id": groups[name]}
                self._do("/acs/users/add_to_access_group", **group, **who)
        for who in few[1:3]:
            self._do("/acs/users/suspend", **who)

    def _do(self, path: str, **parameters: Any) -> None:
        answer = self.site.post(path, **parameters)
        assert answer.status_code == 200, answer.text

    def teardown(self) -> None:
        try:
            self.compare()
        finally:
            self.site.close()
            self.serving.__exit__(None, None, None)

    # How a change is made and looked at.

    def change(
        self, path: str, update: Update | None, *events: tuple[str, str], **parameters: Any
    ) -> Any:
        """Makes a call; `update` tells the model of its answer, None where it must be refused."""
        self.calls += 1
        before = self.before()
        key = str(uuid4()) if path.endswith("/create") else None
        answer = self.site.post(path, key, **parameters)
        said = (path, parameters, answer.text)
        if update is None:
            assert 400 <= answer.status_code < 500, said
        else:
            assert answer.status_code == 200, said
            update(answer.json())
            self._settle()
        changed = self.check_gained(before, self._named(events, answer), said)
        if update is not None and path in REMOVING:
            for person, entrances in self.accessible().items():
                assert entrances <= before.reach.get(person, set()), said
        if self.calls % 2:
            self._repeat(path, key, parameters, answer)
        self.check_doors(before, changed if path in REMOVING else set())
        return answer

    def before(self) -> Before:
        return Before(
            self.site.revision(),
            self.site.event_ids(),
            self.model.facts(),
            self.accessible(),
            self.at_doors(self.numbers()),
            self.owners(),
        )

    def check_gained(self, before: Before, events: list[tuple[str, str]], said: object) -> set[str]:
        """Journal and events gained what the model says. Answers the ids of what has changed."""
        facts, now = before.facts, self.model.facts()
        changed = sorted(
            (*key, key not in now)
            for key in facts.keys() | now.keys()
            if facts.get(key) != now.get(key)
        )
        entries, made = self.site.gained(before.revision, before.events)
        assert sorted(entries) == changed, said
        assert sorted(made) == sorted(events), said
        return {id_ for _, *ids, _ in changed for id_ in ids}

    def _repeat(self, path: str, key: str | None, parameters: dict[str, Any], first: Any) -> None:
        """A second time changes nothing, says nothing and tells of nothing."""
        revision, known = self.site.revision(), self.site.event_ids()
        again = self.site.post(path, key, **parameters)
        said = (path, parameters, first.text, again.text)
        if key is not None and first.status_code == 200:
            assert again.json() == first.json(), said
        elif not path.endswith("/delete"):
            assert again.status_code == first.status_code, said
        assert self.site.gained(revision, known) == ([], []), said

    def _settle(self) -> None:
        """Asks for the id of whoever an identity has only just become."""
        if NEW in self.model.people:
            who = {"user_identity_id": self.model.people[NEW].identity, "acs_system_id": SYSTEM}
            self.new_person = self.site.read("/acs/users/get", "acs_user", **who)["acs_user_id"]
            self.model.settle(self.new_person)

    def _named(self, events: Events, answer: Any) -> list[tuple[str, str]]:
        """Events about what was only just made have its id from the answer."""
        if answer.status_code != 200:
            return []
        body = answer.json()
        made = {k: v for one in body.values() if isinstance(one, dict) for k, v in one.items()}
        ids = [self.new_person if of == NEW else str(made.get(of[1:], of)) for _, of in events]
        return [(kind, id_) for (kind, _), id_ in zip(events, ids, strict=True)]

    # The doors.

    def numbers(self) -> set[Shown]:
        """Everything that somebody could show at a reader."""
        found = (self._shown(credential) for credential in self.model.credentials.values())
        return {shown for shown in found if shown}

    def _shown(self, credential: Credential) -> Shown | None:
        is_read = credential.number is not None and credential.method != "cloud_key"
        return (credential.method, str(credential.number)) if is_read else None

    def owners(self) -> dict[str, tuple[str | None, Shown | None]]:
        return {id_: (c.person, self._shown(c)) for id_, c in self.model.credentials.items()}

    def at_doors(self, numbers: Iterable[Shown]) -> dict[tuple[Shown, str], tuple[str, str]]:
        """What the doors would say."""
        now = self.site.now()
        return {
            ((method, number), entrance): self.model.shown(method, number, entrance, now)
            for method, number in numbers
            for entrance in self.model.entrances
        }

    def check_doors(self, before: Before, changed: set[str]) -> None:
        """Shows what a call let in or shut out, everything of whom it concerned, and some more."""
        concerned = {
            shown
            for owners in (before.owners, self.owners())
            for id_, (person, shown) in owners.items()
            if shown and (id_ in changed or person in changed)
        }
        after = self.at_doors(self.numbers() | {shown for shown, _ in before.shown})
        differ = {place for place in after if before.shown.get(place) != after[place]}
        draw = Random(self.calls)
        some = draw.sample(sorted(after), min(3, len(after)))
        everywhere = {(shown, e) for shown in concerned for e in self.model.entrances}
        # What has changed most is enough: a new group may open doors to everybody.
        told = draw.sample(sorted(differ - everywhere), min(10, len(differ - everywhere)))
        for (method, number), entrance in (*sorted(everywhere), *told, *some):
            self.show(method, number, entrance)

    def show(self, method: str, number: str, entrance: str) -> None:
        """Shows a number at a door, which says what the model says."""
        reason, holder = self._expected(method, number, entrance)
        if method == "code" and reason != "allow":
            self._mistype(entrance)
            reason, holder = self._expected(method, number, entrance)
        key = "code" if method == "code" else "card_number"
        shown = self.site.read(
            "/doorward/doors/present", "decision", acs_entrance_id=entrance, **{key: number}
        )
        assert (shown["reason"], shown.get("acs_credential_id") or "") == (reason, holder), shown
        if reason == "allow":
            self.used(holder)

    def _expected(self, method: str, number: str, entrance: str) -> tuple[str, str]:
        return self.model.shown(method, number, entrance, self.site.now())

    def _mistype(self, entrance: str) -> None:
        """Counts a wrong code; lets time pass before it is one too many."""
        now = self.site.now()
        lately = [at for at in self.wrong.get(entrance, []) if now - at < FORGOTTEN]
        if len(lately) >= WRONG_CODES:
            self.site.advance(FORGOTTEN)
            lately = []
        self.wrong[entrance] = [*lately, self.site.now()]

    def used(self, credential_id: str) -> None:
        """A use of a credential with a limit is counted, and soon known to the server."""
        credential = self.model.credentials[credential_id]
        if credential.use_limit is None:
            return
        credential.uses += 1
        for _ in range(500):
            shown = self.site.read(
                "/doorward/credentials/get", "credential", acs_credential_id=credential_id
            )
            if shown["use_count"] == credential.uses:
                return
        raise AssertionError(f"{shown} instead of {credential.uses} uses")

    def follow(self) -> None:
        """Waits until the doors decide by everything that the journal has."""
        revision = self.site.revision()
        for _ in range(2000):
            answer = self.site.post(
                "/doorward/doors/present",
                acs_entrance_id=self.model.entrances[0],
                card_number="99-9",
            )
            is_there = answer.status_code == 200
            if is_there and answer.json()["decision"]["policy_revision"] >= revision:
                return
        raise AssertionError(f"the doors never heard of {revision}: {answer.text}")

    # Everything.

    def accessible(self) -> dict[str, set[str]]:
        now = self.site.now()
        return {person: self.model.accessible(person, now) for person in self.model.people}

    def compare(self) -> None:
        """Everything that reads show is what the model says."""
        model, now = self.model, self.site.now()
        assert self.site.groups() == model.groups
        people, credentials = self.site.people(set(model.groups)), self.site.credentials()
        assert people == model.people
        assert list(people) == list(model.people)
        assert credentials == model.credentials
        assert list(credentials) == list(model.credentials)
        assert self.site.identities() == model.identities
        for person in model.people:
            shown = self.site.read(
                "/acs/users/list_accessible_entrances", "acs_entrances", acs_user_id=person
            )
            assert {e["acs_entrance_id"] for e in shown} == model.accessible(person, now)
        for name, identity_id in model.merged_ids.items():
            shown = self.site.read("/user_identities/get", "user_identity", user_identity_id=name)
            assert shown["user_identity_id"] == identity_id
        for kind, id_ in sorted(model.gone):
            path = _GET[kind]
            assert self.site.post(path, **{f"{kind}_id": id_}).status_code == 404

    # What rules are made of.

    def window(self, starts: int | None, ends: int | None) -> Window:
        now = self.site.now().replace(microsecond=0)
        at = [None if h is None else now + timedelta(hours=h) for h in (starts, ends)]
        return (at[0], at[1]) if at[0] is None or at[1] is None or at[0] < at[1] else (at[0], None)

    def some(self, ids: Any, pick: int) -> str:
        """One of these, mostly of the first few, so that what happens to one thing adds up."""
        listed = list(ids)
        few = listed[:FEW] if pick % 4 else listed
        return str(few[pick // 4 % len(few)])

    def person(self, pick: int) -> tuple[str, Person]:
        id_ = self.some(self.model.people, pick)
        return id_, self.model.people[id_]

    def credential(self, pick: int) -> tuple[str, Credential]:
        id_ = self.some(self.model.credentials, pick)
        return id_, self.model.credentials[id_]

    def identity(self, pick: int) -> str:
        """An identity by some id that names it."""
        return self.some([*self.model.merged_ids, *self.model.identities], pick)

    def anybody(self, pick: int, by_identity: bool) -> Named:
        """Somebody by user, or by an identity that becomes somebody where it is nobody yet."""
        if not by_identity or not self.model.identities:
            person_id, _ = self.person(pick)
            return Named({"acs_user_id": person_id}, lambda _: person_id)
        name = self.identity(pick)
        identity_id = self.model.identity_of(name)
        is_new = deepcopy(self.model).become(identity_id) == NEW
        events = (("acs_user.created", NEW),) if is_new else ()
        return Named({"user_identity_id": name}, lambda model: model.become(identity_id), events)

    def somebody(self, pick: int, by_identity: bool) -> Named:
        """Somebody by user, or by the identity that they are; it may be nobody."""
        if not by_identity or not self.model.identities:
            return self.anybody(pick, False)
        name = self.identity(pick)
        user = self.model.user_of(self.model.identity_of(name))
        return Named({"user_identity_id": name}, lambda _: user)

    def in_system(self, pick: int, by_identity: bool) -> Named:
        """As `somebody`, for calls that want the system beside an identity."""
        named = self.somebody(pick, by_identity)
        if "user_identity_id" in named.parameters:
            named.parameters["acs_system_id"] = SYSTEM
        return named

    def unless_clash(self, do: Callable[[Model], object]) -> Update | None:
        """The update of a change that must be refused where it makes two codes clash."""
        trial = deepcopy(self.model)
        do(trial)
        return None if trial.clashes() else lambda _: void(do(self.model))


def void(_: object) -> None:
    """Nothing, of an expression."""


def iso(moment: datetime) -> str:
    """A moment as callers write it."""
    return moment.isoformat()


_GET = {
    "acs_user": "/acs/users/get",
    "acs_credential": "/acs/credentials/get",
    "user_identity": "/user_identities/get",
}
