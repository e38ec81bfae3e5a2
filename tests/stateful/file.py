"""The site's file as the machine edits it, and what applying it does, by docs/site-file.md."""

from dataclasses import dataclass, field

from doorward.site.model import derived_id
from doorward.site.parse import load_site
from doorward.testing.site import Site as Ids
from tests.site.files import edited
from tests.stateful.model import Credential, Group, Model, Person
from tests.stateful.site import FILE

LENA = "Lena Fischer"
LENA_MAIL = "lena@machine.test"
SAM = """  sam:
    system: office
    name: Sam Whitfield
    phone: "+15555550109"
    groups: [suppliers]
    credentials:
      code: {code: "7723408"}
"""
VISITORS = "  visitors: {name: Visitors, system: office, entrances: [front-door, server-room]}\n"
# As the file's reader derives it.
VISITORS_ID = str(derived_id(load_site(FILE).workspace.workspace_id, "access_group", "visitors"))
# Groups that the file always declares, with the entrances that they open.
GROUPS = {
    "everybody": ("office", "Everybody", ["front-door"]),
    "engineers": ("office", "Engineers", ["server-room"]),
    "managers": ("office", "Managers", ["front-door", "meeting-room"]),
    "suppliers": ("office", "Suppliers", ["loading-dock"]),
    "neighbours": ("annex", "Neighbours", ["annex-door"]),
}

Told = list[tuple[str, str]]


@dataclass
class DeclaredFile:
    """What the file says, and what is remembered of what it has said.

    lena: her name in it. values: hers as they were declared last. visitors: the ids of their group,
    once that was made.
    """

    ids: Ids
    lena: str = LENA
    has_visitors: bool = False
    has_sam: bool = True
    values: tuple[str | None, str | None, str | None] = (LENA, LENA_MAIL, None)
    remembered: set[str] = field(default_factory=lambda: {"sam"})

    def text(self) -> str:
        """The file."""
        text = FILE.read_text()
        edits = [(f"name: {LENA}", f"name: {self.lena}")]
        if self.has_visitors:
            lena = (
                "    groups: [everybody, managers]\n    credentials:\n      badge: {card: 42-10003}"
            )
            edits.append((lena, lena.replace("managers]", "managers, visitors]")))
            edits.append(("\nidentities:\n", f"{VISITORS}\nidentities:\n"))
        if not self.has_sam:
            edits.append((SAM, ""))
        return edited(*edits, text=text)

    def apply(self, model: Model, *, is_pruning: bool) -> Told:
        """Brings a model to what the file says; answers the events that are told."""
        told: Told = []
        if is_pruning:
            told += self._prune(model)
        self._groups(model)
        self._lena(model)
        if self.has_visitors:
            self._visitors(model)
        if self.has_sam and "sam" not in self.remembered:
            told += self._sam(model)
        return told

    def _prune(self, model: Model) -> Told:
        told: Told = []
        if not self.has_sam and "sam" in self.remembered:
            self.remembered.remove("sam")
            told += self._prune_sam(model)
        if not self.has_visitors:
            self.remembered -= {"visitors", "lena in visitors"}
            if VISITORS_ID in model.groups:
                model.delete_group(VISITORS_ID)
                told.append(("acs_access_group.deleted", VISITORS_ID))
        return told

    def _prune_sam(self, model: Model) -> Told:
        """With every credential that he has by now, and the one that he once had."""
        told: Told = []
        sam, code = self.ids.users["sam"], self.ids.credentials["sam/code"]
        theirs = model.of_person(sam) if sam in model.people else []
        for id_ in theirs:
            credential = model.credentials[id_]
            if credential.is_issued and credential.state == "active":
                told.append(("acs_credential.invalidated", id_))
            told.append(("acs_credential.deleted", id_))
        if sam in model.people:
            model.delete_person(sam)
            told.append(("acs_user.deleted", sam))
        if code in model.credentials:
            model.delete_credential(code)
            told.append(("acs_credential.deleted", code))
        return told

    def _groups(self, model: Model) -> None:
        """Groups that the file declares come back, with their entrances and without a member."""
        for key, (system, name, doors) in GROUPS.items():
            entrances = {self.ids.entrances[door] for door in doors}
            made = Group(self.ids.systems[system], name, entrances)
            model.groups.setdefault(self.ids.access_groups[key], made)

    def _lena(self, model: Model) -> None:
        """Her name is the file's, unless somebody has changed one of her values since."""
        id_ = self.ids.users["lena"]
        lena = model.people.get(id_)
        if lena is None:
            return
        wanted = (self.lena, LENA_MAIL, None)
        if lena.values != wanted and lena.values == self.values:
            lena.full_name, lena.email, lena.phone = wanted
            self.values = wanted
        elif lena.values == wanted and lena.identity is None and lena.window == (None, None):
            self.values = wanted

    def _visitors(self, model: Model) -> None:
        """Whoever left the group, or was removed, does not come back."""
        entrances = {self.ids.entrances[door] for door in ("front-door", "server-room")}
        group = Group(self.ids.systems["office"], "Visitors", entrances)
        model.groups.setdefault(VISITORS_ID, group)
        self.remembered.add("visitors")
        lena = model.people.get(self.ids.users["lena"])
        if "lena in visitors" not in self.remembered and lena is not None:
            lena.groups.add(VISITORS_ID)
            self.remembered.add("lena in visitors")

    def _sam(self, model: Model) -> Told:
        """He is new again: what was pruned is forgotten."""
        self.remembered.add("sam")
        sam, code = self.ids.users["sam"], self.ids.credentials["sam/code"]
        office = self.ids.systems["office"]
        groups = {self.ids.access_groups["suppliers"]}
        model.gone -= {("acs_user", sam), ("acs_credential", code)}
        model.people[sam] = Person(office, "Sam Whitfield", phone="+15555550109", groups=groups)
        model.credentials[code] = Credential(office, "code", sam, "7723408", name="code")
        return [("acs_user.created", sam), ("acs_credential.issued", code)]
