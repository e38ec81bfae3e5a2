"""Tokens: their form, what is kept of them, and how fast a revocation is heard."""

import asyncio
import re

import asyncpg
import pytest

from doorward.store import tokens
from doorward.store.database import Database
from doorward.store.token_cache import TokenCache
from doorward.store.watch import Watch
from tests.store.sites import make_site


@pytest.mark.parametrize(
    ("kind", "is_sandbox", "form"),
    [
        ("api_key", False, r"seam_(?!at|cst|pk)[1-9A-Za-z]{8}_[1-9A-Za-z]{24}"),
        ("api_key", True, r"seam_test[1-9A-Za-z]{4}_[1-9A-Za-z]{24}"),
        ("personal_access_token", False, r"seam_at1[1-9A-Za-z]{8}_[1-9A-Za-z]{24}"),
    ],
)
def test_the_form_is_what_clients_check(
    kind: tokens.TokenKind, is_sandbox: bool, form: str
) -> None:
    minted = [tokens.mint(kind, is_sandbox=is_sandbox) for _ in range(2000)]
    assert all(re.fullmatch(form, secret) for secret in minted)
    assert len(set(minted)) == len(minted)


async def test_only_a_hash_is_kept(database: Database) -> None:
    site = await make_site(database)
    secret = tokens.mint("api_key", is_sandbox=True)
    await tokens.create(
        database, secret, kind="api_key", workspace_id=site.workspace_id, name="till"
    )
    row = await database.fetchval("select token::text from token")
    assert secret not in row
    assert secret.rpartition("_")[2] not in row
    with pytest.raises(asyncpg.UniqueViolationError):
        await tokens.create(
            database, secret, kind="api_key", workspace_id=site.workspace_id, name="twice"
        )


async def test_a_revocation_by_another_process_is_heard(database: Database) -> None:
    site = await make_site(database)
    secret = tokens.mint("api_key", is_sandbox=True)
    token_id = await tokens.create(
        database, secret, kind="api_key", workspace_id=site.workspace_id, name="till"
    )
    watch = Watch(database)
    await watch.start()
    cache = TokenCache(database, watch, honours_published=True)
    found = await cache.find(secret)
    assert found is not None
    assert found.token_id == token_id
    assert await cache.find(secret) is found
    assert await cache.find("seam_unknown_x") is None
    assert await tokens.revoke(database, token_id)
    assert await tokens.revoke(database, token_id)
    async with asyncio.timeout(10):
        while await cache.find(secret) is not None:
            await asyncio.sleep(0.005)
    await watch.stop()


async def test_a_published_token_counts_on_loopback_only(database: Database) -> None:
    site = await make_site(database)
    await tokens.create(
        database,
        "seam_testPublic_x",
        kind="api_key",
        workspace_id=site.workspace_id,
        name="published",
        is_published=True,
    )
    watch = Watch(database)
    at_home = TokenCache(database, watch, honours_published=True)
    abroad = TokenCache(database, watch, honours_published=False)
    assert await at_home.find("seam_testPublic_x")
    assert await abroad.find("seam_testPublic_x") is None
    assert [t.name for t in await tokens.published_tokens(database)] == ["published"]


async def test_an_unknown_id_is_not_revoked(database: Database) -> None:
    site = await make_site(database)
    assert not await tokens.revoke(database, site.acs_system_id)
