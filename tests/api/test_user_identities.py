"""/user_identities: made, changed, found, listed; what is unique, and what is not here."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from doorward.store.personal import Personal
from tests.api.conftest import Caller, Server
from tests.api.town import System, Town, iso

CREATE, GET, LIST = (f"/user_identities/{name}" for name in ("create", "get", "list"))
UPDATE = "/user_identities/update"
ADA = Personal("Ada Lovelace", "ada@example.com", "+491701234567")
WHOLE = {
    "user_identity_key": "ada",
    "full_name": ADA.full_name,
    "email_address": ADA.email_address,
    "phone_number": ADA.phone_number,
}


async def create(api: Caller, **asked: Any) -> dict[str, Any]:
    made: dict[str, Any] = (await api(CREATE, **asked))["user_identity"]
    return made


async def get(api: Caller, user_identity_id: object) -> dict[str, Any]:
    identity: dict[str, Any] = (await api(GET, user_identity_id=user_identity_id))["user_identity"]
    return identity


async def journal_length(town: Town) -> int:
    count: int = await town.database.fetchval(
        "select count(*) from policy_journal where workspace_id = $1", town.workspace_id
    )
    return count


async def unmanaged(town: Town, personal: Personal) -> UUID:
    """An identity that another system has told of; no call makes one."""
    identity = await town.identity(personal)
    await town.database.execute(
        "update user_identity set is_managed = false where user_identity_id = $1", identity
    )
    return identity


async def test_an_identity_with_everything(api: Caller, town: Town, server: Server) -> None:
    before = iso(server.services.clock.now(town.workspace_id))
    made = await create(api, **WHOLE)
    assert made == await get(api, made["user_identity_id"])
    assert made == (await api(GET, "GET", user_identity_key="ada"))["user_identity"]
    assert UUID(made.pop("user_identity_id")).version == 4
    assert before <= made.pop("created_at") <= iso(server.services.clock.now(town.workspace_id))
    assert made == {
        **WHOLE,
        "acs_user_ids": [],
        "display_name": "Ada Lovelace",
        "errors": [],
        "merged_user_identity_ids": [],
        "merged_user_identity_keys": [],
        "warnings": [],
        "workspace_id": str(town.workspace_id),
    }


@pytest.mark.parametrize(
    ("asked", "display_name"),
    [
        ({}, "Unnamed person"),
        (dict.fromkeys(WHOLE), "Unnamed person"),
        ({"phone_number": ADA.phone_number}, ADA.phone_number),
        ({"phone_number": ADA.phone_number, "email_address": "a@b.c"}, "a@b.c"),
    ],
)
async def test_an_identity_with_less(api: Caller, asked: dict[str, Any], display_name: str) -> None:
    made = await create(api, **asked)
    assert made["display_name"] == display_name
    assert {name: made[name] for name in WHOLE} == dict.fromkeys(WHOLE) | asked


@pytest.mark.parametrize(
    "wrong",
    [
        {"email_address": "ada"},
        {"email_address": f"ada@{'x' * 255}"},
        {"phone_number": "0170 1234567"},
        {"full_name": ""},
        {"full_name": "x" * 256},
        {"user_identity_key": ""},
        {"user_identity_key": "x" * 256},
        {"acs_system_ids": ["x"]},
    ],
)
async def test_what_nobody_can_be_known_by(api: Caller, wrong: dict[str, Any]) -> None:
    assert await api.error(CREATE, **wrong) == (400, "invalid_input")
    assert (await api(LIST))["user_identities"] == []


@pytest.mark.parametrize("name", ["email_address", "phone_number", "user_identity_key"])
async def test_what_is_unique_in_a_workspace(
    api: Caller, server: Server, town: Town, name: str
) -> None:
    value = str(WHOLE[name])
    made = await create(api, **{name: value})
    other = await create(api, full_name="Bob")
    again = value.upper() if name == "email_address" else value
    refusal = (409, f"duplicate_{name}")
    assert await api.error(CREATE, **{name: again}) == refusal
    asked = {"user_identity_id": other["user_identity_id"], name: again, "full_name": "Rob"}
    assert await api.error(UPDATE, "PATCH", **asked) == refusal
    assert await get(api, other["user_identity_id"]) == other
    # What is one's own already is no other's, and what was given back is nobody's.
    await api(UPDATE, user_identity_id=made["user_identity_id"], **{name: again})
    await api(UPDATE, user_identity_id=made["user_identity_id"], **{name: None})
    assert (await create(api, **{name: value}))[name] == value
    elsewhere = Town(town.database, town.keyring)
    await elsewhere.found()
    caller = await server.caller(elsewhere.workspace_id)
    assert (await create(caller, **{name: value}))[name] == value


@pytest.mark.parametrize("name", ["email_address", "phone_number", "user_identity_key"])
async def test_a_refused_identity_leaves_nothing(
    api: Caller, town: Town, north: System, name: str
) -> None:
    await create(api, **{name: WHOLE[name]})
    before = await journal_length(town)
    asked = WHOLE | {"acs_system_ids": [north.acs_system_id]}
    assert await api.error(CREATE, **asked) == (409, f"duplicate_{name}")
    assert len((await api(LIST))["user_identities"]) == 1
    assert (await api("/acs/users/list"))["acs_users"] == []
    assert await journal_length(town) == before


async def test_an_identity_is_made_once_under_a_key(api: Caller) -> None:
    api.client.headers["idempotency-key"] = "one"
    first, second = [await create(api, **WHOLE) for _ in range(2)]
    assert first == second
    assert len((await api(LIST))["user_identities"]) == 1


async def test_an_update_changes_what_it_names(api: Caller, town: Town) -> None:
    made = await create(api, **WHOLE)
    salt = "select salt from personal where subject_id = $1"
    identity_id = UUID(made["user_identity_id"])
    old_salt = await town.database.fetchval(salt, identity_id)
    # Nothing is different, so nothing is written.
    for verb in ("PATCH", "POST"):
        assert await api(UPDATE, verb, user_identity_id=identity_id, **WHOLE) == {}
        assert await api(UPDATE, verb, user_identity_id=identity_id) == {}
    assert await town.database.fetchval(salt, identity_id) == old_salt
    await api(UPDATE, user_identity_id=identity_id, full_name="Ada King", phone_number=None)
    changed = {"full_name": "Ada King", "display_name": "Ada King", "phone_number": None}
    assert await get(api, identity_id) == made | changed
    assert await town.database.fetchval(salt, identity_id) != old_salt
    await api(UPDATE, user_identity_id=identity_id, user_identity_key="king")
    assert (await api(GET, user_identity_key="king"))["user_identity"]["full_name"] == "Ada King"
    assert await api.error(GET, user_identity_key="ada") == (404, "user_identity_not_found")


async def test_a_users_values_are_its_own(api: Caller, town: Town, north: System) -> None:
    """Changing an identity leaves its users as they are, and warns of the difference."""
    identity = await town.identity(ADA)
    user = await town.user(north, Personal("Ada Lovelace", "ADA@example.com"), identity=identity)
    assert (await get(api, identity))["warnings"] == []
    await api(UPDATE, user_identity_id=identity, full_name="Ada King")
    shown = (await api("/acs/users/get", acs_user_id=user))["acs_user"]
    assert (shown["full_name"], shown["user_identity_full_name"]) == ("Ada Lovelace", "Ada King")
    (warning,) = (await get(api, identity))["warnings"]
    assert warning["warning_code"] == "acs_user_profile_does_not_match_user_identity"
    assert warning["created_at"] == shown["created_at"]
    await api(UPDATE, user_identity_id=identity, full_name=None)
    assert (await get(api, identity))["warnings"] == []


@pytest.mark.parametrize("number", ["+4915551111", None])
async def test_only_values_that_both_have_are_compared(
    api: Caller, town: Town, north: System, number: str | None
) -> None:
    identity = await town.identity(ADA)
    await town.user(north, Personal(phone_number=number), identity=identity)
    assert bool((await get(api, identity))["warnings"]) == (number is not None)


async def test_a_list_in_pages(api: Caller, town: Town) -> None:
    ids = [str(await town.identity(Personal(f"Person {number}"))) for number in range(5)]
    await unmanaged(town, Personal("Person 5"))
    first = await api(LIST, "GET", limit=3)
    cursor = first["pagination"]["next_page_cursor"]
    second = await api(LIST, "GET", limit=3, page_cursor=cursor)
    for page, expected in ((first, ids[:3]), (second, ids[3:])):
        assert [each["user_identity_id"] for each in page["user_identities"]] == expected
    assert second["pagination"]["has_next_page"] is False


async def test_filters(api: Caller, town: Town) -> None:
    people = {name: await town.identity(Personal(name)) for name in ("Ada", "Bob", "Cleo")}
    cleo = (await get(api, people["Cleo"]))["created_at"]
    wanted = [people["Cleo"], people["Ada"], uuid4()]
    assert await api.names(LIST, user_identity_ids=wanted) == ["Ada", "Cleo"]
    assert await api.names(LIST, user_identity_ids=[]) == []
    assert await api.names(LIST, created_before=cleo) == ["Ada", "Bob"]
    assert await api.names(LIST, credential_manager_acs_system_id=uuid4()) == []


async def test_search(api: Caller, town: Town, north: System) -> None:
    ada = await town.identity(ADA)
    await town.identity(Personal("Bob  Dylan", "bob@ADA.example", "+33123456"))
    await town.user(north, Personal("Ada, somebody else"))
    for term, names in (
        ("ADA", ["Ada Lovelace", "Bob  Dylan"]),
        ("lovel", ["Ada Lovelace"]),
        ("bob dy", ["Bob  Dylan"]),
        ("0123", ["Ada Lovelace"] if "0123" in str(ADA.phone_number) else []),
        ("+33", ["Bob  Dylan"]),
        ("da@ex", ["Ada Lovelace"]),
        (str(ada)[:8], ["Ada Lovelace"]),
        (str(ada), ["Ada Lovelace"]),
        ("nobody", []),
        ("%", []),
    ):
        assert await api.names(LIST, search=term) == names, term
    assert len((await api(LIST, search=""))["user_identities"]) == 2


async def test_a_search_for_what_very_many_have(
    api: Caller, town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("Ada", "Adam", "Bob"):
        await town.identity(Personal(name))
    monkeypatch.setattr("doorward.store.search._RARE", 1)
    assert await api.names(LIST, search="ad") == ["Ada", "Adam"]


async def test_unknown_identities(api: Caller, town: Town) -> None:
    there = await unmanaged(town, ADA)
    for asked in ({"user_identity_id": uuid4()}, {"user_identity_id": there}):
        for path in (GET, UPDATE, "/user_identities/delete", "/user_identities/list_acs_users"):
            assert await api.error(path, **asked) == (404, "user_identity_not_found")
    for key in ("nobody", ""):
        assert await api.error(GET, user_identity_key=key) == (404, "user_identity_not_found")
    assert await api.error(GET) == (400, "invalid_input")
    both = {"user_identity_id": there, "user_identity_key": "ada"}
    assert await api.error(GET, **both) == (400, "invalid_input")


async def test_unmanaged_identities(api: Caller, town: Town, north: System) -> None:
    path = "/user_identities/unmanaged"
    there, managed = await unmanaged(town, ADA), await town.identity(Personal("Bob"))
    user = await town.user(north, ADA, identity=there)
    shown = (await api(f"{path}/get", user_identity_id=there))["user_identity"]
    assert "user_identity_key" not in shown
    assert shown["acs_user_ids"] == [str(user)]
    by_system = str(north.acs_system_id)[:12]
    for search in ({}, {"search": "lovelace"}, {"search": by_system}):
        assert await api.names(f"{path}/list", **search) == ["Ada Lovelace"]
    assert await api.names(f"{path}/list", search="bob") == []
    assert await api.names(f"{path}/list", created_before=shown["created_at"]) == []
    assert await api.error(f"{path}/get", user_identity_id=managed) == (
        404,
        "user_identity_not_found",
    )


@pytest.mark.parametrize("key", [{}, {"user_identity_key": "ada"}, {"user_identity_key": ""}])
async def test_managing_an_unmanaged_identity(api: Caller, town: Town, key: dict[str, str]) -> None:
    path, there = "/user_identities/unmanaged/update", await unmanaged(town, ADA)
    await town.database.execute(
        "update user_identity set user_identity_key = 'theirs' where user_identity_id = $1", there
    )
    await create(api, user_identity_key="taken")
    taken = {"user_identity_id": there, "is_managed": True, "user_identity_key": "taken"}
    assert await api.error(path, "PATCH", **taken) == (409, "duplicate_user_identity_key")
    refusal = await api.error(path, "PATCH", user_identity_id=there, is_managed=False)
    assert refusal == (400, "invalid_input")
    assert await api(path, "PATCH", user_identity_id=there, is_managed=True, **key) == {}
    expected = key.get("user_identity_key") or "theirs"
    assert (await get(api, there))["user_identity_key"] == expected
    refusal = await api.error(path, "PATCH", user_identity_id=there, is_managed=True)
    assert refusal == (404, "user_identity_not_found")


async def test_there_are_no_devices(api: Caller, town: Town) -> None:
    identity, path = await town.identity(ADA), "/user_identities"
    assert (await api(f"{path}/list_accessible_devices", "GET", user_identity_id=identity))[
        "devices"
    ] == []
    for call, verb in (("grant_access_to_device", "PUT"), ("revoke_access_to_device", "DELETE")):
        for who, refusal in ((identity, "device_not_found"), (uuid4(), "user_identity_not_found")):
            asked = {"device_id": uuid4(), "user_identity_id": who}
            assert await api.error(f"{path}/{call}", verb, **asked) == (404, refusal)
    unknown = await api.error(f"{path}/list_accessible_devices", user_identity_id=uuid4())
    assert unknown == (404, "user_identity_not_found")


async def test_there_are_no_instant_keys(api: Caller, town: Town) -> None:
    path = "/user_identities/generate_instant_key"
    identity = await town.identity(ADA)
    asked = {"user_identity_id": identity, "max_use_count": 2, "customization_profile_id": uuid4()}
    answer = await api.answer(path, **asked)
    assert answer.status_code == 400
    assert "has mobile keys" in answer.json()["error"]["message"]
    assert await api.error(path, user_identity_id=uuid4()) == (404, "user_identity_not_found")


async def test_what_an_identity_can_open(api: Caller, town: Town, north: System) -> None:
    """In all systems together, through groups and cards, now."""
    south = await town.system("South")
    identity = await town.identity(ADA)
    doors = [await town.entrance(system, name) for system, name in ((north, "A"), (south, "B"))]
    later = (town.now + timedelta(days=1), None)
    shut = await town.entrance(south, "C")
    user = await town.user(north, ADA, identity=identity)
    await town.join(await town.group(north, "G", doors[0]), user)
    other = await town.user(south, ADA, identity=identity)
    await town.credential(south, other, "1-2", doors[1])
    await town.join(await town.group(south, "Later", shut, span=later), other)
    await town.credential(south, await town.user(south, Personal("Bob")), "1-3", shut)
    path = "/user_identities"
    assert await api.names(f"{path}/list_accessible_entrances", user_identity_id=identity) == [
        "A",
        "B",
    ]
    assert await api.names(f"{path}/list_acs_systems", user_identity_id=identity) == [
        "North",
        "South",
    ]
    listed = (await api(f"{path}/list_acs_users", user_identity_id=identity))["acs_users"]
    assert [each["acs_user_id"] for each in listed] == [str(user), str(other)]
    assert (await get(api, identity))["acs_user_ids"] == [str(user), str(other)]
    nobody = await town.identity(Personal("Nobody"))
    for call in ("list_accessible_entrances", "list_acs_systems", "list_acs_users"):
        body = await api(f"{path}/{call}", user_identity_id=nobody)
        assert [*body.values()].count([]) == 1
        error = await api.error(f"{path}/{call}", user_identity_id=uuid4())
        assert error == (404, "user_identity_not_found")
