"""What happens to cards, codes and cloud keys."""

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.stateful.driver import CARDS, CODES, ENDS, PICK, Driver, iso
from tests.stateful.model import NEW, Credential, Model, together

NAME_OF = {"card": "Card", "code": "Code", "cloud_key": "Cloud key"}
STATES = st.sampled_from(["active", "disabled", "lost", "stolen"])


class Credentials(Driver):
    """Rules of /acs/credentials and of Doorward's own calls on credentials."""

    @rule(
        pick=PICK,
        by=st.booleans(),
        method=st.sampled_from(["card", "code", "cloud_key"]),
        code=st.none() | CODES,
        entrance=st.none() | PICK,
        ends=ENDS,
    )
    def create_credential(
        self,
        pick: int,
        by: bool,
        method: str,
        code: str | None,
        entrance: int | None,
        ends: int | None,
    ) -> None:
        system = self.system(pick)
        named = self.anybody(pick, by, system)
        door = None if entrance is None else self.of_system(self.model.entrances, system, entrance)
        own = set() if door is None else {door}
        window = self.window(None, ends)
        number = code if method == "code" else None

        def do(model: Model) -> None:
            owner = str(named.find(model))
            theirs = model.people[owner].system
            together(theirs, *(model.entrances[id_].system for id_ in own))
            name = NAME_OF[method]
            model.credentials[NEW] = Credential(
                theirs, method, owner, number, "active", window, set(own), name=name
            )

        def update(body: Any) -> None:
            do(self.model)
            shown = body["acs_credential"]
            made = self.model.credentials.pop(NEW)
            made.number = shown["code"] if method == "code" else None
            self.model.credentials[shown["acs_credential_id"]] = made
            assert not self.model.clashes()

        more: dict[str, Any] = {} if number is None else {"code": number}
        if window[1] is not None:
            more["ends_at"] = iso(window[1])
        issued = [] if method == "card" else [("acs_credential.issued", "=acs_credential_id")]
        if "user_identity_id" in named.parameters:
            named.parameters["acs_system_id"] = system
        self.change(
            "/acs/credentials/create",
            update if self.unless_refused(do) else None,
            *issued,
            *named.events,
            access_method=method,
            allowed_acs_entrance_ids=sorted(own),
            **more,
            **named.parameters,
        )

    @precondition(lambda self: self.model.credentials)
    @rule(pick=PICK, card=CARDS)
    def set_card_number(self, pick: int, card: str) -> None:
        waiting = [i for i, c in self.model.credentials.items() if not c.is_issued]
        id_ = self.some(waiting or self.model.credentials, pick)
        credential = self.model.credentials[id_]
        is_taken = self.is_taken(card, credential.system)
        is_possible = not credential.is_issued and not is_taken
        # To say the number that it has is to change nothing.
        is_said_again = credential.method == "card" and credential.number == card

        def update(_: Any) -> None:
            credential.number = card

        self.change(
            "/doorward/credentials/set_card_number",
            update if is_possible or is_said_again else None,
            *([] if is_said_again else [("acs_credential.issued", id_)]),
            acs_credential_id=id_,
            card_number=card,
        )

    def is_taken(self, card: str, system: str) -> bool:
        """Whether a credential of a system has a number."""
        return any((c.number, c.system) == (card, system) for c in self.model.credentials.values())

    @precondition(lambda self: self.model.credentials)
    @rule(pick=PICK, card=CARDS, entrance=PICK, is_cancelled=st.booleans())
    def enroll(self, pick: int, card: str, entrance: int, is_cancelled: bool) -> None:
        """A card learns its number from the next unknown read at a reader."""
        waiting = [i for i, c in self.model.credentials.items() if not c.is_issued]
        id_ = self.some(waiting or self.model.credentials, pick)
        credential = self.model.credentials[id_]
        door = str(self.of_system(self.model.entrances, credential.system, entrance))
        asked = {"acs_credential_id": id_, "acs_entrance_id": door}
        is_here = self.model.entrances[door].system == credential.system
        answer = self.site.post("/doorward/credentials/enroll", **asked, timeout_seconds=60)
        if credential.is_issued or not is_here:
            assert answer.status_code == 400, answer.text
            return
        enrollment = answer.json()["enrollment"]["enrollment_id"]
        if is_cancelled or self.is_taken(card, credential.system):
            self._cancel(enrollment)
            self.show("card", card, door)
        else:
            self._learn_at(door, card, enrollment, id_)
        self.check_told_at_doors()

    def _cancel(self, enrollment: str) -> None:
        self._do("/doorward/credentials/cancel_enrollment", enrollment_id=enrollment)
        assert self._enrolled(enrollment) == ("cancelled", "enrollment_cancelled")
        self.check_nothing_new("cancelled")

    def _enrolled(self, enrollment: str) -> tuple[str, str | None]:
        path = "/doorward/credentials/get_enrollment"
        shown = self.site.read(path, "enrollment", enrollment_id=enrollment)
        return shown["status"], shown["error"] and shown["error"]["type"]

    def _learn_at(self, door: str, card: str, enrollment: str, id_: str) -> None:
        """Shows a card until it is learnt: the reader may begin to wait a moment later."""
        before = self.before()
        for _ in range(100):
            self.show("card", card, door)
            for _ in range(50):
                if self._enrolled(enrollment) == ("succeeded", None):
                    self.model.credentials[id_].number = card
                    changed = self.check_gained(before, [("acs_credential.issued", id_)], card)
                    self.follow()
                    self.check_doors(before, changed)
                    return
        raise AssertionError(f"{card} was never learnt at {door}")

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
            is_removing=state != "active",
            acs_credential_id=id_,
            state=state,
            reason="the machine",
        )

    @precondition(lambda self: self.model.credentials)
    @rule(pick=PICK, limit=st.sampled_from([None, 1, 2, 3]))
    def set_use_limit(self, pick: int, limit: int | None) -> None:
        id_, credential = self.credential(pick)
        old = credential.use_limit
        self.change(
            "/doorward/credentials/set_use_limit",
            lambda _: setattr(credential, "use_limit", limit),
            is_removing=limit is not None and (old is None or limit <= old),
            acs_credential_id=id_,
            use_limit=limit,
        )

    @precondition(lambda self: self.codes())
    @rule(pick=PICK, code=CODES)
    def update_code(self, pick: int, code: str) -> None:
        id_ = self.some(self.codes(), pick)
        is_other = self.model.credentials[id_].number != code
        self.change(
            "/acs/credentials/update",
            self.unless_refused(lambda model: setattr(model.credentials[id_], "number", code)),
            *([("acs_credential.reissued", id_)] if is_other else []),
            acs_credential_id=id_,
            code=code,
        )

    def codes(self) -> list[str]:
        return [i for i, c in self.model.credentials.items() if c.method == "code"]

    @precondition(lambda self: self.model.credentials)
    @rule(pick=PICK, hours=st.sampled_from([1, 20, 40]))
    def move_end(self, pick: int, hours: int) -> None:
        id_, credential = self.credential(pick)
        ends_at = self.window(None, hours)[1]
        assert ends_at is not None
        starts_at, old = credential.window
        is_possible = starts_at is None or starts_at < ends_at
        self.change(
            "/acs/credentials/update",
            (lambda _: setattr(credential, "window", (starts_at, ends_at)))
            if is_possible
            else None,
            is_removing=old is None or ends_at <= old,
            acs_credential_id=id_,
            ends_at=iso(ends_at),
        )

    @precondition(lambda self: self.model.credentials)
    @rule(pick=PICK, to=PICK, by=st.booleans())
    def assign(self, pick: int, to: int, by: bool) -> None:
        """To anybody, whoever has it."""
        id_, credential = self.credential(pick)
        system = credential.system
        named = self.anybody(to, by, system)

        def do(model: Model) -> None:
            owner = str(named.find(model))
            together(model.people[owner].system, system)
            model.credentials[id_].person = owner

        self.change(
            "/acs/credentials/assign",
            self.unless_refused(do),
            *named.events,
            acs_credential_id=id_,
            **named.parameters,
        )

    @precondition(lambda self: self.model.credentials)
    @rule(pick=PICK, by=st.booleans(), is_owner=st.booleans())
    def unassign(self, pick: int, by: bool, is_owner: bool) -> None:
        """From whoever has it, or from somebody who may not have it."""
        id_, credential = self.credential(pick)
        named = self.somebody(pick, by, credential.system)
        if is_owner and credential.person is not None:
            named.parameters = {"acs_user_id": credential.person}
        owner = credential.person if is_owner else named.find(self.model)

        def update(_: Any) -> None:
            if credential.person == owner:
                credential.person = None

        self.change("/acs/credentials/unassign", update, acs_credential_id=id_, **named.parameters)

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
