"""Compact relations of a slice: for each subject the numbers of what it is linked with."""

import sys
from array import array
from typing import Final

from doorward.policy.buckets import Buckets

_ID: Final = 16
_NUMBERS: Final = "I"
_WORD: Final = array(_NUMBERS).itemsize


class Numbers:
    """Small numbers for ids, for as long as somebody refers to them; free ones are given again."""

    __slots__ = ("_free", "_ids", "_numbers", "_references")

    def __init__(self) -> None:
        self._numbers: dict[int, int] = {}
        self._ids: list[int] = []
        self._references: list[int] = []
        self._free: list[int] = []

    def of(self, target: int) -> int | None:
        """The number of an id that somebody refers to."""
        return self._numbers.get(target)

    def id_of(self, number: int) -> int:
        """The id with this number."""
        return self._ids[number]

    def take(self, target: int) -> int:
        """Refers to an id once more; answers its number."""
        number = self._numbers.get(target)
        if number is None:
            number = self._give(target)
        self._references[number] += 1
        return number

    def drop(self, number: int) -> None:
        """Refers to an id once less."""
        self._references[number] -= 1
        if not self._references[number]:
            del self._numbers[self._ids[number]]
            self._free.append(number)

    def _give(self, target: int) -> int:
        if self._free:
            number = self._free.pop()
            self._ids[number] = target
        else:
            number = len(self._ids)
            self._ids.append(target)
            self._references.append(0)
        self._numbers[target] = number
        return number


class Links:
    """Which targets each subject is linked with: an id, and beside it the targets' numbers."""

    __slots__ = ("_numbers", "_subjects")

    def __init__(self, numbers: Numbers) -> None:
        self._numbers = numbers
        self._subjects = Buckets(_ID, _ID, _ID)

    def put(self, subject: bytes, target: int, is_linked: bool) -> None:
        """Links a subject with a target, or no longer."""
        packed = self._subjects.note(subject) or b""
        number = self._numbers.of(target)
        place = -1 if number is None else _place(packed, number)
        if is_linked and place < 0:
            packed += _word(self._numbers.take(target))
            self._subjects.put(subject, packed)
        elif not is_linked and place >= 0:
            assert number is not None
            self._numbers.drop(number)
            self._keep(subject, packed[:place] + packed[place + _WORD :])

    def of(self, subject: bytes) -> "array[int]":
        """The numbers of a subject's targets."""
        return array(_NUMBERS, self._subjects.note(subject) or b"")

    def _keep(self, subject: bytes, packed: bytes) -> None:
        if packed:
            self._subjects.put(subject, packed)
        else:
            self._subjects.remove(subject)


def _word(number: int) -> bytes:
    return number.to_bytes(_WORD, sys.byteorder)


def _place(packed: bytes, number: int) -> int:
    word = _word(number)
    place = packed.find(word)
    while place >= 0 and place % _WORD:
        place = packed.find(word, place + 1)
    return place
