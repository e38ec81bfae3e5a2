"""The page at /docs as somebody uses it who looks at it."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import ConsoleMessage, Locator, Page, Request

_ANSWER = ".live-responses-table tbody"


@dataclass(frozen=True)
class Answer:
    """What the page shows of a call, and the address that it was sent to."""

    status: int
    body: Any
    url: str


class DocsPage:
    """One loaded page; it notes what was requested, and what the console complained of."""

    def __init__(self, page: Page, endpoint: str) -> None:
        self.page = page
        self.endpoint = endpoint
        self.requests: list[Request] = []
        self.complaints: list[str] = []
        page.set_default_timeout(20_000)
        page.on("request", self._count)
        page.on("console", self._note)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _count(self, request: Request) -> None:
        self.requests.append(request)

    def _note(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.complaints.append(message.text)

    @property
    def hosts(self) -> set[str]:
        """Every host that the page has asked for anything."""
        return {urlsplit(request.url).netloc for request in self.requests}

    def load(self) -> "DocsPage":
        """Opens it, and waits until it shows the calls."""
        self.page.goto(f"{self.endpoint}/docs")
        self.page.locator(".opblock").first.wait_for()
        return self

    def authorize(self, **values: str) -> None:
        """Enters a token or more by the names of their security schemes."""
        self.page.locator(".auth-wrapper button.authorize").first.click()
        for scheme, value in values.items():
            way = self.page.locator(".auth-container").filter(
                has=self.page.locator(f"h4 >> text=/^{scheme}\\b/")
            )
            way.locator("input").fill(value)
            way.locator("button.authorize").click()
        self.page.locator(".btn-done").first.click()

    def call(self, operation_id: str, fill: Callable[[Locator], None] = lambda _: None) -> Answer:
        """Opens a call, fills in what `fill` fills in, sends it, and reads the answer."""
        call = self.page.locator(f".opblock[id$='-{operation_id}']")
        call.locator(".opblock-summary-control").click()
        call.locator(".try-out__btn").click()
        fill(call)
        call.locator(".execute").click()
        status = call.locator(f"{_ANSWER} .response-col_status").inner_text()
        body = call.locator(f"{_ANSWER} pre").first.inner_text()
        url = call.locator(".request-url").inner_text()
        call.locator(".opblock-summary-control").click()
        return Answer(int(status.split()[0]), json.loads(body), url.split()[-1])

    def kept(self) -> Mapping[str, int]:
        """How much the page has put where it outlives the page."""
        found: dict[str, int] = self.page.evaluate(
            "({local: localStorage.length, session: sessionStorage.length,"
            " cookies: document.cookie.length})"
        )
        return found


def parameter(call: Locator, name: str) -> Locator:
    """The row of one parameter of a query."""
    return call.locator(f"tr[data-param-name='{name}']")
