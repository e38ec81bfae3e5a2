"""Every target by its name."""

from collections.abc import Mapping
from typing import Any, Final

from tests.fuzz.bodies import Bodies
from tests.fuzz.cursors import Cursors
from tests.fuzz.engine import Target
from tests.fuzz.headers import HeaderValues
from tests.fuzz.queries import Queries
from tests.fuzz.sockets import Sockets

TARGETS: Final[Mapping[str, type[Target[Any]]]] = {
    target.name: target for target in (Queries, Bodies, Cursors, HeaderValues, Sockets)
}


def cases_of(name: str, total: int) -> int:
    """How many of a run's cases are this target's."""
    return total * TARGETS[name].share // 100
