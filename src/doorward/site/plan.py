"""File, database, and what files declared before: what is to be done. Pure.

The file owns structure: it is brought to what the file says. People, credentials, memberships and
tokens are made once. What has changed since in the database alone is drift, told and left as it
is; what has changed in the file alone is applied. What is gone from the file is told and left.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final, Literal

from doorward.site.declaration import Declaration
from doorward.site.kinds import KINDS, Address
from doorward.store.rows import Ids, Row
from doorward.store.site_objects import Declared, SiteObject, declared

# remember and forget are about site_object alone, and nobody is told of them.
Action = Literal["create", "update", "drift", "leftover", "delete", "remember", "forget"]


@dataclass(frozen=True, slots=True)
class Options:
    """grant_again: drift is put back. prune: what is gone from the file is deleted."""

    grant_again: bool = False
    prune: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do or to tell.

    names: the fields that differ. declared: what to remember of the object afterwards.
    """

    action: Action
    kind: str
    key: str
    ids: Ids
    line: int = 0
    row: Row | None = None
    old: Row | None = None
    names: tuple[str, ...] = ()
    note: str = ""
    declared: Declared | None = None


Actual = Mapping[Address, Row]


def make_steps(
    declared_rows: Sequence[Declaration],
    actual: Actual,
    memory: Sequence[SiteObject],
    options: Options,
) -> list[Step]:
    """The steps that bring the database to what the file says, as far as it may say it."""
    return [*_Planner(actual, memory, options).steps(declared_rows)]


class _Planner:
    def __init__(self, actual: Actual, memory: Sequence[SiteObject], options: Options) -> None:
        self._actual = actual
        self._memory = {(each.kind, each.ids): each for each in memory}
        self._options = options
        # Declared, made once, and not there any more.
        self._absent: set[Address] = set()

    def steps(self, declared_rows: Sequence[Declaration]) -> Iterator[Step]:
        for each in declared_rows:
            row = self._actual.get(each.address)
            found = [*(self._missing(each) if row is None else self._present(each, row))]
            yield from found
            yield from self._renamed(each, found)
        yield from self._gone({each.address for each in declared_rows})
        yield from self._closed(declared_rows)

    def _renamed(self, each: Declaration, found: Sequence[Step]) -> Iterator[Step]:
        """An object that the file calls by another key now is still the one that was declared."""
        memory = self._memory.get(each.address)
        if memory is None or memory.key == each.key:
            return
        yield _of_memory("forget", memory, None)
        if all(step.declared is None for step in found):
            yield _step("remember", each, declared=memory.declared)

    def _missing(self, each: Declaration) -> Iterator[Step]:
        is_first = each.address not in self._memory or KINDS[each.kind].is_structure
        if (is_first or self._options.grant_again) and not self._absent.intersection(each.parents):
            note = "" if is_first else "again"
            yield _step("create", each, note=note, declared=declared(each.row))
            return
        self._absent.add(each.address)
        note = "what it belongs to was removed" if is_first else "removed since it was declared"
        yield _step("drift", each, note=note)

    def _present(self, each: Declaration, row: Row) -> Iterator[Step]:
        names = differing(row, each.row)
        memory = self._memory.get(each.address)
        if names and KINDS[each.kind].is_structure:
            yield _update(each, row, names, declared(each.row))
        elif names:
            yield from self._changed_person(each, row, names, memory)
        else:
            yield from _remembered(each, declared(each.row, _salt(row)), memory)

    def _changed_person(
        self, each: Declaration, row: Row, names: list[str], memory: SiteObject | None
    ) -> Iterator[Step]:
        ours = declared(each.row, _salt(row))
        if self._options.grant_again:
            yield _update(each, row, names, ours)
        elif memory is None:
            yield _step("drift", each, names=tuple(names), note="was there with other values")
            yield _step("remember", each, declared=ours)
        else:
            yield from self._three_ways(each, row, names, memory)

    def _three_ways(
        self, each: Declaration, row: Row, names: list[str], memory: SiteObject
    ) -> Iterator[Step]:
        now = declared(row)
        drifted = [name for name in names if not _same(name, now, memory.declared)]
        edited = [name for name in names if name not in drifted]
        if edited and self._absent.intersection(each.parents):
            drifted, edited = names, []
        if edited:
            ours = declared(each.row, _salt(row))
            changed = {name: ours[name] for name in map(_remembered_as, edited)}
            yield _update(each, row, edited, memory.declared | changed)
        if drifted:
            yield _step("drift", each, names=tuple(drifted), note="changed since it was declared")

    def _gone(self, here: set[Address]) -> Iterator[Step]:
        for address, memory in self._memory.items():
            if address in here:
                continue
            row = self._actual.get(address)
            if row is None and self._options.prune:
                yield _of_memory("forget", memory, None)
            elif row is not None:
                yield _of_memory("delete" if self._options.prune else "leftover", memory, row)

    def _closed(self, declared_rows: Sequence[Declaration]) -> Iterator[Step]:
        """Entrances that a declared group opens and its file does not name."""
        links = {each.address for each in declared_rows if each.kind == "access_group_entrance"}
        keys = {each.address: each.key for each in declared_rows}
        for (kind, ids), row in self._actual.items():
            if kind == "access_group_entrance" and (kind, ids) not in links:
                yield _closing(ids, row, keys)


def _step(action: Action, each: Declaration, **more: Any) -> Step:
    return Step(action, each.kind, each.key, each.row.ids, each.line, each.row, **more)


def _update(each: Declaration, old: Row, names: Sequence[str], after: Declared) -> Step:
    return _step("update", each, old=old, names=tuple(names), declared=after)


def _remembered(each: Declaration, ours: Declared, memory: SiteObject | None) -> Iterator[Step]:
    is_known = memory is not None and (memory.key, memory.declared) == (each.key, ours)
    if not is_known and each.kind != "access_group_entrance":
        yield _step("remember", each, declared=ours)


def _of_memory(action: Action, memory: SiteObject, row: Row | None) -> Step:
    return Step(action, memory.kind, memory.key, memory.ids, old=row)


def _closing(ids: Ids, row: Row, keys: Mapping[Address, str]) -> Step:
    group, entrance = (
        keys.get((kind, (each,)), str(each))
        for kind, each in zip(("access_group", "entrance"), ids, strict=True)
    )
    return Step("delete", "access_group_entrance", f"{group} opens {entrance}", ids, old=row)


def differing(one: Row, other: Row) -> list[str]:
    """The fields that a file declares in which two rows of one type differ."""
    names = [field.name for field in fields(one) if field.compare]
    return [name for name in names if getattr(one, name) != getattr(other, name)]


def _salt(row: Row) -> bytes | None:
    return getattr(row, "salt", None)


_PERSONAL: Final = frozenset({"full_name", "email_address", "phone_number"})


def _remembered_as(name: str) -> str:
    """Personal values are remembered as one hash."""
    return "personal" if name in _PERSONAL else name


def _same(name: str, one: Declared, other: Declared) -> bool:
    key = _remembered_as(name)
    return bool(one.get(key) == other.get(key))
