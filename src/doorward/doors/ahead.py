"""What a controller refuses already though its turn in the journal has not come."""

from collections.abc import Iterable, Sequence

from doorward.doors.slice import Slice
from doorward.policy.facts import Fact, takes_away
from doorward.policy.index import PolicyIndex
from doorward.store.slices import Entry, Tail
from doorward.store.watch import Position


class Ahead:
    """Facts that only close doors, taken ahead of earlier changes that are not here yet."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._epoch = 0

    @property
    def facts(self) -> list[Fact]:
        """What is refused already, in the journal's order."""
        return [entry.fact for entry in self._entries]

    def take(self, kept: Slice, tail: Tail) -> None:
        """Acts on those of a slice's system that only close doors, and remembers them."""
        own = (each for each in tail.entries if each.acs_system_id == kept.key.acs_system_id)
        found = [entry for entry in own if takes_away(entry.fact)]
        if self._epoch != tail.contact.head.epoch:
            self._epoch = tail.contact.head.epoch
            self._entries = []
        self._entries += found
        _apply(kept.index, (entry.fact for entry in found))

    def take_again(self, index: PolicyIndex) -> None:
        """Acts on what is remembered, in a slice that was fetched anew."""
        _apply(index, self.facts)

    def drop_overtaken(self, position: Position | None, taken: Sequence[Entry] = ()) -> bool:
        """Forgets what the slice has in its turn by now, or what a restore has undone: in a later
        epoch its revisions are other changes'.

        Answers whether one of them is not among the entries just taken: a standby that took over
        without it has counted on, and only the whole slice knows what is so.
        """
        if not self._entries or position is None:
            return False
        mine = [(each, (self._epoch, each.fact.revision)) for each in self._entries]
        self._entries = [entry for entry, place in mine if place > tuple(position)]
        journal = {(entry.fact.revision, entry.entry_hash) for entry in taken}
        return any(
            (entry.fact.revision, entry.entry_hash) not in journal
            for entry, place in mine
            if place <= tuple(position)
        )


def _apply(index: PolicyIndex, facts: Iterable[Fact]) -> None:
    for fact in facts:
        index.apply(fact)
