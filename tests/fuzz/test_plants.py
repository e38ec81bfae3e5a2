"""Faults planted on purpose: each must be found, or the fuzzers are blind to its kind."""

import hmac
from base64 import urlsafe_b64decode
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

import pytest
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from doorward.wire import auth, body, issues, paging, presented, query
from doorward.wire.http import protocol
from doorward.wire.http.edge import Edge
from doorward.wire.http.protocol import connection_class
from tests.fuzz import sockets
from tests.fuzz.engine import cases_before_a_fault
from tests.fuzz.targets import TARGETS

# About a short run's cases of the target; what is rarer is for the long run.
MOST = 8000
SEED = 4


def _surrogates(raw: bytes) -> str:
    return unquote_to_bytes(raw).decode(errors="surrogateescape")


def _formatted_blindly(found: Any) -> dict[str, Any]:
    top: dict[str, Any] = {"_errors": []}
    for issue in found:
        node = top
        for key in issue.path:
            node = node.setdefault(key, {"_errors": []})
        node["_errors"].append(issue.message)
    return top


def _leniently(cursor: str) -> bytes:
    try:
        return urlsafe_b64decode(cursor)
    except ValueError:
        raise paging._not_a_cursor() from None


def _signed_short(self: paging.Pager, _: Any, content: bytes) -> bytes:
    return hmac.digest(self._key, content, "sha256")[: paging._SIGNATURE_LENGTH]


def _loopback_or_crash(address: str) -> bool:
    return urlsplit(address).hostname == "localhost"


def _lenient(**leniencies: bool) -> tuple[Any, str, Any]:
    class Lenient(connection_class(Edge())):  # type: ignore[misc]
        def __init__(self, *given: Any, **named: Any) -> None:
            super().__init__(*given, **named)
            self.parser.set_dangerous_leniencies(**leniencies)

    return _serving_with(Lenient)


def _serving_with(connection: type) -> tuple[Any, str, Any]:
    return sockets, "connection_class", lambda _: connection


_TWO_BYTES = SimpleNamespace(
    digest=hmac.digest, compare_digest=lambda one, other: one[:2] == other[:2]
)

Patch = tuple[Any, str, Any]
NO_CHECK: Patch = (protocol, "check_head", lambda *_: None)

PLANTS: dict[str, tuple[str, tuple[Patch, ...]]] = {
    "NUL in a body": ("body", ((body, "_holds_nul", lambda _: False),)),
    "a body of any depth": ("body", ((body, "_is_deeper", lambda *_: False),)),
    "a body read by luck": ("body", ((body, "_decode", lambda text: {"count": str(text)}),)),
    "a caller's own _errors": ("body", ((issues, "_formatted", _formatted_blindly),)),
    "a query of any depth": ("query", ((query, "DEPTH_LIMIT", 10**9),)),
    "surrogates in a query": ("query", ((query, "_text", _surrogates),)),
    "a query's refusal that is no ApiError": ("query", ((query, "_unreadable", ValueError),)),
    "a cursor with more than one spelling": ("cursor", ((paging, "_decoded", _leniently),)),
    "a cursor's signature cut short": ("cursor", ((paging, "hmac", _TWO_BYTES),)),
    "a cursor for any token and route": ("cursor", ((paging.Pager, "_sign", _signed_short),)),
    "a cursor for any filter": ("cursor", ((paging, "_digest", lambda _: b"d" * 16),)),
    "a host that is none": ("headers", ((auth, "_is_loopback", _loopback_or_crash),)),
    "a session whose time is over": ("headers", ((auth, "_is_over", lambda _: False),)),
    "a customer's session as a user's": (
        "headers",
        ((auth, "_scheme", lambda _: "client_session"),),
    ),
    "one of two tokens": (
        "headers",
        ((presented, "_SESSION_HEADERS", (b"client-session-token",)),),
    ),
    "two hosts, or none": ("socket", (NO_CHECK,)),
    "both a length and chunks": ("socket", (NO_CHECK, _lenient(lenient_chunked_length=True))),
    "any transfer coding": ("socket", (NO_CHECK, _lenient(lenient_transfer_encoding=True))),
    "header lines without their CR": ("socket", (_lenient(lenient_headers=True),)),
    "refusals in plain text": ("socket", (_serving_with(HttpToolsProtocol),)),
}


@pytest.mark.parametrize("plant", PLANTS)
def test_a_plant_is_found(plant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    name, patches = PLANTS[plant]
    for patch in patches:
        monkeypatch.setattr(*patch)
    target = TARGETS[name]()
    try:
        found_after = cases_before_a_fault(target, SEED, MOST)
    finally:
        target.close()
    assert found_after is not None
    print(f"{plant}: found after {found_after} cases")
