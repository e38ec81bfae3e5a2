"""Counts of uses: handed in late, twice and in any order, they end in the same."""

import json
from collections.abc import Iterable
from itertools import permutations
from uuid import UUID, uuid4

import pytest

from doorward.policy.facts import CredentialState, Kind, decode_state
from doorward.store.credential_uses import count_uses, use_count
from doorward.store.database import Database
from doorward.store.secrets import Keyring
from tests.api.town import Town

ONE, TWO = uuid4(), uuid4()
HANDED_IN = [(ONE, 1), (ONE, 3), (TWO, 2), (TWO, 1)]


@pytest.fixture
def town(database: Database, keyring: Keyring) -> Town:
    return Town(database, keyring)


async def _limited(town: Town) -> UUID:
    credential = await town.credential(await town.found(), None, "42-1")
    await town.database.execute(
        "update acs_credential set use_limit = 5 where acs_credential_id = $1", credential
    )
    return credential


async def _hand_in(town: Town, counts: Iterable[tuple[UUID, int]], *credentials: UUID) -> None:
    async with town.database.transaction() as connection:
        for controller, total in counts:
            totals = dict.fromkeys(credentials, total)
            await count_uses(connection, town.change(), controller, totals)


async def _stored(town: Town, credential: UUID) -> str:
    uses: str = await town.database.fetchval(
        "select uses from acs_credential where acs_credential_id = $1", credential
    )
    return uses


async def _facts(town: Town) -> list[CredentialState]:
    rows = await town.database.fetch(
        "select state::text from policy_journal where kind = 'credential' order by revision"
    )
    states = [decode_state(Kind.CREDENTIAL, row["state"].encode()) for row in rows]
    assert all(isinstance(state, CredentialState) for state in states)
    return states  # type: ignore[return-value]


@pytest.mark.parametrize("order", [*permutations(HANDED_IN)][::5])
async def test_any_order_ends_in_the_same(town: Town, order: tuple[tuple[UUID, int], ...]) -> None:
    credential = await _limited(town)
    await _hand_in(town, order, credential)
    expected = {str(ONE): 3, str(TWO): 2}
    assert json.loads(await _stored(town, credential)) == expected
    assert use_count(await _stored(town, credential)) == 5
    assert (await _facts(town))[-1].uses == expected


async def test_what_is_known_leaves_no_entry(town: Town) -> None:
    credential = await _limited(town)
    await _hand_in(town, [(ONE, 2)], credential)
    before = await _facts(town)
    await _hand_in(town, [(ONE, 2), (ONE, 1)], credential)
    assert await _facts(town) == before
    assert before[-1].use_limit == 5


async def test_a_credential_that_is_gone_is_passed_over(town: Town) -> None:
    credential = await _limited(town)
    await _hand_in(town, [(ONE, 1)], uuid4(), credential)
    assert use_count(await _stored(town, credential)) == 1
