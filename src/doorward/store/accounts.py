"""Connected accounts, as the API shows them."""

from collections.abc import Collection, Mapping
from typing import Final
from uuid import UUID

import asyncpg
import msgspec

from doorward.resources.connected_account import ConnectedAccount, UserIdentifier
from doorward.resources.values import given, iso
from doorward.store import search, visible
from doorward.store.select import After, Select, Source
from doorward.store.sight import Sight

_SELECT = "select a.*, a.connected_account_id id from connected_account a where a.workspace_id = $1"
# {0}: the names, {1}: the value of each.
_HAS: Final = """not exists (
  select from unnest({0}::text[], {1}::text[]) wanted (name, value)
  where a.custom_metadata ->> wanted.name is distinct from wanted.value)"""
_ORDER = ("a.created_at", "a.connected_account_id")


async def get(
    source: Source,
    workspace_id: UUID,
    *,
    connected_account_id: UUID | None = None,
    email: str | None = None,
    sight: Sight | None = None,
) -> ConnectedAccount | None:
    """The account of an id, or the oldest one that the provider knows by an e-mail address."""
    select = Select(_SELECT, workspace_id)
    select.where_given("a.connected_account_id = {0}", connected_account_id)
    select.where_given("lower(a.user_identifier ->> 'email') = lower({0})", email)
    visible.narrow_accounts(select, sight)
    rows = await select.fetch(source, "order by a.created_at, a.connected_account_id limit 1")
    return _account(rows[0]) if rows else None


async def list_accounts(
    source: Source,
    workspace_id: UUID,
    *,
    custom_metadata_has: Mapping[str, str] | None = None,
    customer_key: str | None = None,
    term: str | None = None,
    sight: Sight | None = None,
    of_session: Sight | None = None,
    limit: int,
    after: After | None,
) -> tuple[list[ConnectedAccount], After | None]:
    """A page of accounts, the oldest first.

    `custom_metadata_has` compares values as text: "true" is the text and the boolean, because a
    query string cannot tell them apart (seam-api 3.2). `of_session` asks for what a session sees,
    and `sight` is the caller's own.
    """
    select = Select(_SELECT, workspace_id)
    if custom_metadata_has:
        select.where(_HAS, [*custom_metadata_has], [*custom_metadata_has.values()])
    select.where_given("a.customer_key = {0}", customer_key)
    search.where_matches(select, term, "a.display_name", "a.connected_account_id")
    visible.narrow_accounts(select, sight)
    visible.narrow_accounts(select, of_session)
    rows, next_after = await select.page(source, _ORDER, limit, after)
    return [_account(row) for row in rows], next_after


async def missing(
    source: Source, workspace_id: UUID, connected_account_ids: Collection[UUID]
) -> bool:
    """Whether one of these accounts is not there."""
    count = await source.fetchval(
        "select count(*) from connected_account"
        " where workspace_id = $1 and connected_account_id = any ($2::uuid[])",
        workspace_id,
        list(connected_account_ids),
    )
    return bool(count != len(set(connected_account_ids)))


def _account(row: asyncpg.Record) -> ConnectedAccount:
    return ConnectedAccount(
        connected_account_id=row["connected_account_id"],
        account_type=row["account_type"],
        account_type_display_name=row["account_type_display_name"],
        accepted_capabilities=["access_control"],
        automatically_manage_new_devices=row["automatically_manage_new_devices"],
        created_at=iso(row["created_at"]),
        custom_metadata=msgspec.json.decode(row["custom_metadata"], type=dict[str, str | bool]),
        customer_key=given(row["customer_key"]),
        display_name=row["display_name"],
        errors=[],
        user_identifier=msgspec.json.decode(row["user_identifier"], type=UserIdentifier),
        warnings=[],
    )
