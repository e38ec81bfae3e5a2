"""/doorward/doors and /doorward/simulate, with real controllers."""

from typing import Any
from uuid import uuid4

import pytest

from doorward.doors.registry import Doors
from doorward.store.personal import Personal
from tests.api.conftest import Caller, Server, hear
from tests.api.town import System, Town


async def present(api: Caller, **parameters: Any) -> dict[str, Any]:
    body = await api("/doorward/doors/present", **parameters)
    decision: dict[str, Any] = body["decision"]
    return decision


async def test_presenting(api: Caller, doors: Doors, town: Town, north: System) -> None:
    door = await town.entrance(north, "Door")
    user = await town.user(north, Personal("Ada"))
    code = await town.credential(north, user, "1234", door)
    await hear(doors, town)
    decision = await present(api, acs_entrance_id=door, code="1234")
    assert decision.pop("decided_at").endswith("Z")
    revision = await town.database.fetchval("select revision from policy_revision")
    assert decision == {
        "outcome": "allow",
        "reason": "allow",
        "rule": 16,
        "cause": None,
        "acs_entrance_id": str(door),
        "acs_user_id": str(user),
        "acs_credential_id": str(code),
        "policy_revision": revision,
    }
    for card, cause in (("no card at all", "unreadable"), ("1-1", "unknown_number")):
        decision = await present(api, acs_entrance_id=door, card_number=card)
        assert (decision["reason"], decision["cause"]) == ("deny_unknown_credential", cause)
        assert decision["acs_user_id"] is None


@pytest.mark.parametrize("names", [(), ("card_number", "code")], ids=["neither", "both"])
async def test_one_read_is_one_factor(
    api: Caller, doors: Doors, town: Town, north: System, names: tuple[str, ...]
) -> None:
    door = await town.entrance(north, "Door")
    await hear(doors, town)
    factors = dict.fromkeys(names, "1234")
    error = await api.error("/doorward/doors/present", acs_entrance_id=door, **factors)
    assert error == (400, "invalid_input")


async def test_doors_that_are_not_there(api: Caller, doors: Doors, town: Town) -> None:
    other = Town(town.database, town.keyring)
    theirs = await other.entrance(await other.found(), "Door")
    await hear(doors, town)
    for door in (theirs, uuid4()):
        for path, more in (
            ("/doorward/doors/present", {"code": "1234"}),
            ("/doorward/simulate/hold_controller", {}),
        ):
            error = await api.error(path, acs_entrance_id=door, **more)
            assert error == (404, "acs_entrance_not_found")


async def test_listing(api: Caller, doors: Doors, town: Town, north: System) -> None:
    door = await town.entrance(north, "Door")
    other = Town(town.database, town.keyring)
    await other.entrance(await other.found(), "Theirs")
    await hear(doors, town)
    await present(api, acs_entrance_id=door, code="1234")
    for verb in ("GET", "POST"):
        [shown] = (await api("/doorward/doors/list", verb))["doors"]
        assert (shown["acs_entrance_id"], shown["display_name"]) == (str(door), "Door")
        assert shown["is_locked"] is True
        assert shown["last_read"]["reason"] == "deny_unknown_credential"
        assert shown["controller"]["controller_id"] == str(north.controller_id)
        assert shown["controller"]["is_running_here"] is True


async def test_a_change_is_answered_without_the_doors(
    server: Server, api: Caller, town: Town, north: System
) -> None:
    """Whether or not the controllers confirm, it is committed."""
    group = await town.group(north, "Staff", await town.entrance(north, "Door"))
    user = await town.user(north, Personal("Ada"))
    key = {"acs_access_group_id": group, "acs_user_id": user}
    assert await api("/acs/access_groups/add_user", **key) == {}
    assert server.doors._controllers == {}
    [mutation] = (await api("/acs/users/get", acs_user_id=user))["acs_user"]["pending_mutations"]
    assert mutation["to"] == {"acs_access_group_id": str(group)}
