"""What a connection may take up in size, number and time, and how it ends."""

import asyncio
import contextlib
import logging
import socket
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from doorward.wire.body import BODY_LIMIT
from doorward.wire.exchange import Exchange
from doorward.wire.http.edge import Edge
from doorward.wire.http.limits import Limits
from tests.wire.raw import Answer, Wire, exchange, wire
from tests.wire.toy import GROUP, KEY, USER, make_api, serving

HEALTH = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"
LAST = b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
REMOVE = "/acs/users/remove_from_access_group"
IDS = f'{{"acs_access_group_id":"{GROUP}","acs_user_id":"{USER}"}}'.encode()
LENGTH = f"Content-Length: {len(IDS)}\r\n"


def post(*headers: str, token: str = KEY) -> bytes:
    """The head of a call that changes something."""
    lines = [f"POST {REMOVE} HTTP/1.1", "Host: x", f"Authorization: Bearer {token}", *headers]
    return "\r\n".join([*lines, "", ""]).encode()


@pytest.fixture(scope="module")
def told() -> list[Exchange]:
    """What the observers were told."""
    return []


@pytest.fixture(scope="module")
def served(told: list[Exchange]) -> Iterator[str]:
    """The toy API with the limits of a real server."""
    api = make_api()
    api.observers.append(told.append)
    with serving(api, Edge(observers=api.observers)) as address:
        yield address


@contextlib.contextmanager
def limited(told: list[Exchange] | None = None, **limits: Any) -> Iterator[str]:
    """The toy API with limits of one's own."""
    api = make_api()
    if told is not None:
        api.observers.append(told.append)
    with serving(api, Edge(Limits(**limits), observers=api.observers)) as address:
        yield address


def only(answers: list[Answer]) -> tuple[int, str]:
    """The one answer's status and error type; it must have said that it is the last."""
    [answer] = answers
    assert answer.headers["connection"] == "close"
    return answer.status, answer.kind


# Sizes


@pytest.mark.parametrize("end", [b" HTTP/1.1\r\nHost: x\r\n\r\n", b""])
def test_a_target_too_long(served: str, end: bytes) -> None:
    assert only(exchange(served, b"GET /" + b"a" * 16384 + end)) == (414, "uri_too_long")


def test_the_longest_target(served: str) -> None:
    target = b"/health?" + b"a" * (16384 - 8)
    answers = exchange(served, LAST.replace(b"/health", target))
    assert [each.status for each in answers] == [200]


@pytest.mark.parametrize(
    "headers",
    [b"A: " + b"a" * 65536 + b"\r\n\r\n", b"A: b\r\n" * 100 + b"\r\n", b"A: " + b"a" * 300_000],
    ids=["size", "number", "no end"],
)
def test_headers_too_large(served: str, headers: bytes) -> None:
    sent = b"GET /health HTTP/1.1\r\nHost: x\r\n" + headers
    assert only(exchange(served, sent)) == (431, "headers_too_large")


def test_a_hundred_headers(served: str) -> None:
    sent = LAST.replace(b"\r\n\r\n", b"\r\n" + b"A: b\r\n" * 98 + b"\r\n")
    assert [each.status for each in exchange(served, sent)] == [200]


@pytest.mark.parametrize(
    "endless", [b"2;a=", b"0\r\nA: "], ids=["a chunk's extension", "a trailer"]
)
def test_what_stands_around_a_body_is_bounded(
    served: str, told: list[Exchange], endless: bytes
) -> None:
    told.clear()
    sent = post("Transfer-Encoding: chunked") + endless + b"a" * 300_000
    assert only(exchange(served, sent)) == (431, "headers_too_large")
    assert not [each for each in told if each.status == 200]


def test_a_body_too_large_is_read_to_its_end_and_no_further(served: str) -> None:
    size = 2 * BODY_LIMIT
    [answer] = exchange(served, post(f"Content-Length: {size}") + b"a" * size + LAST)
    assert (answer.status, answer.kind) == (413, "payload_too_large")


@pytest.mark.parametrize("size", [BODY_LIMIT + 1, 2**64 - 1])
def test_a_body_that_says_that_it_is_too_large(served: str, size: int) -> None:
    head = post(f"Content-Length: {size}")
    assert only(exchange(served, head + HEALTH)) == (413, "payload_too_large")


def test_an_answered_body_that_does_not_end(told: list[Exchange]) -> None:
    with limited(told, drain=BODY_LIMIT) as address, wire(address) as connected:
        connected.send(post("Transfer-Encoding: chunked", token="no"))
        assert connected.answer().status == 401
        chunk = b"10000\r\n" + b"a" * 65536 + b"\r\n"
        for _ in range(1000):
            connected.send(chunk)
        assert connected.is_closed()


