"""What keeps callers from taking more than there is, and keys that make a call count once."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from doorward.store.idempotency import Kept
from doorward.wire import gate
from doorward.wire.app import Api, Limits
from doorward.wire.body import SMALL_BODY
from doorward.wire.route import Call, Route
from tests.wire.raw import wire
from tests.wire.toy import (
    CURSOR_KEY,
    KEY,
    OTHER_KEY,
    SECOND_KEY,
    Answer,
    Everything,
    GetUser,
    Nothing,
    Tokens,
    ToyHealth,
    call,
    get_user,
    serving,
)


class Slow:
    """Calls that last until the test lets them end, and a maker that keeps answers."""

    def __init__(self) -> None:
        self.may_end = asyncio.Event()
        self.started = 0
        self.kept: dict[tuple[str, bytes], bytes] = {}

    async def wait(self, _call: Call[Any], _request: Nothing) -> None:
        self.started += 1
        await self.may_end.wait()

    async def fail(self, _call: Call[Any], _request: Nothing) -> None:
        raise TimeoutError

    async def make(self, call: Call[Any], request: Everything) -> Any:
        self.started += 1
        made = msgspec.defstruct("Made", [("number", int), ("given", Any)])(self.started, request)
        if call.idempotency is None:
            return made
        name = (call.idempotency.key, call.idempotency.digest)
        is_replayed = name in self.kept
        body = self.kept.setdefault(name, call.idempotency.encode(made))
        return Kept(body, is_replayed)


@pytest.fixture
def slow() -> Slow:
    return Slow()


def _api(slow: Slow, limits: Limits, tokens: Any = None) -> Api:
    made = msgspec.Struct
    routes = (
        Route("/slow", ("POST",), Nothing, slow.wait, "Slow"),
        Route("/fail", ("POST",), Nothing, slow.fail, "Fail"),
        Route("/get", ("GET", "POST"), GetUser, get_user, "Get", "acs_user", Answered),
        Route(
            "/make", ("PUT", "POST"), Everything, slow.make, "Make", "made", made, is_creating=True
        ),
        Route("/change", ("POST",), Everything, slow.make, "Change", "made", made),
    )
    return Api(
        routes,
        tokens or Tokens(),
        None,
        cursor_key=CURSOR_KEY,
        health=ToyHealth(),
        limits=limits,
    )


class Answered(msgspec.Struct):
    """The resource of /get."""

    acs_user_id: str


async def _until(slow: Slow, count: int) -> None:
    async with asyncio.timeout(10):
        while slow.started < count:
            await asyncio.sleep(0.001)


async def test_calls_beyond_the_gate_are_shed_and_health_answers(slow: Slow) -> None:
    api = _api(slow, Limits(in_flight=3))
    let_in = [
        asyncio.create_task(call(api, "POST", "/slow", token=token))
        for token in (KEY, SECOND_KEY, OTHER_KEY)
    ]
    await _until(slow, 3)
    shed = await asyncio.gather(*(call(api, "POST", "/slow") for _ in range(50)))
    assert {(a.status, a.error["type"], a.headers["retry-after"]) for a in shed} == {
        (503, "overloaded", "1")
    }
    # Before anybody asks who it is, or reads what was sent.
    unknown = await call(api, "POST", "/slow", token="seam_unknown", body=b"{")
    assert unknown.error["type"] == "overloaded"
    assert (await call(api, "GET", "/health")).status == 200
    assert (await call(api, "GET", "/openapi.json")).status == 200
    slow.may_end.set()
    assert {answer.status for answer in await asyncio.gather(*let_in)} == {200}
    assert slow.started == 3
    assert (await call(api, "POST", "/slow")).status == 200


async def test_who_is_turned_away_waits_and_keeps_nobody_else_waiting(
    slow: Slow, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: asyncio.Queue[float] = asyncio.Queue()
    is_over = asyncio.Event()

    async def pause(seconds: float) -> None:
        asked.put_nowait(seconds)
        await is_over.wait()

    monkeypatch.setattr(gate, "sleep", pause)
    api = _api(slow, Limits(in_flight=1))
    let_in = asyncio.create_task(call(api, "POST", "/slow"))
    await _until(slow, 1)
    shed = asyncio.create_task(call(api, "POST", "/slow"))
    # What docs/operating.md promises.
    assert await asyncio.wait_for(asked.get(), 10) == 0.5
    assert (await call(api, "GET", "/health")).status == 200
    slow.may_end.set()
    assert (await let_in).status == 200
    assert (await call(api, "POST", "/slow")).status == 200
    assert not shed.done()
    is_over.set()
    assert (await shed).error["type"] == "overloaded"


async def test_one_token_leaves_room_for_others(slow: Slow) -> None:
    api = _api(slow, Limits(in_flight=5))
    greedy = [asyncio.create_task(call(api, "POST", "/slow")) for _ in range(10)]
    await _until(slow, 3)
    others = [asyncio.create_task(call(api, "POST", "/slow", token=SECOND_KEY)) for _ in range(2)]
    await _until(slow, 5)
    slow.may_end.set()
    assert Counter(each.status for each in await asyncio.gather(*greedy)) == {200: 3, 503: 7}
    assert {each.status for each in await asyncio.gather(*others)} == {200}
    assert (await call(api, "POST", "/slow")).status == 200


class Sender:
    """A call of which the first part of the body is there, and the rest comes when told to."""

    def __init__(self, first: bytes, token: str = KEY) -> None:
        self.first = first
        self.rest = asyncio.Event()
        self.is_waited_for = asyncio.Event()
        self._headers = [(b"authorization", f"Bearer {token}".encode()), (b"host", b"doors.test")]
        self._sent: list[Any] = []
        self._received = 0

    async def _receive(self) -> Any:
        self._received += 1
        if self._received == 1:
            return {"type": "http.request", "body": self.first, "more_body": True}
        self.is_waited_for.set()
        await self.rest.wait()
        return {"type": "http.request", "body": b"}", "more_body": False}

    async def _send(self, message: Any) -> None:
        self._sent.append(message)

    async def call(self, api: Api) -> tuple[int, str | None]:
        """The status, and the type of an error."""
        scope = {"type": "http", "method": "POST", "scheme": "http", "path": "/slow"}
        rest = {"query_string": b"", "headers": self._headers}
        await api({**scope, **rest}, self._receive, self._send)
        body = msgspec.json.decode(self._sent[1]["body"])
        return self._sent[0]["status"], body.get("error", {}).get("type")


async def _begin(api: Api, senders: Sequence[Sender]) -> list["asyncio.Task[Any]"]:
    calls = [asyncio.create_task(sender.call(api)) for sender in senders]
    async with asyncio.timeout(10):
        for sender in senders:
            await sender.is_waited_for.wait()
    return calls


async def test_slow_bodies_keep_nobody_out(slow: Slow) -> None:
    slow.may_end.set()
    api = _api(slow, Limits(in_flight=2))
    senders = [Sender(b"{") for _ in range(50)]
    calls = await _begin(api, senders)
    assert api.in_flight == 0
    for token in (KEY, SECOND_KEY):
        assert (await call(api, "POST", "/slow", token=token)).status == 200
    for sender, begun in zip(senders, calls, strict=True):
        sender.rest.set()
        assert await begun == (200, None)


async def test_large_bodies_are_few_and_keep_no_small_one_out(slow: Slow) -> None:
    slow.may_end.set()
    api = _api(slow, Limits(in_flight=4))
    large = b"{" + b" " * SMALL_BODY
    senders = [Sender(large, token) for token in (KEY, KEY, SECOND_KEY)]
    calls = await _begin(api, senders)
    assert await Sender(large).call(api) == (503, "overloaded")
    calls += await _begin(api, [Sender(b"{"), last := Sender(large, SECOND_KEY)])
    assert await Sender(large, OTHER_KEY).call(api) == (503, "overloaded")
    assert (await call(api, "POST", "/slow")).status == 200
    # Whoever has sent all of it, or gives up, makes room.
    for sender in (senders[0], last):
        sender.rest.set()
    assert await calls[0] == await calls[-1] == (200, None)
    for begun in calls[1:-1]:
        begun.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    again = [Sender(large, token) for token in (KEY, KEY, SECOND_KEY, SECOND_KEY)]
    for sender, begun in zip(again, await _begin(api, again), strict=True):
        sender.rest.set()
        assert await begun == (200, None)


async def test_a_call_is_counted_when_it_is_whole(slow: Slow) -> None:
    api = _api(slow, Limits(in_flight=1))
    sender = Sender(b"{")
    [late] = await _begin(api, [sender])
    first = asyncio.create_task(call(api, "POST", "/slow", token=SECOND_KEY))
    await _until(slow, 1)
    sender.rest.set()
    assert await late == (503, "overloaded")
    slow.may_end.set()
    assert (await first).status == 200


async def test_every_way_out_leaves_the_gate_open(slow: Slow) -> None:
    api = _api(slow, Limits(in_flight=1, deadline=0.01))
    for path, token in (("/fail", KEY), ("/slow", KEY), ("/slow", "seam_unknown")):
        answer = await call(api, "POST", path, token=token)
        assert answer.status in {500, 503, 401}
        assert answer.error["type"] != "overloaded"
    assert (await call(api, "GET", "/get", f"acs_user_id={CURSOR_KEY.hex()}")).status == 400


async def test_a_call_past_its_deadline_is_unavailable(slow: Slow) -> None:
    answer = await call(_api(slow, Limits(deadline=0.01)), "POST", "/slow")
    assert (answer.status, answer.error["type"]) == (503, "service_unavailable")
    assert answer.headers["retry-after"] == "1"


async def test_a_look_for_the_token_has_the_same_deadline(slow: Slow) -> None:
    class Hanging(Tokens):
        async def find(self, token: str) -> Any:  # noqa: ARG002 - as the wire asks
            await asyncio.Event().wait()

    answer = await call(_api(slow, Limits(deadline=0.01), Hanging()), "POST", "/slow")
    assert (answer.status, answer.error["type"]) == (503, "service_unavailable")


async def test_a_body_that_does_not_end_is_the_callers_fault(slow: Slow) -> None:
    sent: list[Any] = []

    async def receive() -> Any:
        await asyncio.Event().wait()

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "scheme": "http",
        "path": "/slow",
        "query_string": b"",
        "headers": [(b"authorization", f"Bearer {KEY}".encode()), (b"host", b"doors.test")],
    }
    await _api(slow, Limits(deadline=0.01))(scope, receive, send)
    assert sent[0]["status"] == 408
    assert msgspec.json.decode(sent[1]["body"])["error"]["type"] == "request_timeout"


async def test_a_fault_of_ours_is_no_deadline(slow: Slow) -> None:
    assert (await call(_api(slow, Limits()), "POST", "/fail")).status == 500


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses before refusals, which take no time."""
    taken: list[float] = []

    async def pause(seconds: float) -> None:
        taken.append(seconds)

    monkeypatch.setattr(gate, "sleep", pause)
    return taken


