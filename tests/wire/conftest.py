"""The toy API: as an application, and served over HTTP."""

from collections.abc import Iterator

import httpx
import pytest
from hypothesis import settings

from doorward.wire.app import Api
from tests.wire.toy import KEY, ToyHealth, make_api, serving

# How long an example takes is the machine's affair.
settings.register_profile("doorward", deadline=None)
settings.load_profile("doorward")


@pytest.fixture
def api() -> Api:
    """The toy API, called without a server."""
    return make_api()


@pytest.fixture(scope="session")
def health() -> ToyHealth:
    """What the served API's /health says."""
    return ToyHealth()


@pytest.fixture(scope="session")
def address(health: ToyHealth) -> Iterator[str]:
    """Where the toy API is served."""
    with serving(make_api(health)) as address:
        yield address


@pytest.fixture
def http(address: str) -> Iterator[httpx.Client]:
    """A client of the served API that may call everything but what wants another token."""
    with httpx.Client(base_url=address, headers={"authorization": f"Bearer {KEY}"}) as client:
        yield client
