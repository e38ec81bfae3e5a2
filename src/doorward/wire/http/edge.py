"""What all connections of a server share."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from doorward.wire.exchange import Observer
from doorward.wire.http.limits import Limits
from doorward.wire.http.proxies import Proxies


@dataclass(frozen=True, slots=True)
class Edge:
    """Bounds, proxies, and who is told.

    observers: told of what is refused here, as the API tells them of the rest.
    """

    limits: Limits = field(default_factory=Limits)
    proxies: Proxies = field(default_factory=Proxies)
    observers: Sequence[Observer] = ()
