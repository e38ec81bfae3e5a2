"""Credentials, as the API shows them; their numbers are sealed, and found by a keyed hash."""

from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg

from doorward.policy.cards import CardNumber, CodeNumber, parse_card, parse_code
from doorward.policy.codes import is_guessable
from doorward.resources.acs_credential import AcsCredential, UnmanagedAcsCredential
from doorward.resources.provider import PROVIDERS, display_name
from doorward.resources.values import WarningEntry, given, iso, iso_or_none
from doorward.store import access, credential_search, troubles, visible
from doorward.store.secrets import Keyring
from doorward.store.select import After, Select, Source
from doorward.store.sight import Sight

_SELECT = f"""
select c.*, c.acs_credential_id id, s.connected_account_id, s.external_type system_type,
  u.user_identity_id, z.trouble_codes, z.troubled_since, z.are_stuck, z.is_taken
from acs_credential c
join acs_system s on s.workspace_id = c.workspace_id and s.acs_system_id = c.acs_system_id
left join acs_user u on u.workspace_id = c.workspace_id and u.acs_user_id = c.acs_user_id
cross join lateral {troubles.of("c", "acs_credential_id")} z
where c.workspace_id = $1"""  # noqa: S608
_ORDER = ("c.created_at", "c.acs_credential_id")

_UNISSUED: Final = "No number has been given to the credential yet, so that no door knows it."
_ON_NO_PHONE: Final = "The access system has not been seen to have the key on a phone yet."
_GUESSABLE: Final = (
    "Whoever tries codes all day finds one of this length with a chance of more than 1 in 1,000;"
    " give it more digits."
)


def seal_number(keyring: Keyring, workspace_id: UUID, acs_credential_id: UUID, text: str) -> bytes:
    """What acs_credential.sealed holds: a card's or a code's text, for this row alone."""
    return keyring.seal(text.encode(), _context(workspace_id, acs_credential_id))


def open_number(
    keyring: Keyring, workspace_id: UUID, acs_credential_id: UUID, sealed: bytes
) -> str:
    """The text that `seal_number` sealed."""
    return keyring.open(sealed, _context(workspace_id, acs_credential_id)).decode()


def lookup(keyring: Keyring, workspace_id: UUID, number: CardNumber | CodeNumber) -> bytes:
    """What acs_credential.lookup holds: the keyed hash by which a number is found."""
    kind: Final = "card" if isinstance(number, CardNumber) else "code"
    return keyring.lookup(workspace_id, kind, number.canonical)


async def get(
    source: Source,
    keyring: Keyring,
    workspace_id: UUID,
    acs_credential_id: UUID,
    *,
    is_managed: bool = True,
) -> AcsCredential | None:
    """A credential with its number in the clear, None for an unknown id.

    is_managed: those that another system manages are found by False alone, here and in all lists.
    """
    select = _select(workspace_id, is_managed=is_managed)
    select.where("c.acs_credential_id = {0}", acs_credential_id)
    row = await select.fetchrow(source)
    return _credential(row, keyring) if row else None


async def list_credentials(
    source: Source,
    keyring: Keyring,
    workspace_id: UUID,
    *,
    acs_system_id: UUID | None = None,
    acs_user_id: UUID | None = None,
    user_identity_id: UUID | None = None,
    created_before: datetime | None = None,
    is_for_phones: bool | None = None,
    term: str | None = None,
    sight: Sight | None = None,
    limit: int,
    after: After | None,
) -> tuple[list[AcsCredential], After | None]:
    """A page of the credentials that match all filters, the oldest first.

    is_for_phones: those that are on every phone of their owner, or all others.
    """
    select = _select(workspace_id, is_managed=True)
    _where_owned(select, acs_system_id, acs_user_id, user_identity_id)
    select.where_given("c.created_at < {0}", created_before)
    if is_for_phones is not None:
        select.where(f"{'' if is_for_phones else 'not '}c.is_multi_phone_sync_credential")
    if term is not None:
        lookups = _lookups(keyring, workspace_id, term)
        await credential_search.where_matches(source, select, workspace_id, term, lookups)
    visible.narrow_credentials(select, sight)
    rows, next_after = await select.page(source, _ORDER, limit, after)
    return [_credential(row, keyring) for row in rows], next_after


async def list_unmanaged(
    source: Source,
    keyring: Keyring,
    workspace_id: UUID,
    *,
    acs_system_id: UUID | None = None,
    acs_user_id: UUID | None = None,
    user_identity_id: UUID | None = None,
    term: str | None = None,
) -> list[AcsCredential]:
    """All credentials that match and that another system manages, the oldest first."""
    select = _select(workspace_id, is_managed=False)
    _where_owned(select, acs_system_id, acs_user_id, user_identity_id)
    if term is not None:
        lookups = _lookups(keyring, workspace_id, term)
        await credential_search.where_matches(source, select, workspace_id, term, lookups)
    return await _all(select, source, keyring)


