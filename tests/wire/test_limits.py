"""What keeps callers from taking more than there is, and keys that make a call count once."""

import asyncio
from typing import Any

import msgspec
import pytest

from doorward.store.idempotency import Kept
from doorward.wire.app import Api, Limits
from doorward.wire.route import Call, Route
from tests.wire.toy import (
    CURSOR_KEY,
    KEY,
    SECOND_KEY,
    Answer,
    Everything,
    GetUser,
    Nothing,
    Tokens,
    ToyHealth,
    call,
    get_user,
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
    let_in = [asyncio.create_task(call(api, "POST", "/slow")) for _ in range(3)]
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


async def test_the_rate_is_a_tokens_own(slow: Slow) -> None:
    slow.may_end.set()
    api = _api(slow, Limits(rate=2))
    answers = [await call(api, "POST", "/slow") for _ in range(6)]
    assert [answer.status for answer in answers] == [200] * 4 + [429] * 2
    assert answers[-1].error["type"] == "rate_limit_exceeded"
    assert int(answers[-1].headers["retry-after"]) == 1
    assert (await call(api, "POST", "/slow", token=SECOND_KEY)).status == 200
    assert (await call(api, "GET", "/health")).status == 200
    # What a token has no right to is said before what it has too much of.
    assert (await call(api, "POST", "/slow", token="seam_unknown")).status == 401


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
