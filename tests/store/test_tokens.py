"""Tokens: their form, what is kept of them, and how fast a revocation is heard."""

import asyncio
import re
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
import jwt
import pytest

from doorward.store import console, tokens
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
        ("client_session", False, r"seam_cst1[1-9A-Za-z]{8}_[1-9A-Za-z]{24}"),
    ],
)
def test_the_form_is_what_clients_check(
    kind: tokens.MintedKind, is_sandbox: bool, form: str
) -> None:
    minted = [tokens.mint(kind, is_sandbox=is_sandbox) for _ in range(2000)]
    assert all(re.fullmatch(form, secret) for secret in minted)
    assert {tokens.kind_of(secret) for secret in minted} == {kind}
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
    # Its first look is news, for which the cache forgets what it found before.
    while watch.token_generation < 0:
        await watch.changed()
    cache = TokenCache(database, watch, honours_published=True, console_key=bytes(32))
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
        "seam_testPublic_aaaaaaaaaaaaaaaaaaaaaaaa",
        kind="api_key",
        workspace_id=site.workspace_id,
        name="published",
        is_published=True,
    )
    watch = Watch(database)
    at_home = TokenCache(database, watch, honours_published=True, console_key=bytes(32))
    abroad = TokenCache(database, watch, honours_published=False, console_key=bytes(32))
    assert await at_home.find("seam_testPublic_aaaaaaaaaaaaaaaaaaaaaaaa")
    assert await abroad.find("seam_testPublic_aaaaaaaaaaaaaaaaaaaaaaaa") is None
    assert [t.name for t in await tokens.published_tokens(database)] == ["published"]


async def test_an_unknown_id_is_not_revoked(database: Database) -> None:
    site = await make_site(database)
    assert not await tokens.revoke(database, site.acs_system_id)


KEY = b"k" * 32
LETTERS = "a" * 24


class Asked(Database):
    """A database that nobody may ask anything."""

    def __init__(self) -> None:
        """Connects to nothing."""
        self.token_changes = 0

    async def fetchrow(self, query: str, *_args: object) -> Any:
        raise AssertionError(query)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "x",
            "seam_",
            "Bearer",
            "seam_abc_def",
            "seam_pk1_abc",
            "seam_cst1_abc",
            "ey",
            "ey.x",
        ),
        *(f"seam_at2Abcdefgh_{LETTERS}", f"seam_cst2Abcdefgh_{LETTERS}"),
        *(f"seam_abcdefgh_{LETTERS}\n", f" seam_abcdefgh_{LETTERS}", f"seam_abcdefgh__{LETTERS}"),
        *(f"seam_cst1Abcdefgh_{LETTERS}a", f"seam_\xe9bcdefgh_{LETTERS}", "\0", "a" * 100_000),
        *("eyJ.eyJ.sig", "eyJhbGciOiJub25lIn0.eyJpc3MiOiJkb29yd2FyZCJ9.", "eyJ.eyJ.sig.more"),
        console.sign(b"x" * 32, UUID(int=1), datetime(2100, 1, 1, tzinfo=UTC)),
        console.sign(KEY, UUID(int=1), datetime(2020, 1, 1, tzinfo=UTC)),
        jwt.encode({"jti": "1", "exp": 4_000_000_000}, KEY),
        jwt.encode({"iss": "seam", "jti": "1", "exp": 4_000_000_000}, KEY),
        jwt.encode({"iss": "doorward", "jti": "1"}, KEY),
        jwt.encode({"iss": "doorward", "exp": 4_000_000_000}, KEY),
        jwt.encode({"iss": "doorward", "jti": "1", "exp": 4_000_000_000}, KEY * 2, "HS512"),
        jwt.encode({"iss": "doorward", "jti": "1", "exp": 4_000_000_000}, "", "none"),
    ],
)
async def test_what_can_be_no_token_asks_nobody(text: str) -> None:
    database = Asked()
    cache = TokenCache(database, Watch(database), honours_published=True, console_key=KEY)
    assert await cache.find(text) is None


async def test_a_console_session_is_kept_by_its_hash_alone(database: Database) -> None:
    ends = datetime(2100, 1, 1, tzinfo=UTC)
    text = console.sign(KEY, UUID(int=7), ends)
    made = await tokens.create(
        database,
        text,
        kind="console_session",
        workspace_id=None,
        name="x",
        scopes={"doors"},
        expires_at=ends,
        token_id=UUID(int=7),
    )
    assert made == UUID(int=7)
    row = str(dict(await database.fetchrow("select * from token") or {}))
    head, *secrets = text.split(".")
    assert head in row
    assert not any(secret in row for secret in secrets)
    cache = TokenCache(database, Watch(database), honours_published=True, console_key=KEY)
    known = await cache.find(text)
    assert known is not None
    assert (known.token_id, known.kind, known.workspace_id) == (made, "console_session", None)
    assert (known.scopes, known.expires_at) == (["doors"], ends)
    assert (
        await TokenCache(
            database, Watch(database), honours_published=True, console_key=bytes(32)
        ).find(text)
        is None
    )
