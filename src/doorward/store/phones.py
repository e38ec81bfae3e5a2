"""Phones of people across access systems: set up, shown, and deactivated."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID, uuid4

import asyncpg
import msgspec

from doorward.errors import ApiError
from doorward.resources.phone import (
    AssaAbloyService,
    Endpoint,
    OperatingSystem,
    Phone,
    PhoneProperties,
)
from doorward.resources.values import iso
from doorward.store.database import Connection
from doorward.store.journal import Change
from doorward.store.select import Select, Source
from doorward.store.sight import Sight

_SELECT: Final = "select p.* from phone p where p.workspace_id = $1"
_INSTALLATION: Final = "phone_by_installation"

# What a phone is for: of cards and codes none is on it, nor of anything that is nobody's.
_WITH_CREDENTIAL: Final = """p.user_identity_id = (
  select u.user_identity_id from acs_credential c
  join acs_user u on u.workspace_id = c.workspace_id and u.acs_user_id = c.acs_user_id
  where c.workspace_id = $1 and c.acs_credential_id = {0} and c.is_managed
    and c.access_method in ('cloud_key', 'mobile_key'))
  and p.device_id = coalesce((
    select c.device_id from acs_credential c
    where c.workspace_id = $1 and c.acs_credential_id = {0}), p.device_id)"""


@dataclass(frozen=True, slots=True)
class NewPhone:
    """What a phone tells of itself when it is set up; the metadata is kept as it was told."""

    user_identity_id: UUID
    operating_system: OperatingSystem
    display_name: str
    custom_sdk_installation_id: str | None
    phone_metadata: dict[str, Any]
    assa_abloy_metadata: dict[str, Any]


async def create(connection: Connection, change: Change, phone: NewPhone) -> Phone:
    """Keeps a phone of an identity that there is.

    Raises ApiError 409 `duplicate_custom_sdk_installation_id` where another phone has the app.
    """
    try:
        row = await connection.fetchrow(
            "insert into phone values ($1, $2, $3, $4, $5, $6, $7::text::jsonb, $8::text::jsonb,"
            " $9) returning *",
            change.workspace_id,
            uuid4(),
            phone.user_identity_id,
            f"{phone.operating_system}_phone",
            phone.display_name,
            phone.custom_sdk_installation_id,
            msgspec.json.encode(phone.phone_metadata).decode(),
            msgspec.json.encode(phone.assa_abloy_metadata).decode(),
            change.at,
        )
    except asyncpg.UniqueViolationError as conflict:
        if conflict.constraint_name != _INSTALLATION:
            raise
        raise ApiError(
            409,
            "duplicate_custom_sdk_installation_id",
            "Another phone has this custom_sdk_installation_id",
        ) from conflict
    assert row is not None
    return _phone(row)


async def get(source: Source, workspace_id: UUID, device_id: UUID) -> Phone | None:
    """A phone, None for an unknown id and for one that was deactivated."""
    select = Select(_SELECT, workspace_id)
    select.where("p.device_id = {0}", device_id)
    row = await select.fetchrow(source)
    return _phone(row) if row else None


async def list_phones(
    source: Source,
    workspace_id: UUID,
    *,
    acs_credential_id: UUID | None = None,
    owner_user_identity_id: UUID | None = None,
) -> list[Phone]:
    """All phones that match, the oldest first.

    acs_credential_id: the phones on which a key is, one or all of its owner's. Cards and codes are
    on none.
    """
    select = Select(_SELECT, workspace_id)
    select.where_given("p.user_identity_id = {0}", owner_user_identity_id)
    select.where_given(_WITH_CREDENTIAL, acs_credential_id)
    return [_phone(row) for row in await select.fetch(source, "order by p.created_at, p.device_id")]


async def deactivate(
    connection: Connection, workspace_id: UUID, device_id: UUID, *, sight: Sight | None = None
) -> UUID | None:
    """Takes a phone away; answers whose it was, None where the caller may take none such away.

    An end user's session may do so with the phones of its own person alone.
    """
    select = Select("select p.device_id from phone p where p.workspace_id = $1", workspace_id)
    select.where("p.device_id = {0}", device_id)
    if sight is not None:
        select.where("p.user_identity_id = {0}::uuid", sight.user_identity_id)
    if await select.fetchrow(connection) is None:
        return None
    owner: UUID | None = await connection.fetchval(
        "delete from phone where workspace_id = $1 and device_id = $2 returning user_identity_id",
        workspace_id,
        device_id,
    )
    return owner


async def deactivate_of(
    connection: Connection, workspace_id: UUID, user_identity_ids: Collection[UUID]
) -> list[UUID]:
    """Takes away all phones of these identities; answers which those were, the oldest first."""
    rows = await connection.fetch(
        "with gone as (delete from phone where workspace_id = $1"
        " and user_identity_id = any ($2::uuid[]) returning device_id, created_at)"
        " select device_id from gone order by created_at, device_id",
        workspace_id,
        list(user_identity_ids),
    )
    return [row["device_id"] for row in rows]


def _phone(row: asyncpg.Record) -> Phone:
    metadata = msgspec.json.decode(row["assa_abloy_metadata"])
    endpoint = Endpoint(endpoint_id=str(metadata["seos_tsm_endpoint_id"]), is_active=True)
    service = AssaAbloyService(endpoints=[endpoint], has_active_endpoint=True)
    return Phone(
        device_id=row["device_id"],
        created_at=iso(row["created_at"]),
        custom_metadata={},
        device_type=row["device_type"],
        display_name=row["display_name"],
        errors=[],
        properties=PhoneProperties(assa_abloy_credential_service_metadata=service),
        warnings=[],
        workspace_id=row["workspace_id"],
    )
