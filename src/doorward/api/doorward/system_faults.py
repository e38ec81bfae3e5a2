"""Faults of simulated access systems, and what others do there by hand."""

from dataclasses import dataclass
from typing import Annotated, Final
from uuid import UUID, uuid4

import msgspec
from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from doorward.api.parameters import AcsCredentialId, AcsSystemId, AcsUserId
from doorward.api.requests import found, or_none
from doorward.api.sandboxed import must_be_sandbox
from doorward.api.services import Services
from doorward.errors import invalid_input, not_found
from doorward.resources.provider import PROVIDERS
from doorward.store import external, simulated, systems
from doorward.store.external import Key, Where
from doorward.store.simulated import Behaviour, Faults
from doorward.wire.route import Call

# The fault of a request's field: how the two differ in name.
_FAULTS: Final = {
    "is_unreachable": "is_unreachable",
    "is_lying": "is_lying",
    "is_erring": "is_erring",
    "is_masking": "is_masking",
    "drops_codes": "drops_codes",
    "lacks_suspension": "lacks_suspension",
    "code_digits": "code_digits",
    "seats": "seats",
    "refused_acs_user_ids": "refused",
}


def _flag(description: str) -> msgspec.Meta:
    return msgspec.Meta(description=description)


LatencyMs = Annotated[
    int, msgspec.Meta(ge=0, le=60_000, description="How long each answer takes, in milliseconds.")
]
IsUnreachable = Annotated[bool, _flag("Whether it gives no answer.")]
IsLying = Annotated[bool, _flag("Whether it says that it has done what it has not.")]
IsErring = Annotated[bool, _flag("Whether it says that it could not do what it has done.")]
IsMasking = Annotated[bool, _flag("Whether it keeps the numbers of credentials to itself.")]
DropsCodes = Annotated[bool, _flag("Whether it takes a credential and leaves its number away.")]
LacksSuspension = Annotated[bool, _flag("Whether it cannot suspend people, whatever it claims.")]
CodeDigits = Annotated[
    int, msgspec.Meta(ge=1, le=20, description="How many digits of a code it keeps; null: all.")
]
Seats = Annotated[
    int, msgspec.Meta(ge=0, le=1_000_000, description="How many people it takes; null: any number.")
]
Refused = Annotated[
    list[UUID], msgspec.Meta(max_length=1_000, description="The users whom it refuses.")
]
HandCode = Annotated[
    str,
    msgspec.Meta(pattern=r"^[0-9]{1,20}$", description="The code, in digits."),
]
HandName = Annotated[
    str, msgspec.Meta(min_length=1, max_length=255, description="What the person is called.")
]


class Misbehave(msgspec.Struct):
    """A simulated system, and how it behaves from now on; what is left out stays."""

    acs_system_id: AcsSystemId
    code_digits: CodeDigits | UnsetType | None = UNSET
    drops_codes: DropsCodes | UnsetType = UNSET
    is_erring: IsErring | UnsetType = UNSET
    is_lying: IsLying | UnsetType = UNSET
    is_masking: IsMasking | UnsetType = UNSET
    is_unreachable: IsUnreachable | UnsetType = UNSET
    lacks_suspension: LacksSuspension | UnsetType = UNSET
    latency_ms: LatencyMs | UnsetType = UNSET
    refused_acs_user_ids: Refused | UnsetType = UNSET
    seats: Seats | UnsetType | None = UNSET


class Forget(msgspec.Struct):
    """A simulated system."""

    acs_system_id: AcsSystemId


class DeleteUser(msgspec.Struct):
    """A person whom a simulated system has, and the system."""

    acs_system_id: AcsSystemId
    acs_user_id: AcsUserId


class ChangeCode(msgspec.Struct):
    """A credential that a simulated system has, the system, and the credential's new code."""

    acs_credential_id: AcsCredentialId
    acs_system_id: AcsSystemId
    code: HandCode


