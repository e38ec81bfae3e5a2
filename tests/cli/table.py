"""A small route table with every kind of parameter."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from doorward.wire.route import Call, Route


class GetUser(msgspec.Struct):
    acs_user_id: UUID


class ListUsers(msgspec.Struct):
    search: Annotated[str, Meta(min_length=1)] | UnsetType = UNSET
    acs_user_ids: list[UUID] | UnsetType = UNSET
    is_suspended: bool | UnsetType = UNSET
    created_before: datetime | UnsetType = UNSET
    order: Literal["name", "age"] | UnsetType = UNSET
    custom_metadata_has: dict[str, str] | UnsetType = UNSET


class Nothing(msgspec.Struct):
    pass


async def _handler(_call: Call[Any], _request: Any) -> None:
    return None


def _route(
    path: str, request: type[msgspec.Struct], summary: str, page_limit: int | None = None
) -> Route:
    return Route(path, ("POST",), request, _handler, summary, page_limit=page_limit)


GET_USER = _route("/acs/users/get", GetUser, "Get a person")
LIST_USERS = _route("/acs/users/list", ListUsers, "List people", page_limit=500)

ROUTES = (
    GET_USER,
    LIST_USERS,
    _route("/acs/systems/list", Nothing, "List systems"),
    _route("/workspaces/get", Nothing, "Get the workspace"),
)
