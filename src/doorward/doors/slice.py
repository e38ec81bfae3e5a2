"""The policy that a controller decides on, in memory, at its place in the journal.

Entries are taken in the journal's order without a gap, so that whatever is behind `position` is
complete. What an entrance brings along when it moves here (its readers and links) is older than
the entry that moves it: then only the whole slice will do.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from doorward.policy.facts import Fact, Kind
from doorward.policy.index import PolicyIndex
from doorward.store.controllers import ControllerKey
from doorward.store.slices import OF_ENTRANCE, Entry, Tail
from doorward.store.watch import Position


@dataclass(frozen=True, slots=True)
class Taken:
    """What a tail changed: the facts that concern this controller, and whether they are enough."""

    facts: list[Fact]
    needs_whole: bool


class Slice:
    """One controller's policy at one position; None until there is any.

    journal_hash: of the entry at `position`. A database that was restored from a backup counts the
    same revisions again for other changes; by its hashes the journal is known to be another one.
    """

    def __init__(self, key: ControllerKey) -> None:
        self.key = key
        self.position: Position | None = None
        self.journal_hash = b""
        self.index = PolicyIndex()

    def load(self, facts: Iterable[Fact], position: Position) -> None:
        """Takes facts of a slice that was cut for this controller and is complete at `position`."""
        self.index.load(facts, position.revision)

    def complete(self, position: Position, journal_hash: bytes) -> None:
        """Says that everything up to `position` has been taken."""
        self.position = position
        self.journal_hash = journal_hash
        self.index.advance(position.revision)

    def is_continued_by(self, tail: Tail) -> bool:
        """Whether a tail follows on this slice: of the same epoch and journal, without a gap."""
        head, here = tail.contact.head, self.position
        if here is None or here.epoch != head.epoch or here.revision > head.revision:
            return False
        before = tail.entries[0].previous_hash if tail.entries else tail.contact.last_hash
        if before != self.journal_hash:
            return False
        revisions = [entry.fact.revision for entry in tail.entries]
        expected = range(here.revision + 1, here.revision + 1 + len(revisions))
        return revisions == list(expected) and (bool(revisions) or here == head)

    def take(self, tail: Tail) -> Taken:
        """Takes a tail that continues this slice."""
        facts: list[Fact] = []
        needs_whole = False
        for fact in self._concerning(tail.entries):
            needs_whole |= fact.kind is Kind.ENTRANCE and self._moves(fact)
            self.index.apply(fact)
            facts.append(fact)
        if tail.entries:
            last = tail.entries[-1]
            self.complete(Position(tail.contact.head.epoch, last.fact.revision), last.entry_hash)
        return Taken(facts, needs_whole)

    def _concerning(self, entries: Sequence[Entry]) -> Iterable[Fact]:
        return (
            entry.fact
            for entry in entries
            if entry.acs_system_id == self.key.acs_system_id and self._is_mine(entry.fact)
        )

    def _is_mine(self, fact: Fact) -> bool:
        if fact.kind is Kind.ENTRANCE:
            return fact.key_b == self.key.controller_id
        if fact.kind not in OF_ENTRANCE:
            return True
        # What ends while its entrance is elsewhere must not be found here when that comes back.
        return fact.state is None or self.index.entrance(fact.key_b) is not None

    def _moves(self, fact: Fact) -> bool:
        is_here = self.index.entrance(fact.key_a) is not None
        return is_here != (fact.state is not None)
