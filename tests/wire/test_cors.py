"""Calls from web pages of other origins: asked for beforehand, and readable whatever the answer."""

import pytest

from doorward.api.table import ROUTES
from doorward.wire.app import Api
from doorward.wire.body import BODY_LIMIT
from doorward.wire.route import Route
from tests.wire.raw import Answer, exchange
from tests.wire.toy import CURSOR_KEY, KEY, Tokens, ToyHealth, call

ORIGIN = "https://console.test"
GET = b"GET /health HTTP/1.1\r\nHost: x\r\nOrigin: https://console.test\r\n"
POST = (
    b"POST /toy/echo HTTP/1.1\r\nHost: x\r\nOrigin: https://console.test\r\n"
    b"Authorization: Bearer %s\r\n" % KEY.encode()
)


@pytest.fixture(scope="module")
def doorward() -> Api:
    """The whole table, of which nothing is called."""
    return Api(ROUTES, Tokens(), None, cursor_key=CURSOR_KEY, health=ToyHealth())


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.path)
async def test_a_page_may_use_every_verb_that_a_route_has(doorward: Api, route: Route) -> None:
    for verb in route.verbs:
        headers = {"origin": ORIGIN, "access-control-request-method": verb}
        answer = await call(doorward, "OPTIONS", route.path, headers=headers, token=None)
        assert answer.status == 200
        assert verb in answer.headers["access-control-allow-methods"].split(", ")


REFUSED = {
    "too many headers": (GET + b"A: b\r\n" * 100 + b"\r\n", 431),
    "an endless header": (GET + b"A: " + b"a" * 300_000, 431),
    "a broken chunk": (POST + b"Transfer-Encoding: chunked\r\n\r\nx\r\n", 400),
    "no host": (GET.replace(b"Host: x", b"Host: x/y") + b"\r\n", 400),
    "a body that is not sent": (
        POST + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % (BODY_LIMIT + 1),
        413,
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_page_can_read_what_a_connection_refuses(address: str, name: str) -> None:
    sent, status = REFUSED[name]
    [answer] = exchange(address, sent)
    assert answer.status == status
    assert answer.error["message"]
    assert _is_readable(answer)
    assert answer.headers["vary"] == "origin"


def test_whoever_is_no_page_is_told_nothing_of_pages(address: str) -> None:
    for sent in (REFUSED["too many headers"][0], REFUSED["a broken chunk"][0]):
        [answer] = exchange(address, sent.replace(b"Origin: ", b"Other: "))
        assert not [name for name in answer.headers if name.startswith("access-control")]


def test_nonsense_after_a_pages_request_is_nobodys(address: str) -> None:
    first, second = exchange(address, GET + b"\r\n" + b"nonsense\r\n\r\n")
    assert _is_readable(first)
    assert second.status == 400
    assert not _is_readable(second)


def _is_readable(answer: Answer) -> bool:
    return answer.headers.get("access-control-allow-origin") == ORIGIN
