"""A server, and Chromium with a page of it."""

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.docs_page import DocsPage
from tests.clients.conftest import give_up
from tests.clients.places import CHECKOUT, read_finding
from tests.running import RunningServer, running

_METADATA = """update connected_account set custom_metadata = '{"floor": "2", "a b": "x&y"}'
where account_type = 'doorward_system'"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A sandbox whose account has metadata, which no call can write yet."""
    with running(tmp_path_factory.mktemp("browser") / "data") as server:
        server.execute(_METADATA)
        yield server


# Of a module, and not of the session: while it is open, no other event loop can run.
@pytest.fixture(scope="module")
def browser(server: RunningServer) -> Iterator[Browser]:  # noqa: ARG001 - it starts before
    """Chromium of this machine."""
    program = shutil.which("chromium")
    if program is None:
        give_up(f"chromium: {read_finding(CHECKOUT, 'chromium').reason}")
    # Its own sandbox does not work for root, nor in most containers.
    arguments = ["--disable-dev-shm-usage", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=arguments)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """An empty page of a browser without a past."""
    with browser.new_context(viewport={"width": 1280, "height": 1000}) as context:
        yield context.new_page()


@pytest.fixture
def docs(server: RunningServer, page: Page) -> DocsPage:
    """The page at /docs, loaded."""
    return DocsPage(page, server.endpoint).load()