async def test_the_rate_is_a_tokens_own(slow: Slow, pauses: list[float]) -> None:
    slow.may_end.set()
    api = _api(slow, Limits(rate=2))
    answers = [await call(api, "POST", "/slow") for _ in range(6)]
    assert [answer.status for answer in answers] == [200] * 4 + [429] * 2
    assert answers[-1].error["type"] == "rate_limit_exceeded"
    assert int(answers[-1].headers["retry-after"]) == 1
    assert pauses == [gate.PAUSE] * 2
    assert (await call(api, "POST", "/slow", token=SECOND_KEY)).status == 200
    assert (await call(api, "GET", "/health")).status == 200
    # What a token has no right to is said before what it has too much of.
    assert (await call(api, "POST", "/slow", token="seam_unknown")).status == 401


@pytest.mark.usefixtures("pauses")
async def test_a_wrong_verb_counts(slow: Slow) -> None:
    slow.may_end.set()
    api = _api(slow, Limits(rate=2))
    verbs = ["GET"] * 4 + ["POST"] * 2
    answers = [await call(api, verb, "/slow") for verb in verbs]
    assert [answer.status for answer in answers] == [405] * 4 + [429] * 2


async def _make(slow: Slow, key: str | None, verb: str = "POST", path: str = "/make") -> Answer:
    headers = {} if key is None else {"idempotency-key": key}
    return await call(_api(slow, Limits()), verb, path, body={"name": "A"}, headers=headers)


