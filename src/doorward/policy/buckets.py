"""Compact tables of a slice: records of one width in buckets of bytes, found by how they begin.

A record takes its own bytes, a pointer to its note, and a few bytes of its bucket; a dictionary of
objects takes five to ten times that. Buckets split and join one at a time as records come and go
(linear hashing), so that no change waits for the whole table to be laid out anew.
"""

from collections.abc import Iterator
from typing import Final

# Records in a bucket on average: few enough that looking through one costs a fraction of a
# microsecond, enough that the bucket itself weighs little beside them.
_FILL: Final = 12

NO_NOTE: Final = b""

Record = tuple[bytes, bytes]


class Buckets:
    """Records of `width` bytes, each with a note of any length beside it.

    The first `key` bytes say where a record is looked for, and the first `identity` bytes which one
    it is: putting another of the same identity replaces it.
    """

    __slots__ = ("_blobs", "_count", "_identity", "_key", "_mask", "_notes", "_width")

    def __init__(self, key: int, identity: int, width: int) -> None:
        self._key = key
        self._identity = identity
        self._width = width
        self._blobs = [b""]
        self._notes: list[tuple[bytes, ...]] = [()]
        self._mask = 0
        self._count = 0

    def buckets(self) -> Iterator[list[Record]]:
        """All records, a bucket at a time; what is changed between two steps may be missed."""
        at = 0
        while at < len(self._blobs):
            yield self._records(at)
            at += 1

    def note(self, identity: bytes) -> bytes | None:
        """The note of the record with this identity, None where there is none."""
        found = self.beginning_with(identity)
        return found[0][1] if found else None

    def beginning_with(self, start: bytes) -> list[Record]:
        """Every record that begins with these bytes, at least as many as the key has."""
        # What every decision comes through several times is written out here, without calls.
        at = hash(start[: self._key]) & self._mask
        if at >= len(self._blobs):
            at &= self._mask >> 1
        blob, width = self._blobs[at], self._width
        found: list[Record] = []
        place = blob.find(start)
        while place >= 0:
            if place % width:
                place = blob.find(start, place + 1)
            else:
                found.append((blob[place : place + width], self._notes[at][place // width]))
                place = blob.find(start, place + width)
        return found

    def put(self, record: bytes, note: bytes = NO_NOTE) -> None:
        """Holds a record in place of the one with the same identity."""
        at = self._bucket(record[: self._key])
        blob, notes = self._blobs[at], self._notes[at]
        place = self._place(blob, record[: self._identity])
        if place < 0:
            self._blobs[at], self._notes[at] = blob + record, (*notes, note)
            self._count += 1
            if self._count > _FILL * len(self._blobs):
                self._split()
        else:
            index = place // self._width
            self._blobs[at] = blob[:place] + record + blob[place + self._width :]
            self._notes[at] = (*notes[:index], note, *notes[index + 1 :])

    def remove(self, identity: bytes) -> bytes | None:
        """Drops the record with this identity and answers it; None where there is none."""
        at = self._bucket(identity[: self._key])
        blob, notes = self._blobs[at], self._notes[at]
        place = self._place(blob, identity)
        if place < 0:
            return None
        end, index = place + self._width, place // self._width
        self._blobs[at] = blob[:place] + blob[end:]
        self._notes[at] = notes[:index] + notes[index + 1 :]
        self._count -= 1
        if len(self._blobs) > 1 and self._count <= _FILL * (len(self._blobs) - 1):
            self._join()
        return blob[place:end]

    def _bucket(self, key: bytes) -> int:
        at = hash(key) & self._mask
        return at if at < len(self._blobs) else at & self._mask >> 1

    def _place(self, blob: bytes, start: bytes) -> int:
        place = blob.find(start)
        while place >= 0 and place % self._width:
            place = blob.find(start, place + 1)
        return place

    def _records(self, at: int) -> list[Record]:
        blob, width = self._blobs[at], self._width
        return [
            (blob[index * width : (index + 1) * width], note)
            for index, note in enumerate(self._notes[at])
        ]

    def _split(self) -> None:
        """Adds a bucket, and moves there what belongs into it."""
        fresh = len(self._blobs)
        if fresh > self._mask:
            self._mask = 2 * self._mask + 1
        source = fresh & self._mask >> 1
        records = self._records(source)
        self._blobs.append(b"")
        self._notes.append(())
        for at in (source, fresh):
            self._lay(at, [each for each in records if self._bucket(each[0][: self._key]) == at])

    def _join(self) -> None:
        """Gives up the last bucket; what is in it goes back to where it was split off."""
        last = len(self._blobs) - 1
        source = last & self._mask >> 1
        self._lay(source, self._records(source) + self._records(last))
        self._blobs.pop()
        self._notes.pop()
        if last <= (self._mask + 1) >> 1:
            self._mask >>= 1

    def _lay(self, at: int, records: list[Record]) -> None:
        self._blobs[at] = b"".join(record for record, _ in records)
        self._notes[at] = tuple(note for _, note in records)
