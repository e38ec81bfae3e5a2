"""Files and calls in any order, compared with a model in sets: what was removed stays removed."""

from dataclasses import dataclass, field
from itertools import count

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from doorward.site.model import Site, derived_id
from doorward.store.database import Database
from doorward.store.journal import Change
from doorward.store.memberships import ChangeMembership
from doorward.store.writer import Writer
from tests.conftest import MovableClock
from tests.site.conftest import Apply
from tests.site.files import parsed
from tests.site.tables import check_facts, members

DOORS = ("north", "east", "south")
GROUPS = ("red", "green")
PEOPLE = ("ada", "ben", "cyd")
PAIRS = [(group, person) for group in GROUPS for person in PEOPLE]
_NUMBERS = count()

Pair = tuple[str, str]


@dataclass
class File:
    """A file: which doors each group opens, and who is in which group; all groups are in it."""

    opens: dict[str, set[str]]
    groups_of: dict[str, set[str]]
    grant_again: bool
    prune: bool

    def text(self, name: str) -> str:
        """The file as YAML."""
        lines = [f"workspace: {{name: {name}}}", "systems: {s: {name: S, time_zone: UTC}}"]
        lines += ["controllers: {c: {name: C}}", "entrances:"]
        lines += [f"  {door}: {{name: {door}}}" for door in DOORS]
        lines += ["access_groups:"]
        lines += [f"  {g}: {{name: {g}, entrances: {sorted(d)}}}" for g, d in self.opens.items()]
        lines += ["users:" if self.groups_of else ""]
        lines += [
            f"  {person}: {{name: {person}, groups: {sorted(groups)},"
            f" credentials: {{card: {{card: 1-{PEOPLE.index(person)}}}}}}}"
            for person, groups in self.groups_of.items()
        ]
        return "\n".join(lines)

    def pairs(self) -> set[Pair]:
        """The memberships that it declares."""
        return {(group, person) for person, groups in self.groups_of.items() for group in groups}


@dataclass
class Call:
    """A call of the API: somebody is let into a group, or taken out."""

    pair: Pair
    is_add: bool


def _sets(values: tuple[str, ...]) -> st.SearchStrategy[set[str]]:
    return st.sets(st.sampled_from(values))


FILES = st.builds(
    File,
    opens=st.fixed_dictionaries({group: _sets(DOORS) for group in GROUPS}),
    groups_of=st.dictionaries(st.sampled_from(PEOPLE), _sets(GROUPS)),
    grant_again=st.sampled_from([False, False, True]),
    prune=st.sampled_from([False, False, True]),
)
CALLS = st.builds(Call, st.sampled_from(PAIRS), st.booleans())


@dataclass
class Model:
    """Who is known, who is in which group, and what files have declared before."""

    people: set[str] = field(default_factory=set)
    inside: set[Pair] = field(default_factory=set)
    declared: set[Pair] = field(default_factory=set)
    declared_people: set[str] = field(default_factory=set)

    def apply(self, file: File) -> None:
        """The rule of the file: made once, never given back, pruned only when told to."""
        pairs, people = file.pairs(), set(file.groups_of)
        if file.prune:
            self.inside -= self.declared - pairs
            self.people -= self.declared_people - people
            self.inside = {pair for pair in self.inside if pair[1] in self.people}
            self.declared &= pairs
            self.declared_people &= people
        self.inside |= pairs if file.grant_again else pairs - self.declared
        self.people |= people
        self.declared |= pairs
        self.declared_people |= people

    def call(self, call: Call) -> None:
        """What a call does: nothing for somebody who is not known."""
        if call.pair[1] in self.people and call.is_add:
            self.inside.add(call.pair)
        elif not call.is_add:
            self.inside.discard(call.pair)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(first=FILES, then=st.lists(CALLS | CALLS | FILES, max_size=7))
async def test_tables_and_model_agree(
    database: Database,
    writer: Writer,
    clock: MovableClock,
    apply_text: Apply,
    first: File,
    then: list[File | Call],
) -> None:
    name, model, file = f"W{next(_NUMBERS)}", Model(), first
    for step in [first, *then]:
        if isinstance(step, File):
            file = step
            model.apply(step)
            await apply_text(step.text(name), grant_again=step.grant_again, prune=step.prune)
            assert not (await apply_text(step.text(name))).has_changes
        else:
            model.call(step)
            await _call(writer, clock, parsed(file.text(name)), step)
    await _compare(database, parsed(file.text(name)), model, file)


async def _call(writer: Writer, clock: MovableClock, site: Site, call: Call) -> None:
    workspace_id = site.workspace.workspace_id
    group = site.access_groups[call.pair[0]].acs_access_group_id
    user = derived_id(workspace_id, "user", call.pair[1])
    change = Change(workspace_id, "api", clock.now(workspace_id))
    await writer.submit(ChangeMembership(change, call.is_add, group, user))


async def _compare(database: Database, site: Site, model: Model, file: File) -> None:
    workspace_id = site.workspace.workspace_id
    await check_facts(database, workspace_id)
    assert await members(database, workspace_id) == {
        (site.access_groups[group].acs_access_group_id, derived_id(workspace_id, "user", person))
        for group, person in model.inside
    }
    found = await database.fetch(
        "select acs_access_group_id, acs_entrance_id from access_group_entrance"
        " where workspace_id = $1 and is_desired",
        workspace_id,
    )
    assert {(row[0], row[1]) for row in found} == {
        (site.access_groups[group].acs_access_group_id, site.entrances[door].acs_entrance_id)
        for group, doors in file.opens.items()
        for door in doors
    }