async def test_a_replayed_answer_is_the_first_ones_and_says_so(slow: Slow) -> None:
    first, second = await _make(slow, "one"), await _make(slow, "one", "PUT")
    assert (second.status, second.body) == (200, first.body)
    assert "idempotent-replayed" not in first.headers
    assert second.headers["idempotent-replayed"] == "true"
    assert first.headers["seam-request-id"] != second.headers["seam-request-id"]
    assert first.json == {"made": {"number": 1, "given": {"name": "A"}}, "ok": True}


async def test_what_was_understood_makes_two_calls_the_same(slow: Slow) -> None:
    api = _api(slow, Limits())
    id_ = "8d7e0b3a-b889-49a7-9164-4b71a0506a33"

    async def digests(body: dict[str, Any], query: str = "") -> None:
        await call(api, "POST", "/make", query, body, {"idempotency-key": "k"})

    await digests({"count": 1, "acs_user_id": id_, "unknown": 5})
    await digests({"acs_user_id": id_.upper()}, "count=1&_strict=true")
    assert len(slow.kept) == 1
    await digests({"count": 2, "acs_user_id": id_})
    await digests({"count": None, "acs_user_id": id_})
    assert len(slow.kept) == 3


@pytest.mark.parametrize("key", ["", "k" * 256, "ä", "a\tb", "a\x7f"])
async def test_a_malformed_key_is_refused(slow: Slow, key: str) -> None:
    answer = await _make(slow, key)
    assert (answer.status, answer.error["type"]) == (400, "invalid_input")
    assert slow.started == 0


