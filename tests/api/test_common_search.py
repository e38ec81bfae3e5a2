"""Searches that very many match: the next rows are looked at, and where those do not do, all."""

from typing import Any
from uuid import UUID

import pytest

from doorward.store.personal import Personal
from tests.api.conftest import Caller
from tests.api.town import System, Town


@pytest.fixture(autouse=True)
def everything_is_common(monkeypatch: pytest.MonkeyPatch) -> None:
    """One match is many, and of the next rows a page of one looks at one alone."""
    for module in ("search", "credential_search"):
        monkeypatch.setattr(f"doorward.store.{module}._RARE", 0)
    monkeypatch.setattr("doorward.store.select._LOOKED", -3)


async def walked(api: Caller, path: str, term: str) -> list[UUID]:
    """The ids on all pages of one row each."""
    name = {"users": "acs_user_id", "credentials": "acs_credential_id"}.get(
        path.split("/")[-2], "user_identity_id"
    )
    found: list[UUID] = []
    cursor: dict[str, Any] = {}
    while True:
        body = await api(path, search=term, limit=1, **cursor)
        key = next(key for key in body if key not in {"ok", "pagination"})
        assert len(body[key]) <= 1
        found += [UUID(each[name]) for each in body[key]]
        if not body["pagination"]["has_next_page"]:
            return found
        cursor = {"page_cursor": body["pagination"]["next_page_cursor"]}


async def test_people(api: Caller, town: Town, north: System) -> None:
    by_identity = await town.identity(Personal("Late Adam"))
    names = ["Bob", "Bert", "Late Ada", "Bea", "Nobody", "Late Abe", "Ben"]
    people = {
        name: await town.user(
            north, Personal(name), identity=by_identity if name == "Nobody" else None
        )
        for name in names
    }
    late = [people[name] for name in ("Late Ada", "Nobody", "Late Abe")]
    assert await walked(api, "/acs/users/list", "late") == late
    assert await walked(api, "/acs/users/list", "late ada") == late[:2]
    assert await walked(api, "/acs/users/list", "zz") == []
    by_id = str(people["Bert"])[:8]
    assert await walked(api, "/acs/users/list", by_id) == [people["Bert"]]


@pytest.mark.usefixtures("north")
async def test_identities(api: Caller, town: Town) -> None:
    names = ["Bob", "Bert", "Late Ada", "Bea", "Late Abe", "Ben"]
    identities = {name: await town.identity(Personal(name)) for name in names}
    late = [identities[name] for name in ("Late Ada", "Late Abe")]
    assert await walked(api, "/user_identities/list", "late") == late


async def test_credentials(api: Caller, town: Town, north: System) -> None:
    cards = []
    for number in range(6):
        user = await town.user(north, Personal("Ada"))
        cards.append(await town.credential(north, user, f"7-{number}"))
    await town.database.execute(
        "update acs_credential set display_name = 'Late' where acs_credential_id = any ($1)",
        [cards[3], cards[5]],
    )
    assert await walked(api, "/acs/credentials/list", "late") == [cards[3], cards[5]]
    assert await walked(api, "/acs/credentials/list", "7-4") == [cards[4]]
