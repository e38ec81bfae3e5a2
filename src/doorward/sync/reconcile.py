"""What a system is to have, what it has, what is to be done. Pure.

Level-triggered: how the difference came about plays no part. What a system reports of a value has
three forms: the value, masked (there, and unreadable), absent. Masked is not absent: it counts as
what was asked last.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from doorward.store.external import MASKED, Asked, Fields, Key
from doorward.sync.driver import Listing

_ORDER: Final = {"user": 0, "group": 1, "credential": 2, "membership": 3}


@dataclass(frozen=True, slots=True)
class Comparison:
    """What is as desired, and what is to be done: deletes first, then puts, each in this order.

    lost: of the puts, those that the system had once and has no more. gone: asked once, neither
    desired nor there. foreign: there, and made by others.
    """

    alike: tuple[Key, ...]
    puts: tuple[Key, ...]
    deletes: tuple[Key, ...]
    lost: frozenset[Key]
    gone: tuple[Key, ...]
    foreign: tuple[Key, ...]

    @property
    def outstanding(self) -> frozenset[Key]:
        """What the system has still to do."""
        return frozenset(self.puts) | frozenset(self.deletes)


def compare(
    desired: Mapping[Key, Fields],
    digests: Mapping[Key, bytes],
    asked: Mapping[Key, Asked],
    listing: Listing,
) -> Comparison:
    """Compares. digests: of the desired fields, as `Asked` has them of what was asked."""
    alike: list[Key] = []
    puts: list[Key] = []
    for key, fields in desired.items():
        theirs = listing.get(key)
        was_asked = key in asked and asked[key].digest == digests[key]
        is_alike = theirs is not None and key in asked and agrees(fields, theirs, was_asked)
        (alike if is_alike else puts).append(key)
    return Comparison(
        alike=tuple(alike),
        puts=tuple(sorted(puts, key=_place)),
        deletes=tuple(
            sorted((key for key in asked if key not in desired and key in listing), key=_place)[
                ::-1
            ]
        ),
        lost=frozenset(
            key for key in puts if key not in listing and key in asked and asked[key].is_confirmed
        ),
        gone=tuple(key for key in asked if key not in desired and key not in listing),
        foreign=tuple(key for key in listing if key not in desired and key not in asked),
    )


def agrees(desired: Fields, reported: Fields, was_asked: bool) -> bool:
    """Whether a system has what is desired. was_asked: it was asked for just this last."""
    return all(
        was_asked and value is not None if theirs is MASKED else theirs == value
        for value, theirs in ((value, reported.get(name)) for name, value in desired.items())
    )


def _place(key: Key) -> int:
    return _ORDER[key.kind]
