"""What happens to cards, codes and cloud keys."""

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.stateful.driver import CARDS, CODES, ENDS, PICK, Driver, iso
from tests.stateful.model import NEW, Credential, Model
from tests.stateful.site import SYSTEM

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
        named = self.anybody(pick, by)
        own = set() if entrance is None else {self.some(self.model.entrances, entrance)}
        window = self.window(None, ends)
        number = code if method == "code" else None

        def do(model: Model) -> None:
            made = Credential(method, named.find(model), number, "active", window, set(own))
            model.credentials[NEW] = made

        def update(body: Any) -> None:
            do(self.model)
            shown = body["acs_credential"]
            made = self.model.credentials.pop(NEW)
            made.number = shown["code"] if method == "code" else None
            self.model.credentials[shown["acs_credential_id"]] = made
            assert not self.model.clashes()

        issued = [] if method == "card" else [("acs_credential.issued", "=acs_credential_id")]
        system = {"acs_system_id": SYSTEM} if "user_identity_id" in named.parameters else {}
        self.change(
            "/acs/credentials/create",
            update if self.unless_clash(do) or number is None else None,
            *issued,
            *named.events,
            access_method=method,
            allowed_acs_entrance_ids=sorted(own),
            **({} if number is None else {"code": number}),
            **({} if window[1] is None else {"ends_at": iso(window[1])}),
            **system,
            **named.parameters,
        )

    @precondition(lambda self: self.model.credentials)
    @rule(pick=PICK, card=CARDS)
    def set_card_number(self, pick: int, card: str) -> None:
        waiting = [i for i, c in self.model.credentials.items() if not c.is_issued]
        id_ = self.some(waiting or self.model.credentials, pick)
        credential = self.model.credentials[id_]
        is_taken = any(c.number == card for c in self.model.credentials.values())
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
        is_other = self.model.credentials[id_].number != code
        self.change(
            "/acs/credentials/update",
            self.unless_clash(lambda model: setattr(model.credentials[id_], "number", code)),
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
        starts_at = credential.window[0]
        is_possible = starts_at is None or starts_at < ends_at
        self.change(
            "/acs/credentials/update",
            (lambda _: setattr(credential, "window", (starts_at, ends_at)))
            if is_possible
            else None,
            acs_credential_id=id_,
            ends_at=iso(ends_at),
        )

    @precondition(lambda self: self.model.credentials)
    @rule(pick=PICK, to=PICK, by=st.booleans())
    def assign(self, pick: int, to: int, by: bool) -> None:
        """To anybody, whoever has it."""
        id_, _ = self.credential(pick)
        named = self.anybody(to, by)

        def do(model: Model) -> None:
            model.credentials[id_].person = named.find(model)

        self.change(
            "/acs/credentials/assign",
            self.unless_clash(do),
            *named.events,
            acs_credential_id=id_,
            **named.parameters,
        )

    @precondition(lambda self: self.model.credentials)
    @rule(pick=PICK, by=st.booleans(), is_owner=st.booleans())
    def unassign(self, pick: int, by: bool, is_owner: bool) -> None:
        """From whoever has it, or from somebody who may not have it."""
        id_, credential = self.credential(pick)
        named = self.somebody(pick, by)
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
