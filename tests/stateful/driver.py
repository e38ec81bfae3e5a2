"""How a history is played: calls are made, told to the model, and compared wherever it shows."""

import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import uuid4

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize

from doorward.testing.hosting import Host
from tests.stateful import chain
from tests.stateful.keypads import Keypad
from tests.stateful.model import (
    NEW,
    Credential,
    Key,
    Model,
    Person,
    Refused,
    Window,
    milliseconds,
)
from tests.stateful.questions import Asking
from tests.stateful.site import FILE, Entry, Event, Site, decided_at
from tests.stateful.told import Telling, in_order

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
FEW = 4
# So many of the reads are compared each time, all of them at a history's end.
ASKED = 12
# Seconds until what a door has seen must be known to the server.
SOON = 10

Update = Callable[[Any], None]
Events = tuple[tuple[str, str], ...]
# A method and a number, as somebody shows it at a door.
Shown = tuple[str, str]


@dataclass
class Named:
    """Somebody as a call names them. `find` answers who that is in a model, after linking or
    making whoever has to be there; nobody is None.
    """

    parameters: dict[str, Any]
    find: Callable[[Model], str | None]
    events: Events = ()


@dataclass
class Before:
    """What was so when a call was made. served: what people and credentials opened, where the call
    takes something away.
    """

    facts: dict[Key, tuple[dict[str, Any], object]]
    shown: dict[tuple[Shown, str], tuple[str, str]]
    owners: dict[str, tuple[str | None, Shown | None]]
    served: dict[str, set[str]]


