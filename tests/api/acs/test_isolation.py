"""Ids of another workspace are as unknown as ids that nobody has."""

from uuid import UUID, uuid4

import pytest

from tests.api.conftest import Caller, Server
from tests.api.town import Town


@pytest.mark.parametrize("resource", ["system", "entrance", "access_group", "credential"])
async def test_what_is_not_there(api: Caller, server: Server, town: Town, resource: str) -> None:
    other = Town(town.database, town.keyring)
    there = await other.found()
    theirs: dict[str, UUID] = {
        "system": there.acs_system_id,
        "entrance": await other.entrance(there, "Door"),
        "access_group": await other.group(there, "Staff"),
        "credential": await other.credential(there, None, "42-1"),
    }
    path, name = f"/acs/{resource}s/get", f"acs_{resource}_id"
    they = await server.caller(other.workspace_id)
    assert await they(path, **{name: theirs[resource]})
    for wrong in (theirs[resource], uuid4()):
        assert await api.error(path, "GET", **{name: wrong}) == (404, f"acs_{resource}_not_found")
    assert await api.names(f"/acs/{resource}s/list") == (["North"] if resource == "system" else [])
