"""What a controller refuses already though its turn in the journal has not come."""

from collections.abc import Iterable

from doorward.doors.slice import Slice
from doorward.policy.facts import Fact, takes_away
from doorward.policy.index import PolicyIndex
from doorward.store.slices import Tail
from doorward.store.watch import Position


class Ahead:
    """Facts that only close doors, taken ahead of earlier changes that are not here yet."""

    def __init__(self) -> None:
        self.facts: list[Fact] = []
        self._epoch = 0

    def take(self, kept: Slice, tail: Tail) -> None:
        """Acts on those of a slice's system that only close doors, and remembers them."""
        own = (each.fact for each in tail.entries if each.acs_system_id == kept.key.acs_system_id)
        found = [fact for fact in own if takes_away(fact)]
        if self._epoch != tail.contact.head.epoch:
            self._epoch = tail.contact.head.epoch
            self.facts = []
        self.facts += found
        _apply(kept.index, found)

    def take_again(self, index: PolicyIndex) -> None:
        """Acts on what is remembered, in a slice that was fetched anew."""
        _apply(index, self.facts)

    def drop_overtaken(self, position: Position | None) -> None:
        """Forgets what the slice has in its turn by now, or what a restore has undone: in a later
        epoch its revisions are other changes'.
        """
        if self.facts and position is not None:
            self.facts = [
                fact for fact in self.facts if (self._epoch, fact.revision) > tuple(position)
            ]


def _apply(index: PolicyIndex, facts: Iterable[Fact]) -> None:
    for fact in facts:
        index.apply(fact)
