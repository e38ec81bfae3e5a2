"""Every list in pages shows, a row at a time, what it shows as a whole."""

import pytest

from doorward.api.table import ROUTES
from doorward.store.personal import Personal
from tests.api.conftest import Caller
from tests.api.test_user_identities import unmanaged
from tests.api.town import System, Town

# Lists of which the town below has three rows each.
PATHS = (
    "/acs/credentials/list",
    "/acs/entrances/list",
    "/acs/users/list",
    "/connected_accounts/list",
    "/user_identities/list",
    "/user_identities/unmanaged/list",
)
KEYS = {route.path: route.response_key for route in ROUTES}


@pytest.fixture
async def crowd(town: Town, north: System) -> None:
    for number in range(3):
        personal = Personal(f"Person {number}")
        identity = await town.identity(personal)
        user = await town.user(north, personal, identity=identity)
        await town.credential(north, user, f"7-{number + 1}")
        await town.entrance(north, f"Door {number}")
        await unmanaged(town, personal)
    for name in ("South", "West"):
        await town.system(name)


@pytest.mark.usefixtures("crowd")
@pytest.mark.parametrize("verb", ["GET", "POST"])
@pytest.mark.parametrize("path", PATHS)
async def test_a_row_at_a_time(api: Caller, path: str, verb: str) -> None:
    key = KEYS[path]
    whole = (await api(path, verb))[key]
    assert len(whole) == 3
    cursor: dict[str, str] = {}
    for place, row in enumerate(whole):
        page = await api(path, verb, limit=1, **cursor)
        assert page[key] == [row]
        assert page["pagination"]["has_next_page"] is (place < 2)
        cursor = {"page_cursor": page["pagination"]["next_page_cursor"]}