class MakeUser(msgspec.Struct):
    """A simulated system, and a person to be made there, with a code or without."""

    acs_system_id: AcsSystemId
    full_name: HandName
    code: HandCode | UnsetType = UNSET


@dataclass(frozen=True, slots=True)
class _Simulator:
    """A simulated system as a call of this workspace finds it; others it does not find."""

    call: Call[Services]
    where: Where
    behaviour: Behaviour

    async def done(self) -> None:
        """Lets the reconciler look at once."""
        await external.try_at_once(self.call.services.database, self.where)
        self.call.services.wake_systems(self.where.workspace_id)

    async def read(self) -> dict[Key, external.Fields]:
        """The system's own list."""
        services = self.call.services
        return await simulated.read(services.database, services.keyring, self.where)

    async def put(self, key: Key, fields: external.Fields) -> None:
        """Writes one object by hand."""
        services = self.call.services
        await simulated.put(services.database, services.keyring, self.where, key, fields)


async def misbehave(call: Call[Services], request: Misbehave) -> None:
    """Sets how a simulated system behaves."""
    simulator = await _find(call, request.acs_system_id)
    given = {
        fault: getattr(request, name)
        for name, fault in _FAULTS.items()
        if not isinstance(getattr(request, name), UnsetType)
    }
    if "refused" in given:
        given["refused"] = frozenset(given["refused"])
    faults: Faults = replace(simulator.behaviour.faults, **given)
    latency = request.latency_ms
    if isinstance(latency, UnsetType):
        latency = simulator.behaviour.latency_ms
    behaviour = Behaviour(latency, faults)
    await simulated.behave(call.services.database, simulator.where, behaviour)
    await simulator.done()


async def forget(call: Call[Services], request: Forget) -> None:
    """Empties a simulated system's list."""
    simulator = await _find(call, request.acs_system_id)
    await simulated.forget(call.services.database, simulator.where)
    await simulator.done()


async def delete_user(call: Call[Services], request: DeleteUser) -> None:
    """Deletes a person by hand, with memberships and credentials."""
    simulator = await _find(call, request.acs_system_id)
    listing = await simulator.read()
    key = Key("user", request.acs_user_id)
    if key not in listing:
        raise not_found("acs_user")
    theirs = [each for each, its in listing.items() if its.get("acs_user_id") == str(key.object_id)]
    await simulated.delete(call.services.database, simulator.where, key, theirs)
    await simulator.done()


async def change_code(call: Call[Services], request: ChangeCode) -> None:
    """Gives a credential another code by hand."""
    simulator = await _find(call, request.acs_system_id)
    key = Key("credential", request.acs_credential_id)
    fields = (await simulator.read()).get(key)
    if fields is None or fields.get("access_method") != "code":
        raise not_found("acs_credential")
    await simulator.put(key, {**fields, "number": request.code})
    await simulator.done()


async def make_user(call: Call[Services], request: MakeUser) -> None:
    """Makes a person by hand, and a code of theirs where one is given."""
    simulator = await _find(call, request.acs_system_id)
    acs_user_id, code = uuid4(), or_none(request.code)
    system = found(
        await systems.get(call.services.database, call.workspace_id, request.acs_system_id),
        "acs_system",
    )
    provider = PROVIDERS[system.external_type]
    if code is not None and "code" not in provider.methods:
        raise invalid_input(f"{provider.display_name} has no codes")
    await simulator.put(Key("user", acs_user_id), {"full_name": request.full_name})
    if code is not None:
        fields = {"acs_user_id": str(acs_user_id), "access_method": "code", "number": code}
        await simulator.put(Key("credential", uuid4()), fields)
    await simulator.done()


async def _find(call: Call[Services], acs_system_id: UUID) -> _Simulator:
    await must_be_sandbox(call)
    database = call.services.database
    found(await systems.get(database, call.workspace_id, acs_system_id), "acs_system")
    where = Where(call.workspace_id, acs_system_id)
    behaviour = await simulated.behaviour(database, where)
    return _Simulator(call, where, found(behaviour, "acs_system"))
