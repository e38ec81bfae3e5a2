"""/acs/users: getting and listing people."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from doorward.store import search
from doorward.store.personal import Personal
from tests.api.conftest import Caller, Server
from tests.api.town import System, Town

ADA = Personal("Ada Lovelace", "ada@example.com", "+491701234567")
BOB = Personal("Bob  Straße", "bob@example.com", None)


def ids(body: dict[str, list[dict[str, str]]]) -> list[str]:
    return [user["acs_user_id"] for user in body["acs_users"]]


async def test_a_person_with_everything(api: Caller, town: Town, north: System) -> None:
    identity = await town.identity(Personal("Ada L.", None, "+491701234567"))
    ends_at = town.now + timedelta(days=1)
    user = await town.user(north, ADA, identity=identity, span=(None, ends_at), is_suspended=True)
    created_at = iso_seconds(town)
    assert await api("/acs/users/get", "GET", acs_user_id=user) == {
        "acs_user": {
            "acs_user_id": str(user),
            "acs_system_id": str(north.acs_system_id),
            "access_schedule": {
                "starts_at": created_at,
                "ends_at": ends_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            },
            "connected_account_id": str(north.connected_account_id),
            "created_at": created_at,
            "display_name": "Ada Lovelace",
            "email": "ada@example.com",
            "email_address": "ada@example.com",
            "errors": [],
            "external_type": "doorward_user",
            "external_type_display_name": "Doorward user",
            "full_name": "Ada Lovelace",
            "is_managed": True,
            "is_suspended": True,
            "last_successful_sync_at": None,
            "pending_mutations": [],
            "phone_number": "+491701234567",
            "user_identity_email_address": None,
            "user_identity_full_name": "Ada L.",
            "user_identity_id": str(identity),
            "user_identity_phone_number": "+491701234567",
            "warnings": [
                {
                    "created_at": created_at,
                    "message": "The user is suspended.",
                    "warning_code": "acs_user_inactive",
                }
            ],
            "workspace_id": str(town.workspace_id),
        },
        "ok": True,
    }


def iso_seconds(town: Town) -> str:
    # The journal entry of the user came a second after its row.
    created = town.now - timedelta(seconds=1)
    return created.isoformat(timespec="milliseconds").replace("+00:00", "Z")


async def test_a_person_with_nothing(api: Caller, town: Town, north: System) -> None:
    user = await town.user(north, Personal())
    shown = (await api("/acs/users/get", acs_user_id=user))["acs_user"]
    assert shown["display_name"] == "Unnamed user"
    absent = {"full_name", "email", "email_address", "phone_number", "access_schedule"}
    absent |= {"user_identity_id", "user_identity_full_name"}
    assert not absent & set(shown)


async def test_by_identity_and_system(api: Caller, town: Town, north: System) -> None:
    south = await town.system("South")
    identity = await town.identity(ADA)
    user = await town.user(north, ADA, identity=identity)
    other = await town.user(south, ADA, identity=identity)
    for system, expected in ((north, user), (south, other)):
        key = {"user_identity_id": identity, "acs_system_id": system.acs_system_id}
        assert (await api("/acs/users/get", **key))["acs_user"]["acs_user_id"] == str(expected)


@pytest.mark.parametrize("path", ["get", "list_accessible_entrances"])
async def test_who_is_not_there(api: Caller, town: Town, north: System, path: str) -> None:
    path = f"/acs/users/{path}"
    south = await town.system("South")
    identity = await town.identity(ADA)
    user = await town.user(north, ADA, identity=identity)
    here, there, nowhere = north.acs_system_id, south.acs_system_id, uuid4()
    assert await api.error(path, acs_user_id=uuid4()) == (404, "acs_user_not_found")
    assert await api.error(path, acs_user_id=user, acs_system_id=there) == (
        404,
        "acs_user_not_found",
    )
    for identity_id, system_id, kind in (
        (uuid4(), here, "user_identity_not_found"),
        (identity, there, "acs_user_not_found"),
        (identity, nowhere, "acs_system_not_found"),
    ):
        parameters = {"user_identity_id": identity_id, "acs_system_id": system_id}
        assert await api.error(path, **parameters) == (404, kind)
    for wrong in (
        {},
        {"user_identity_id": identity},
        {"user_identity_id": identity, "acs_user_id": user, "acs_system_id": here},
    ):
        assert await api.error(path, **wrong) == (400, "invalid_input")


async def test_another_workspaces_person(
    api: Caller, server: Server, town: Town, north: System
) -> None:
    other = Town(town.database, town.keyring)
    theirs = await other.user(await other.found(), ADA)
    await town.user(north, ADA)
    assert await api.error("/acs/users/get", acs_user_id=theirs) == (404, "acs_user_not_found")
    they = await server.caller(other.workspace_id)
    for caller in (api, they):
        assert len(ids(await caller("/acs/users/list"))) == 1
        assert len(ids(await caller("/acs/users/list", search="ada"))) == 1
        assert len(ids(await caller("/acs/users/list", search=str(theirs)))) == (caller is they)


async def test_list_filters(api: Caller, town: Town, north: System) -> None:
    south = await town.system("South")
    identity = await town.identity(ADA)
    first = await town.user(north, ADA, identity=identity)
    between = town.now
    second = await town.user(north, BOB)
    third = await town.user(south, ADA, identity=identity)
    everybody = [str(user) for user in (first, second, third)]
    cases: list[tuple[dict[str, object], list[int]]] = [
        ({}, [0, 1, 2]),
        ({"acs_system_id": north.acs_system_id}, [0, 1]),
        ({"acs_system_id": uuid4()}, []),
        ({"user_identity_id": identity}, [0, 2]),
        ({"user_identity_id": identity, "acs_system_id": south.acs_system_id}, [2]),
        ({"user_identity_email_address": "ADA@example.com"}, [0, 2]),
        ({"user_identity_email_address": "bob@example.com"}, []),
        ({"user_identity_phone_number": "+491701234567"}, [0, 2]),
        ({"created_before": between}, [0]),
        ({"search": "bob", "acs_system_id": north.acs_system_id}, [1]),
        ({"search": "bob", "acs_system_id": south.acs_system_id}, []),
    ]
    for verb in ("GET", "POST"):
        for filters, expected in cases:
            found = ids(await api("/acs/users/list", verb, **filters))
            assert found == [everybody[place] for place in expected], filters


@pytest.mark.parametrize("is_rare", [True, False], ids=["few match", "many match"])
async def test_search(
    api: Caller, town: Town, north: System, monkeypatch: pytest.MonkeyPatch, is_rare: bool
) -> None:
    if not is_rare:
        monkeypatch.setattr(search, "_RARE", -1)
    identity = await town.identity(Personal("Countess", "countess@example.com", "+4930111"))
    ada = await town.user(north, ADA, identity=identity)
    bob = await town.user(north, BOB)
    cases: list[tuple[str, list[UUID]]] = [
        ("a", [ada, bob]),
        ("ad", [ada]),
        ("LOVE", [ada]),
        ("ada lovelace", [ada]),
        ("  lace  ", [ada]),
        ("lace ada", []),
        ("@example.com", [ada, bob]),
        ("170123", [ada]),
        ("Straße", [bob]),
        ("bob straße", [bob]),
        ("countess", [ada]),
        ("0111", [ada]),
        ("countess@", []),
        ("%", []),
        ("_", []),
        ("' or true --", []),
        (str(bob), [bob]),
        (str(bob)[:4], [bob]),
        (str(bob)[:11].upper(), [bob]),
        (str(identity)[:9], [ada]),
    ]
    for term, expected in cases:
        found = ids(await api("/acs/users/list", search=term))
        assert {*map(str, expected)} <= {*found}, term
        # A few digits may begin somebody else's id by chance.
        if len(term.strip("-")) > 4 or not all(digit in "0123456789abcdef" for digit in term):
            assert found == [str(user) for user in expected], term


async def test_pages_cover_everybody_once(api: Caller, town: Town, north: System) -> None:
    everybody = [str(await town.user(north, ADA)) for _ in range(5)]
    same_moment = town.now
    await town.database.execute(
        "update acs_user set created_at = $1 where workspace_id = $2",
        same_moment,
        town.workspace_id,
    )
    seen: list[str] = []
    cursor = None
    while True:
        page = await api("/acs/users/list", limit=2, page_cursor=cursor, search="ada")
        seen += ids(page)
        if not page["pagination"]["has_next_page"]:
            break
        cursor = page["pagination"]["next_page_cursor"]
        assert len(page["acs_users"]) == 2
        await town.user(north, BOB)
    assert seen == sorted(everybody)
    full = await api("/acs/users/list", limit=5, search="ada")
    assert full["pagination"] == {
        "next_page_cursor": None,
        "has_next_page": False,
        "next_page_url": None,
    }
