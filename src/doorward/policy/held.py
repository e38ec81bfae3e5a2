"""The few things of a slice: entrances, readers and groups, as objects in dictionaries."""

from collections.abc import Iterator
from typing import Final, Generic, TypeVar

T = TypeVar("T")
K = TypeVar("K")


class Owned(Generic[T]):
    """Things under two keys, themselves and what they belong to, found by the first.

    A thing belongs to one owner, but while it moves, two facts tell of it, and may come in
    either order.
    """

    __slots__ = ("_held",)

    def __init__(self) -> None:
        self._held: dict[int, tuple[tuple[int, T], ...]] = {}

    def __iter__(self) -> Iterator[T]:
        return (thing for pairs in self._held.values() for _, thing in pairs)

    def put(self, a: int, b: int, thing: T | None) -> None:
        """Hold a thing, or nothing, under its keys."""
        pairs = dict(self._held.get(a, ()))
        pairs.pop(b, None)
        if thing is not None:
            pairs[b] = thing
        put(self._held, a, tuple((owner, pairs[owner]) for owner in sorted(pairs)) or None)

    def only(self, a: int) -> T | None:
        """The one thing under the first key; None also where two facts contradict each other."""
        pairs = self._held.get(a, ())
        return pairs[0][1] if len(pairs) == 1 else None


class Sets:
    """A relation, followed in one direction."""

    __slots__ = ("_held",)

    NONE: Final[frozenset[int]] = frozenset()

    def __init__(self) -> None:
        self._held: dict[int, set[int]] = {}

    def __iter__(self) -> Iterator[tuple[int, set[int]]]:
        return iter(self._held.items())

    def put(self, source: int, target: int, is_linked: bool) -> None:
        """Links a source with a target, or no longer."""
        if is_linked:
            self._held.setdefault(source, set()).add(target)
        elif (targets := self._held.get(source)) is not None:
            targets.discard(target)
            if not targets:
                del self._held[source]

    def of(self, source: int) -> set[int] | frozenset[int]:
        """The targets of a source."""
        return self._held.get(source, self.NONE)


def put(held: dict[K, T], key: K, thing: T | None) -> None:
    """Hold a thing under a key, or nothing."""
    if thing is None:
        held.pop(key, None)
    else:
        held[key] = thing
