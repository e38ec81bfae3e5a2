"""/acs/encoders: what writes cards, and reads them, at a desk."""

from uuid import UUID

from msgspec import UnsetType

from doorward.api import encoding
from doorward.api.acs.encoder_requests import (
    EncodeCredential,
    EncoderKey,
    EncodeWillFail,
    EncodeWillSucceed,
    ListEncoders,
    ScanCredential,
    ScanToAssign,
    ScanWillFail,
    ScanWillSucceed,
)
from doorward.api.encoding import Asked
from doorward.api.issuing import check_is_card
from doorward.api.requests import found, is_given, or_none
from doorward.api.sandboxed import must_be_sandbox
from doorward.api.services import Services
from doorward.errors import invalid_input, not_found
from doorward.resources.acs_encoder import AcsEncoder
from doorward.resources.action_attempt import ActionAttempt
from doorward.store import credential_changes, encoders, identities, identity_reads, users
from doorward.store.database import Connection
from doorward.store.encoders import Action, Encoder, Scenario
from doorward.store.idempotency import Kept
from doorward.store.people import Credential
from doorward.wire.route import STAFF, Call, Listed, Route


async def get(call: Call[Services], request: EncoderKey) -> AcsEncoder:
    """One encoder."""
    encoder = await encoders.get(call.services.database, call.workspace_id, request.acs_encoder_id)
    return found(encoder, "acs_encoder")


async def list_encoders(call: Call[Services], request: ListEncoders) -> Listed:
    """A page of encoders."""
    system_id = or_none(request.acs_system_id)
    assert call.page is not None
    rows, next_after = await encoders.list_encoders(
        call.services.database,
        call.workspace_id,
        acs_system_ids=or_none(request.acs_system_ids) if system_id is None else [system_id],
        acs_encoder_ids=or_none(request.acs_encoder_ids),
        sight=call.caller.sight,
        limit=call.page.limit,
        after=call.page.after,
    )
    return Listed(rows, next_after)


async def encode_credential(
    call: Call[Services], request: EncodeCredential
) -> ActionAttempt | Kept:
    """Gives a credential the card that lies on an encoder."""

    async def look(connection: Connection) -> Asked:
        encoder = await _encoder(connection, call, request.acs_encoder_id)
        # There are no access grants here, so no access methods of them.
        if is_given(request.access_method_id):
            raise not_found("access_method")
        assert isinstance(request.acs_credential_id, UUID)
        credential = await _card(connection, call, encoder, request.acs_credential_id)
        if credential.lookup is not None:
            raise invalid_input("The credential has been encoded already, and keeps its card")
        return Asked("ENCODE_CREDENTIAL", encoder, acs_credential_id=request.acs_credential_id)

    return await encoding.begin(call, look)


async def scan_credential(call: Call[Services], request: ScanCredential) -> ActionAttempt | Kept:
    """Tells what is on the card that lies on an encoder."""

    async def look(connection: Connection) -> Asked:
        _refuse_what_is_not_native(request)
        return Asked("SCAN_CREDENTIAL", await _encoder(connection, call, request.acs_encoder_id))

    return await encoding.begin(call, look)


async def scan_to_assign_credential(
    call: Call[Services], request: ScanToAssign
) -> ActionAttempt | Kept:
    """Gives the card that lies on an encoder to a person."""

    async def look(connection: Connection) -> Asked:
        _refuse_what_is_not_native(request)
        encoder = await _encoder(connection, call, request.acs_encoder_id)
        asked = Asked(
            "SCAN_TO_ASSIGN_CREDENTIAL",
            encoder,
            acs_user_id=or_none(request.acs_user_id),
            user_identity_id=or_none(request.user_identity_id),
        )
        await _check_person(connection, call, asked)
        return asked

    return await encoding.begin(call, look)


async def next_credential_encode_will_succeed(
    call: Call[Services], request: EncodeWillSucceed
) -> None:
    """The next attempt to encode succeeds."""
    await _simulate(call, request.acs_encoder_id, "encode", Scenario(request.scenario))


async def next_credential_encode_will_fail(call: Call[Services], request: EncodeWillFail) -> None:
    """The next attempt to encode fails."""
    scenario = Scenario(request.error_code, or_none(request.acs_credential_id))
    await _simulate(call, request.acs_encoder_id, "encode", scenario)


async def next_credential_scan_will_succeed(call: Call[Services], request: ScanWillSucceed) -> None:
    """The next attempt to scan finds a card."""
    scenario = Scenario(request.scenario, or_none(request.acs_credential_id_on_seam))
    await _simulate(call, request.acs_encoder_id, "scan", scenario)


async def next_credential_scan_will_fail(call: Call[Services], request: ScanWillFail) -> None:
    """The next attempt to scan fails."""
    scenario = Scenario(request.error_code, or_none(request.acs_credential_id_on_seam))
    await _simulate(call, request.acs_encoder_id, "scan", scenario)


async def _simulate(
    call: Call[Services], acs_encoder_id: UUID, action: Action, scenario: Scenario
) -> None:
    await must_be_sandbox(call)
    async with call.services.database.transaction() as connection:
        encoder = await _encoder(connection, call, acs_encoder_id)
        if scenario.acs_credential_id is not None:
            card = await _card(connection, call, encoder, scenario.acs_credential_id)
            if action == "scan" and card.lookup is None:
                raise invalid_input("The credential waits for its card, so that none can be found")
        where = connection, call.workspace_id, acs_encoder_id
        if not await encoders.set_scenario(*where, action, scenario):
            raise not_found("acs_encoder")


