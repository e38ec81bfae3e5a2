"""A machine that does everything to people, groups, credentials and identities, in any order.

Each acknowledged change is compared: what it answers, what the journal and the events gained (one
entry for each fact that the model says has changed, and no other), and what all reads show. Time
moves, the server restarts, and the site file is applied again in between.
"""

import os
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from doorward.testing.hosting import Host
from tests.stateful.model import ALWAYS, Credential, Identity, Person, Window
from tests.stateful.site import SYSTEM, Site

pytestmark = pytest.mark.timeout(900)

NAMES = st.sampled_from(["Ada", "Bo", "Cleo"])
EMAILS = st.sampled_from([None, "a@machine.test", "b@machine.test", "c@machine.test"])
PHONES = st.sampled_from([None, "+15555550190", "+15555550191"])
CODES = st.sampled_from(["7391", "73915", "80426", "914273"])
CARDS = st.sampled_from([f"77-{number}" for number in range(1, 7)])
STATES = st.sampled_from(["active", "disabled", "lost", "stolen"])
# Hours from now, far enough from a step's own duration.
STARTS = st.sampled_from([None, -1, 2, 30])
ENDS = st.sampled_from([None, 1, 20, 40])
PICK = st.integers(0, 10_000)


class Machine(RuleBasedStateMachine):
    """One history on a site of its own."""

    host: Host

    @initialize()
    def begin(self) -> None:
        self.serving = self.host.serve()
        self.site = Site(self.serving.__enter__())
        self.model = self.site.model()
        self.wrong: dict[str, int] = {}

    def teardown(self) -> None:
        try:
            self.compare()
        finally:
            self.site.close()
            self.serving.__exit__(None, None, None)

    # How a change is made and looked at.

    def change(
        self,
        path: str,
        update: Callable[[Any], None] | None,
        *events: tuple[str, str],
        **parameters: Any,
    ) -> Any:
        """Makes a call; `update` tells the model of its answer, None where it must be refused."""
        revision, known = self.site.revision(), self.site.event_ids()
        facts, reach = self.model.facts(), self.accessible()
        answer = self.site.post(path, **parameters)
        said = (path, parameters, answer.text)
        if update is None:
            assert 400 <= answer.status_code < 500, said
        else:
            assert answer.status_code == 200, said
            update(answer.json())
        now = self.model.facts()
        changed = sorted(
            (*key, key not in now)
            for key in facts.keys() | now.keys()
            if facts.get(key) != now.get(key)
        )
        entries, made = self.site.gained(revision, known)
        assert sorted(entries) == changed, said
        assert sorted(made) == sorted(self._named(events, answer)), said
        if update is not None and path in REMOVING:
            for person, entrances in self.accessible().items():
                assert entrances <= reach.get(person, set()), said
        return answer

    def _named(self, events: tuple[tuple[str, str], ...], answer: Any) -> list[tuple[str, str]]:
        """Events about what was only just made have its id from the answer."""
        if answer.status_code != 200:
            return []
        body = answer.json()
        made = {k: v for one in body.values() if isinstance(one, dict) for k, v in one.items()}
        ids = [made.get(of[1:], of) for _, of in events]
        return [
            (kind, str(id_[0] if isinstance(id_, list) else id_))
            for (kind, _), id_ in zip(events, ids, strict=True)
        ]

    def accessible(self) -> dict[str, set[str]]:
        now = self.site.now()
        return {person: self.model.accessible(person, now) for person in self.model.people}

    def compare(self) -> None:
        """Everything that reads show is what the model says."""
        model, now = self.model, self.site.now()
        assert self.site.people(set(model.groups)) == model.people
        assert list(self.site.people(set(model.groups))) == list(model.people)
        assert self.site.credentials() == model.credentials
        assert list(self.site.credentials()) == list(model.credentials)
        assert self.site.identities() == model.identities
        for person in model.people:
            shown = self.site.read(
                "/acs/users/list_accessible_entrances", "acs_entrances", acs_user_id=person
            )
            assert {e["acs_entrance_id"] for e in shown} == model.accessible(person, now)
        for kind, id_ in sorted(model.gone):
            path = "/acs/users/get" if kind == "acs_user" else "/acs/credentials/get"
            assert self.site.post(path, **{f"{kind}_id": id_}).status_code == 404

    def window(self, starts: int | None, ends: int | None) -> Window:
        now = self.site.now().replace(microsecond=0)
        at = [None if h is None else now + timedelta(hours=h) for h in (starts, ends)]
        return (at[0], at[1]) if at[0] is None or at[1] is None or at[0] < at[1] else (at[0], None)

    def some(self, ids: Any, pick: int) -> str:
        listed = list(ids)
        return str(listed[pick % len(listed)])

    def person(self, pick: int) -> tuple[str, Person]:
        id_ = self.some(self.model.people, pick)
        return id_, self.model.people[id_]

    def credential(self, pick: int) -> tuple[str, Credential]:
        id_ = self.some(self.model.credentials, pick)
        return id_, self.model.credentials[id_]

    def unless_clash(self, do: Callable[[], None], undo: Callable[[], None]) -> Any:
        """The update of a change that must be refused where it makes two codes clash."""
        do()
        clashes = self.model.clashes()
        undo()
        return None if clashes else lambda _: do()

    # People.

    @rule(name=NAMES, email=EMAILS, phone=PHONES, starts=STARTS, ends=ENDS, pick=PICK)
    def create_person(
        self,
        name: str,
        email: str | None,
        phone: str | None,
        starts: int | None,
        ends: int | None,
        pick: int,
    ) -> None:
        groups = [self.some(self.model.groups, pick)] if pick % 3 else []
        window = self.window(starts, ends)
        given = {"email_address": email, "phone_number": phone}
        parameters: dict[str, Any] = {k: v for k, v in given.items() if v is not None}
        if window[0] is not None:
            parameters["access_schedule"] = _schedule(window)
        else:
            window = ALWAYS

        def update(body: Any) -> None:
            person = Person(name, email, phone, None, False, window, set(groups))
            self.model.people[body["acs_user"]["acs_user_id"]] = person

        self.change(
            "/acs/users/create",
            update,
            ("acs_user.created", "=acs_user_id"),
            acs_system_id=SYSTEM,
            full_name=name,
            acs_access_group_ids=groups,
            **parameters,
        )

    @rule(pick=PICK, name=NAMES, email=EMAILS, starts=STARTS, ends=ENDS)
    def update_person(
        self, pick: int, name: str, email: str | None, starts: int | None, ends: int | None
    ) -> None:
        id_, person = self.person(pick)
        window = self.window(starts, ends) if starts is not None else ALWAYS

        def update(_: Any) -> None:
            person.full_name, person.window = name, window
            person.email = email or person.email

        self.change(
            "/acs/users/update",
            update,
            acs_user_id=id_,
            full_name=name,
            access_schedule=None if window == ALWAYS else _schedule(window),
            **({"email_address": email} if email else {}),
        )

    @rule(pick=PICK)
    def delete_person(self, pick: int) -> None:
        id_, _ = self.person(pick)
        events = [event for c in self.model.of_person(id_) for event in self._ends(c)]
        self.change(
            "/acs/users/delete",
            lambda _: self.model.delete_person(id_),
            *events,
            ("acs_user.deleted", id_),
            acs_user_id=id_,
        )

    def _ends(self, credential_id: str) -> list[tuple[str, str]]:
        credential = self.model.credentials[credential_id]
        is_valid = credential.is_issued and credential.state == "active"
        ended = [("acs_credential.invalidated", credential_id)] if is_valid else []
        return [*ended, ("acs_credential.deleted", credential_id)]

    @rule(pick=PICK, is_suspended=st.booleans())
    def suspend(self, pick: int, is_suspended: bool) -> None:
        id_, person = self.person(pick)
        call = "suspend" if is_suspended else "unsuspend"
        self.change(
            f"/acs/users/{call}",
            lambda _: setattr(person, "is_suspended", is_suspended),
            acs_user_id=id_,
        )

    # Groups, grants.

    @rule(pick=PICK, group=PICK, spelling=st.booleans())
    def join(self, pick: int, group: int, spelling: bool) -> None:
        id_, person = self.person(pick)
        group_id = self.some(self.model.groups, group)
        was = set(person.groups)
        update = self.unless_clash(
            lambda: person.groups.add(group_id), lambda: setattr(person, "groups", set(was))
        )
        call = "/acs/users/add_to_access_group" if spelling else "/acs/access_groups/add_user"
        self.change(call, update, acs_user_id=id_, acs_access_group_id=group_id)

    @rule(pick=PICK, group=PICK, spelling=st.booleans())
    def leave(self, pick: int, group: int, spelling: bool) -> None:
        id_, person = self.person(pick)
        group_id = self.some(sorted(person.groups) or self.model.groups, group)
        users, groups = "/acs/users/remove_from_access_group", "/acs/access_groups/remove_user"
        self.change(
            users if spelling else groups,
            lambda _: person.groups.discard(group_id),
            acs_user_id=id_,
            acs_access_group_id=group_id,
        )

    @rule(pick=PICK, entrance=PICK)
    def grant(self, pick: int, entrance: int) -> None:
        id_, person = self.person(pick)
        entrance_id = self.some(self.model.entrances, entrance)
        was = set(person.grants)
        update = self.unless_clash(
            lambda: person.grants.add(entrance_id), lambda: setattr(person, "grants", set(was))
        )
        self.change(
            "/acs/entrances/grant_access", update, acs_user_id=id_, acs_entrance_id=entrance_id
        )

    @rule(pick=PICK)
    def revoke_all(self, pick: int) -> None:
        id_, person = self.person(pick)

        def update(_: Any) -> None:
            person.groups, person.grants = set(), set()
            for credential_id in self.model.of_person(id_):
                self.model.credentials[credential_id].entrances = set()

        self.change("/acs/users/revoke_access_to_all_entrances", update, acs_user_id=id_)

    # Credentials.

    @rule(
        pick=PICK,
        method=st.sampled_from(["card", "code", "cloud_key"]),
        code=st.none() | CODES,
        entrance=st.none() | PICK,
        ends=ENDS,
    )
    def create_credential(
        self, pick: int, method: str, code: str | None, entrance: int | None, ends: int | None
    ) -> None:
        id_, _ = self.person(pick)
        own = set() if entrance is None else {self.some(self.model.entrances, entrance)}
        window = self.window(None, ends)
        number = code if method == "code" else None
        made = Credential(method, id_, number, "active", window, own)
        key = "new"
        update = self.unless_clash(
            lambda: self.model.credentials.__setitem__(key, made),
            lambda: self.model.credentials.__delitem__(key),
        )

        def make(body: Any) -> None:
            shown = body["acs_credential"]
            made.number = shown["code"] if method == "code" else None
            self.model.credentials[shown["acs_credential_id"]] = made
            assert not self.model.clashes()

        issued = [] if method == "card" else [("acs_credential.issued", "=acs_credential_id")]
        self.change(
            "/acs/credentials/create",
            None if update is None and number is not None else make,
            *issued,
            acs_user_id=id_,
            access_method=method,
            allowed_acs_entrance_ids=sorted(own),
            **({} if number is None else {"code": number}),
            **({} if window[1] is None else {"ends_at": _iso(window[1])}),
        )

    @precondition(lambda self: self.model.credentials)
    @rule(pick=PICK, card=CARDS)
    def set_card_number(self, pick: int, card: str) -> None:
        waiting = [i for i, c in self.model.credentials.items() if not c.is_issued]
        id_ = self.some(waiting or self.model.credentials, pick)
        credential = self.model.credentials[id_]
        is_taken = any(c.number == card for c in self.model.credentials.values())
        is_possible = not credential.is_issued and not is_taken

        def update(_: Any) -> None:
            credential.number = card

        self.change(
            "/doorward/credentials/set_card_number",
            update if is_possible else None,
            ("acs_credential.issued", id_),
            acs_credential_id=id_,
            card_number=card,
        )

    @precondition(lambda self: self.model.credentials)
    @rule(pick=PICK, state=STATES)
    def set_state(self, pick: int, state: str) -> None:
        id_, credential = self.credential(pick)
        events = []
        if credential.state != state and credential.is_issued:
            if state == "active":
                events = [("acs_credential.reissued", id_)]
            elif credential.state == "active":
                events = [("acs_credential.invalidated", id_)]
        self.change(
            "/doorward/credentials/set_state",
            lambda _: setattr(credential, "state", state),
            *events,
            acs_credential_id=id_,
            state=state,
            reason="the machine",
        )

    @precondition(lambda self: self.model.credentials)
    @rule(pick=PICK, limit=st.sampled_from([None, 1, 2, 3]))
    def set_use_limit(self, pick: int, limit: int | None) -> None:
        id_, credential = self.credential(pick)
        self.change(
            "/doorward/credentials/set_use_limit",
            lambda _: setattr(credential, "use_limit", limit),
            acs_credential_id=id_,
            use_limit=limit,
        )

    @precondition(lambda self: self.codes())
    @rule(pick=PICK, code=CODES)
    def update_code(self, pick: int, code: str) -> None:
        id_ = self.some(self.codes(), pick)
        credential = self.model.credentials[id_]
        was = credential.number
        update = self.unless_clash(
            lambda: setattr(credential, "number", code), lambda: setattr(credential, "number", was)
        )
        events = [("acs_credential.reissued", id_)] if code != was else []
        self.change("/acs/credentials/update", update, *events, acs_credential_id=id_, code=code)

    def codes(self) -> list[str]:
        return [i for i, c in self.model.credentials.items() if c.method == "code"]

    @precondition(lambda self: self.model.credentials)
    @rule(pick=PICK, hours=st.sampled_from([1, 20, 40]))
    def move_end(self, pick: int, hours: int) -> None:
        id_, credential = self.credential(pick)
        ends_at = self.window(None, hours)[1]
        assert ends_at is not None
        starts_at = credential.window[0]
        is_possible = starts_at is None or starts_at < ends_at
        self.change(
            "/acs/credentials/update",
            (lambda _: setattr(credential, "window", (starts_at, ends_at)))
            if is_possible
            else None,
            acs_credential_id=id_,
            ends_at=_iso(ends_at),
        )

    @precondition(lambda self: self.model.credentials)
    @rule(pick=PICK, to=PICK)
    def assign(self, pick: int, to: int) -> None:
        id_, credential = self.credential(pick)
        person_id, _ = self.person(to)
        if credential.person is not None and credential.person != person_id:
            self.unassign(pick)
        was = credential.person
        update = self.unless_clash(
            lambda: setattr(credential, "person", person_id),
            lambda: setattr(credential, "person", was),
        )
        self.change("/acs/credentials/assign", update, acs_credential_id=id_, acs_user_id=person_id)

    @precondition(lambda self: self.model.credentials)
    @rule(pick=PICK)
    def unassign(self, pick: int) -> None:
        id_, credential = self.credential(pick)
        if credential.person is not None:
            self.change(
                "/acs/credentials/unassign",
                lambda _: setattr(credential, "person", None),
                acs_credential_id=id_,
                acs_user_id=credential.person,
            )

    @precondition(lambda self: self.model.credentials)
    @rule(pick=PICK)
    def delete_credential(self, pick: int) -> None:
        id_, _ = self.credential(pick)
        self.change(
            "/acs/credentials/delete",
            lambda _: self.model.delete_credential(id_),
            ("acs_credential.deleted", id_),
            acs_credential_id=id_,
        )

    # Identities.

    @rule(name=NAMES, email=EMAILS, phone=PHONES, in_system=st.booleans())
    def create_identity(
        self, name: str, email: str | None, phone: str | None, in_system: bool
    ) -> None:
        others = self.model.identities.values()
        is_taken = any((email and i.email == email) or (phone and i.phone == phone) for i in others)
        identity = Identity(name, email, phone)
        linked = self.model.same_person(identity)

        def update(body: Any) -> None:
            shown = body["user_identity"]
            id_ = shown["user_identity_id"]
            self.model.identities[id_] = identity
            if in_system:
                self._become(id_, linked or shown["acs_user_ids"][0])

        created = in_system and linked is None
        answer = self.change(
            "/user_identities/create",
            None if is_taken else update,
            *([("acs_user.created", "=acs_user_ids")] if created else []),
            full_name=name,
            email_address=email,
            phone_number=phone,
            acs_system_ids=[SYSTEM] if in_system else [],
        )
        assert answer.status_code in {200, 400, 409}

    def _become(self, identity_id: str, person_id: str) -> None:
        identity = self.model.identities[identity_id]
        values = (identity.full_name, identity.email, identity.phone)
        person = self.model.people.setdefault(person_id, Person(*values))
        person.identity = identity_id

    @precondition(lambda self: self.model.identities)
    @rule(pick=PICK)
    def delete_identity(self, pick: int) -> None:
        id_ = self.some(self.model.identities, pick)
        person = self.model.user_of(id_)
        events = []
        if person is not None:
            events = [event for c in self.model.of_person(person) for event in self._ends(c)]
            events.append(("acs_user.deleted", person))

        def update(_: Any) -> None:
            del self.model.identities[id_]
            if person is not None:
                self.model.delete_person(person)

        self.change("/user_identities/delete", update, *events, user_identity_id=id_)

    @precondition(lambda self: self.model.identities)
    @rule(pick=PICK, person=PICK)
    def link(self, pick: int, person: int) -> None:
        id_ = self.some(self.model.identities, pick)
        person_id, somebody = self.person(person)
        is_possible = somebody.identity == id_ or (
            somebody.identity is None and self.model.user_of(id_) is None
        )
        self.change(
            "/user_identities/add_acs_user",
            (lambda _: setattr(somebody, "identity", id_)) if is_possible else None,
            user_identity_id=id_,
            acs_user_id=person_id,
        )

    @precondition(lambda self: any(p.identity for p in self.model.people.values()))
    @rule(pick=PICK)
    def unlink(self, pick: int) -> None:
        linked = [i for i, p in self.model.people.items() if p.identity]
        person_id = self.some(linked, pick)
        somebody = self.model.people[person_id]
        self.change(
            "/user_identities/remove_acs_user",
            lambda _: setattr(somebody, "identity", None),
            user_identity_id=somebody.identity,
            acs_user_id=person_id,
        )

    # Doors.

    @precondition(lambda self: self.model.credentials)
    @rule(pick=PICK, entrance=PICK)
    def present(self, pick: int, entrance: int) -> None:
        _, credential = self.credential(pick)
        entrance_id = self.some(self.model.entrances, entrance)
        if credential.number is None or credential.method == "cloud_key":
            return
        now = self.site.now()
        reason, holder = self.model.shown(credential.method, credential.number, entrance_id, now)
        if reason == "deny_unknown_credential" and credential.method == "code":
            self.wrong[entrance_id] = self.wrong.get(entrance_id, 0) + 1
            if self.wrong[entrance_id] >= 4:
                return  # the keypad would close, which the doors' own tests are about
        key = "code" if credential.method == "code" else "card_number"
        shown = self.site.read(
            "/doorward/doors/present",
            "decision",
            acs_entrance_id=entrance_id,
            **{key: credential.number},
        )
        assert (shown["reason"], shown.get("acs_credential_id") or "") == (reason, holder), shown
        if reason == "allow":
            self._used(holder)

    def _used(self, credential_id: str) -> None:
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

    # What changes nothing.

    @rule(hours=st.sampled_from([0, 1, 3, 25]))
    def advance(self, hours: int) -> None:
        self.site.advance(timedelta(hours=hours, minutes=17))
        self.compare()

    @rule()
    def look(self) -> None:
        self.compare()

    @rule()
    def restart(self) -> None:
        self.site.server.restart()
        self.compare()

    @rule()
    def apply_again(self) -> None:
        revision, known = self.site.revision(), self.site.event_ids()
        self.site.server.apply()
        assert self.site.gained(revision, known) == ([], [])
        self.compare()


# Whoever these take something from can open no more afterwards than before.
REMOVING = {
    "/acs/users/delete",
    "/acs/users/suspend",
    "/acs/users/remove_from_access_group",
    "/acs/access_groups/remove_user",
    "/acs/users/revoke_access_to_all_entrances",
    "/acs/credentials/delete",
    "/acs/credentials/unassign",
    "/user_identities/delete",
    "/user_identities/remove_acs_user",
}


def _iso(moment: datetime) -> str:
    return moment.isoformat()


def _schedule(window: Window) -> dict[str, str | None]:
    starts_at, ends_at = window
    assert starts_at is not None
    return {"starts_at": _iso(starts_at), "ends_at": None if ends_at is None else _iso(ends_at)}


def test_the_site_is_as_the_model_says(doorward_host: Host) -> None:
    Machine.host = doorward_host
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=int(os.environ.get("DOORWARD_HISTORIES", "12")),
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
