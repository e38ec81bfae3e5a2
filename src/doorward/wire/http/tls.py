"""The server's certificate: read, checked, and renewed while the server runs."""

import asyncio
import logging
import ssl
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509

from doorward.errors import StartError

# How often the files are looked at, in seconds.
_LOOK = 1.0

_log = logging.getLogger("doorward.tls")


class Certificate:
    """A certificate chain and its key, as PEM files.

    context: for new connections, with whatever the files held when they last belonged together.
    Raises StartError for files that cannot be used.
    """

    def __init__(self, chain: Path, key: Path) -> None:
        self._files = (chain, key)
        self._seen = self._state()
        self.context = _load(chain, key)

    async def follow(self) -> None:
        """Takes up what is renewed on disk, until it is cancelled."""
        while True:
            await asyncio.sleep(_LOOK)
            self.renew()

    def renew(self) -> None:
        """Takes up files that have changed, or says once why it goes on with what it has."""
        state = self._state()
        if state == self._seen:
            return
        self._seen = state
        try:
            # Into another context first: a key that does not belong would spoil the one in use.
            _load(*self._files)
            self.context.load_cert_chain(*self._files, _no_passphrase)
        except (StartError, OSError) as trouble:
            _log.warning("the certificate stays as it was: %s", trouble)
        else:
            _log.info("the certificate was renewed")

    def _state(self) -> tuple[tuple[int, int, int] | None, ...]:
        return tuple(_state(file) for file in self._files)


def _state(file: Path) -> tuple[int, int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size


def _load(chain: Path, key: Path) -> ssl.SSLContext:
    _check_dates(chain)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(chain, key, _no_passphrase)
    except ssl.SSLError as trouble:
        if trouble.reason == "KEY_VALUES_MISMATCH":
            raise StartError(f"{key} is not the key of the certificate {chain}") from trouble
        raise StartError(
            f"{key} is no private key in PEM without a passphrase (--tls-key)"
        ) from trouble
    except OSError as trouble:
        raise StartError(f"{key} cannot be read ({trouble.strerror}); see --tls-key") from trouble
    return context


def _check_dates(chain: Path) -> None:
    try:
        certificate = x509.load_pem_x509_certificates(chain.read_bytes())[0]
    except OSError as trouble:
        message = f"{chain} cannot be read ({trouble.strerror}); see --tls-cert"
        raise StartError(message) from trouble
    except ValueError as trouble:
        raise StartError(f"{chain} holds no certificate in PEM (--tls-cert)") from trouble
    now = datetime.now(UTC)
    if now > certificate.not_valid_after_utc:
        raise StartError(f"the certificate in {chain} expired {certificate.not_valid_after_utc}")
    if now < certificate.not_valid_before_utc:
        begin = certificate.not_valid_before_utc
        raise StartError(f"the certificate in {chain} is not valid before {begin}")


def _no_passphrase() -> bytes:
    # Without this, OpenSSL would ask at the terminal.
    return b""
