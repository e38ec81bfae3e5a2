"""Runs the steps of a plan, in an order in which nothing lacks what it needs."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final
from uuid import UUID

from doorward.events import catalogue, phones
from doorward.events.catalogue import Occasion
from doorward.resources.event import Event
from doorward.site import deleting
from doorward.site.declaration import Declaration
from doorward.site.kinds import KINDS
from doorward.site.plan import Action, Step
from doorward.store import site_objects, structure, untold
from doorward.store.database import Connection
from doorward.store.events import insert_events
from doorward.store.journal import Change
from doorward.store.people import CREDENTIALS, IDENTITIES, USERS
from doorward.store.rows import Table, columns, facts_of
from doorward.store.site_objects import SiteObject

# Accounts by their systems.
Accounts = dict[UUID, UUID]

_LINK: Final = "access_group_entrance"
_STRUCTURE: Final = [name for name, kind in KINDS.items() if kind.is_structure]
_PEOPLE: Final = [name for name, kind in KINDS.items() if not kind.is_structure]
# Written before the journal hears of them, where nothing is in their way.
_NEW: Final[dict[str, Table[Any]]] = {
    "identity": IDENTITIES,
    "user": USERS,
    "credential": CREDENTIALS,
}
# Of what systems with lists of their own have to let go, when it is deleted.
_IN_LISTS: Final[dict[str, Table[Any]]] = {
    "user": USERS,
    "credential": CREDENTIALS,
    "access_group": structure.ACCESS_GROUPS,
}
_MEMBERSHIP: Final = "membership"

# What closes doors comes first, a person before what goes with her; then what must be there for
# others, then what nobody needs any more. Changes come before new objects, which may be given what
# a change has set free.
_ORDER: Final[list[tuple[Action, str]]] = [
    ("delete", "user"),
    *(("delete", kind) for kind in reversed(_PEOPLE) if kind != "user"),
    ("delete", _LINK),
    ("update", "workspace"),
    *((action, kind) for kind in KINDS for action in ("update", "create")),
    *(("delete", kind) for kind in reversed(_STRUCTURE) if kind != _LINK),
    *((action, kind) for kind in KINDS for action in ("remember", "forget")),
]


def batches(steps: Iterable[Step], size: Callable[[], int]) -> Iterator[list[Step]]:
    """Steps of one action and one kind together, in order, `size()` of them at most."""
    found: dict[tuple[Action, str], list[Step]] = {}
    for step in steps:
        found.setdefault((step.action, step.kind), []).append(step)
    for key in _ORDER:
        rest = found.get(key, [])
        while rest:
            most = size()
            yield rest[:most]
            rest = rest[most:]


async def run(
    connection: Connection, change: Change, accounts: Accounts, steps: Sequence[Step]
) -> None:
    """Runs steps of one action and one kind.

    The caller has locked the journal's counter. What has changed since the plan was made is left
    as it is now, for the next apply to look at.
    """
    match steps[0].action:
        case "create":
            await _create(connection, change, accounts, steps)
        case "update":
            await _update(connection, change, steps)
        case "delete":
            await _delete(connection, change, steps)
        case "remember":
            await site_objects.remember(connection, change, _objects(steps))
        case _:
            await _forget(connection, change, steps)


async def _create(
    connection: Connection, change: Change, accounts: Accounts, steps: Sequence[Step]
) -> None:
    kind = KINDS[steps[0].kind]
    there = await kind.rows.read(connection, change.workspace_id, [step.ids for step in steps])
    missing = [step for step in steps if step.ids not in there]
    await _make_room(connection, change, missing)
    await kind.rows.insert(connection, change, [step.row for step in missing])
    await _tell_of(connection, change, accounts, missing)


def left_alone(declared: Iterable[Declaration], steps: Iterable[Step]) -> list[Step]:
    """What is declared, makes events when it is new, and is there already, as steps."""
    made = {(step.kind, step.ids) for step in steps if step.action == "create"}
    return [
        Step("create", each.kind, each.key, each.row.ids, each.line, each.row)
        for each in declared
        if each.kind in ("system", "entrance") and each.address not in made
    ]


async def tell_of(
    connection: Connection, change: Change, accounts: Accounts, steps: Iterable[Step]
) -> None:
    """Keeps the events of steps, of which nothing is done."""
    told = [event for step in steps for event in _events(change, accounts, step)]
    await insert_events(connection, change.workspace_id, told)


def new_people(steps: Sequence[Step]) -> list[Step]:
    """The new people of a plan with their memberships in groups that are there, if they can be
    written before anything else of it is done.
    """
    if any(_is_in_the_way(step) for step in steps):
        return []
    created = [step for step in steps if step.action == "create"]
    users = {step.ids[0] for step in created if step.kind == "user"}
    groups = {step.ids[0] for step in created if step.kind == "access_group"}
    return [
        step
        for step in created
        if step.kind in _NEW
        or (step.kind == _MEMBERSHIP and step.ids[0] not in groups and step.ids[1] in users)
    ]


def _is_in_the_way(step: Step) -> bool:
    """Whether it may set free what new people are given, or be what they belong to."""
    if step.kind == "system":
        return step.action == "create"
    return step.kind in _NEW and step.action in ("update", "delete")


async def write(
    connection: Connection, change: Change, accounts: Accounts, steps: Sequence[Step]
) -> int:
    """Writes new people of one kind, and the facts that the journal is told of after the commit.

    Answers how many facts. The counter need not be locked: nobody knows them yet. Raises
    asyncpg.UniqueViolationError where somebody has made them since the plan.
    """
    rows: list[Any] = [step.row for step in steps]
    if steps[0].kind == _MEMBERSHIP:
        await untold.write_memberships(connection, change, rows)
    else:
        await _make_room(connection, change, steps)
        await _NEW[steps[0].kind].write(connection, change, rows)
    await _tell_of(connection, change, accounts, steps)
    facts = columns(facts_of(rows))
    await untold.write_facts(connection, change, facts)
    return len(facts.kinds)


async def _make_room(connection: Connection, change: Change, steps: Sequence[Step]) -> None:
    """What was deleted, and another system has not let go of yet, may be made again."""
    table = _IN_LISTS.get(steps[0].kind) if steps else None
    if table is not None:
        await table.make_room(connection, change.workspace_id, [step.ids for step in steps])


async def _tell_of(
    connection: Connection, change: Change, accounts: Accounts, made: Sequence[Step]
) -> None:
    await site_objects.remember(connection, change, _objects(made))
    await tell_of(connection, change, accounts, made)


async def _update(connection: Connection, change: Change, steps: Sequence[Step]) -> None:
    if steps[0].kind == "workspace":
        assert isinstance(steps[0].row, structure.Workspace)
        await structure.update_workspace(connection, steps[0].row)
        return
    rows = KINDS[steps[0].kind].rows
    there = await rows.read(connection, change.workspace_id, [step.ids for step in steps])
    same = [step for step in steps if there.get(step.ids) == step.old]
    pairs = [(there[step.ids], rows.merged(there[step.ids], step.row, step.names)) for step in same]
    await rows.update(connection, change, pairs)
    if steps[0].kind == "user":
        # A file may say that somebody is another identity, which has other phones.
        await phones.follow_users(connection, change, [old.acs_user_id for old, _ in pairs])
    await site_objects.remember(connection, change, _objects(same))


async def _delete(connection: Connection, change: Change, steps: Sequence[Step]) -> None:
    await deleting.delete(connection, change, steps[0].kind, [step.ids for step in steps])
    await _forget(connection, change, steps)


async def _forget(connection: Connection, change: Change, steps: Sequence[Step]) -> None:
    keys = [(step.kind, step.key) for step in steps]
    await site_objects.forget(connection, change.workspace_id, keys)


def _objects(steps: Iterable[Step]) -> list[SiteObject]:
    """What to remember; the entrances that a group opens are the file's, whatever was before."""
    return [
        SiteObject(step.kind, step.key, step.ids, step.declared)
        for step in steps
        if step.declared is not None and step.kind != _LINK
    ]


def _events(change: Change, accounts: Accounts, step: Step) -> Iterator[Event]:
    row: Any = step.row
    match step.kind:
        case "system":
            account = row.connected_account_id
            yield catalogue.connected_account_connected(_occasion(change), account)
            yield catalogue.acs_system_added(_occasion(change), account, *row.ids)
            yield catalogue.acs_system_connected(_occasion(change), account, *row.ids)
        case "entrance" | "encoder" | "user" | "credential":
            made = {
                "entrance": catalogue.acs_entrance_added,
                "encoder": catalogue.acs_encoder_added,
                "user": catalogue.acs_user_created,
                "credential": catalogue.acs_credential_issued,
            }[step.kind]
            account = accounts[row.acs_system_id]
            yield made(_occasion(change), account, row.acs_system_id, *row.ids)


def _occasion(change: Change) -> Occasion:
    return Occasion(change.workspace_id, change.at, change.at)
