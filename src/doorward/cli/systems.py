"""Which access system a command means, where it works in the database itself."""

from collections.abc import Sequence
from typing import Annotated, TypeAlias

from cyclopts import Parameter

from doorward.errors import StartError
from doorward.store import bulk
from doorward.store.bulk import System
from doorward.store.database import Database

SystemName: TypeAlias = Annotated[
    str | None,
    Parameter(name="--system", help="The access system's name or id, where there are several."),
]


async def choose_system(database: Database, wanted: str | None) -> System:
    """The system of this name or id; without one the only one there is, or the only one of ours.

    Raises StartError.
    """
    there = await bulk.systems(database)
    chosen = bulk.choose(there, wanted)
    if len(chosen) == 1:
        return chosen[0]
    if not there:
        raise StartError("the database has no access system yet: run doorward serve or apply first")
    problem = "choose one with --system" if chosen else f"there is no access system {wanted!r}"
    raise StartError(f"{problem}: {_listed(chosen or there)}")


def _listed(systems: Sequence[System]) -> str:
    return ", ".join(f"{system.acs_system_id} ({system.name})" for system in systems)
