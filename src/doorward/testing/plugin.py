"""The pytest plugin: fixtures for servers, the official client, time, names and doors.

It is loaded into every test run where `doorward` is installed, so that it imports nothing of ours
before a test asks for it.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from seam.seam import Seam

    from doorward.testing.door import Door
    from doorward.testing.hosting import Host
    from doorward.testing.moving import AdvanceTime
    from doorward.testing.server import Server
    from doorward.testing.site import Site

_SERVER = pytest.StashKey["Server"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Where a whole test suite has a site of its own."""
    parser.addini("doorward_site", "the site file of Doorward's servers; else its sandbox", "paths")


def pytest_configure(config: pytest.Config) -> None:
    """Registers the marker."""
    config.addinivalue_line(
        "markers",
        "doorward(site): the site file of this test's Doorward server, relative to the test's file",
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Shows the server's log with a test that failed."""
    server = item.stash.get(_SERVER, None)
    if server is not None and call.excinfo is not None and call.when == "call":
        item.add_report_section("call", "doorward", server.log.read_text(errors="replace"))
    return (yield)


@pytest.fixture(scope="session")
def doorward_host() -> "Iterator[Host]":
    """Starts servers for fixtures of a wider scope: `with doorward_host.serve(site) as server`."""
    from doorward.testing.hosting import Host

    host = Host()
    yield host
    host.stop()


@pytest.fixture
def doorward(doorward_host: "Host", request: pytest.FixtureRequest) -> "Iterator[Server]":
    """A Doorward server of this test alone, with the sandbox site unless another is named."""
    with doorward_host.serve(_site_file(request)) as server:
        request.node.stash[_SERVER] = server
        yield server


def _site_file(request: pytest.FixtureRequest) -> Path | None:
    marker = request.node.get_closest_marker("doorward")
    if marker is not None:
        return request.path.parent / _named(*marker.args, **marker.kwargs)
    paths: list[Path] = request.config.getini("doorward_site")
    return paths[0] if paths else None


def _named(site: str) -> str:
    return site


@pytest.fixture
def seam(doorward: "Server") -> "Iterator[Seam]":
    """The official client on the test's server, with a key that may do everything."""
    from seam.seam import Seam

    with Seam(api_key=doorward.api_key, endpoint=doorward.endpoint) as client:
        yield client


@pytest.fixture
def advance_time(doorward: "Server") -> "AdvanceTime":
    """Moves the time of the test's server, as by `advance_time(hours=8)`."""
    return doorward.advance_time


@pytest.fixture
def site(doorward: "Server") -> "Site":
    """The ids of what the site file declares, as `site.users["jane"]`."""
    return doorward.site


@pytest.fixture
def door(doorward: "Server") -> "Door":
    """Presents cards and codes, as by `door.opens("front-door", card="42-10001")`."""
    return doorward.door
