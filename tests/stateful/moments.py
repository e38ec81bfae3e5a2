"""What happens at doors, to the server, and to everything at once from files."""

import csv
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from doorward.testing.hosting import HostError
from tests.stateful.driver import CARDS, CODES, EMAILS, NAMES, PHONES, PICK, Driver
from tests.stateful.model import Credential, Model, Person
from tests.stateful.site import SYSTEM

LINES = st.lists(
    st.fixed_dictionaries(
        {
            "name": NAMES,
            "email": st.none() | st.sampled_from([f"{n}@import.test" for n in "pqrst"]) | EMAILS,
            "phone": PHONES,
            "card": st.none() | CARDS,
            "code": st.none() | CODES,
            "groups": st.none() | PICK,
        }
    ),
    min_size=1,
    max_size=2,
)


class Moments(Driver):
    """Rules of doors, time, restarts and files."""

    folder: Path

    @precondition(lambda self: self.numbers())
    @rule(pick=PICK, entrance=PICK)
    def present(self, pick: int, entrance: int) -> None:
        numbers = sorted(self.numbers())
        self.show(*numbers[pick % len(numbers)], self.some(self.model.entrances, entrance))

    @precondition(lambda self: self.model.credentials)
    @rule(pick=PICK, entrance=PICK)
    def unlock(self, pick: int, entrance: int) -> None:
        keys = [i for i, c in self.model.credentials.items() if c.method == "cloud_key"]
        id_ = self.some(keys or self.model.credentials, pick)
        asked = {
            "acs_credential_id": id_,
            "acs_entrance_id": self.some(self.model.entrances, entrance),
        }
        if not keys:
            assert self.site.post("/acs/entrances/unlock", **asked).status_code == 400
            return
        before = self.before()
        reason = self.model.decision(id_, asked["acs_entrance_id"], self.site.now())
        attempt = self._ended(self.site.read("/acs/entrances/unlock", "action_attempt", **asked))
        is_allowed = reason == "allow"
        assert attempt["status"] == ("success" if is_allowed else "error"), (reason, attempt)
        assert is_allowed or attempt["error"]["type"] == reason, (reason, attempt)
        if is_allowed:
            self.used(id_)
        told = f"action_attempt.unlock_door.{'succeeded' if is_allowed else 'failed'}"
        self.check_gained(before, [(told, attempt["action_attempt_id"])], attempt)

    def _ended(self, attempt: Any) -> Any:
        for _ in range(2000):
            if attempt["status"] != "pending":
                return attempt
            named = {"action_attempt_id": attempt["action_attempt_id"]}
            attempt = self.site.read("/action_attempts/get", "action_attempt", **named)
        raise AssertionError(f"{attempt} has no end")

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
        self.follow()
        self.compare()

    @rule()
    def crash(self) -> None:
        self.site.server.kill()
        self.site.server.start()
        self.follow()
        self.compare()

    # Files.

    @rule()
    def apply_again(self) -> None:
        """Groups that the file declares come back, with their entrances and without a member."""
        before = self.before()
        self.site.server.apply()
        for id_, entrances in self.declared.items():
            self.model.groups.setdefault(id_, set(entrances))
        changed = self.check_gained(before, [], "apply")
        self.follow()
        self.check_doors(before, changed)
        self.compare()

    @rule(lines=LINES)
    def import_people(self, lines: list[dict[str, Any]]) -> None:
        """Everybody of a file, or nobody where one line cannot be."""
        for line in lines:
            pick = line["groups"]
            there = pick is not None and self.model.groups
            line["groups"] = self.some(self.model.groups, pick) if there else None
        file = self.folder / "people.csv"
        with file.open("w", newline="") as out:
            writer = csv.DictWriter(out, list(lines[0]))
            writer.writeheader()
            writer.writerows(lines)
        before, is_possible = self.before(), _can_come(self.model, lines)
        if not is_possible:
            with pytest.raises(HostError):
                self.site.server.import_people(file)
            self.check_gained(before, [], lines)
            return
        self.site.server.import_people(file)
        told = self._learn(lines)
        changed = self.check_gained(before, told, lines)
        self.follow()
        self.check_doors(before, changed)
        self.compare()

    def _learn(self, lines: list[dict[str, Any]]) -> list[tuple[str, str]]:
        """Asks for the ids of those who have come; lists have them in the file's order."""
        told = []
        shown = self.site.read("/acs/users/list", "acs_users", acs_system_id=SYSTEM)
        new = [u["acs_user_id"] for u in shown if u["acs_user_id"] not in self.model.people]
        for id_, line in zip(new, lines, strict=True):
            groups = {line["groups"]} if line["groups"] else set()
            person = Person(line["name"], line["email"], line["phone"], groups=groups)
            self.model.people[id_] = person
            told.append(("acs_user.created", id_))
        wanted = {
            (method, line[method], person)
            for person, line in zip(new, lines, strict=True)
            for method in ("card", "code")
            if line[method]
        }
        for id_, credential in self.site.credentials().items():
            if id_ not in self.model.credentials:
                made = (credential.method, credential.number, credential.person)
                wanted.remove(made)
                self.model.credentials[id_] = Credential(credential.method, made[2], made[1])
                told.append(("acs_credential.issued", id_))
        assert not wanted
        return told


def _can_come(model: Model, lines: list[dict[str, Any]]) -> bool:
    """Whether a file's people are new, their cards nobody's, and no two codes would clash."""
    trial = Model(model.entrances, model.groups, dict(model.people), dict(model.credentials))
    keys = {key for p in model.people.values() for key in (p.email, p.phone) if key}
    cards = {c.number for c in model.credentials.values()}
    own: set[str] = set()
    for place, line in enumerate(lines):
        groups = {line["groups"]} if line["groups"] else set()
        key = line["email"] or line["phone"]
        if (key and key in keys | own) or (line["card"] and line["card"] in cards):
            return False
        own.add(key)
        cards.add(line["card"])
        trial.people[f"{place}"] = Person(groups=groups)
        if line["code"]:
            trial.credentials[f"{place}"] = Credential("code", f"{place}", line["code"])
    return not trial.clashes()