async def _encoder(connection: Connection, call: Call[Services], acs_encoder_id: UUID) -> Encoder:
    encoder = await encoders.find(
        connection, call.workspace_id, acs_encoder_id, sight=call.caller.sight
    )
    return found(encoder, "acs_encoder")


async def _card(
    connection: Connection, call: Call[Services], encoder: Encoder, acs_credential_id: UUID
) -> Credential:
    """A card of the encoder's system. Raises ApiError."""
    credential = found(
        await credential_changes.find(connection, call.workspace_id, acs_credential_id),
        "acs_credential",
    )
    if credential.acs_system_id != encoder.acs_system_id:
        raise _elsewhere(call, "acs_credential", "credential")
    check_is_card(credential)
    return credential


async def _check_person(connection: Connection, call: Call[Services], asked: Asked) -> None:
    where, system_id = (connection, call.workspace_id), asked.encoder.acs_system_id
    if asked.acs_user_id is not None:
        if found(await users.system_of(*where, asked.acs_user_id), "acs_user") != system_id:
            raise _elsewhere(call, "acs_user", "user")
        return
    assert asked.user_identity_id is not None
    identity = await identity_reads.get(*where, asked.user_identity_id, sight=call.caller.sight)
    identity_id = found(identity, "user_identity").user_identity_id
    if await identities.user_in_system(
        *where, identity_id, system_id
    ) is None and await identities.has_user_in(*where, identity_id, system_id):
        raise invalid_input("The user identity's user in this access system is unmanaged")


def _elsewhere(call: Call[Services], kind: str, words: str) -> Exception:
    # What is in another system is out of a session's sight.
    if call.caller.sight is not None:
        return not_found(kind)
    return invalid_input(f"The {words} and the encoder are of different access systems")


def _refuse_what_is_not_native(request: ScanCredential) -> None:
    if not isinstance(request.salto_ks_metadata, UnsetType):
        raise invalid_input("The native access system has no 'salto_ks_metadata'")


ROUTES = (
    Route(
        path="/acs/encoders/get",
        verbs=("GET", "POST"),
        request=EncoderKey,
        handler=get,
        summary="Get a card encoder",
        response_key="acs_encoder",
        resource=AcsEncoder,
    ),
    Route(
        path="/acs/encoders/list",
        verbs=("GET", "POST"),
        request=ListEncoders,
        handler=list_encoders,
        summary="List card encoders",
        response_key="acs_encoders",
        resource=AcsEncoder,
        is_list=True,
        page_limit=500,
        callers=(*STAFF, "client_session_with_customer", "client_session_with_customer_ro"),
    ),
    Route(
        path="/acs/encoders/encode_credential",
        verbs=("POST",),
        request=EncodeCredential,
        handler=encode_credential,
        summary="Give a credential the card that lies on an encoder",
        response_key="action_attempt",
        resource=ActionAttempt,
        action_type="ENCODE_CREDENTIAL",
        is_creating=True,
        callers=(*STAFF, "client_session_with_customer"),
    ),
    Route(
        path="/acs/encoders/scan_credential",
        verbs=("POST",),
        request=ScanCredential,
        handler=scan_credential,
        summary="Scan the card that lies on an encoder",
        response_key="action_attempt",
        resource=ActionAttempt,
        action_type="SCAN_CREDENTIAL",
        is_creating=True,
    ),
    Route(
        path="/acs/encoders/scan_to_assign_credential",
        verbs=("POST",),
        request=ScanToAssign,
        handler=scan_to_assign_credential,
        summary="Give the card that lies on an encoder to a person, by user or by identity",
        response_key="action_attempt",
        resource=ActionAttempt,
        action_type="SCAN_TO_ASSIGN_CREDENTIAL",
        is_creating=True,
        callers=(*STAFF, "client_session_with_customer"),
    ),
    Route(
        path="/acs/encoders/simulate/next_credential_encode_will_succeed",
        verbs=("POST",),
        request=EncodeWillSucceed,
        handler=next_credential_encode_will_succeed,
        summary="Let an encoder's next attempt to encode succeed",
        is_sandbox_only=True,
        callers=(*STAFF, "client_session_with_customer"),
    ),
    Route(
        path="/acs/encoders/simulate/next_credential_encode_will_fail",
        verbs=("POST",),
        request=EncodeWillFail,
        handler=next_credential_encode_will_fail,
        summary="Let an encoder's next attempt to encode fail",
        is_sandbox_only=True,
    ),
    Route(
        path="/acs/encoders/simulate/next_credential_scan_will_succeed",
        verbs=("POST",),
        request=ScanWillSucceed,
        handler=next_credential_scan_will_succeed,
        summary="Say what an encoder's next attempt to scan finds",
        is_sandbox_only=True,
    ),
    Route(
        path="/acs/encoders/simulate/next_credential_scan_will_fail",
        verbs=("POST",),
        request=ScanWillFail,
        handler=next_credential_scan_will_fail,
        summary="Let an encoder's next attempt to scan fail",
        is_sandbox_only=True,
    ),
)