def test_a_refused_client_that_does_not_end() -> None:
    size = 1 << 16
    with limited(drain=size, linger_seconds=60) as address, wire(address) as connected:
        connected.send(b"nonsense\r\n\r\n")
        assert connected.answer().kind == "invalid_request"
        # More than is drained, and than the systems in between hold back.
        with pytest.raises(ConnectionError):
            connected.socket.sendall(b"a" * size * 1024)


# Time


def test_a_head_that_is_not_whole_in_time() -> None:
    with limited(head_seconds=0.1) as address:
        assert only(exchange(address, LAST[:-2])) == (408, "request_timeout")


def test_a_head_byte_by_byte(told: list[Exchange]) -> None:
    told.clear()
    with limited(told, head_seconds=0.1, idle_seconds=60) as address, wire(address) as connected:
        connected.send(HEALTH)
        assert connected.answer().status == 200
        _trickle(connected, b"GET /health HTTP/1.1\r\nA: " + b"a" * 1000)
        assert connected.answer().kind == "request_timeout"
        assert connected.is_closed()


def _trickle(connected: Wire, data: bytes) -> None:
    """Sends byte by byte until there is an answer; far slower than the limits of the tests."""
    connected.socket.settimeout(0.02)
    for byte in data:
        connected.send(bytes([byte]))
        with contextlib.suppress(TimeoutError):
            connected.is_closed()
            break
    else:
        pytest.fail("the server read all of it")
    connected.socket.settimeout(10)


@pytest.mark.parametrize("token", [KEY, "no"])
@pytest.mark.parametrize("framing", [LENGTH.strip(), "Transfer-Encoding: chunked"])
def test_a_body_that_is_not_whole_in_time(told: list[Exchange], framing: str, token: str) -> None:
    told.clear()
    with limited(told, body_seconds=0.1) as address:
        part = b"1\r\n{\r\n" if "chunked" in framing else b"{"
        [answer] = exchange(address, post(framing, token=token) + part)
    expected = (408, "request_timeout") if token == KEY else (401, "unauthorized")
    assert (answer.status, answer.kind) == expected
    assert not [each for each in told if each.status == 200]


def test_a_body_byte_by_byte(told: list[Exchange]) -> None:
    told.clear()
    with limited(told, body_seconds=0.1) as address, wire(address) as connected:
        connected.send(post("Content-Length: 1000"))
        _trickle(connected, b" " * 1000)
        assert connected.answer().kind == "request_timeout"
        assert connected.is_closed()
    assert not [each for each in told if each.status == 200]


@pytest.mark.parametrize("sent", [b"", b"\r\n" * 50], ids=["nothing", "empty lines"])
def test_a_connection_that_asks_nothing_is_closed_without_a_word(sent: bytes) -> None:
    with limited(head_seconds=0.1) as address:
        assert exchange(address, sent) == []


def test_an_idle_connection_is_closed_without_a_word() -> None:
    with limited(head_seconds=60, idle_seconds=0.1) as address:
        assert [each.status for each in exchange(address, HEALTH * 3)] == [200] * 3


def test_an_idle_connection_may_ask_again_after_more_than_a_heads_time(
    told: list[Exchange],
) -> None:
    with limited(told, head_seconds=0.05, body_seconds=0.05) as address, wire(address) as connected:
        for _ in range(2):
            connected.send(HEALTH)
            assert connected.answer().status == 200
            time.sleep(0.15)
        connected.send(LAST)
        assert [each.status for each in connected.answers()] == [200]


async def slow(_: Any, receive: Any, send: Any) -> None:
    """An application that takes its time."""
    await receive()
    await asyncio.sleep(0.3)
    await answer_with(b"done", send)


def test_a_call_may_take_longer_than_its_request() -> None:
    limits = Limits(head_seconds=0.05, body_seconds=0.05, idle_seconds=0.05, answer_seconds=0.05)
    with serving(slow, Edge(limits)) as address:
        answers = exchange(address, HEALTH * 2)
    assert [each.body for each in answers] == [b"done", b"done"]


async def answer_with(body: bytes, send: Any) -> None:
    length = (b"content-length", b"%d" % len(body))
    await send({"type": "http.response.start", "status": 200, "headers": [length]})
    await send({"type": "http.response.body", "body": body})


