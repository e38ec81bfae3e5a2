"""One request on its way through: what its log line and the metrics tell of it at the end."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, get_args
from uuid import uuid4

from doorward.wire.route import Caller, Verb

# Those that logs and metrics name; whoever sends another may have written anything.
VERBS: Final[frozenset[str]] = frozenset((*get_args(Verb), "HEAD", "OPTIONS"))


@dataclass(slots=True)
class Exchange:
    """A request, and what became of it.

    path: the route's; None where there is no such route, because what was asked for then may hold
    anything. is_reading: its body is waited for. caller: None before the token is known. status 0:
    the client hung up before the answer. error: the envelope's error.type. started: of the
    monotonic clock, in seconds.
    """

    verb: str
    headers: Mapping[bytes, bytes]
    request_id: str = field(default_factory=lambda: str(uuid4()))
    started: float = field(default_factory=time.monotonic)
    path: str | None = None
    is_reading: bool = False
    caller: Caller | None = None
    status: int = 0
    error: str | None = None


# Told of every exchange when it is over. It must neither raise nor wait.
Observer = Callable[[Exchange], None]