class Driver(RuleBasedStateMachine):
    """One history on a site of its own."""

    host: Host

    def __init__(self) -> None:
        super().__init__()
        # What a history that never begins has not to let go of.
        self.opened = ExitStack()

    @initialize()
    def begin(self) -> None:
        self.site = Site(self.opened.enter_context(self.host.serve(FILE)))
        self.opened.callback(self.site.close)
        self.office, self.annex = self.site.server.site.systems.values()
        self._check_order()
        self._furnish()
        self.strangers = self.site.hand_over()
        self.model = self.site.model()
        shown = self.site.read("/acs/systems/list", "acs_systems")
        accounts = {s["acs_system_id"]: s["connected_account_id"] for s in shown}
        self.telling = Telling(self.site.server.workspace_id, accounts)
        self.telling.know(self.model)
        self.keypads: defaultdict[str, Keypad] = defaultdict(Keypad)
        self.at_doors_told: list[Event] = []
        self.at_doors_heard: list[Event] = []
        self.attempts: list[str] = []
        self.calls = 0
        self.new_people: dict[str, str] = {}
        self.site.entries()
        self.site.news()

    def _check_order(self) -> None:
        """Lists begin with what the file declares, in its order; what comes later is behind."""
        ids = self.site.server.site
        assert list(self.site.people(())) == list(ids.users.values())
        assert list(self.site.credentials()) == list(ids.credentials.values())
        assert list(self.site.identities()) == list(ids.identities.values())

    def _furnish(self) -> None:
        """Gives the first few people what the site has none of, or not enough."""
        site = self.site.server.site
        room = site.entrances["meeting-room"]
        shown = self.site.read("/acs/users/list", "acs_users", acs_system_id=self.office)
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
        for who in few:
            self._do("/acs/entrances/grant_access", acs_entrance_id=room, **who)
            for name in ("everybody", "managers"):
                group = {"acs_access_group_id": site.access_groups[name]}
                self._do("/acs/users/add_to_access_group", **group, **who)
        for who in few[1:3]:
            self._do("/acs/users/suspend", **who)

    def _do(self, path: str, **parameters: Any) -> None:
        answer = self.site.post(path, **parameters)
        assert answer.status_code == 200, answer.text

    def teardown(self) -> None:
        try:
            # After a step that has failed, whatever else differs is beside the point.
            if sys.exception() is None:
                self.end()
        finally:
            self.close()

    def end(self) -> None:
        """Compares everything once more, and the journal's hashes."""
        self.compare(everything=True)
        chain.check(self.site, self.model)

    def close(self) -> None:
        """Lets go of the server."""
        self.opened.close()

    # How a change is made and looked at.

    def change(
        self,
        path: str,
        update: Update | None,
        *events: tuple[str, str],
        is_removing: bool = False,
        **parameters: Any,
    ) -> Any:
        """Makes a call; `update` tells the model of its answer, None where it must be refused.

        is_removing: whether it only takes away, which many calls do by their name.
        """
        self.calls += 1
        is_removing = is_removing or path in REMOVING
        before = self.before(is_removing=is_removing)
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
        if is_removing:
            for subject, entrances in self.served().items():
                assert entrances <= before.served[subject], (subject, said)
        if self.calls % 2:
            self._repeat(path, key, parameters, answer)
        self.check_doors(before, changed if is_removing else set())
        return answer

    def before(self, *, is_removing: bool = False) -> Before:
        return Before(
            self.model.facts(),
            self.at_doors(self.numbers()),
            self.owners(),
            self.served() if is_removing else {},
        )

    def served(self) -> dict[str, set[str]]:
        """What the server says that everybody and every credential opens now."""
        return {
            id_: {
                e["acs_entrance_id"]
                for e in self.site.read(path, "acs_entrances", **{f"{kind}_id": id_})
            }
            for kind, path, ids in (
                ("acs_user", "/acs/users/list_accessible_entrances", self.model.people),
                (
                    "acs_credential",
                    "/acs/credentials/list_accessible_entrances",
                    self.model.credentials,
                ),
            )
            for id_ in ids
        }

    def check_gained(self, before: Before, events: list[tuple[str, str]], said: object) -> set[str]:
        """Journal and events gained what the model says. Answers the ids of what has changed."""
        self.telling.know(self.model)
        self.check_told([self.telling.of(*event) for event in events], said)
        return self.check_entries(before.facts, said)

    def check_entries(self, before: Mapping[Key, object], said: object) -> set[str]:
        """One entry for each fact that has changed, with the state that it has now, and no other.
        Answers the ids of what has changed.
        """
        now = self.model.facts()
        changed: list[Entry] = [
            (key, now[key][0] if key in now else None)
            for key in before.keys() | now.keys()
            if before.get(key) != now.get(key)
        ]
        assert _sorted(self.site.entries()) == _sorted(changed), said
        return {id_ for (_, *ids), _ in changed for id_ in ids}

    def check_told(self, events: list[Event], said: object) -> None:
        """These events were told, and no others, but for what happened at the doors."""
        news = self.site.news()
        self.at_doors_heard += [e for e in news if e["event_type"].startswith("lock.")]
        others = [e for e in news if not e["event_type"].startswith("lock.")]
        assert in_order(others) == in_order(events), said

    def check_nothing_new(self, said: object) -> None:
        self.check_told([], said)
        assert self.site.entries() == [], said

    def check_told_at_doors(self) -> None:
        """Each decision was told once, which takes the door a moment."""
        end = time.monotonic() + SOON
        while len(self.at_doors_heard) < len(self.at_doors_told) and time.monotonic() < end:
            self.check_told([], "at the doors")
        assert in_order(self.at_doors_heard) == in_order(self.at_doors_told)
        self.at_doors_heard, self.at_doors_told = [], []

    def _repeat(self, path: str, key: str | None, parameters: dict[str, Any], first: Any) -> None:
        """A second time changes nothing, says nothing and tells of nothing."""
        again = self.site.post(path, key, **parameters)
        said = (path, parameters, first.text, again.text)
        if key is not None and first.status_code == 200:
            assert again.json() == first.json(), said
        elif not path.endswith("/delete"):
            assert again.status_code == first.status_code, said
        self.check_nothing_new(said)

    def _settle(self) -> None:
        """Asks for the ids of whoever identities have only just become, the oldest first."""
        self.new_people = {}
        for new, person in self.model.people.items():
            if new.startswith(NEW):
                who = {"user_identity_id": person.identity, "acs_system_id": person.system}
                shown = self.site.read("/acs/users/get", "acs_user", **who)
                self.new_people[new] = shown["acs_user_id"]
        for new, id_ in sorted(self.new_people.items(), key=lambda item: item[1]):
            self.model.settle(new, id_)

    def _named(self, events: Events, answer: Any) -> list[tuple[str, str]]:
        """Events about what was only just made have its id from the answer."""
        if answer.status_code != 200:
            return []
        body = answer.json()
        made = {k: v for one in body.values() if isinstance(one, dict) for k, v in one.items()}
        ids = [self.new_people.get(of, str(made.get(of[1:], of))) for _, of in events]
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
        """What the doors would say, if they listened to every code."""
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
            if method == "code" and draw.random() < 0.8:
                self.wait_for_keypad(entrance)
            self.show(method, number, entrance)
        self.check_told_at_doors()

    def wait_for_keypad(self, entrance: str) -> None:
        """Lets the time pass for which a keypad is deaf: it says nothing of a code meanwhile."""
        deaf_for = self.keypads[entrance].deaf_until - milliseconds(self.site.now())
        if deaf_for > 0:
            self.site.advance(timedelta(milliseconds=deaf_for // 1000 * 1000 + 2000))

    def show(self, method: str, number: str, entrance: str) -> None:
        """Shows a number at a door, which says what the model says."""
        key = "code" if method == "code" else "card_number"
        shown = self.site.read(
            "/doorward/doors/present", "decision", acs_entrance_id=entrance, **{key: number}
        )
        reason, holder = self._expected(method, number, entrance, decided_at(shown))
        said = (method, number, entrance, shown)
        assert (shown["reason"], shown["acs_credential_id"] or "") == (reason, holder), said
        told = self.telling.at_door(self.model, method, entrance, reason, holder)
        self.at_doors_told.append(told)
        if reason == "allow":
            self.used(holder)
        elif method == "code" and reason != "deny_too_many_attempts":
            self.keypads[entrance].mistype(decided_at(shown))

    def _expected(self, method: str, number: str, entrance: str, at: int) -> tuple[str, str]:
        now = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at)
        reason, holder = self.model.shown(method, number, entrance, now)
        is_deaf = method == "code" and self.keypads[entrance].is_deaf(at)
        return ("deny_too_many_attempts" if is_deaf else reason), holder

    def used(self, credential_id: str) -> None:
        """A use of a credential with a limit is counted, soon known to the server, and has its
        entry in the journal; of others there is none.
        """
        credential = self.model.credentials[credential_id]
        facts = self.model.facts()
        if credential.use_limit is not None:
            credential.uses += 1
            self._await_uses(credential_id, credential.uses)
        self.check_entries(facts, ("used", credential_id))

    def _await_uses(self, credential_id: str, uses: int) -> None:
        end = time.monotonic() + SOON
        while time.monotonic() < end:
            shown = self.site.read(
                "/doorward/credentials/get", "credential", acs_credential_id=credential_id
            )
            if shown["use_count"] >= uses:
                break
        assert shown["use_count"] == uses, shown

    def follow(self) -> None:
        """Waits until the doors decide by everything that the journal has."""
        revision = self.site.revision()
        firsts = {entrance.system: id_ for id_, entrance in reversed(self.model.entrances.items())}
        for entrance in firsts.values():
            self._follow(entrance, revision)
        self.check_told_at_doors()

    def _follow(self, entrance: str, revision: int) -> None:
        for _ in range(2000):
            answer = self.site.post(
                "/doorward/doors/present", acs_entrance_id=entrance, card_number="99-9"
            )
            if answer.status_code == 200:
                unknown = ("card", entrance, "deny_unknown_credential", "")
                self.at_doors_told.append(self.telling.at_door(self.model, *unknown))
                if answer.json()["decision"]["policy_revision"] >= revision:
                    return
        raise AssertionError(f"the doors never heard of {revision}: {answer.text}")

    # Everything.

    def compare(self, *, everything: bool = False) -> None:
        """Everything that lists show is what the model says, and some or all other reads."""
        model = self.model
        assert self.site.groups() == model.groups
        people, credentials = self.site.people(model.groups), self.site.credentials()
        assert people == model.people
        assert list(people) == list(model.people)
        assert credentials == model.credentials
        assert list(credentials) == list(model.credentials)
        identities = self.site.identities()
        assert identities == model.identities
        assert list(identities) == list(model.identities)
        self.ask(everything=everything)
        self.check_nothing_new("reads")

    def ask(self, *, everything: bool) -> None:
        """Compares some of the reads that there are, or all of them."""
        asking = Asking(
            self.model,
            self.site.now(),
            self.site.created,
            [*self.site.events.values()],
            self.attempts,
            self.strangers,
        )
        questions = [*asking.questions()]
        draw = Random(self.calls + len(self.site.events))
        for question in questions if everything else draw.sample(questions, ASKED):
            question.ask(self.site)

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

    def system(self, pick: int) -> str:
        """An access system, the annex less often."""
        return self.annex if pick % 4 == 1 else self.office

    def of_system(self, things: Mapping[str, Any], system: str, pick: int) -> str | None:
        """One of the things of a system, seldom of any; None where there is none."""
        there = [id_ for id_, thing in things.items() if thing.system == system]
        among = things if pick % 8 == 3 else there
        return self.some(among, pick) if among else None

    def person(self, pick: int) -> tuple[str, Person]:
        id_ = self.some(self.model.people, pick)
        return id_, self.model.people[id_]

    def credential(self, pick: int) -> tuple[str, Credential]:
        id_ = self.some(self.model.credentials, pick)
        return id_, self.model.credentials[id_]

    def identity(self, pick: int) -> str:
        """An identity by some id that names it."""
        return self.some([*self.model.merged_ids, *self.model.identities], pick)

    def anybody(self, pick: int, by_identity: bool, system: str) -> Named:
        """Somebody by user, or by an identity that becomes somebody of a system where it is nobody
        yet. The user may be another system's, seldom.
        """
        if not by_identity or not self.model.identities:
            theirs = self.of_system(self.model.people, system, pick)
            person_id = theirs or self.some(self.model.people, pick)
            return Named({"acs_user_id": person_id}, lambda _: person_id)
        name = self.identity(pick)
        identity_id = self.model.identity_of(name)
        new = deepcopy(self.model).become(identity_id, system)
        events = (("acs_user.created", new),) if new.startswith(NEW) else ()
        return Named(
            {"user_identity_id": name}, lambda model: model.become(identity_id, system), events
        )

    def somebody(self, pick: int, by_identity: bool, system: str) -> Named:
        """Somebody by user, or by the identity that they are; it may be nobody."""
        if not by_identity or not self.model.identities:
            return self.anybody(pick, False, system)
        name = self.identity(pick)
        user = self.model.user_of(self.model.identity_of(name), system)
        return Named({"user_identity_id": name}, lambda _: user)

    def in_system(self, pick: int, by_identity: bool) -> Named:
        """As `somebody`, for calls that want the system beside an identity."""
        system = self.system(pick)
        named = self.somebody(pick, by_identity, system)
        if "user_identity_id" in named.parameters:
            named.parameters["acs_system_id"] = system
        return named

    def unless_refused(self, do: Callable[[Model], object]) -> Update | None:
        """The update of a change that must be refused where it brings two systems or two equal
        codes together.
        """
        trial = deepcopy(self.model)
        try:
            do(trial)
        except Refused:
            return None
        return None if trial.clashes() else lambda _: void(do(self.model))


def void(_: object) -> None:
    """Nothing, of an expression."""


def iso(moment: datetime) -> str:
    """A moment as callers write it."""
    return moment.isoformat()


def _sorted(entries: list[Entry]) -> list[str]:
    return sorted(str((key, state and sorted(state.items(), key=str))) for key, state in entries)