@pytest.mark.parametrize("sent", [HEALTH, HEALTH * 2, LAST], ids=["kept", "two", "closed"])
def test_a_client_that_does_not_take_its_answer(sent: bytes) -> None:
    size = 32 * 1024 * 1024

    async def large(_: Any, __: Any, send: Any) -> None:
        await answer_with(b"a" * size, send)

    limits = Limits(answer_seconds=0.1)
    with serving(large, Edge(limits)) as address, wire(address) as connected:
        connected.send(sent)
        time.sleep(0.5)
        taken = 0
        with contextlib.suppress(ConnectionError):
            while chunk := connected.socket.recv(1 << 20):
                taken += len(chunk)
    assert taken < size


def test_a_client_that_takes_its_answer_late() -> None:
    size = 12 * 1024 * 1024

    async def large(_: Any, __: Any, send: Any) -> None:
        await answer_with(b"a" * size, send)

    with serving(large, Edge(Limits(answer_seconds=1))) as address, wire(address) as connected:
        for sent in (HEALTH, LAST):
            connected.send(sent)
            time.sleep(0.1)
            assert len(connected.answer().body) == size
            time.sleep(1.1)
        assert connected.is_closed()


# Number


def busy(opened: contextlib.ExitStack, address: str) -> Wire:
    """A connection that is in the middle of a request."""
    connected = opened.enter_context(wire(address))
    connected.send(HEALTH + HEALTH[:-2])
    assert connected.answer().status == 200
    return connected


def test_more_connections_than_there_may_be() -> None:
    with limited(connections=2, reserve=1) as address, contextlib.ExitStack() as opened:
        first, second = (busy(opened, address) for _ in range(2))
        assert [each.status for each in exchange(address, HEALTH * 2)] == [200]
        assert only(exchange(address, post(LENGTH.strip()) + IDS)) == (503, "overloaded")
        third = opened.enter_context(wire(address))
        [refusal] = exchange(address, b"")
        assert (refusal.kind, refusal.headers["retry-after"]) == ("overloaded", "1")
        third.send(HEALTH)
        for each in (first, second):
            each.send(b"\r\n")
        assert {each.answer().status for each in (first, second, third)} == {200}


def test_who_asks_for_nothing_does_not_keep_the_reserve() -> None:
    with contextlib.ExitStack() as opened:
        address = opened.enter_context(limited(connections=1, reserve=1, reserve_seconds=0.1))
        busy(opened, address)
        assert exchange(address, b"") == []
        assert [each.status for each in exchange(address, HEALTH)] == [200]


@pytest.mark.parametrize("sent", [b"", HEALTH], ids=["new", "kept"])
def test_who_waits_longest_makes_room(sent: bytes, caplog: pytest.LogCaptureFixture) -> None:
    with contextlib.ExitStack() as opened:
        address = opened.enter_context(limited(connections=3, reserve=0, rest_seconds=0))
        at_work = busy(opened, address)
        waiting = [opened.enter_context(wire(address)) for _ in range(2)]
        for each in waiting:
            each.send(HEALTH)
            assert each.answer().status == 200
        waiting[0].send(sent)
        if sent:
            assert waiting[0].answer().status == 200
            waiting.reverse()
        call = post(LENGTH.strip(), "Connection: close") + IDS
        with wire(address) as newcomer:
            newcomer.send(call)
            assert newcomer.answer().status == 200
        assert waiting[0].is_closed()
        waiting[1].send(HEALTH)
        at_work.send(b"\r\n")
        assert [each.answer().status for each in (waiting[1], at_work)] == [200, 200]
    told = [each for each in caplog.records if each.name == "doorward.connections"]
    assert len(told) == 1


def test_many_idle_connections_keep_nobody_out() -> None:
    limits = Limits()
    count = limits.connections + limits.reserve
    with limited(rest_seconds=0) as address, contextlib.ExitStack() as opened:
        for _ in range(count):
            opened.enter_context(wire(address)).send(HEALTH)
        call = post(LENGTH.strip(), "Connection: close") + IDS
        for _ in range(3):
            assert [each.status for each in exchange(address, call)] == [200]


def test_who_has_just_been_answered_keeps_its_place() -> None:
    with limited(connections=1, reserve=0, rest_seconds=60) as address, wire(address) as kept:
        kept.send(HEALTH)
        assert kept.answer().status == 200
        assert [each.status for each in exchange(address, HEALTH)] == [503]
        kept.send(HEALTH)
        assert kept.answer().status == 200


def test_requests_at_once_are_answered_in_their_order(served: str) -> None:
    calls = b"".join(
        HEALTH.replace(b"/health", b"/unknown" if n % 3 else b"/health") for n in range(50)
    )
    answers = exchange(served, calls + LAST)
    assert [each.status for each in answers] == [404 if n % 3 else 200 for n in range(50)] + [200]


