"""What happens to people, their groups and grants."""

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.stateful.driver import (
    EMAILS,
    ENDS,
    NAMES,
    PHONES,
    PICK,
    STARTS,
    Driver,
    Events,
    Named,
    iso,
)
from tests.stateful.model import ALWAYS, Model, Person, Window, together


class People(Driver):
    """Rules of /acs/users, /acs/access_groups and grants."""

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
        system = self.system(pick)
        group = self.of_system(self.model.groups, system, pick) if pick % 3 else None
        groups = [] if group is None else [group]
        window = self.window(starts, ends) if starts is not None else ALWAYS
        given = {"email_address": email, "phone_number": phone}
        parameters: dict[str, Any] = {k: v for k, v in given.items() if v is not None}
        if window != ALWAYS:
            parameters["access_schedule"] = _schedule(window)

        def update(body: Any) -> None:
            person = Person(system, name, email, phone, None, False, window, set(groups))
            self.model.people[body["acs_user"]["acs_user_id"]] = person

        is_possible = not groups or self.model.groups[groups[0]].system == system
        self.change(
            "/acs/users/create",
            update if is_possible else None,
            ("acs_user.created", "=acs_user_id"),
            acs_system_id=system,
            full_name=name,
            acs_access_group_ids=groups,
            **parameters,
        )

    @rule(pick=PICK, by=st.booleans(), name=NAMES, email=EMAILS, starts=STARTS, ends=ENDS)
    def update_person(
        self,
        pick: int,
        by: bool,
        name: str,
        email: str | None,
        starts: int | None,
        ends: int | None,
    ) -> None:
        named = self.in_system(pick, by)
        id_ = named.find(self.model)
        window = self.window(starts, ends) if starts is not None else ALWAYS
        before = self.model.people[id_].window if id_ else ALWAYS

        def update(_: Any) -> None:
            person = self.model.people[str(id_)]
            person.full_name, person.window = name, window
            person.email = email or person.email

        self.change(
            "/acs/users/update",
            update if id_ else None,
            is_removing=_is_within(window, before),
            full_name=name,
            access_schedule=None if window == ALWAYS else _schedule(window),
            **({"email_address": email} if email else {}),
            **named.parameters,
        )

    @precondition(lambda self: len(self.model.people) > 1)
    @rule(pick=PICK, by=st.booleans())
    def delete_person(self, pick: int, by: bool) -> None:
        named = self.in_system(pick, by)
        id_ = named.find(self.model)
        self.change(
            "/acs/users/delete",
            (lambda _: self.model.delete_person(id_)) if id_ else None,
            *(self.farewell(id_) if id_ else ()),
            **named.parameters,
        )

    def farewell(self, person_id: str) -> Events:
        """What is told when somebody goes."""
        told = [event for c in self.model.of_person(person_id) for event in self._ends(c)]
        return (*told, ("acs_user.deleted", person_id))

    def _ends(self, credential_id: str) -> Events:
        credential = self.model.credentials[credential_id]
        is_valid = credential.is_issued and credential.state == "active"
        ended = [("acs_credential.invalidated", credential_id)] if is_valid else []
        return (*ended, ("acs_credential.deleted", credential_id))

    @rule(pick=PICK, by=st.booleans())
    def suspend(self, pick: int, by: bool) -> None:
        self._set_suspended(self.in_system(pick, by), is_suspended=True)

    @rule(pick=PICK, by=st.booleans())
    def unsuspend(self, pick: int, by: bool) -> None:
        """Whoever is suspended, or somebody who may not be."""
        suspended = [id_ for id_, p in self.model.people.items() if p.is_suspended]
        named = self.in_system(pick, by)
        if suspended and not by:
            id_ = self.some(suspended, pick)
            named = Named({"acs_user_id": id_}, lambda _: id_)
        self._set_suspended(named, is_suspended=False)
        self.compare()

    def _set_suspended(self, named: Named, *, is_suspended: bool) -> None:
        id_ = named.find(self.model)
        path = "/acs/users/suspend" if is_suspended else "/acs/users/unsuspend"

        def update(_: Any) -> None:
            self.model.people[str(id_)].is_suspended = is_suspended

        self.change(path, update if id_ else None, **named.parameters)

    # Groups, grants.

    @precondition(lambda self: self.model.groups)
    @rule(pick=PICK, by=st.booleans(), group=PICK, spelling=st.booleans())
    def join(self, pick: int, by: bool, group: int, spelling: bool) -> None:
        group_id = self.some(self.model.groups, group)
        system = self.model.groups[group_id].system
        named = self.anybody(pick, by and spelling, system)

        def do(model: Model) -> None:
            person = model.people[str(named.find(model))]
            together(person.system, system)
            person.groups.add(group_id)

        self.change(
            "/acs/access_groups/add_user" if spelling else "/acs/users/add_to_access_group",
            self.unless_refused(do),
            *named.events,
            acs_access_group_id=group_id,
            **named.parameters,
        )

    @precondition(lambda self: self.model.groups)
    @rule(pick=PICK, by=st.booleans(), group=PICK, spelling=st.booleans())
    def leave(self, pick: int, by: bool, group: int, spelling: bool) -> None:
        system = self.system(group)
        named = self.somebody(pick, by, system)
        id_ = named.find(self.model)
        groups = self.model.people[id_].groups if id_ else set()
        group_id = self._group_to_leave(groups, system, group)
        if "user_identity_id" in named.parameters:
            # In whose system the group is, that user of the identity leaves.
            identity_id = self.model.identity_of(named.parameters["user_identity_id"])
            there = self.model.user_of(identity_id, self.model.groups[group_id].system)
            groups = self.model.people[there].groups if there else set()
        # An identity that is nobody in the group's system has nothing to leave there.
        is_possible = by or id_ is None or self._share(id_, group_id)
        users, access_groups = (
            "/acs/users/remove_from_access_group",
            "/acs/access_groups/remove_user",
        )
        self.change(
            users if spelling else access_groups,
            (lambda _: groups.discard(group_id)) if is_possible else None,
            acs_access_group_id=group_id,
            **named.parameters,
        )

    def _group_to_leave(self, groups: set[str], system: str, pick: int) -> str:
        """Mostly one that somebody is in."""
        other = self.of_system(self.model.groups, system, pick)
        return self.some(sorted(groups) or [other or next(iter(self.model.groups))], pick)

    def _share(self, person_id: str, group_id: str) -> bool:
        return self.model.people[person_id].system == self.model.groups[group_id].system

    @precondition(lambda self: self.model.groups)
    @rule(group=PICK)
    def delete_group(self, group: int) -> None:
        id_ = self.some(self.model.groups, group)
        self.change(
            "/acs/access_groups/delete",
            lambda _: self.model.delete_group(id_),
            ("acs_access_group.deleted", id_),
            acs_access_group_id=id_,
        )

    @rule(pick=PICK, by=st.booleans(), entrance=PICK)
    def grant(self, pick: int, by: bool, entrance: int) -> None:
        entrance_id = self.some(self.model.entrances, entrance)
        system = self.model.entrances[entrance_id].system
        named = self.anybody(pick, by, system)

        def do(model: Model) -> None:
            person = model.people[str(named.find(model))]
            together(person.system, system)
            person.grants.add(entrance_id)

        self.change(
            "/acs/entrances/grant_access",
            self.unless_refused(do),
            *named.events,
            acs_entrance_id=entrance_id,
            **named.parameters,
        )

    @rule(pick=PICK, by=st.booleans())
    def revoke_all(self, pick: int, by: bool) -> None:
        named = self.in_system(pick, by)
        id_ = named.find(self.model)

        def update(_: Any) -> None:
            person = self.model.people[str(id_)]
            person.groups, person.grants = set(), set()
            for credential_id in self.model.of_person(str(id_)):
                self.model.credentials[credential_id].entrances = set()

        self.change(
            "/acs/users/revoke_access_to_all_entrances",
            update if id_ else None,
            **named.parameters,
        )


def _schedule(window: Window) -> dict[str, str | None]:
    starts_at, ends_at = window
    assert starts_at is not None
    return {"starts_at": iso(starts_at), "ends_at": None if ends_at is None else iso(ends_at)}


def _is_within(window: Window, before: Window) -> bool:
    """Whether a window holds at no time at which the one before did not."""
    starts, ends = zip(window, before, strict=True)
    is_later = starts[1] is None or (starts[0] is not None and starts[0] >= starts[1])
    return is_later and (ends[1] is None or (ends[0] is not None and ends[0] <= ends[1]))
