"""Connected accounts, as the API shows them."""

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg
import msgspec

from doorward.resources.connected_account import AccountError, ConnectedAccount, UserIdentifier
from doorward.resources.values import given, iso
from doorward.store import search, visible
from doorward.store.database import Connection
from doorward.store.select import After, Select, Source
from doorward.store.sight import Sight

_SELECT = "select a.*, a.connected_account_id id from connected_account a where a.workspace_id = $1"
# {0}: the names, {1}: the value of each.
_HAS: Final = """not exists (
  select from unnest({0}::text[], {1}::text[]) wanted (name, value)
  where a.custom_metadata ->> wanted.name is distinct from wanted.value)"""
# Of the metadata the values and the names, not what holds them together.
_TEXTS: Final = r"""regexp_replace(concat_ws(chr(31), a.display_name, a.account_type,
  a.customer_key, a.user_identifier ->> 'username', a.user_identifier ->> 'email',
  a.user_identifier ->> 'phone',
  (select string_agg(m.key || chr(31) || m.value, chr(31) order by m.key)
    from jsonb_each_text(a.custom_metadata) m)), '\s+', ' ', 'g')"""
# Of an access system here; such an account goes with its system.
NATIVE: Final = "doorward_system"
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
    search.where_matches(select, term, _TEXTS, "a.connected_account_id")
    visible.narrow_accounts(select, sight)
    visible.narrow_accounts(select, of_session)
    rows, next_after = await select.page(source, _ORDER, limit, after)
    return [_account(row) for row in rows], next_after


async def update(
    connection: Connection,
    workspace_id: UUID,
    connected_account_id: UUID,
    values: Mapping[str, Any],
) -> None:
    """Writes columns of an account that there is; `custom_metadata` as a mapping."""
    names = [*values]
    places = ", ".join(
        f"{name} = ${place}{'::text::jsonb' if name == 'custom_metadata' else ''}"
        for place, name in enumerate(names, 3)
    )
    if names:
        await connection.execute(
            f"update connected_account set {places}"  # noqa: S608
            " where workspace_id = $1 and connected_account_id = $2",
            workspace_id,
            connected_account_id,
            *(
                msgspec.json.encode(value).decode() if name == "custom_metadata" else value
                for name, value in values.items()
            ),
        )


async def set_disconnected(
    connection: Connection, workspace_id: UUID, connected_account_id: UUID, at: datetime | None
) -> bool:
    """Marks an account as out of reach since a time, or with None as in reach.

    Answers False where nothing was to be done.
    """
    changed = await connection.fetchval(
        "update connected_account set disconnected_at = $3 where workspace_id = $1"
        " and connected_account_id = $2"
        " and (disconnected_at is null) = ($3::timestamptz is not null) returning true",
        workspace_id,
        connected_account_id,
        at,
    )
    return changed is not None


async def delete(connection: Connection, workspace_id: UUID, connected_account_id: UUID) -> None:
    """Takes an account away, once it has no systems."""
    await connection.execute(
        "delete from connected_account where workspace_id = $1 and connected_account_id = $2",
        workspace_id,
        connected_account_id,
    )


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
        accepted_capabilities=row["accepted_capabilities"],
        automatically_manage_new_devices=row["automatically_manage_new_devices"],
        created_at=iso(row["created_at"]),
        custom_metadata=msgspec.json.decode(row["custom_metadata"], type=dict[str, str | bool]),
        customer_key=given(row["customer_key"]),
        display_name=row["display_name"],
        errors=[*_errors(row)],
        user_identifier=msgspec.json.decode(row["user_identifier"], type=UserIdentifier),
        warnings=[],
    )


def _errors(row: asyncpg.Record) -> Iterator[AccountError]:
    if row["disconnected_at"] is not None:
        yield AccountError(
            created_at=iso(row["disconnected_at"]),
            error_code="account_disconnected",
            is_bridge_error=False,
            is_connected_account_error=True,
            message="The account cannot be reached, as was simulated; a sync reaches it again.",
        )
