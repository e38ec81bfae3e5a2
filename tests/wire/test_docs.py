"""The page at /docs as files: what is served, how, and that there is nothing else."""

import re
from html.parser import HTMLParser

import httpx
import pytest

from doorward.wire.docs import page
from tests.wire.toy import call, make_api

FILES = sorted(path for path in page() if not path.endswith("/"))
TYPES = {
    "": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "png": "image/png",
}
EVERY = pytest.mark.parametrize("path", FILES)


class Addresses(HTMLParser):
    """Every address that a page names, and whether it holds scripts or styles of its own."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.inline: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        self.found += [text for key, text in attrs if key in {"href", "src"} and text]
        if (tag == "script" and "src" not in named) or tag == "style":
            self.inline.append(tag)
        self.inline += [key for key in named if key.startswith("on") or key == "style"]


@EVERY
def test_a_file_needs_no_token(address: str, path: str) -> None:
    answer = httpx.get(f"{address}{path}")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == TYPES[path.partition(".")[2]]
    assert len(answer.content) == int(answer.headers["content-length"]) > 100
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "seam-request-id" in answer.headers


@EVERY
def test_who_has_a_file_gets_it_no_second_time(address: str, path: str) -> None:
    first = httpx.get(f"{address}{path}")
    assert first.headers["cache-control"] == "no-cache"
    etag = first.headers["etag"]
    for known in (etag, f'"other", W/{etag}', "*"):
        again = httpx.get(f"{address}{path}", headers={"if-none-match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
        assert "content-length" not in again.headers
    stale = httpx.get(f"{address}{path}", headers={"if-none-match": '"other"'})
    assert stale.content == first.content


@EVERY
def test_head(address: str, path: str) -> None:
    told = httpx.head(f"{address}{path}")
    assert told.content == b""
    assert told.headers["content-length"] == str(len(httpx.get(f"{address}{path}").content))


def test_nothing_may_come_from_elsewhere(address: str) -> None:
    policy = httpx.get(f"{address}/docs").headers["content-security-policy"]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == rules["connect-src"] == "'self'"
    assert rules["frame-ancestors"] == rules["base-uri"] == rules["form-action"] == "'none'"
    assert rules["img-src"] == "'self' data:"
    assert not re.search(r"https?:|\*|eval", policy)


def test_the_page_names_its_own_files_alone(address: str) -> None:
    html = httpx.get(f"{address}/docs").text
    named = Addresses(html)
    assert named.inline == []
    assert {f"/{each}" for each in named.found} == {*FILES, "/openapi.json"} - {"/docs"}


def test_the_page_keeps_no_token() -> None:
    script = page()["/docs/start.js"].reply.body.decode()
    assert "persistAuthorization: false" in script
    assert "validatorUrl: null" in script
    assert "Storage" not in script


@pytest.mark.parametrize("verb", ["GET", "HEAD"])
def test_who_looks_at_the_address_alone_is_led_there(address: str, verb: str) -> None:
    answer = httpx.request(verb, f"{address}/")
    assert answer.status_code == 307
    assert httpx.URL(f"{address}/").join(answer.headers["location"]).path == "/docs"
    assert httpx.post(f"{address}/", json={}).status_code == 405


def test_with_a_slash_at_its_end_it_is_elsewhere(address: str) -> None:
    answer = httpx.get(f"{address}/docs/")
    assert answer.status_code == 308
    assert httpx.URL(f"{address}/docs/").join(answer.headers["location"]).path == "/docs"


@pytest.mark.parametrize(
    "path",
    [
        "/docs/index.html",
        "/docs/../docs/__init__.py",
        "/docs/__init__.py",
        "/docs/%2e%2e/openapi.py",
        "/docs/swagger-ui.js",
        "/docs/start.js/",
        "/docs//start.js",
        "/docs/start.js%00",
        "/DOCS",
    ],
)
async def test_there_is_no_other_file(path: str) -> None:
    answer = await call(make_api(), "GET", path)
    assert (answer.status, answer.error["type"]) == (404, "not_found")


@pytest.mark.parametrize("verb", ["POST", "PUT", "DELETE"])
async def test_files_are_only_read(verb: str) -> None:
    answer = await call(make_api(), verb, "/docs")
    assert (answer.status, answer.error["type"]) == (405, "method_not_allowed")
