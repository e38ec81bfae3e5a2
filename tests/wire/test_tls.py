"""HTTPS: which certificates are taken, how one is renewed, and handshakes that do not end."""

import contextlib
import logging
import os
import resource
import socket
import ssl
import time
import warnings
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from doorward.errors import StartError
from doorward.wire.http.edge import Edge
from doorward.wire.http.limits import Limits
from doorward.wire.http.tls import Certificate
from tests.certificates import Authority
from tests.wire.raw import Wire
from tests.wire.toy import make_api, serving

HOUR = timedelta(hours=1)
HEALTH = b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def trusting(authority: Authority) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=authority.file)


def serial(address: str, context: ssl.SSLContext) -> int:
    """Of the certificate that a new connection is shown."""
    parts = urlsplit(address)
    with (
        socket.create_connection((parts.hostname, parts.port), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname=parts.hostname) as secure,
    ):
        secure.sendall(HEALTH)
        assert Wire(secure).answer().status == 200
        shown = secure.getpeercert()
    assert shown is not None
    return int(str(shown["serialNumber"]), 16)


def test_a_client_that_trusts_the_authority(authority: Authority) -> None:
    pair = authority.issue()
    with serving(make_api(), tls=Certificate(pair.chain, pair.key).context) as address:
        assert httpx.get(f"{address}/health", verify=trusting(authority)).status_code == 200
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            httpx.get(f"{address}/health")


def test_an_old_tls_is_refused(authority: Authority) -> None:
    pair, old = authority.issue(), trusting(authority)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        old.minimum_version = ssl.TLSVersion.TLSv1
        old.maximum_version = ssl.TLSVersion.TLSv1_1
    old.set_ciphers("ALL:@SECLEVEL=0")
    with serving(make_api(), tls=Certificate(pair.chain, pair.key).context) as address:
        with pytest.raises(ssl.SSLError):
            serial(address, old)
        serial(address, trusting(authority))


def test_a_renewed_certificate_is_shown_from_then_on(authority: Authority) -> None:
    first = authority.issue()
    certificate, before = Certificate(first.chain, first.key), first.serial()
    with serving(make_api(), tls=certificate.context) as address:
        assert serial(address, trusting(authority)) == before
        renewed = authority.issue()
        certificate.renew()
        assert serial(address, trusting(authority)) == renewed.serial() != before


