"""The controllers of a process in numbers, for whoever watches over the server."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, get_args

from doorward.doors.controller import Controller
from doorward.doors.follower import Follower
from doorward.store.watch import Position, Watch

State = Literal["connected", "cut_off", "held", "standby"]
_STATES: Final[tuple[State, ...]] = get_args(State)


@dataclass(frozen=True, slots=True)
class Tally:
    """All controllers in one.

    controllers: how many are in each state. revision_lag: by how many revisions the one furthest
    behind is. events_spooled: what happened at their doors and is not handed in yet.
    """

    controllers: Mapping[str, int]
    revision_lag: int
    events_spooled: int


def tally(controllers: Iterable[Controller], watch: Watch) -> Tally:
    """Counts, from what is in memory alone."""
    found = list(controllers)
    states = Counter(_state(each.follower) for each in found)
    lags = [_lag(each.follower, watch.position(each.key.workspace_id)) for each in found]
    return Tally(
        {state: states[state] for state in _STATES},
        max(lags, default=0),
        sum(each.events_spooled for each in found),
    )


def _state(follower: Follower) -> State:
    if follower.is_held:
        return "held"
    if follower.is_connected:
        return "connected"
    return "standby" if follower.lease.standing == "other" else "cut_off"


def _lag(follower: Follower, head: Position | None) -> int:
    if head is None or follower.lease.standing == "other":
        return 0
    # While the server is away it counts what the doors decide on: nothing is confirmed then.
    here = follower.confirmed or follower.slice.position
    if here is None or here.epoch != head.epoch:
        return head.revision
    return max(0, head.revision - here.revision)
