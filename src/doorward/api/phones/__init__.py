"""/phones: phones of people across access systems."""

import msgspec
from msgspec import UNSET, UnsetType

from doorward.api.changing import carry_out
from doorward.api.parameters import AcsCredentialId, PhoneId, UserIdentityId
from doorward.api.requests import found, or_none
from doorward.api.services import Services
from doorward.events import phones as on_phones
from doorward.resources.phone import Phone
from doorward.store import phones
from doorward.store.database import Connection
from doorward.store.journal import Change
from doorward.wire.route import STAFF, Call, Route


class PhoneKey(msgspec.Struct):
    """A phone by id."""

    device_id: PhoneId


class ListPhones(msgspec.Struct):
    """Filters of phones."""

    acs_credential_id: AcsCredentialId | UnsetType = UNSET
    owner_user_identity_id: UserIdentityId | UnsetType = UNSET


async def get(call: Call[Services], request: PhoneKey) -> Phone:
    """One phone."""
    phone = await phones.get(call.services.database, call.workspace_id, request.device_id)
    return found(phone, "device")


async def list_phones(call: Call[Services], request: ListPhones) -> list[Phone]:
    """All phones that match."""
    return await phones.list_phones(
        call.services.database,
        call.workspace_id,
        acs_credential_id=or_none(request.acs_credential_id),
        owner_user_identity_id=or_none(request.owner_user_identity_id),
    )


async def deactivate(call: Call[Services], request: PhoneKey) -> None:
    """Takes a phone away; an end user's session, of its own person's phones alone."""
    sight = call.caller.sight

    async def make(connection: Connection, change: Change) -> None:
        where = (connection, change.workspace_id, request.device_id)
        owner = found(await phones.deactivate(*where, sight=sight), "device")
        await on_phones.tell_of_phones(connection, change, [request.device_id])
        await on_phones.follow_identities(connection, change, [owner])

    await carry_out(call, make)


ROUTES = (
    Route(
        path="/phones/get",
        verbs=("GET", "POST"),
        request=PhoneKey,
        handler=get,
        summary="Get a phone",
        response_key="phone",
        resource=Phone,
    ),
    Route(
        path="/phones/list",
        verbs=("GET", "POST"),
        request=ListPhones,
        handler=list_phones,
        summary="List phones",
        response_key="phones",
        resource=Phone,
        is_list=True,
    ),
    Route(
        path="/phones/deactivate",
        verbs=("DELETE", "POST"),
        request=PhoneKey,
        handler=deactivate,
        summary="Deactivate a phone, which takes it away",
        callers=(*STAFF, "client_session"),
    ),
)
