"""What a controller refuses already though its turn in the journal has not come."""

from collections.abc import Iterable

from doorward.policy.facts import Fact, takes_away
from doorward.policy.index import PolicyIndex
from doorward.store.watch import Position


class Ahead:
    """Facts that only close doors, taken ahead of earlier changes that are not here yet."""

    def __init__(self) -> None:
        self.facts: list[Fact] = []

    def take(self, index: PolicyIndex, facts: Iterable[Fact]) -> None:
        """Acts on those that only close doors, and remembers them."""
        found = [fact for fact in facts if takes_away(fact)]
        self.facts += found
        _apply(index, found)

    def take_again(self, index: PolicyIndex) -> None:
        """Acts on what is remembered, in a slice that was fetched anew."""
        _apply(index, self.facts)

    def drop_overtaken(self, position: Position | None) -> None:
        """Forgets what the slice has in its turn by now."""
        if self.facts and position is not None:
            self.facts = [fact for fact in self.facts if fact.revision > position.revision]


def _apply(index: PolicyIndex, facts: Iterable[Fact]) -> None:
    for fact in facts:
        index.apply(fact)
