"""Ids of merged identities: everywhere they go on naming what they were merged into."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import wraps
from typing import Any, Final
from uuid import UUID

import msgspec

from doorward.api.services import Services
from doorward.errors import ApiError
from doorward.store import identities
from doorward.wire.issues import Invalid
from doorward.wire.route import Call, Handler, Route
from doorward.wire.scalars import read_uuid

# Every parameter that names identities by id.
_NAMES: Final = ("user_identity_id", "user_identity_ids", "owner_user_identity_id")
_UNKNOWN: Final = "user_identity_not_found"


def naming(routes: Iterable[Route]) -> tuple[Route, ...]:
    """The routes; those that name identities take the ids of merged ones too."""
    return tuple(_naming(route) if set(_NAMES) & _parameters(route) else route for route in routes)


def _parameters(route: Route) -> set[str]:
    return set(route.request.__struct_fields__)


def _naming(route: Route) -> Route:
    # A list finds nothing for an id that nobody has. All other calls refuse it, and are made once
    # more: a call by an identity's own id costs nothing.
    return replace(route, handler=_ahead(route.handler) if route.is_list else _after(route.handler))


def _ahead(handler: Handler) -> Handler:
    @wraps(handler)
    async def handle(call: Call[Services], request: Any) -> Any:
        return await handler(call, await _resolved(call, request) or request)

    return handle


def _after(handler: Handler) -> Handler:
    @wraps(handler)
    async def handle(call: Call[Services], request: Any) -> Any:
        try:
            return await handler(call, request)
        except ApiError as refusal:
            resolved = await _resolved(call, request) if refusal.kind == _UNKNOWN else None
            if resolved is None:
                raise
        return await handler(call, resolved)

    return handle


async def _resolved(call: Call[Services], request: msgspec.Struct) -> msgspec.Struct | None:
    """The request with what its ids name now, None where they are nobody's but their own."""
    named = {id_: text for text in _texts(request) if (id_ := _id(text))}
    if not named:
        return None
    now = await identities.merged_into(call.services.database, call.workspace_id, [*named])
    texts = {named[old]: new for old, new in now.items()}
    return _replaced(request, texts) if texts else None


def _texts(request: msgspec.Struct) -> Iterator[Any]:
    for name in _NAMES:
        value = getattr(request, name, None)
        yield from value if isinstance(value, list) else [value]


def _id(text: Any) -> UUID | None:
    # Some calls take any text for an id.
    if not isinstance(text, str):
        return text if isinstance(text, UUID) else None
    try:
        return read_uuid(text)
    except Invalid:
        return None


def _replaced(request: msgspec.Struct, texts: dict[Any, UUID]) -> msgspec.Struct:
    changed = {}
    for name in _NAMES:
        value = getattr(request, name, None)
        if isinstance(value, list):
            changed[name] = [_as(each, texts.get(each, each)) for each in value]
        elif value in texts:
            changed[name] = _as(value, texts[value])
    return msgspec.structs.replace(request, **changed)


def _as(old: Any, new: Any) -> Any:
    return str(new) if isinstance(old, str) else new
