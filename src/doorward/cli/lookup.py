"""Finding entrances and people by what somebody types: an id, a name, an e-mail address."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from doorward.cli.http import Client, Refused
from doorward.errors import StartError

Resource = Mapping[str, Any]


async def list_doors(client: Client) -> list[dict[str, Any]]:
    """Every door of the workspace, by name."""
    answer = await client.look("/doorward/doors/list")
    doors: list[dict[str, Any]] = answer["doors"]
    return sorted(doors, key=lambda door: (door["display_name"], door["acs_entrance_id"]))


async def entrance_id(client: Client, text: str) -> str:
    """The id of an entrance from its id or display name. Raises StartError where none is meant."""
    if _is_id(text):
        return text
    doors = await list_doors(client)
    found = [door for door in doors if door["display_name"].casefold() == text.casefold()]
    names = ", ".join(door["display_name"] for door in doors)
    return _only(found, "acs_entrance_id", f"there is no entrance {text!r}; there are: {names}")


async def user_id(client: Client, text: str, acs_entrance_id: str) -> str:
    """The id of a person from an id, e-mail address or name, which must be one person's alone: in
    the entrance's system, or where nobody there is called so, in all.
    """
    if _is_id(text):
        return text
    entrance = await client.look("/acs/entrances/get", acs_entrance_id=acs_entrance_id)
    system = entrance["acs_entrance"]["acs_system_id"]
    answer = await client.look("/acs/users/list", search=text)
    users: list[dict[str, Any]] = answer["acs_users"]
    exact = [user for user in users if text.casefold() in _called(user)] or users
    here = [user for user in exact if user["acs_system_id"] == system] or exact
    return _only(here, "acs_user_id", f"there is nobody called {text!r}")


async def names_of(client: Client, user_ids: Iterable[str | None]) -> dict[str, str]:
    """The names of these people; without those that the server cannot tell now."""
    found = {}
    for acs_user_id in {user_id for user_id in user_ids if user_id}:
        try:
            answer = await client.look("/acs/users/get", acs_user_id=acs_user_id)
        except Refused:
            continue
        found[acs_user_id] = answer["acs_user"]["display_name"]
    return found


def _called(user: Resource) -> set[str]:
    keys = ("display_name", "full_name", "email_address", "user_identity_email_address")
    return {str(user.get(key) or "").casefold() for key in keys}


def _only(found: Sequence[Resource], key: str, nothing: str) -> str:
    if not found:
        raise StartError(nothing)
    if len(found) > 1:
        choices = ", ".join(f"{one['display_name']} {one[key]}" for one in found)
        raise StartError(f"more than one is called so, give an id: {choices}")
    return str(found[0][key])


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
