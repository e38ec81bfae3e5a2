"""What seals PINs and card numbers and finds them again without opening one.

One master key, in a file that only its owner can read or in DOORWARD_SECRET_KEY, from which a key
for each use is derived (HKDF-SHA256, RFC 5869). Seals are AES-256-GCM with a random nonce in front
and the row's identity as associated data, so that a seal copied to another row does not open.
"""

import base64
import binascii
import hashlib
import hmac
import os
import secrets
from pathlib import Path
from typing import Final, Literal
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from doorward.errors import StartError

LookupKind = Literal["card", "code", "idempotency_key"]

_NONCE: Final = 12
_KEY: Final = 32


class Keyring:
    """The keys of one installation, all derived from one master key of 32 bytes."""

    def __init__(self, master: bytes) -> None:
        if len(master) != _KEY:
            raise StartError("the secret key must have 32 bytes")
        self._master = master
        self._cipher = AESGCM(self.derive("seal"))
        self._lookup_key = self.derive("lookup")

    @classmethod
    def load(cls, data: Path, encoded: str | None = None) -> "Keyring":
        """The key given as base64url, else the one in the data folder, made at first use.

        Raises StartError when the key is no key, or its file can be read by others.
        """
        return cls(_decode(encoded) if encoded else _read_or_make(data / "secret.key"))

    @property
    def check(self) -> bytes:
        """A hash that tells this key from others and nothing about it."""
        return hashlib.sha256(self.derive("check")).digest()

    def derive(self, name: str) -> bytes:
        """32 bytes for a use of its own, such as "cursor"."""
        return HKDF(SHA256(), _KEY, None, f"doorward {name}".encode()).derive(self._master)

    def seal(self, plain: bytes, context: bytes) -> bytes:
        """Nonce and ciphertext. `context` names the row and must be given again to open it."""
        nonce = os.urandom(_NONCE)
        return nonce + self._cipher.encrypt(nonce, plain, context)

    def open(self, sealed: bytes, context: bytes) -> bytes:
        """The plain value. Raises ValueError for another key, another row or a changed seal."""
        try:
            return self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], context)
        except InvalidTag:
            raise ValueError("the seal was made with another key, or for another row") from None

    def lookup(self, workspace_id: UUID, kind: LookupKind, canonical: bytes) -> bytes:
        """The keyed hash, 32 bytes, by which a value is found within a workspace."""
        message = workspace_id.bytes + kind.encode() + b"\0" + canonical
        return hmac.digest(self._lookup_key, message, "sha256")


def _decode(encoded: str) -> bytes:
    try:
        return base64.b64decode(encoded + "=" * (-len(encoded) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise StartError("the secret key is not base64url; give 32 bytes in that form") from None


def _read_or_make(file: Path) -> bytes:
    try:
        if not file.exists():
            _make(file)
        if os.name == "posix" and file.stat().st_mode & 0o077:
            raise StartError(f"{file} can be read by others; run: chmod 600 {file}")
        return _decode(file.read_text("ascii").strip())
    except (OSError, UnicodeDecodeError) as trouble:
        raise StartError(f"the secret key {file} cannot be used: {trouble}") from trouble


def _make(file: Path) -> None:
    """Writes a new key so that no crash leaves half of one: aside, to disk, then in place."""
    aside = file.with_name(f"{file.name}.{secrets.token_hex(4)}")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        out.write(base64.urlsafe_b64encode(os.urandom(_KEY)) + b"\n")
        out.flush()
        os.fsync(out.fileno())
    try:
        os.link(aside, file)
    except FileExistsError:
        pass  # another process was first; its key counts
    finally:
        aside.unlink()
