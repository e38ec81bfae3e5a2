"""Everything at once from files: people imported, and the site's own file applied again."""

import csv
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import rule

from doorward.testing.hosting import HostError
from tests.stateful.credentials import NAME_OF
from tests.stateful.driver import CARDS, CODES, EMAILS, NAMES, PHONES, PICK, Driver
from tests.stateful.file import DeclaredFile
from tests.stateful.model import Credential, Model, Person

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


class Files(Driver):
    """Rules of files."""

    folder: Path
    file: DeclaredFile | None = None

    def declared(self) -> DeclaredFile:
        """What the site's file says, and what it has said before."""
        if self.file is None:
            self.file = DeclaredFile(self.site.server.site)
        return self.file

    @rule()
    def apply_again(self) -> None:
        """The same file once more: nobody comes back by it."""
        self._apply(self.declared(), is_pruning=False)

    @rule(
        lena=st.sampled_from(["Lena Fischer", "Lena F.", "Helena Fischer"]),
        has_visitors=st.booleans(),
        has_sam=st.booleans(),
        is_pruning=st.booleans(),
    )
    def apply_edited(self, lena: str, has_visitors: bool, has_sam: bool, is_pruning: bool) -> None:
        """A file with another name for somebody, a group more or less, a person more or less."""
        file = deepcopy(self.declared())
        file.lena, file.has_visitors, file.has_sam = lena, has_visitors, has_sam
        self._apply(file, is_pruning=is_pruning)

    def _apply(self, file: DeclaredFile, *, is_pruning: bool) -> None:
        path = self.folder / "site.yaml"
        path.write_text(file.text())
        before, trial, then = self.before(), deepcopy(self.model), deepcopy(file)
        told = then.apply(trial, is_pruning=is_pruning)
        if trial.clashes():
            with pytest.raises(HostError):
                self.site.server.apply(path, prune=is_pruning)
            self.check_gained(before, [], "refused")
            return
        self.site.server.apply(path, prune=is_pruning)
        self.model, self.file = trial, then
        changed = self.check_gained(before, told, (file, is_pruning))
        self.follow()
        self.check_doors(before, changed)
        self.compare()

    @rule(lines=LINES, place=PICK)
    def import_people(self, lines: list[dict[str, Any]], place: int) -> None:
        """Everybody of a file becomes known to a system, or nobody where one line cannot be."""
        system = self.system(place)
        for line in lines:
            pick = line["groups"]
            line["groups"] = (
                None if pick is None else self.of_system(self.model.groups, system, pick)
            )
        file = self.folder / "people.csv"
        with file.open("w", newline="") as out:
            writer = csv.DictWriter(out, list(lines[0]))
            writer.writeheader()
            writer.writerows(lines)
        before, is_possible = self.before(), _can_come(self.model, lines, system)
        if not is_possible:
            with pytest.raises(HostError):
                self.site.server.import_people(file, system=system)
            self.check_gained(before, [], lines)
            return
        self.site.server.import_people(file, system=system)
        told = self._learn(lines, system)
        changed = self.check_gained(before, told, lines)
        self.follow()
        self.check_doors(before, changed)
        self.compare()

    def _learn(self, lines: list[dict[str, Any]], system: str) -> list[tuple[str, str]]:
        """Asks for the ids of those who have come; lists have them in the file's order."""
        told = []
        shown = self.site.read("/acs/users/list", "acs_users", acs_system_id=system)
        new = [u["acs_user_id"] for u in shown if u["acs_user_id"] not in self.model.people]
        for id_, line in zip(new, lines, strict=True):
            groups = {line["groups"]} if line["groups"] else set()
            person = Person(system, line["name"], line["email"], line["phone"], groups=groups)
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
                name = NAME_OF[credential.method]
                self.model.credentials[id_] = Credential(
                    system, credential.method, made[2], made[1], name=name
                )
                told.append(("acs_credential.issued", id_))
        assert not wanted
        return told


def _can_come(model: Model, lines: list[dict[str, Any]], system: str) -> bool:
    """Whether a file's people are new, their groups of the system, their cards nobody's, and no two
    codes would clash.
    """
    trial = deepcopy(model)
    there = [person for person in model.people.values() if person.system == system]
    keys = {key for person in there for key in (person.email, person.phone) if key}
    cards = {c.number for c in model.credentials.values() if c.system == system}
    own: set[str] = set()
    for place, line in enumerate(lines):
        groups = {line["groups"]} if line["groups"] else set()
        key = line["email"] or line["phone"]
        if any(model.groups[group].system != system for group in groups):
            return False
        if (key and key in keys | own) or (line["card"] and line["card"] in cards):
            return False
        own.add(key)
        cards.add(line["card"])
        trial.people[f"{place}"] = Person(system, groups=groups)
        if line["code"]:
            trial.credentials[f"{place}"] = Credential(system, "code", f"{place}", line["code"])
    return not trial.clashes()
