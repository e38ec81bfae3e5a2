"""Fixtures of the official clients' tests."""

import os
from typing import NoReturn

import pytest

from tests.clients.client import Client, ClientMissingError
from tests.clients.drivers import NAMES, find
from tests.clients.places import CHECKOUT, Places


def obtain(name: str, places: Places = CHECKOUT) -> Client:
    """The client of that name; where it is missing the test is skipped, and under CI it fails."""
    try:
        return find(name, places)
    except ClientMissingError as error:
        give_up(f"{name}: {error}")


def give_up(reason: str) -> NoReturn:
    """Skips a test for what is missing here; under CI it fails."""
    if os.environ.get("CI", "").lower() in {"", "0", "false"}:
        pytest.skip(reason)
    pytest.fail(reason)


@pytest.fixture(params=NAMES)
def official_client(request: pytest.FixtureRequest) -> Client:
    """Each of the six official clients in turn."""
    return obtain(request.param)