def test_too_many_requests_at_once() -> None:
    with limited(pipelined=3) as address:
        answers = exchange(address, HEALTH * 100)
    assert [each.status for each in answers] == [200] * 4 + [503]
    assert answers[-1].kind == "overloaded"


# Manners


def test_a_client_that_has_finished_sending_gets_its_answers() -> None:
    with serving(slow) as address, wire(address) as connected:
        connected.send(HEALTH * 2)
        connected.socket.shutdown(socket.SHUT_WR)
        answers = connected.answers()
    assert [each.body for each in answers] == [b"done", b"done"]
    assert "connection" not in answers[0].headers
    assert answers[1].headers["connection"] == "close"


def test_a_client_that_has_finished_sending_in_the_middle_of_another_request() -> None:
    with serving(slow) as address, wire(address) as connected:
        connected.send(HEALTH + HEALTH[:-2])
        connected.socket.shutdown(socket.SHUT_WR)
        assert [each.body for each in connected.answers()] == [b"done"]


def test_a_client_that_stops_after_nonsense() -> None:
    with serving(slow) as address, wire(address) as connected:
        connected.send(HEALTH + b"nonsense\r\n\r\n")
        connected.socket.shutdown(socket.SHUT_WR)
        assert [each.status for each in connected.answers()] == [200, 400]


def test_a_client_that_stops_in_a_body(served: str, told: list[Exchange]) -> None:
    told.clear()
    with wire(served) as connected:
        connected.send(HEALTH + post(LENGTH.strip()) + IDS[:-1])
        connected.socket.shutdown(socket.SHUT_WR)
        assert [each.status for each in connected.answers()] == [200]
    assert not [each for each in told if each.path == REMOVE and each.status]


def test_a_client_that_asks_whether_to_go_on(served: str) -> None:
    with wire(served) as connected:
        connected.send(post("Expect: 100-continue", LENGTH.strip()))
        assert connected.answer().status == 100
        connected.send(IDS + LAST)
        assert [each.status for each in connected.answers()] == [200, 200]


def test_a_client_that_need_not_go_on_and_is_not_understood_either_way(served: str) -> None:
    head = post("Expect: 100-continue", LENGTH.strip(), token="no")
    assert only(exchange(served, head)) == (401, "unauthorized")
    assert [each.status for each in exchange(served, head + IDS + LAST)] == [401, 200]


def test_a_client_that_would_send_too_much(served: str) -> None:
    head = post("Expect: 100-continue", f"Content-Length: {BODY_LIMIT + 1}")
    assert only(exchange(served, head)) == (413, "payload_too_large")


def test_a_client_of_http_1_0_does_not_wait(served: str) -> None:
    head = post("Expect: 100-continue", LENGTH.strip()).replace(b"HTTP/1.1", b"HTTP/1.0")
    assert [each.status for each in exchange(served, head + IDS)] == [200]


def test_a_client_that_is_refused_may_finish_sending(served: str) -> None:
    with wire(served) as connected:
        connected.send(b"nonsense\r\n\r\n")
        assert connected.answer().kind == "invalid_request"
        for _ in range(32):
            # A server that had closed would answer with a reset, which can overtake its refusal.
            connected.socket.sendall(b"a" * 65536)
        assert connected.is_closed()


def test_the_answer_to_a_refused_body_arrives_though_the_client_goes_on(served: str) -> None:
    sent = post("Transfer-Encoding: chunked") + b"x\r\n" + b"a" * BODY_LIMIT
    assert only(exchange(served, sent)) == (400, "invalid_request")


def test_refusals_are_told_and_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    # A server of its own: what others have left unfinished is told late.
    told: list[Exchange] = []
    with limited(told) as address, caplog.at_level(logging.INFO):
        [answer] = exchange(address, b"nonsense\r\n\r\n")
        exchange(address, LAST.replace(b"close", b"close, upgrade\r\nUpgrade: websocket"))
    assert [(each.status, each.error, each.path) for each in told] == [
        (400, "invalid_request", None),
        (200, None, "/health"),
    ]
    assert told[0].request_id == answer.headers["seam-request-id"]
    assert caplog.records == []


def test_a_connection_is_kept(served: str) -> None:
    with httpx.Client(base_url=served) as client:
        client.get("/health")
        [pool] = client._transport._pool.connections  # type: ignore[attr-defined]
        for _ in range(3):
            client.post(REMOVE, content=IDS)
        assert client._transport._pool.connections == [pool]  # type: ignore[attr-defined]
