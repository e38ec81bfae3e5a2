"""Credentials, as the API shows them; their numbers are sealed, and found by a keyed hash."""

from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg

from doorward.policy.cards import CardNumber, CodeNumber, parse_card, parse_code
from doorward.resources.acs_credential import AcsCredential
from doorward.resources.values import WarningEntry, given, iso, iso_or_none
from doorward.store import search, visible
from doorward.store.secrets import Keyring
from doorward.store.select import After, Select, Source
from doorward.store.sight import Sight

_SELECT = """
select c.*, c.acs_credential_id id, s.connected_account_id, u.user_identity_id
from acs_credential c
join acs_system s on s.workspace_id = c.workspace_id and s.acs_system_id = c.acs_system_id
left join acs_user u on u.workspace_id = c.workspace_id and u.acs_user_id = c.acs_user_id
where c.workspace_id = $1"""
_ORDER = ("c.created_at", "c.acs_credential_id")

_UNISSUED: Final = "No number has been given to the credential yet, so that no door knows it."


def seal_number(keyring: Keyring, workspace_id: UUID, acs_credential_id: UUID, text: str) -> bytes:
    """What acs_credential.sealed holds: a card's or a code's text, for this row alone."""
    return keyring.seal(text.encode(), _context(workspace_id, acs_credential_id))


def lookup(keyring: Keyring, workspace_id: UUID, number: CardNumber | CodeNumber) -> bytes:
    """What acs_credential.lookup holds: the keyed hash by which a number is found."""
    kind: Final = "card" if isinstance(number, CardNumber) else "code"
    return keyring.lookup(workspace_id, kind, number.canonical)


async def get(
    source: Source, keyring: Keyring, workspace_id: UUID, acs_credential_id: UUID
) -> AcsCredential | None:
    """A credential with its number in the clear, None for an unknown id."""
    select = Select(_SELECT, workspace_id)
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
    term: str | None = None,
    sight: Sight | None = None,
    limit: int,
    after: After | None,
) -> tuple[list[AcsCredential], After | None]:
    """A page of the credentials that match all filters, the oldest first."""
    select = Select(_SELECT, workspace_id)
    select.where_given("c.acs_system_id = {0}", acs_system_id)
    select.where_given("c.acs_user_id = {0}", acs_user_id)
    select.where_given("u.user_identity_id = {0}", user_identity_id)
    select.where_given("c.created_at < {0}", created_before)
    if term is not None:
        _where_matches(select, keyring, workspace_id, term)
    visible.narrow_credentials(select, sight)
    rows, next_after = await select.page(source, _ORDER, limit, after)
    return [_credential(row, keyring) for row in rows], next_after


def _where_matches(select: Select, keyring: Keyring, workspace_id: UUID, term: str) -> None:
    """By part of the name, by the beginning of its own or its owner's id, by the whole number."""
    numbers = (parse_card(term), parse_code(term.strip()))
    lookups = [
        lookup(keyring, workspace_id, number)
        for number in numbers
        if isinstance(number, CardNumber | CodeNumber)
    ]
    found = f"{search.contains('c.display_name', '{0}')} or c.lookup = any ({{1}}::bytea[])"
    ids = search.id_range(term)
    if ids is not None:
        found += " or c.acs_credential_id between {2} and {3} or c.acs_user_id between {2} and {3}"
    select.where(found, search.plain(term), lookups, *(ids or ()))


def _credential(row: asyncpg.Record, keyring: Keyring) -> AcsCredential:
    number = _number(row, keyring)
    is_card = row["access_method"] == "card"
    return AcsCredential(
        acs_credential_id=row["acs_credential_id"],
        acs_system_id=row["acs_system_id"],
        acs_user_id=given(row["acs_user_id"]),
        access_method=row["access_method"],
        card_number=number if is_card else None,
        code=None if is_card else number,
        connected_account_id=row["connected_account_id"],
        created_at=iso(row["created_at"]),
        display_name=row["display_name"],
        ends_at=given(iso_or_none(row["ends_at"])),
        errors=[],
        external_type="doorward_credential",
        external_type_display_name="Doorward credential",
        is_issued=row["issued_at"] is not None,
        is_managed=True,
        is_multi_phone_sync_credential=False,
        is_one_time_use=False,
        issued_at=iso_or_none(row["issued_at"]),
        starts_at=given(iso_or_none(row["starts_at"])),
        user_identity_id=given(row["user_identity_id"]),
        warnings=[] if row["issued_at"] else [_waiting(row)],
        workspace_id=row["workspace_id"],
    )


def _waiting(row: asyncpg.Record) -> WarningEntry:
    return WarningEntry(
        created_at=iso(row["created_at"]), message=_UNISSUED, warning_code="waiting_to_be_issued"
    )


def _number(row: asyncpg.Record, keyring: Keyring) -> str | None:
    if row["sealed"] is None:
        return None
    context = _context(row["workspace_id"], row["acs_credential_id"])
    return keyring.open(row["sealed"], context).decode()


def _context(workspace_id: UUID, acs_credential_id: UUID) -> bytes:
    return b"acs_credential" + workspace_id.bytes + acs_credential_id.bytes
