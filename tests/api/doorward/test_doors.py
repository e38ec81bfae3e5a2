"""/doorward/doors and /doorward/simulate, with real controllers."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from doorward.doors.registry import Doors
from doorward.policy.facts import Kind, ReaderState
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


async def test_another_reader_than_the_first(
    api: Caller, doors: Doors, town: Town, north: System
) -> None:
    door, elsewhere = await town.entrance(north, "Door"), await town.entrance(north, "Other")
    way_in: UUID = await town.database.fetchval(
        "select key_a from policy_fact where kind = 'reader' and key_b = $1", door
    )
    way_out, foreign = uuid4(), uuid4()
    for reader_id, name, driver, direction in (
        (way_out, "Way out", "virtual", "exit"),
        (foreign, "Foreign", "no_such_driver", "exit"),
    ):
        await town.record(north, Kind.READER, reader_id, door, ReaderState(driver, direction))
        await town.database.execute(
            "insert into reader values ($1, $2, $3, $4, $5, $6)",
            *(town.workspace_id, reader_id, door, name, driver, direction),
        )
    await town.database.execute(
        "insert into reader values ($1, $2, $3, 'Way in', 'virtual', 'entry')",
        *(town.workspace_id, way_in, door),
    )
    await hear(doors, town)
    [shown, other] = (await api("/doorward/doors/list"))["doors"]
    assert shown["readers"][0] == {
        "reader_id": str(way_in),
        "name": "Way in",
        "direction": "entry",
    }
    assert {each["name"] for each in shown["readers"][1:]} == {"Way out", "Foreign"}
    assert other["readers"] == []
    # A reader listens to no code after five wrong ones: the others still do.
    read = {"acs_entrance_id": door, "code": "4711"}
    causes = [await present(api, **read, reader_id=way_out) for _ in range(6)]
    assert len({(each["reason"], each["cause"]) for each in causes}) == 2
    for by_default in ({}, {"reader_id": way_in}):
        decision = await present(api, **read, **by_default)
        assert (decision["reason"], decision["cause"]) == (
            "deny_unknown_credential",
            "unknown_number",
        )
    for changed, error in (
        ({"reader_id": foreign}, (400, "invalid_input")),
        ({"reader_id": uuid4()}, (404, "reader_not_found")),
        ({"reader_id": way_in, "acs_entrance_id": elsewhere}, (404, "reader_not_found")),
    ):
        assert await api.error("/doorward/doors/present", **{**read, **changed}) == error
