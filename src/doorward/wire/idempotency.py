"""The header Idempotency-Key: its form, and what makes two calls under it the same."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from doorward.errors import ApiError, invalid_input

HEADER: Final = b"idempotency-key"
LONGEST_KEY: Final = 255
# Says that an answer was given before, and that nothing was created this time.
REPLAYED: Final = ((b"idempotent-replayed", b"true"),)

_encode = msgspec.json.Encoder(order="deterministic").encode


@dataclass(frozen=True, slots=True)
class Idempotency:
    """The key that a creating call came with.

    digest: 32 bytes of path and understood parameters. encode: the answer's body as it is sent.
    """

    key: str
    digest: bytes
    encode: Callable[[Any], bytes]


def read_key(headers: Mapping[bytes, bytes]) -> str | None:
    """The key of a call, None without one. Raises ApiError 400 for one of another form."""
    key = headers.get(HEADER)
    if key is None:
        return None
    if not 0 < len(key) <= LONGEST_KEY or not all(0x20 <= byte < 0x7F for byte in key):
        raise _malformed()
    return key.decode("ascii")


def _malformed() -> ApiError:
    return invalid_input(f"Idempotency-Key must be 1 to {LONGEST_KEY} printable ASCII characters")


def digest(path: str, understood: msgspec.Struct) -> bytes:
    """What a call asks for, however it was spelled."""
    return hashlib.sha256(path.encode() + b"\0" + _encode(understood)).digest()