def test_half_a_renewal_changes_nothing(
    authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    first, other = authority.issue(), authority.issue("other")
    certificate, before = Certificate(first.chain, first.key), first.serial()
    first.chain.write_bytes(other.chain.read_bytes())
    with caplog.at_level(logging.WARNING):
        certificate.renew()
        certificate.renew()
    assert len(caplog.records) == 1
    with serving(make_api(), tls=certificate.context) as address:
        assert serial(address, trusting(authority)) == before
        first.key.write_bytes(other.key.read_bytes())
        certificate.renew()
        assert serial(address, trusting(authority)) == other.serial()


def test_a_certificate_that_is_gone_is_used_on(authority: Authority) -> None:
    pair = authority.issue()
    certificate, before = Certificate(pair.chain, pair.key), pair.serial()
    pair.chain.unlink()
    certificate.renew()
    with serving(make_api(), tls=certificate.context) as address:
        assert serial(address, trusting(authority)) == before


def _refused(chain: Path, key: Path, *words: str) -> None:
    with pytest.raises(StartError) as refused:
        Certificate(chain, key)
    text = str(refused.value)
    assert "\n" not in text
    for word in words:
        assert word in text


def test_files_that_cannot_be_used(authority: Authority, tmp_path: Path) -> None:
    pair, other = authority.issue(), authority.issue("other")
    nothing, junk = tmp_path / "nothing", tmp_path / "junk"
    junk.write_text("-----BEGIN CERTIFICATE-----\nno\n-----END CERTIFICATE-----\n")
    _refused(nothing, pair.key, "nothing", "--tls-cert")
    _refused(pair.chain, nothing, "nothing", "--tls-key")
    _refused(tmp_path, pair.key, "--tls-cert")
    _refused(junk, pair.key, "junk", "--tls-cert")
    _refused(pair.chain, junk, "junk", "--tls-key")
    _refused(pair.chain, other.key, "not the key", "other.key")
    _refused(pair.key, pair.chain, "--tls-cert")


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_files_that_may_not_be_read(authority: Authority) -> None:
    pair = authority.issue()
    pair.key.chmod(0)
    _refused(pair.chain, pair.key, "--tls-key")


def test_a_key_with_a_passphrase_is_not_asked_for(authority: Authority) -> None:
    pair = authority.issue(passphrase=b"secret")
    _refused(pair.chain, pair.key, "passphrase")


def test_a_certificate_out_of_its_time(authority: Authority) -> None:
    past = authority.issue(begin=-2 * HOUR, end=-HOUR)
    _refused(past.chain, past.key, "expired")
    future = authority.issue(begin=HOUR, end=2 * HOUR)
    _refused(future.chain, future.key, "not valid before")


@pytest.mark.parametrize("sent", [b"", b"\x16\x03\x01", b"GET / HTTP/1.1\r\n\r\n"])
def test_a_handshake_that_does_not_end(
    authority: Authority, sent: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    pair = authority.issue()
    edge = Edge(Limits(handshake_seconds=0.1))
    tls = Certificate(pair.chain, pair.key).context
    with serving(make_api(), edge, tls) as address:
        parts = urlsplit(address)
        with socket.create_connection((parts.hostname, parts.port), timeout=10) as plain:
            plain.sendall(sent)
            while not Wire(plain).is_closed():
                pass
    assert not [each for each in caplog.records if each.levelno >= logging.WARNING]


def test_the_limits_hold_for_https_too(authority: Authority) -> None:
    pair = authority.issue()
    edge = Edge(Limits(head_seconds=0.1, linger_seconds=0.1))
    tls = Certificate(pair.chain, pair.key).context
    with serving(make_api(), edge, tls) as address:
        parts = urlsplit(address)
        with (
            socket.create_connection((parts.hostname, parts.port), timeout=10) as plain,
            trusting(authority).wrap_socket(plain, server_hostname=parts.hostname) as secure,
        ):
            wire = Wire(secure)
            wire.send(HEALTH[:-2])
            assert wire.answer().kind == "request_timeout"
            assert wire.is_closed()


def test_handshakes_that_do_not_end_are_counted_and_keep_nobody_out(authority: Authority) -> None:
    pair = authority.issue()
    edge = Edge(Limits(connections=5, reserve=0, handshake_seconds=60))
    tls = Certificate(pair.chain, pair.key).context
    with serving(make_api(), edge, tls) as address, contextlib.ExitStack() as opened:
        kept = opened.enter_context(httpx.Client(base_url=address, verify=trusting(authority)))
        assert kept.get("/health").status_code == 200
        parts = urlsplit(address)
        bare = [
            opened.enter_context(socket.create_connection((parts.hostname, parts.port), timeout=10))
            for _ in range(20)
        ]
        # Four of them have a place beside the one that is kept.
        assert all(Wire(each).is_closed() for each in bare[:16])
        for each in bare[16:]:
            each.setblocking(False)
            with pytest.raises(BlockingIOError):
                each.recv(1)
        serial(address, trusting(authority))
        assert Wire(_waiting(bare[16])).is_closed()
        [pool] = kept._transport._pool.connections  # type: ignore[attr-defined]
        assert kept.get("/health").status_code == 200
        assert kept._transport._pool.connections == [pool]  # type: ignore[attr-defined]


def _waiting(connected: socket.socket) -> socket.socket:
    connected.settimeout(10)
    return connected


def test_who_finds_no_place_is_closed_before_tls(authority: Authority) -> None:
    pair = authority.issue()
    edge = Edge(Limits(connections=1, reserve=0, head_seconds=60))
    tls = Certificate(pair.chain, pair.key).context
    with serving(make_api(), edge, tls) as address:
        parts = urlsplit(address)
        with (
            socket.create_connection((parts.hostname, parts.port), timeout=10) as plain,
            trusting(authority).wrap_socket(plain, server_hostname=parts.hostname) as secure,
        ):
            at_work = Wire(secure)
            at_work.send(HEALTH.replace(b"close", b"keep-alive") + HEALTH[:-2])
            assert at_work.answer().status == 200
            with socket.create_connection((parts.hostname, parts.port), timeout=10) as other:
                assert Wire(other).is_closed()
            at_work.send(b"\r\n")
            assert at_work.answer().status == 200


def test_a_server_stops_though_handshakes_do_not_end(
    authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    pair = authority.issue()
    edge = Edge(Limits(handshake_seconds=60))
    with contextlib.ExitStack() as opened:
        tls = Certificate(pair.chain, pair.key).context
        with serving(make_api(), edge, tls) as address:
            parts = urlsplit(address)
            plain = opened.enter_context(
                socket.create_connection((parts.hostname, parts.port), timeout=10)
            )
            serial(address, trusting(authority))
        assert Wire(plain).is_closed()
    # It would say that it gave up waiting.
    assert caplog.records == []


def test_a_system_without_files_is_told_of_once(
    authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    pair = authority.issue()
    tls = Certificate(pair.chain, pair.key).context
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with serving(make_api(), tls=tls) as address, contextlib.ExitStack() as opened:
        # Kept open, so that no file is given back in the meantime.
        kept = opened.enter_context(httpx.Client(base_url=address, verify=trusting(authority)))
        assert kept.get("/health").status_code == 200
        parts = urlsplit(address)
        plain = opened.enter_context(socket.socket())
        resource.setrlimit(resource.RLIMIT_NOFILE, (_next_file(), hard))
        try:
            plain.connect((parts.hostname, parts.port))
            deadline = time.monotonic() + 10
            while not caplog.records and time.monotonic() < deadline:
                time.sleep(0.01)
            time.sleep(0.3)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        serial(address, trusting(authority))
    [told] = caplog.records
    assert "Too many open files" in told.getMessage()


def _next_file() -> int:
    """The number of the file that would be opened next: below it all are taken."""
    number = os.dup(0)
    os.close(number)
    return number
