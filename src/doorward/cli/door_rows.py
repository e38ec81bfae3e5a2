"""A door of /doorward/doors/list as a row of cells, for the live view and the printed table."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from rich.text import Text

HEADER: Final = ("ENTRANCE", "LOCK", "LIGHT", "LAST READ", "ANSWER", "WHO", "CONTROLLER")

_LIGHTS: Final = {"green": "green", "red": "red", "off": "dim"}
_OUTCOMES: Final = {"allow": "green", "deny": "red", "need": "yellow"}


def row(door: Mapping[str, Any], names: Mapping[str, str]) -> list[Text]:
    """The cells of a door; `names` are people's names by id."""
    return [
        Text(door["display_name"]),
        Text("locked") if door["is_locked"] else Text("open", style="green"),
        Text(f"● {door['light']}", style=_LIGHTS[door["light"]]),
        *_read(door["last_read"], names),
        _controller(door["controller"]),
    ]


def _read(read: Mapping[str, Any] | None, names: Mapping[str, str]) -> list[Text]:
    if read is None:
        return [Text("-"), Text("-"), Text("-")]
    answer = f"{read['reason']} (revision {read['policy_revision']})"
    who = read["acs_user_id"]
    return [
        Text(_clock(read["at"])),
        Text(answer, style=_OUTCOMES[read["outcome"]]),
        Text(names.get(who, who) if who else "unknown"),
    ]


def _controller(controller: Mapping[str, Any]) -> Text:
    state = _connection(controller)
    return Text.assemble(
        state, f", revision {controller['confirmed_revision']}, {controller['name']}"
    )


def _connection(controller: Mapping[str, Any]) -> tuple[str, str]:
    if controller["is_held"]:
        return f"cut off{_since(controller)}", "yellow"
    if not controller["is_running_here"]:
        return "not run by this server", "red"
    if not controller["is_connected"]:
        return f"no connection{_since(controller)}", "red"
    return "connected", "green"


def _since(controller: Mapping[str, Any]) -> str:
    contact = controller["last_contact_at"]
    return f" since {_clock(contact)}" if contact else ""


def _clock(timestamp: str) -> str:
    return f"{datetime.fromisoformat(timestamp).astimezone():%H:%M:%S}"
