"""The credentials of a slice in compact form, found by their id and by their number's hash."""

from collections.abc import Iterator
from typing import Final
from uuid import UUID

import msgspec

from doorward.policy.buckets import Buckets, Record
from doorward.policy.facts import NO_KEY, CredentialState
from doorward.policy.model import Credential

_ID: Final = 16
_OWNED: Final = 2 * _ID  # the credential's id and its owner's, which together are a fact's key
_LOOKUP: Final = 32
_NUMBER: Final = 1 + _LOOKUP  # the lookup with its length, so that no two look alike
_TAG: Final = 9  # so much of a number is kept with the id, to find the rest again
_RECORD: Final = _NUMBER + _OWNED

_NO_LOOKUP: Final = b"\xff"
_LENGTHS: Final = [bytes((length,)) for length in range(_LOOKUP + 1)]
_NOBODY: Final = NO_KEY.bytes

_decode: Final = msgspec.json.Decoder(CredentialState).decode


class Holders:
    """Credentials with their owners. One that passes on is there twice until both facts are in."""

    __slots__ = ("_by_id", "_by_number")

    def __init__(self) -> None:
        self._by_number = Buckets(_TAG, _RECORD, _RECORD)
        self._by_id = Buckets(_ID, _OWNED, _OWNED + _TAG)

    def put(self, owned: bytes, state: bytes, lookup: bytes | None) -> None:
        """Holds a credential: the key of its fact, its state as raw JSON, its number's hash.

        Raises ValueError for a hash of more than 32 bytes.
        """
        # Without a lookup the id takes its place, because all alike would share one bucket.
        number = (_NO_LOOKUP + owned)[:_NUMBER] if lookup is None else _number(lookup)
        self.remove(owned)
        self._by_number.put(number + owned, state)
        self._by_id.put(owned + number[:_TAG])

    def remove(self, owned: bytes) -> None:
        """Holds the credential with this key no longer."""
        if tagged := self._by_id.remove(owned):
            self._by_number.remove(self._whole(tagged)[0])

    def named(self, acs_credential_id: UUID) -> list[Credential]:
        """A credential under each of its owners."""
        found = self._by_id.beginning_with(acs_credential_id.bytes)
        return _in_order([_credential(self._whole(tagged)) for tagged, _ in found])

    def looked_up(self, lookup: bytes) -> list[Credential]:
        """The credentials with a number."""
        if len(lookup) > _LOOKUP:
            return []
        found = self._by_number.beginning_with(_number(lookup))
        return _in_order([_credential(record) for record in found])

    def buckets(self) -> Iterator[list[Credential]]:
        """All credentials, some at a time; what changes between two steps may be missed."""
        return ([_credential(record) for record in each] for each in self._by_number.buckets())

    def _whole(self, tagged: bytes) -> Record:
        owned, tag = tagged[:_OWNED], tagged[_OWNED:]
        alike = self._by_number.beginning_with(tag)
        return next(record for record in alike if record[0].endswith(owned))


def _number(lookup: bytes) -> bytes:
    if len(lookup) > _LOOKUP:
        raise ValueError(f"a lookup of {len(lookup)} bytes")
    return _LENGTHS[len(lookup)] + lookup.ljust(_LOOKUP, b"\0")


def _credential(record: Record) -> Credential:
    blob, state = record
    owner = blob[-_ID:]
    user_id = None if owner == _NOBODY else msgspec.convert(owner, UUID)
    return Credential(msgspec.convert(blob[_NUMBER:-_ID], UUID), user_id, _decode(state))


def _in_order(credentials: list[Credential]) -> list[Credential]:
    return credentials if len(credentials) < 2 else sorted(credentials, key=_by_id)


def _by_id(credential: Credential) -> tuple[UUID, UUID]:
    return credential.acs_credential_id, credential.acs_user_id or NO_KEY
