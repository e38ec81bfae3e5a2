"""What happens to identities.

Making, changing, linking, unlinking and merging them writes no journal and tells no event, which
docs/compatibility.md says under "User identities": none of it changes who may open what. What goes
with it does, and has its entries: a person whom an identity becomes, and all of whom an identity is
when it is deleted.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.stateful.driver import EMAILS, KEYS, NAMES, PHONES, PICK
from tests.stateful.model import NEW, Identity, Model
from tests.stateful.people import People


class Identities(People):
    """Rules of /user_identities."""

    @rule(name=NAMES, email=EMAILS, phone=PHONES, key=KEYS, places=PICK)
    def create_identity(
        self, name: str, email: str | None, phone: str | None, key: str | None, places: int
    ) -> None:
        """In no system, in one or in both."""
        identity = Identity(name, email, phone, key)
        systems = [self.office, self.annex][: places % 4 % 3]
        new = [system for system in systems if self.model.same_person(identity, system) is None]

        def update(body: Any) -> None:
            id_ = body["user_identity"]["user_identity_id"]
            self.model.identities[id_] = identity
            for system in systems:
                self.model.become(id_, system)

        self.change(
            "/user_identities/create",
            update if self.model.is_unique(identity) else None,
            *(("acs_user.created", f"{NEW} {system}") for system in new),
            full_name=name,
            email_address=email,
            phone_number=phone,
            user_identity_key=key,
            acs_system_ids=systems,
        )

    @precondition(lambda self: self.model.identities)
    @rule(
        pick=PICK,
        name=st.none() | NAMES,
        email=EMAILS,
        phone=PHONES,
        key=KEYS,
        what=st.sets(
            st.sampled_from(["full_name", "email_address", "phone_number", "user_identity_key"]),
            min_size=1,
        ),
    )
    def update_identity(
        self,
        pick: int,
        name: str | None,
        email: str | None,
        phone: str | None,
        key: str | None,
        what: set[str],
    ) -> None:
        id_ = self.identity(pick)
        identity_id = self.model.identity_of(id_)
        given: dict[str, Any] = {
            "full_name": name,
            "email_address": email,
            "phone_number": phone,
            "user_identity_key": key,
        }
        ours = {"email_address": "email", "phone_number": "phone", "user_identity_key": "key"}
        values: dict[str, Any] = {ours.get(name, name): given[name] for name in what}
        new = replace(self.model.identities[identity_id], **values)

        def update(_: Any) -> None:
            self.model.identities[identity_id] = new

        self.change(
            "/user_identities/update",
            update if self.model.is_unique(new, identity_id) else None,
            user_identity_id=id_,
            **{name: given[name] for name in sorted(what)},
        )

    @precondition(lambda self: self.model.identities and len(self.model.people) > 2)
    @rule(pick=PICK)
    def delete_identity(self, pick: int) -> None:
        id_ = self.identity(pick)
        identity_id = self.model.identity_of(id_)
        people = self.model.users_of(identity_id)
        self.change(
            "/user_identities/delete",
            lambda _: self.model.delete_identity(identity_id),
            *(event for person in people for event in self.farewell(person)),
            user_identity_id=id_,
        )

    @precondition(lambda self: self.model.identities)
    @rule(pick=PICK, person=PICK)
    def link(self, pick: int, person: int) -> None:
        id_ = self.identity(pick)
        self._link(self.model.identity_of(id_), self.person(person)[0], user_identity_id=id_)

    @rule(key=KEYS.filter(bool), person=PICK)
    def link_by_key(self, key: str, person: int) -> None:
        """A key that nobody has makes an identity of the person's values."""
        person_id, somebody = self.person(person)
        identity_id = self.model.called(key)
        if identity_id is not None:
            self._link(identity_id, person_id, user_identity_key=key)
            return
        made = Identity(somebody.full_name, somebody.email, somebody.phone, key)
        is_possible = somebody.identity is None and self.model.is_unique(made)

        def update(_: Any) -> None:
            shown = self.site.read("/user_identities/get", "user_identity", user_identity_key=key)
            self.model.identities[shown["user_identity_id"]] = made
            somebody.identity = shown["user_identity_id"]

        self.change(
            "/user_identities/add_acs_user",
            update if is_possible else None,
            acs_user_id=person_id,
            user_identity_key=key,
        )

    def _link(self, identity_id: str, person_id: str, **named: Any) -> None:
        somebody = self.model.people[person_id]
        is_possible = somebody.identity == identity_id or (
            somebody.identity is None and self.model.user_of(identity_id, somebody.system) is None
        )
        self.change(
            "/user_identities/add_acs_user",
            (lambda _: setattr(somebody, "identity", identity_id)) if is_possible else None,
            acs_user_id=person_id,
            **named,
        )

    @precondition(lambda self: self.model.identities)
    @rule(pick=PICK, person=PICK, is_theirs=st.booleans())
    def unlink(self, pick: int, person: int, is_theirs: bool) -> None:
        """Whoever is another identity's, or nobody's, stays so."""
        linked = [i for i, p in self.model.people.items() if p.identity]
        person_id = self.some(linked or self.model.people, person)
        somebody = self.model.people[person_id]
        id_ = somebody.identity if is_theirs and somebody.identity else self.identity(pick)
        is_owner = self.model.identity_of(id_) == somebody.identity
        self.change(
            "/user_identities/remove_acs_user",
            lambda _: setattr(somebody, "identity", None) if is_owner else None,
            user_identity_id=id_,
            acs_user_id=person_id,
        )

    @precondition(lambda self: len(self.model.identities) > 1)
    @rule(pick=PICK, other=PICK)
    def merge(self, pick: int, other: int) -> None:
        names = self.identity(pick), self.identity(other)
        self._merge(
            *map(self.model.identity_of, names),
            user_identity_id=names[0],
            merged_user_identity_ids=[names[1]],
        )

    @rule(key=KEYS.filter(bool), other=KEYS.filter(bool))
    def merge_by_key(self, key: str, other: str) -> None:
        self._merge(
            self.model.called(key),
            self.model.called(other),
            user_identity_key=key,
            merged_user_identity_keys=[other],
        )

    def _merge(self, primary: str | None, other: str | None, **named: Any) -> None:
        def do(model: Model) -> None:
            if primary and other and primary != other:
                model.merge(primary, other)

        is_possible = bool(primary and other) and (
            primary == other
            or not self.model.systems_of(str(primary)) & self.model.systems_of(str(other))
        )
        update: Callable[[Any], None] = lambda _: do(self.model)  # noqa: E731
        self.change("/user_identities/merge", update if is_possible else None, **named)