async def test_the_longest_key_counts(slow: Slow) -> None:
    assert (await _make(slow, "k" * 255)).status == 200


@pytest.mark.parametrize("key", ["one", "", "k" * 256])
async def test_elsewhere_a_key_means_nothing(slow: Slow, key: str) -> None:
    assert (await _make(slow, key, path="/change")).json["made"]["number"] == 1
    assert (await _make(slow, key, path="/change")).json["made"]["number"] == 2


@pytest.mark.parametrize(
    "name",
    [
        "authorization",
        "client-session-token",
        "content-type",
        "host",
        "idempotency-key",
        "seam-publishable-key",
        "seam-workspace",
    ],
)
@pytest.mark.parametrize("path", ["/make", "/health", "/nowhere"])
async def test_a_header_that_counts_comes_once(slow: Slow, name: str, path: str) -> None:
    sent: list[Any] = []

    async def receive() -> Any:
        raise AssertionError("the body must not be read")

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"host", b"doors.test"), (name.encode(), b"a"), (name.encode(), b"a")]
    scope = {"type": "http", "method": "POST", "scheme": "http", "path": path, "headers": headers}
    await _api(slow, Limits())({**scope, "query_string": b""}, receive, send)
    assert sent[0]["status"] == 400
    error = msgspec.json.decode(sent[1]["body"])["error"]
    assert error["type"] == "invalid_request"
    assert name in error["message"]


async def test_other_headers_may_be_repeated(slow: Slow) -> None:
    slow.may_end.set()
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b""}

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"host", b"doors.test"), (b"accept", b"a"), (b"accept", b"b")]
    headers.append((b"authorization", f"Bearer {KEY}".encode()))
    scope = {"type": "http", "method": "POST", "scheme": "http", "path": "/slow"}
    await _api(slow, Limits())({**scope, "headers": headers, "query_string": b""}, receive, send)
    assert sent[0]["status"] == 200


def test_slow_bodies_over_connections_keep_nobody_out(slow: Slow) -> None:
    slow.may_end.set()
    head = f"POST /slow HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {KEY}\r\n"
    with serving(_api(slow, Limits(in_flight=2))) as address, contextlib.ExitStack() as opened:
        slowly = [opened.enter_context(wire(address)) for _ in range(20)]
        for each in slowly:
            each.send(f"{head}Content-Length: 9\r\n\r\n{{".encode())
        quick = opened.enter_context(wire(address))
        quick.send(f"{head}Content-Length: 2\r\n\r\n{{}}".encode())
        assert quick.answer().status == 200
        slowly[0].send(b"       }")
        assert slowly[0].answer().status == 200
