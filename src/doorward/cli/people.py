"""What the live view offers to choose from: people, their cards and codes, their groups."""

from typing import Any

from doorward.cli.choice import Option
from doorward.cli.http import Client

Change = tuple[str, dict[str, str]]


async def people(client: Client) -> list[Option[dict[str, Any]]]:
    """Everybody, by name."""
    users = (await client.look("/acs/users/list"))["acs_users"]
    return sorted((Option(user["display_name"], user) for user in users), key=_by_label)


async def factors(client: Client) -> list[Option[dict[str, str]]]:
    """Every card and code, by the name of whom it belongs to, as parameters of a read."""
    users = (await client.look("/acs/users/list"))["acs_users"]
    names = {user["acs_user_id"]: user["display_name"] for user in users}
    credentials = (await client.look("/acs/credentials/list"))["acs_credentials"]
    found = []
    for credential in credentials:
        who = names.get(credential.get("acs_user_id"), "nobody")
        found += [Option(f"{who}, {label}", factor) for label, factor in _factors(credential)]
    return sorted(found, key=_by_label)


async def membership_changes(client: Client, user: dict[str, Any]) -> list[Option[Change]]:
    """The calls that take a person out of each of her groups, or put her into another one."""
    acs_user_id, system = user["acs_user_id"], user["acs_system_id"]
    every = await client.look("/acs/access_groups/list", acs_system_id=system)
    hers = await client.look("/acs/access_groups/list", acs_user_id=acs_user_id)
    member_of = {group["acs_access_group_id"] for group in hers["acs_access_groups"]}
    groups = sorted(every["acs_access_groups"], key=lambda group: str(group["display_name"]))
    return [_change(group, acs_user_id, member_of) for group in groups]


def _change(group: dict[str, Any], acs_user_id: str, member_of: set[str]) -> Option[Change]:
    acs_access_group_id = group["acs_access_group_id"]
    parameters = {"acs_user_id": acs_user_id, "acs_access_group_id": acs_access_group_id}
    if acs_access_group_id in member_of:
        path = "/acs/users/remove_from_access_group"
        return Option(f"out of {group['display_name']}", (path, parameters))
    path = "/acs/users/add_to_access_group"
    return Option(f"into {group['display_name']}", (path, parameters))


def _factors(credential: dict[str, Any]) -> list[tuple[str, dict[str, str]]]:
    card, code = credential["card_number"], credential["code"]
    found = [(f"card {card}", {"card_number": card})] if card else []
    return [*found, (f"code {code}", {"code": code})] if code else found


def _by_label(option: Option[Any]) -> str:
    return option.label.casefold()