async def list_at_entrance(
    source: Source,
    keyring: Keyring,
    workspace_id: UUID,
    acs_entrance_id: UUID,
    at: datetime,
    *,
    sight: Sight | None = None,
) -> list[AcsCredential]:
    """All credentials that open an entrance at an instant, the oldest first."""
    select = _select(workspace_id, is_managed=True)
    rule = access.AT_ENTRANCE.format(id="{0}", at="{1}")
    select.where(rule, acs_entrance_id, access.instant(at))
    visible.narrow_some_credentials(select, sight)
    return await _all(select, source, keyring)


def _select(workspace_id: UUID, *, is_managed: bool) -> Select:
    select = Select(_SELECT, workspace_id)
    select.where(troubles.ours("c") if is_managed else troubles.others("c"))
    return select


def _where_owned(
    select: Select,
    acs_system_id: UUID | None,
    acs_user_id: UUID | None,
    user_identity_id: UUID | None,
) -> None:
    select.where_given("c.acs_system_id = {0}", acs_system_id)
    select.where_given("c.acs_user_id = {0}", acs_user_id)
    select.where_given("u.user_identity_id = {0}", user_identity_id)


def _lookups(keyring: Keyring, workspace_id: UUID, term: str) -> list[bytes]:
    """The hashes of every number that a term can be."""
    return [
        lookup(keyring, workspace_id, number)
        for number in (parse_card(term), parse_code(term.strip()))
        if isinstance(number, CardNumber | CodeNumber)
    ]


async def _all(select: Select, source: Source, keyring: Keyring) -> list[AcsCredential]:
    rows = await select.fetch(source, f"order by {', '.join(_ORDER)}")
    return [_credential(row, keyring) for row in rows]


def _credential(row: asyncpg.Record, keyring: Keyring) -> AcsCredential:
    number, method = _number(row, keyring), row["access_method"]
    its_type = PROVIDERS[row["system_type"]].credential_type
    is_ours = troubles.is_ours(row)
    kind = AcsCredential if is_ours else UnmanagedAcsCredential
    return kind(
        acs_credential_id=row["acs_credential_id"],
        acs_system_id=row["acs_system_id"],
        acs_user_id=given(row["acs_user_id"]),
        access_method=method,
        card_number=number if method == "card" else None,
        code=number if method == "code" else None,
        connected_account_id=row["connected_account_id"],
        created_at=iso(row["created_at"]),
        display_name=row["display_name"],
        ends_at=given(iso_or_none(row["ends_at"])),
        errors=troubles.errors(row),
        external_type=given(its_type),
        external_type_display_name=given(its_type and display_name(its_type)),
        is_issued=row["issued_at"] is not None,
        is_managed=is_ours,
        is_multi_phone_sync_credential=row["is_multi_phone_sync_credential"],
        is_one_time_use=row["use_limit"] == 1,
        issued_at=iso_or_none(row["issued_at"]),
        parent_acs_credential_id=given(row["parent_acs_credential_id"]),
        starts_at=given(iso_or_none(row["starts_at"])),
        user_identity_id=given(row["user_identity_id"]),
        warnings=[
            *troubles.leaving(row),
            *troubles.warnings(row, "unknown_issue_with_acs_credential"),
            *_warnings(row, number),
        ],
        workspace_id=row["workspace_id"],
    )


def _warnings(row: asyncpg.Record, number: str | None) -> list[WarningEntry]:
    if row["issued_at"] is None:
        message = _ON_NO_PHONE if row["access_method"] == "mobile_key" else _UNISSUED
        return [_warning("waiting_to_be_issued", message, row["created_at"])]
    if row["access_method"] == "code" and number is not None and is_guessable(len(number)):
        # Of the API's closed list the one that asks for what mends it: another code.
        return [_warning("needs_to_be_reissued", _GUESSABLE, row["issued_at"])]
    return []


def _warning(warning_code: str, message: str, created_at: datetime) -> WarningEntry:
    return WarningEntry(created_at=iso(created_at), message=message, warning_code=warning_code)


def _number(row: asyncpg.Record, keyring: Keyring) -> str | None:
    if row["sealed"] is None:
        return None
    return open_number(keyring, row["workspace_id"], row["acs_credential_id"], row["sealed"])


def _context(workspace_id: UUID, acs_credential_id: UUID) -> bytes:
    return b"acs_credential" + workspace_id.bytes + acs_credential_id.bytes
