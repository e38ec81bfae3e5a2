"""Answers kept under a caller's key: made once, with what was created, for one day."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from doorward.errors import ApiError
from doorward.store.database import Connection, Database
from doorward.store.idempotency import Claim, Kept, once
from doorward.store.secrets import Keyring

SECRET = b'{"token": "seam_cst_secret"}'


@pytest.fixture
def keyring() -> Keyring:
    return Keyring(bytes(range(32)))


@pytest.fixture
def claim() -> Claim:
    return Claim(uuid4(), uuid4(), "order 17 of jane@example.com", b"d" * 32)


class Maker:
    """Creates a row each time it runs, and answers with a new body."""

    def __init__(self, keyring: Keyring, database: Database) -> None:
        self.keyring = keyring
        self.database = database
        self.made = 0

    async def __call__(self, claim: Claim) -> Kept:
        async with self.database.transaction() as connection:
            return await once(connection, self.keyring, claim, self.on(connection))

    def on(self, connection: Connection) -> Callable[[], Awaitable[bytes]]:
        async def make() -> bytes:
            self.made += 1
            await connection.execute("insert into made values (default)")
            return SECRET + b"%d" % self.made

        return make

    async def count(self) -> int:
        count: int = await self.database.fetchval("select count(*) from made")
        return count


@pytest.fixture
async def maker(keyring: Keyring, database: Database) -> Maker:
    await database.execute("create table made (n serial)")
    return Maker(keyring, database)


async def test_the_second_call_gets_the_first_ones_bytes(maker: Maker, claim: Claim) -> None:
    first, second = await maker(claim), await maker(claim)
    assert (first.body, first.is_replayed) == (SECRET + b"1", False)
    assert (second.body, second.is_replayed) == (SECRET + b"1", True)
    assert await maker.count() == 1


async def test_the_users_of_one_token_have_keys_of_their_own(maker: Maker, claim: Claim) -> None:
    claims = [claim, replace(claim, user="jane"), replace(claim, user="omar")]
    assert len({(await maker(each)).body for each in claims}) == 3
    assert [(await maker(each)).is_replayed for each in claims] == [True] * 3
    # Whatever is a key's end and a user's beginning.
    joined = [replace(claim, key=claim.key + "a", user="b"), replace(claim, user="ab")]
    assert not any([(await maker(each)).is_replayed for each in joined])


async def test_other_parameters_under_a_key_are_refused(maker: Maker, claim: Claim) -> None:
    await maker(claim)
    with pytest.raises(ApiError) as refusal:
        await maker(replace(claim, digest=b"e" * 32))
    assert (refusal.value.status, refusal.value.kind) == (422, "idempotency_key_reused")
    assert await maker.count() == 1


@pytest.mark.parametrize(
    "other", [{"workspace_id": UUID(int=5)}, {"workspace_id": None}, {"token_id": UUID(int=5)}]
)
async def test_a_key_counts_for_one_token_in_one_workspace(
    maker: Maker, claim: Claim, other: dict[str, UUID]
) -> None:
    await maker(claim)
    assert not (await maker(replace(claim, **other))).is_replayed  # type: ignore[arg-type]


async def test_an_error_is_not_kept_and_leaves_nothing(
    maker: Maker, claim: Claim, keyring: Keyring
) -> None:
    async def fail() -> bytes:
        await connection.execute("insert into made values (default)")
        raise ApiError(400, "invalid_input", "no")

    with pytest.raises(ApiError):
        async with maker.database.transaction() as connection:
            await once(connection, keyring, claim, fail)
    assert await maker.count() == 0
    assert not (await maker(claim)).is_replayed


async def test_what_is_rolled_back_after_the_answer_may_be_made_again(
    maker: Maker, claim: Claim, keyring: Keyring
) -> None:
    async def make_and_fail() -> None:
        async with maker.database.transaction() as connection:
            await once(connection, keyring, claim, maker.on(connection))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await make_and_fail()
    assert not (await maker(claim)).is_replayed
    assert await maker.count() == 1


async def test_a_key_in_use_is_refused_until_the_first_call_ends(
    maker: Maker, claim: Claim, keyring: Keyring
) -> None:
    async with maker.database.transaction() as connection:
        await once(connection, keyring, claim, maker.on(connection))
        with pytest.raises(ApiError) as refusal:
            await maker(claim)
        assert (refusal.value.status, refusal.value.kind) == (409, "idempotency_key_in_use")
        assert refusal.value.retry_after == 1
        assert not (await maker(replace(claim, key="another"))).is_replayed
    assert (await maker(claim)).is_replayed


async def test_many_at_once_make_one(maker: Maker, claim: Claim) -> None:
    answers = await asyncio.gather(*(maker(claim) for _ in range(30)), return_exceptions=True)
    bodies = {answer.body for answer in answers if isinstance(answer, Kept)}
    refusals = {each.kind for each in answers if isinstance(each, ApiError)}
    assert bodies == {SECRET + b"1"}
    assert refusals <= {"idempotency_key_in_use"}
    assert await maker.count() == 1


async def _age(database: Database, life: timedelta) -> None:
    await database.execute(
        "update idempotent_answer set expires_at = expires_at - $1::interval", life
    )


async def test_an_answer_counts_for_a_day(maker: Maker, claim: Claim) -> None:
    await maker(claim)
    await _age(maker.database, timedelta(hours=23, minutes=59))
    assert (await maker(claim)).is_replayed
    await _age(maker.database, timedelta(minutes=1))
    assert not (await maker(replace(claim, digest=b"e" * 32))).is_replayed
    assert (await maker(replace(claim, digest=b"e" * 32))).is_replayed


async def test_expired_answers_go_away_a_few_with_each_new_one(maker: Maker, claim: Claim) -> None:
    for n in range(20):
        await maker(replace(claim, key=f"old {n}"))
    await _age(maker.database, timedelta(hours=25))
    left = []
    for key in ("a", "b"):
        await maker(replace(claim, key=key))
        left.append(await maker.database.fetchval("select count(*) from idempotent_answer"))
    assert left == [20 - 16 + 1, 2]


async def test_neither_key_nor_answer_can_be_read_in_the_database(
    maker: Maker, claim: Claim
) -> None:
    await maker(claim)
    row = await maker.database.fetchrow("select * from idempotent_answer")
    assert row is not None
    told = b"".join(value for value in row.values() if isinstance(value, bytes))
    assert b"seam_cst" not in told
    assert b"jane" not in told
    assert claim.digest not in told


async def test_an_answer_does_not_open_under_another_key(maker: Maker, claim: Claim) -> None:
    await maker(claim)
    await maker(replace(claim, key="other"))
    await maker.database.execute(
        "update idempotent_answer set sealed = (select sealed from idempotent_answer"
        " order by key_hash limit 1)"
    )
    with pytest.raises(ValueError, match="another row"):
        await asyncio.gather(maker(claim), maker(replace(claim, key="other")))
